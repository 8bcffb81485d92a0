"""Lookup table of a callback model: parameter name → field and normaliser."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from bridge.callbacks.model import CallbackData, VoiceEvent, list_fields
from bridge.normalise import ParsedBy, ParsedInZone, ParsedTogether, ParseText, TooLong, fold_name
from bridge.normalise.quantity import parse_text

# Four times the names of a hangup. Unauthenticated clients may choose names.
REMEMBERED_CHARACTERS_MAX: Final = 1536


class FieldRule(NamedTuple):
    """How one parameter fills one field."""

    name: str
    field: str
    mark: ParsedBy | ParsedInZone

    def bind(self, zone: ZoneInfo | None) -> "PlainRule":
        """Return the rule for callbacks of an account in this time zone."""
        if isinstance(self.mark, ParsedInZone):
            return self.name, self.field, self.mark.make_parser(zone)
        parse = self.mark.parse
        return self.name, self.field, None if parse is parse_text else parse


# Of the rules of one callback. A loop unpacks a plain tuple in a third of the time of a named one.
PlainRule = tuple[str, str, ParseText | None]
"""Name, field and normaliser; None if the field is the text itself."""
OtherName = tuple[str, tuple[PlainRule, ...], str | None]
"""A name that is not the exact one of a field, with the rules of the fields that it is another spelling
of, or with the field of a group. It has neither if it is undeclared."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldMap:
    """How each parameter name of a declaration is parsed.

    ``case_insensitive``, ``by_spelling`` and ``group_by_spelling`` are keyed by the name without
    case and underscores. ``case_insensitive`` holds the fields that accept any spelling of the
    name, ``by_spelling`` all fields; two fields can have one name. ``wall_times`` has parameter and
    field of each local time.
    """

    rules: tuple[FieldRule, ...]
    wall_times: tuple[tuple[str, str], ...]
    exact_names: frozenset[str]
    has_correlation: bool
    case_insensitive: Mapping[str, tuple[FieldRule, ...]]
    by_spelling: Mapping[str, tuple[FieldRule, ...]]
    groups: Mapping[str, ParsedTogether]
    group_by_spelling: Mapping[str, str]
    group_names: frozenset[str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]

    def declares(self, name: str) -> bool:
        """Return whether a field is parsed from the parameter of this name."""
        rules, group = self.find_target(name)
        return name in self.exact_names or bool(rules) or group is not None

    def find_target(
        self, name: str, *, is_json: bool = False
    ) -> tuple[tuple[FieldRule, ...], str | None]:
        """Return the rules or the group of a parameter whose name is not an exact name of a field.

        In JSON, a field accepts any spelling of its name.
        """
        folded = fold_name(name)
        rules = (self.by_spelling if is_json else self.case_insensitive).get(folded)
        if rules is not None:
            return tuple(rule._replace(name=name) for rule in rules), None
        group = self.group_by_spelling.get(folded)
        if group is None:
            found = (field for pattern, field in self.patterns if pattern.fullmatch(name))
            group = next(found, None)
        return (), group


class Assignment(NamedTuple):
    """The destination of each parameter of a callback.

    ``rules`` are those of the exact names, in the order of the fields. ``others`` are all other
    names, in the order received.
    """

    rules: tuple[PlainRule, ...]
    others: tuple[OtherName, ...]


def assign_names(
    field_map: FieldMap, names: tuple[str, ...], zone: ZoneInfo | None, *, is_json: bool
) -> Assignment:
    """Return the destinations of these names; in JSON, a field accepts any spelling of its name.

    ``zone`` is the account's time zone, if one is configured.
    """
    try:
        return _assign_remembered(field_map, names, zone, is_json)
    except TooLong:
        return _assign_names(field_map, names, zone, is_json=is_json)


@lru_cache(maxsize=512)
def _assign_remembered(
    field_map: FieldMap,
    names: tuple[str, ...],
    zone: ZoneInfo | None,
    is_json: bool,  # noqa: FBT001 (a cache takes twice the time for a keyword)
) -> Assignment:
    if len("".join(names)) > REMEMBERED_CHARACTERS_MAX:
        raise TooLong
    return _assign_names(field_map, names, zone, is_json=is_json)


def _assign_names(
    field_map: FieldMap, names: tuple[str, ...], zone: ZoneInfo | None, *, is_json: bool
) -> Assignment:
    received = frozenset(names)
    others: list[OtherName] = []
    for name in names:
        if name not in field_map.exact_names:
            found, group = field_map.find_target(name, is_json=is_json)
            others.append((name, tuple(rule.bind(zone) for rule in found), group))
    return Assignment(
        rules=tuple(rule.bind(zone) for rule in field_map.rules if rule.name in received),
        others=tuple(others),
    )


def _iter_marks(annotation: Any) -> Iterable[object]:  # noqa: ANN401 (objects of the typing module have no common type)
    """Yield the metadata inside ``Annotated[...] | None``."""
    yield from getattr(annotation, "__metadata__", ())
    for inner in getattr(annotation, "__args__", ()):
        yield from _iter_marks(inner)


def _group_by_spelling(rules: Iterable[FieldRule]) -> Mapping[str, tuple[FieldRule, ...]]:
    found: dict[str, tuple[FieldRule, ...]] = {}
    for rule in rules:
        spelling = fold_name(rule.name)
        found[spelling] = (*found.get(spelling, ()), rule)
    return found


@cache
def map_fields(model: type[CallbackData]) -> FieldMap:
    """Return the field map of a declaration's model."""
    rules: list[FieldRule] = []
    case_insensitive: list[FieldRule] = []
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
            elif isinstance(mark, ParsedBy | ParsedInZone):
                found = [FieldRule(name, field, mark) for name in parameter.names]
                rules += found
                if parameter.case_insensitive:
                    case_insensitive += found
    return FieldMap(
        rules=tuple(rules),
        wall_times=tuple(
            (name, field) for name, field, mark in rules if isinstance(mark, ParsedInZone)
        ),
        exact_names=frozenset(rule.name for rule in rules),
        has_correlation=issubclass(model, VoiceEvent),
        case_insensitive=_group_by_spelling(case_insensitive),
        by_spelling=_group_by_spelling(rules),
        groups=groups,
        group_by_spelling=group_by_spelling,
        group_names=frozenset(group_names),
        patterns=tuple(patterns),
    )
