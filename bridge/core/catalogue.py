"""All callback types, and how to recognise the type of a callback.

The declarations are found by walking ``bridge.callbacks``: a new file there is a new type.

1. A parameter that names the kind of a callback (``named``) decides before all other parameters and
   before the path, unless the path belongs to a type without documented parameters: its path alone
   decides. Exact values have priority over prefixes, and prefixes over "the parameter is present".
   ``Event`` has priority over the parameters of one product. If several types have the same value,
   the path decides between them.
2. Two kinds of values do not override the path of a type whose reply Plivo executes, if the
   callback matches that type too: values that only say that Plivo asks for XML
   (``Event=StartApp``), and new values that only name a family (``ConferenceAction=mute``).
3. Without such a value the path decides, if its type matches.
4. If the path's type does not match, the other parameters (``recognise``) decide, in the order of
   ``match_order``, unless the type that they match ``yields_to_path``: a digit on the recording URL
   is not a digits callback.
5. Types for which the callback has an identifier have priority over types for which it has none.
6. On the shared path a ``path_only`` type is never chosen, because another type has the same
   parameters. That other type is chosen.
7. If there is a body, the query's parameters are the customer's own. Plivo's open-source ancestor
   copied them into the body; such an echo is ignored when the type is recognised.
8. In a GET, Plivo's parameters and the customer's own are mixed. A type that differs from the
   path's, or from other types, must not depend on one parameter that could be the customer's. So
   the parameter is taken as the customer's own if the type it leads to explains none of the other
   parameters, and the other type explains one or is the path's.
9. If a naming parameter is repeated, it names the path's type if one of its values does, else any
   known type.
10. Plivo's agent SDKs send JSON with names in snake_case. Such names are replaced by Plivo's usual
   ones, if no type has the names as received.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import chain
from operator import attrgetter
from types import ModuleType
from typing import Final, NamedTuple, cast

from bridge import callbacks
from bridge.callbacks.model import UNRECOGNISED, CallbackType, Reply, list_fields
from bridge.core.field_map import map_fields
from bridge.core.parameters import Parameters, Texts, TextsByName, ValuesByName, list_texts
from bridge.normalise import fold_name

Values = Mapping[str, str]
Condition = Callable[[Values], bool]


def parse_condition(text: str) -> Condition:
    """Return the test that one part of a declaration's ``recognise`` describes."""
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
# The parameters whose values name the kind of a callback, the more general one first: rule 1.
SHARED_PATH: Final = "/plivo"
"""The path that takes callbacks of every type."""
NAMING_PARAMETERS: Final = ("Event", "EventName", "ConferenceAction", "DialAction")


@dataclass(frozen=True, slots=True)
class _Alternative:
    """One alternative of a declaration: its type and its conditions."""

    kind: CallbackType
    rank: tuple[int, int, int]
    conditions: tuple[Condition, ...]
    name: str
    """The parameter of the first condition. The alternative cannot match without it."""
    exact_value: tuple[str, str] | None
    """The naming parameter and its exact value, if the first condition is of this form."""

    def matches(self, values: Values) -> bool:
        """Return whether all conditions are true."""
        for holds in self.conditions:  # noqa: SIM110 (all() with a generator takes twice the time)
            if not holds(values):
                return False
        return True


def _iter_matching(alternatives: Iterable[_Alternative], values: Values) -> Iterator[_Alternative]:
    for one in alternatives:
        if one.name in values and one.matches(values):
            yield one


def _parse_alternative(kind: CallbackType, text: str) -> _Alternative:
    """Return the alternative; its rank is the order of rule 1.

    Raises ValueError if it begins with a parameter that must be absent.
    """
    parts = text.split(" & ")
    name, sign, value = parts[0].partition("=")
    if name.startswith("!"):
        message = (
            f"{kind.name}: an alternative must begin with a present parameter, not with {name}"
        )
        raise ValueError(message)
    exactness = _HAS_IT if not sign else _PREFIX if name.endswith("^") else _EXACT
    name = name.rstrip("^?")
    naming = NAMING_PARAMETERS.index(name) if name in NAMING_PARAMETERS else len(NAMING_PARAMETERS)
    conditions = tuple(parse_condition(part) for part in parts)
    is_exact = exactness == _EXACT and name in NAMING_PARAMETERS
    rank = (exactness, naming, kind.match_order)
    return _Alternative(kind, rank, conditions, name, (name, value) if is_exact else None)


class Catalogue:
    """The declared types. ``unrecognised`` is the type of callbacks that match none of them."""

    def __init__(self, types: tuple[CallbackType, ...], unrecognised: CallbackType) -> None:
        self.types = types
        self.unrecognised = unrecognised
        self._named = {
            kind.name: [_parse_alternative(kind, text) for text in kind.named] for kind in types
        }
        # Rule 1 in two tables: the alternatives that an exact value of a naming parameter selects, and
        # all others, which come after them. Being in the first table is their first condition.
        self._by_value: dict[tuple[str, str], list[_Alternative]] = {}
        self._not_by_value: list[_Alternative] = []
        for one in sorted(chain(*self._named.values()), key=attrgetter("rank")):
            if one.exact_value is None:
                self._not_by_value.append(one)
            else:
                rest = replace(one, conditions=one.conditions[1:])
                self._by_value.setdefault(one.exact_value, []).append(rest)
        self._recognised = {
            kind.name: [_parse_alternative(kind, text) for text in kind.recognise] for kind in types
        }
        self._repeats_unless = {
            kind.name: [_parse_alternative(kind, text) for text in kind.repeats_unless]
            for kind in types
        }
        self._recognised_in_order = [
            one
            for kind in sorted(types, key=attrgetter("match_order"))
            if not kind.path_only
            for one in self._recognised[kind.name]
        ]
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
        """Return the types whose reply Plivo executes, or may execute."""
        return tuple(kind for kind in self.types if kind.reply is not Reply.ACK)

    @cached_property
    def discriminators(self) -> frozenset[str]:
        """Return the parameters that decide the type, except those that identify calls."""
        parts = (
            part
            for kind in self.types
            for text in (*kind.named, *kind.recognise)
            for part in text.split(" & ")
        )
        names = {part.strip("!?").partition("=")[0].rstrip("^") for part in parts}
        return frozenset(names - {name for names in self._identifiers.values() for name in names})

    def matches(self, kind: CallbackType, values: Values) -> bool:
        """Return whether these parameters can be of this type; blank values count as absent."""
        every = chain(self._named.get(kind.name, ()), self._recognised.get(kind.name, ()))
        return any(_iter_matching(every, values))

    def can_repeat(self, kind: CallbackType, values: Values) -> bool:
        """Return whether two callbacks with exactly these parameters can be two events."""
        if not kind.can_repeat:
            return False
        return not any(_iter_matching(self._repeats_unless.get(kind.name, ()), values))

    def choose(self, values: Values, route: CallbackType | None) -> tuple[CallbackType, bool]:
        """Return the type of a callback, and whether its path decided: rules 1 to 6."""
        if route is not None and route.has_no_alternatives:
            return route, True
        without_identifier: CallbackType | None = None
        for word in self._iter_words(values):
            if self._has_identifier(word.kind, values):
                return self._weigh(word, values, route)
            without_identifier = without_identifier or word.kind
        if route is not None and self.matches(route, values):
            return route, True
        kind = self._find_first(values)
        if kind is self.unrecognised and without_identifier is not None:
            return without_identifier, False
        if route is not None and (kind.yields_to_path or kind is self.unrecognised):
            return route, True
        return kind, False

    def _iter_words(self, values: Values) -> Iterator[_Alternative]:
        """Yield the naming alternatives that match, in the order of rule 1."""
        for name in NAMING_PARAMETERS:
            if name in values:
                for one in self._by_value.get((name, values[name]), ()):
                    if one.matches(values):
                        yield one
        yield from _iter_matching(self._not_by_value, values)

    def _weigh(
        self, word: _Alternative, values: Values, route: CallbackType | None
    ) -> tuple[CallbackType, bool]:
        """Return the type that a naming value and the path decide together: rules 1 and 2."""
        if route is None:
            return word.kind, False
        if word.kind is route or any(
            one.rank == word.rank and one.matches(values) for one in self._named.get(route.name, ())
        ):
            return route, True
        only_asks = word.kind.reply is not Reply.ACK
        only_a_family = word.rank[0] != _EXACT
        executed = route.reply is not Reply.ACK
        if executed and (only_asks or only_a_family) and self._is_recognised(route, values):
            return route, True
        return word.kind, False

    def _find_first(self, values: Values) -> CallbackType:
        """Return the type that the parameters match: rules 4 to 6."""
        without_identifier: CallbackType | None = None
        for one in _iter_matching(self._recognised_in_order, values):
            if self._has_identifier(one.kind, values):
                return one.kind
            without_identifier = without_identifier or one.kind
        return without_identifier or self.unrecognised

    def _is_recognised(self, kind: CallbackType, values: Values) -> bool:
        return any(_iter_matching(self._recognised.get(kind.name, ()), values))

    def _has_identifier(self, kind: CallbackType, values: Values) -> bool:
        if kind.anonymous:
            return True
        for name in self._identifiers[kind.name]:  # noqa: SIM110 (any() with a generator takes twice the time)
            if values.get(name):
                return True
        return False


def list_identifiers(kind: CallbackType) -> tuple[str, ...]:
    """Return the parameters that can identify a callback of this type, in the order of priority."""
    declared = list_fields(kind.model)
    return tuple(name for field in kind.key_fields for name in declared[field][1].names)


def _list_values(module: ModuleType) -> Iterable[object]:
    return vars(module).values()


@cache
def load_catalogue() -> Catalogue:
    """Return the catalogue of all declarations, in the order of their names."""
    declared: list[CallbackType] = []
    for module in pkgutil.walk_packages(callbacks.__path__, callbacks.__name__ + "."):
        for value in _list_values(importlib.import_module(module.name)):
            values = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
            declared += [kind for kind in values if isinstance(kind, CallbackType)]
    declared.sort(key=lambda kind: kind.name)
    unrecognised = next(kind for kind in declared if kind.name == UNRECOGNISED)
    return Catalogue(tuple(kind for kind in declared if kind is not unrecognised), unrecognised)


class Recognition(NamedTuple):
    """The type of a callback.

    ``ignored_parameters`` are parameters that would have given another type, had they been Plivo's.
    """

    kind: CallbackType
    by_path: bool
    can_repeat: bool
    ignored_parameters: tuple[str, ...] = ()


def recognise(
    catalogue: Catalogue,
    parameters: Parameters,
    texts: TextsByName,
    context: ValuesByName,
    route: CallbackType | None,
) -> Recognition:
    """Return the type of a callback; ``route`` is the type of its path: rules 7 to 10.

    ``texts`` may be Plivo's, and are in the body if there is one. ``context`` is certainly the
    customer's own.
    """
    if parameters.has_lists:
        values: Values = {
            name: _choose_text(catalogue, name, one, route) for name, one in texts.items()
        }
    else:
        values = cast("Values", texts)
    if parameters.json is not None:
        values = _rename_to_usual(catalogue, values)
    if not parameters.body:
        return _recognise_query(catalogue, values, route)
    kind, by_path = catalogue.choose(values, route)
    echoes = _find_echoes(catalogue.discriminators, texts, context) if context else None
    if echoes:
        other, other_by_path = catalogue.choose({**values, **echoes}, route)
        # Rule 7. But Plivo may have sent the same value itself, so the other type needs more evidence.
        if other is not kind and (other_by_path or not (other.yields_to_path or other.anonymous)):
            repeats = catalogue.can_repeat(other, values)
            return Recognition(other, other_by_path, repeats, tuple(sorted(echoes)))
    return Recognition(kind, by_path, catalogue.can_repeat(kind, values))


def _find_echoes(
    names: frozenset[str], plivo_values: TextsByName, customer_values: ValuesByName
) -> Values:
    """Return the named parameters that the body echoes, with the values that only the body has."""
    echoes: dict[str, str] = {}
    for name in names & plivo_values.keys() & customer_values.keys():
        texts, own = list_texts(plivo_values[name]), customer_values[name]
        if not set(texts).isdisjoint(own):
            echoes[name] = next((text for text in texts if text and text not in own), "")
    return echoes


def _recognise_query(
    catalogue: Catalogue, values: Values, route: CallbackType | None
) -> Recognition:
    """Return the type that the query has, whichever parameter is the customer's own: rule 8."""
    kind, by_path = catalogue.choose(values, route)
    if not by_path:
        for name in sorted(catalogue.discriminators & values.keys()):
            if kind is catalogue.unrecognised and name in NAMING_PARAMETERS:
                continue  # a new value of Plivo's must not turn the callback into another type
            others = {other: text for other, text in values.items() if other != name}
            rival, rival_by_path = catalogue.choose(others, route)
            if rival is kind or rival is catalogue.unrecognised or _explains(kind, rival, others):
                continue
            # Plivo's documented names begin with a capital letter, except a few of its API.
            if _explains(rival, kind, others) or (rival_by_path and name[:1].islower()):
                repeats = catalogue.can_repeat(rival, values)
                return Recognition(rival, rival_by_path, repeats, (name,))
    return Recognition(kind, by_path, catalogue.can_repeat(kind, values))


def _explains(kind: CallbackType, rival: CallbackType, values: Values) -> bool:
    """Return whether a parameter in Plivo's usual spelling belongs to ``kind`` and not to ``rival``."""
    return any(
        map_fields(kind.model).declares(name) and not map_fields(rival.model).declares(name)
        for name in values
        if not name[:1].islower()
    )


def _choose_text(catalogue: Catalogue, name: str, texts: Texts, route: CallbackType | None) -> str:
    """Return the value of a repeated parameter: rule 9, else the first that is not blank."""
    found = [text for text in list_texts(texts) if text]
    if len(found) > 1 and name in NAMING_PARAMETERS:
        chosen = {text: catalogue.choose({name: text}, None)[0] for text in found}
        ours = (text for text in found if chosen[text] is route)
        known = (text for text in found if chosen[text] is not catalogue.unrecognised)
        return next(ours, next(known, found[0]))
    return found[0] if found else ""


def _rename_to_usual(catalogue: Catalogue, values: Values) -> Values:
    """Return the values under Plivo's usual names, if no type has the names as received: rule 10."""
    kind, _ = catalogue.choose(values, None)
    if kind is not catalogue.unrecognised and not kind.yields_to_path:
        return values
    usual = {
        _map_usual_names(catalogue).get(fold_name(name), name): text
        for name, text in values.items()
    }
    usual |= values
    renamed, _ = catalogue.choose(usual, None)
    return values if renamed.yields_to_path else usual


@cache
def _map_usual_names(catalogue: Catalogue) -> Mapping[str, str]:
    """Return Plivo's usual name of each parameter, by its spelling without case and underscores."""
    names = {
        name
        for kind in catalogue.all_types
        for name in (*map_fields(kind.model).exact_names, *map_fields(kind.model).group_names)
    }
    # In reverse order lower case comes first, so the usual spelling in capitals overwrites it.
    return {fold_name(name): name for name in sorted(names, reverse=True)}
