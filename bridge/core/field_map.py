"""Lookup table of a callback model: parameter name → field and normaliser."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple, get_args

from bridge.callbacks.model import CallbackData, VoiceEvent, list_fields
from bridge.normalise import ParsedBy, ParsedTogether, ParseText, fold_name
from bridge.normalise.quantity import parse_text
from bridge.normalise.time import parse_wall_time

# Four times the names of a hangup. Unauthenticated clients may choose names.
REMEMBERED_CHARACTERS_MAX: Final = 1536


class FieldRule(NamedTuple):
    """How one parameter fills one field. ``parse`` is None if the field is the text itself."""

    name: str
    field: str
    parse: ParseText | None


# Of the rules of one callback. A loop unpacks a plain tuple in a third of the time of a named one.
PlainRule = tuple[str, str, ParseText | None]
"""Name, field and normaliser, as in ``FieldRule``."""
OtherName = tuple[str, PlainRule | None, str | None]
"""A name that is not the exact one of a field, with the rule of the field that it is another spelling
of, or with the field of a group. It has neither if it is undeclared."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldMap:
    """How each parameter name of a declaration is parsed.

    ``case_insensitive``, ``by_spelling`` and ``group_by_spelling`` are keyed by the name without
    case and underscores. ``case_insensitive`` holds the fields that accept any spelling of the
    name, ``by_spelling`` all fields. ``wall_times`` has parameter and field of each local time.
    """

    rules: tuple[FieldRule, ...]
    wall_times: tuple[tuple[str, str], ...]
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
        _, rule, group = find_target(self, name)
        return name in self.exact_names or rule is not None or group is not None


def find_target(field_map: FieldMap, name: str, *, is_json: bool = False) -> OtherName:
    """Return the destination of a parameter whose name is not an exact name of a field.

    In JSON, a field accepts any spelling of its name.
    """
    folded = fold_name(name)
    rule = (field_map.by_spelling if is_json else field_map.case_insensitive).get(folded)
    if rule is not None:
        return name, (name, rule.field, rule.parse), None
    group = field_map.group_by_spelling.get(folded)
    if group is None:
        found = (field for pattern, field in field_map.patterns if pattern.fullmatch(name))
        group = next(found, None)
    return name, None, group


class Assignment(NamedTuple):
    """The destination of each parameter of a callback.

    ``rules`` are those of the exact names, in the order of the fields. ``others`` are all other
    names, in the order received.
    """

    rules: tuple[PlainRule, ...]
    others: tuple[OtherName, ...]


def assign_names(field_map: FieldMap, names: tuple[str, ...], *, is_json: bool) -> Assignment:
    """Return the destinations of these names; in JSON, a field accepts any spelling of its name."""
    if len("".join(names)) > REMEMBERED_CHARACTERS_MAX:
        return _assign_names.__wrapped__(field_map, names, is_json)
    return _assign_names(field_map, names, is_json)


@lru_cache(maxsize=512)
def _assign_names(
    field_map: FieldMap,
    names: tuple[str, ...],
    is_json: bool,  # noqa: FBT001 (a cache takes twice the time for a keyword)
) -> Assignment:
    received = frozenset(names)
    return Assignment(
        rules=tuple(
            (name, field, parse) for name, field, parse in field_map.rules if name in received
        ),
        others=tuple(
            find_target(field_map, name, is_json=is_json)
            for name in names
            if name not in field_map.exact_names
        ),
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
                parse = None if mark.parse is parse_text else mark.parse
                found = [FieldRule(name, field, parse) for name in parameter.names]
                rules += found
                if parameter.case_insensitive:
                    case_insensitive.update({fold_name(rule.name): rule for rule in found})
    return FieldMap(
        rules=tuple(rules),
        wall_times=tuple((name, field) for name, field, parse in rules if parse is parse_wall_time),
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
