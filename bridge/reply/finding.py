"""A fault of a reply document."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from bridge.reply.tree import Node

# A ratio of difflib: "Dail" for "Dial" has 0.75.
_SIMILARITY_MIN: Final = 0.75

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault, and its remedy. ``line`` and ``element`` are None for a fault of the whole document."""

    severity: Severity
    line: int | None
    element: str | None
    fault: str
    remedy: str = ""

    @property
    def is_error(self) -> bool:
        """Return True if the bridge refuses the document because of it."""
        return self.severity == "error"

    @property
    def meaning(self) -> str:
        """Return the fault and its remedy as one sentence."""
        return f"{self.fault}: {self.remedy}" if self.remedy else self.fault

    def __str__(self) -> str:
        """Return the finding as one line, without the file name."""
        line = [f"line {self.line}"] if self.line is not None else []
        element = [f"<{self.element}>"] if self.element is not None else []
        return ": ".join([*line, *element, self.meaning])


def finding_at(node: Node, severity: Severity, fault: str, remedy: str = "") -> Finding:
    """Return a finding about an element."""
    return Finding(severity, node.line, node.name, fault, remedy)


def closest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the most similar name, None if none is similar."""
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=_SIMILARITY_MIN)), None)
