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

    ``folded`` and ``group_of`` are keyed by the spelling without case and underscores.
    """

    singles: tuple[Single, ...]
    exact: frozenset[str]
    correlated: bool
    folded: Mapping[str, Single]
    groups: Mapping[str, ReadsGroup]
    group_of: Mapping[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]


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
    patterns: list[tuple[re.Pattern[str], str]] = []
    for field, (annotation, parameter, metadata) in fields_of(model).items():
        for mark in (*metadata, *_marks(annotation)):
            if isinstance(mark, ReadsGroup):
                groups[field] = mark
                if parameter.prefix or parameter.numbered:
                    rest = "[0-9]+" if parameter.numbered else ".*"
                    patterns += [
                        (re.compile(re.escape(name) + rest, re.ASCII | re.DOTALL), field)
                        for name in parameter.names
                    ]
                else:
                    group_of.update({spelling(name): field for name in parameter.names})
            elif isinstance(mark, Reads):
                found = [Single(name, field, mark.read) for name in parameter.names]
                singles += found
                if parameter.folded:
                    folded.update({spelling(one.name): one for one in found})
    exact = frozenset(one.name for one in singles)
    correlated = issubclass(model, VoiceEvent)
    return Slots(tuple(singles), exact, correlated, folded, groups, group_of, tuple(patterns))
