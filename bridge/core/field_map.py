"""Lookup table of a callback model: parameter name → field and normaliser."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from bridge.callbacks.model import CallbackData, VoiceEvent, list_fields
from bridge.normalise import ParsedBy, ParsedTogether, ParseText, fold_name


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one parameter fills one field."""

    name: str
    field: str
    parse: ParseText


@dataclass(frozen=True, slots=True)
class FieldMap:
    """How each parameter name of a declaration is parsed.

    ``case_insensitive``, ``by_spelling`` and ``group_by_spelling`` are keyed by the name without
    case and underscores. ``case_insensitive`` holds the fields that accept any spelling of the
    name, ``by_spelling`` all fields.
    """

    rules: tuple[FieldRule, ...]
    exact_names: frozenset[str]
    has_correlation: bool
    case_insensitive: Mapping[str, FieldRule]
    by_spelling: Mapping[str, FieldRule]
    groups: Mapping[str, ParsedTogether]
    group_by_spelling: Mapping[str, str]
    group_names: frozenset[str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]

    def declares(self, name: str) -> bool:
        """Return whether a field is parsed from the parameter of this name."""
        folded = fold_name(name)
        return (
            name in self.exact_names
            or folded in self.case_insensitive
            or folded in self.group_by_spelling
            or any(pattern.fullmatch(name) for pattern, _ in self.patterns)
        )


def _iter_marks(annotation: Any) -> Iterable[object]:  # noqa: ANN401 (objects of the typing module have no common type)
    """Yield the metadata inside ``Annotated[...] | None``."""
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _iter_marks(inner)


@cache
def map_fields(model: type[CallbackData]) -> FieldMap:
    """Return the field map of a declaration's model."""
    rules: list[FieldRule] = []
    case_insensitive: dict[str, FieldRule] = {}
    groups: dict[str, ParsedTogether] = {}
    group_by_spelling: dict[str, str] = {}
    group_names: set[str] = set()
    patterns: list[tuple[re.Pattern[str], str]] = []
    for field, (annotation, parameter, metadata) in list_fields(model).items():
        for mark in (*metadata, *_iter_marks(annotation)):
            if isinstance(mark, ParsedTogether):
                groups[field] = mark
                if parameter.prefix or parameter.numbered:
                    # Receivers report `x-ph-` in lower case, because header names are case-insensitive.
                    rest, flags = (".*", re.IGNORECASE) if parameter.prefix else ("[0-9]+", 0)
                    patterns += [
                        (re.compile(re.escape(name) + rest, re.ASCII | re.DOTALL | flags), field)
                        for name in parameter.names
                    ]
                else:
                    group_names.update(parameter.names)
                    group_by_spelling.update({fold_name(name): field for name in parameter.names})
            elif isinstance(mark, ParsedBy):
                found = [FieldRule(name, field, mark.parse) for name in parameter.names]
                rules += found
                if parameter.case_insensitive:
                    case_insensitive.update({fold_name(rule.name): rule for rule in found})
    return FieldMap(
        rules=tuple(rules),
        exact_names=frozenset(rule.name for rule in rules),
        has_correlation=issubclass(model, VoiceEvent),
        case_insensitive=case_insensitive,
        # Reversed, so that of two names with one spelling the first declared one stays.
        by_spelling={fold_name(rule.name): rule for rule in reversed(rules)},
        groups=groups,
        group_by_spelling=group_by_spelling,
        group_names=frozenset(group_names),
        patterns=tuple(patterns),
    )
