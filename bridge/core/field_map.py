"""A declaration compiled for reading: from a parameter's name to its field and normaliser."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from bridge.callbacks.model import CallbackData, VoiceEvent, fields_of
from bridge.normalise.reading import Read, Reads, ReadsGroup
from bridge.normalise.stir import spelling


@dataclass(frozen=True, slots=True)
class Single:
    """A field that one parameter fills."""

    name: str
    field: str
    read: Read


@dataclass(frozen=True, slots=True)
class Slots:
    """How each parameter name of a declaration is read.

    ``folded``, ``spelled`` and ``group_of`` are keyed by the spelling without case and underscores.
    ``folded`` holds the fields that are always read in any spelling, ``spelled`` all of them.
    """

    singles: tuple[Single, ...]
    exact: frozenset[str]
    correlated: bool
    folded: Mapping[str, Single]
    spelled: Mapping[str, Single]
    groups: Mapping[str, ReadsGroup]
    group_of: Mapping[str, str]
    in_groups: frozenset[str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]

    def declares(self, name: str) -> bool:
        """Return whether a field is read from the parameter of this name."""
        folded = spelling(name)
        return (
            name in self.exact
            or folded in self.folded
            or folded in self.group_of
            or any(pattern.fullmatch(name) for pattern, _ in self.patterns)
        )


def _marks(annotation: Any) -> Iterable[object]:  # noqa: ANN401 (typing's own objects)
    """Yield the metadata inside ``Annotated[...] | None``."""
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _marks(inner)


@cache
def slots_of(model: type[CallbackData]) -> Slots:
    """Return the slots of a declaration's fields."""
    singles: list[Single] = []
    folded: dict[str, Single] = {}
    groups: dict[str, ReadsGroup] = {}
    group_of: dict[str, str] = {}
    in_groups: set[str] = set()
    patterns: list[tuple[re.Pattern[str], str]] = []
    for field, (annotation, parameter, metadata) in fields_of(model).items():
        for mark in (*metadata, *_marks(annotation)):
            if isinstance(mark, ReadsGroup):
                groups[field] = mark
                if parameter.prefix or parameter.numbered:
                    # Receivers report `x-ph-` in lower case: header names have no case.
                    rest, flags = (".*", re.IGNORECASE) if parameter.prefix else ("[0-9]+", 0)
                    patterns += [
                        (re.compile(re.escape(name) + rest, re.ASCII | re.DOTALL | flags), field)
                        for name in parameter.names
                    ]
                else:
                    in_groups.update(parameter.names)
                    group_of.update({spelling(name): field for name in parameter.names})
            elif isinstance(mark, Reads):
                found = [Single(name, field, mark.read) for name in parameter.names]
                singles += found
                if parameter.folded:
                    folded.update({spelling(one.name): one for one in found})
    exact = frozenset(one.name for one in singles)
    correlated = issubclass(model, VoiceEvent)
    spelled = {spelling(one.name): one for one in reversed(singles)}
    return Slots(
        singles=tuple(singles),
        exact=exact,
        correlated=correlated,
        folded=folded,
        spelled=spelled,
        groups=groups,
        group_of=group_of,
        in_groups=frozenset(in_groups),
        patterns=tuple(patterns),
    )
