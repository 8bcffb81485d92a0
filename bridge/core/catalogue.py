"""Every callback type there is, and how to tell which one came.

The declarations are found by walking ``bridge.callbacks``: a new file there is a new type.

1. A callback's own word for its kind (``named``) decides before any other parameter and before its
   path. Exact words go before prefixes, prefixes before "has the parameter at all"; ``Event`` goes
   before the parameters of one product. Among types with the same word the path decides.
2. Two kinds of words do not contradict the path of a type whose answer Plivo executes, where the
   callback fits that type too: those that only say that Plivo asks for XML (``Event=StartApp``), and
   new words that only name a family (``ConferenceAction=mute``).
3. Without such a word the path decides, if its type fits or if its type has no documented parameters.
4. Where the path's type does not fit, the other parameters (``recognise``) decide, in the order of the
   types' steps, unless what they fit is weak: a digit on the recording URL is no digits callback.
5. A type for which the callback has no identifier comes after all types for which it has one.
6. On the shared path a type that only its path tells is never chosen: what it cannot be told from is.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Final, cast

from bridge import callbacks
from bridge.callbacks.model import UNRECOGNISED, CallbackType, Reply, list_fields

Values = Mapping[str, str]
Condition = Callable[[Values], bool]


def parse_condition(text: str) -> Condition:
    """Return the test that one part of a declaration's ``recognise`` stands for."""
    if text.startswith("!"):
        refused = parse_condition(text[1:])
        return lambda values: not refused(values)
    if text.endswith("?"):
        return lambda values: text[:-1] in values
    name, sign, value = text.partition("^=")
    if sign:
        return lambda values: values.get(name, "").startswith(value)
    name, sign, value = text.partition("=")
    if sign:
        return lambda values: values.get(name) == value
    return lambda values: bool(values.get(name))


_EXACT, _PREFIX, _HAS_IT = range(3)
# The parameters whose values name kinds, the more general one first: rule 1.
NAMING_PARAMETERS: Final = ("Event", "EventName", "ConferenceAction", "DialAction")


@dataclass(frozen=True, slots=True)
class _Alternative:
    """One alternative of a declaration: the type it is of, and its conditions."""

    kind: CallbackType
    rank: tuple[int, int, int]
    conditions: tuple[Condition, ...]

    def matches(self, values: Values) -> bool:
        """Return whether all conditions hold."""
        return all(holds(values) for holds in self.conditions)


def _parse_alternative(kind: CallbackType, text: str) -> _Alternative:
    """Return the alternative; its rank is the order of rule 1."""
    parts = text.split(" & ")
    name, sign, _ = parts[0].partition("=")
    exactness = _HAS_IT if not sign else _PREFIX if name.endswith("^") else _EXACT
    name = name.rstrip("^")
    naming = NAMING_PARAMETERS.index(name) if name in NAMING_PARAMETERS else len(NAMING_PARAMETERS)
    conditions = tuple(parse_condition(part) for part in parts)
    return _Alternative(kind, (exactness, naming, kind.match_order), conditions)


class Catalogue:
    """The declared types; ``unrecognised`` is the one for callbacks none of them knows."""

    def __init__(self, types: tuple[CallbackType, ...], unrecognised: CallbackType) -> None:
        self.types = types
        self.unrecognised = unrecognised
        by_name = [_parse_alternative(kind, text) for kind in types for text in kind.named]
        self._by_name_value = sorted(by_name, key=lambda one: one.rank)
        self._recognised = {
            kind.name: [_parse_alternative(kind, text) for text in kind.recognise] for kind in types
        }
        self._repeats_unless = {
            kind.name: [_parse_alternative(kind, text) for text in kind.repeats_unless]
            for kind in types
        }
        self._in_order = sorted(types, key=lambda kind: kind.match_order)
        self._identifiers = {kind.name: list_identifiers(kind) for kind in types}

    @cached_property
    def all_types(self) -> tuple[CallbackType, ...]:
        """Return every type that can be published, the unrecognised one last."""
        return (*self.types, self.unrecognised)

    @cached_property
    def by_name(self) -> dict[str, CallbackType]:
        """Return every type by its name."""
        return {kind.name: kind for kind in self.all_types}

    @cached_property
    def types_with_executed_reply(self) -> tuple[CallbackType, ...]:
        """Return the types whose answer Plivo executes, or may."""
        return tuple(kind for kind in self.types if kind.reply is not Reply.ACK)

    @cached_property
    def discriminators(self) -> frozenset[str]:
        """Return the parameters that types are recognised by, without those that identify calls."""
        parts = (
            part
            for kind in self.types
            for text in (*kind.named, *kind.recognise)
            for part in text.split(" & ")
        )
        names = {part.strip("!?").partition("=")[0].rstrip("^") for part in parts}
        return frozenset(names - {name for names in self._identifiers.values() for name in names})

    def matches(self, kind: CallbackType, values: Values) -> bool:
        """Return whether a type can be recognised by these parameters; blank values are absent ones."""
        return self._is_named(kind, values) or self._is_recognised(kind, values)

    def iter_matching(self, values: Values) -> Iterator[CallbackType]:
        """Yield the types these parameters fit, in the order they are tried."""
        return (kind for kind in self._in_order if self.matches(kind, values))

    def can_repeat(self, kind: CallbackType, values: Values) -> bool:
        """Return whether these parameters can legitimately come twice."""
        once = self._repeats_unless.get(kind.name, ())
        return kind.can_repeat and not any(one.matches(values) for one in once)

    def choose(self, values: Values, route: CallbackType | None) -> tuple[CallbackType, bool]:
        """Return the type of a callback, and whether its path decided: rules 1 to 6."""
        if route is not None and route.has_no_alternatives:
            return route, True
        words = [one for one in self._by_name_value if one.matches(values)]
        word = next((one for one in words if self._has_identifier(one.kind, values)), None)
        if word is not None:
            return self._weigh(word, values, route)
        if route is not None and self.matches(route, values):
            return route, True
        told = self._find_first(values)
        if told is self.unrecognised and words:
            return words[0].kind, False
        if route is not None and (told.yields_to_path or told is self.unrecognised):
            return route, True
        return told, False

    def _weigh(
        self, word: _Alternative, values: Values, route: CallbackType | None
    ) -> tuple[CallbackType, bool]:
        """Return what an own word and the path decide together: rules 1 and 2."""
        if route is None:
            return word.kind, False
        if any(
            one.kind is route and one.rank == word.rank and one.matches(values)
            for one in self._by_name_value
        ):
            return route, True
        only_asks = word.kind.reply is not Reply.ACK
        only_a_family = word.rank[0] != _EXACT
        executed = route.reply is not Reply.ACK
        if executed and (only_asks or only_a_family) and self._is_recognised(route, values):
            return route, True
        return word.kind, False

    def _find_first(self, values: Values) -> CallbackType:
        """Return the type that the parameters show: rules 4 to 6."""
        found = [
            kind
            for kind in self._in_order
            if not kind.path_only and self._is_recognised(kind, values)
        ]
        known = (kind for kind in found if self._has_identifier(kind, values))
        return next(known, next(iter(found), self.unrecognised))

    def _is_named(self, kind: CallbackType, values: Values) -> bool:
        return any(one.kind is kind and one.matches(values) for one in self._by_name_value)

    def _is_recognised(self, kind: CallbackType, values: Values) -> bool:
        return any(one.matches(values) for one in self._recognised.get(kind.name, ()))

    def _has_identifier(self, kind: CallbackType, values: Values) -> bool:
        return kind.anonymous or any(values.get(name) for name in self._identifiers[kind.name])


def list_identifiers(kind: CallbackType) -> tuple[str, ...]:
    """Return the parameters that can hold the identifier of a callback of this type, in their order."""
    declared = list_fields(kind.model)
    return tuple(name for field in kind.key_fields for name in declared[field][1].names)


def _values(module: ModuleType) -> Iterable[object]:
    return vars(module).values()


def load_catalogue() -> Catalogue:
    """Return the catalogue of all declarations, in the order of their names."""
    declared: list[CallbackType] = []
    for module in pkgutil.walk_packages(callbacks.__path__, callbacks.__name__ + "."):
        for value in _values(importlib.import_module(module.name)):
            kin = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
            declared += [kind for kind in kin if isinstance(kind, CallbackType)]
    declared.sort(key=lambda kind: kind.name)
    unrecognised = next(kind for kind in declared if kind.name == UNRECOGNISED)
    return Catalogue(tuple(kind for kind in declared if kind is not unrecognised), unrecognised)
