"""One thing that is wrong with a reply document."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from bridge.reply.tree import Node

# Of difflib: "Dail" for "Dial" is 0.75.
_SIMILARITY_MIN: Final = 0.75

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``line`` and ``element`` are None where it is the whole document."""

    severity: Severity
    line: int | None
    element: str | None
    fault: str
    remedy: str = ""

    @property
    def is_error(self) -> bool:
        """Say whether the bridge refuses the document for it."""
        return self.severity == "error"

    @property
    def meaning(self) -> str:
        """Return the fault, and what to do about it."""
        return f"{self.fault}: {self.remedy}" if self.remedy else self.fault

    def __str__(self) -> str:
        """Return the finding as one line, without the file's name."""
        line = [f"line {self.line}"] if self.line is not None else []
        element = [f"<{self.element}>"] if self.element is not None else []
        return ": ".join([*line, *element, self.meaning])


def finding_at(node: Node, severity: Severity, fault: str, remedy: str = "") -> Finding:
    """Return a finding about one element."""
    return Finding(severity, node.line, node.name, fault, remedy)


def closest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was most likely meant, None if none is near."""
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=_SIMILARITY_MIN)), None)
