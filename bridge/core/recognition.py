"""Which type a callback is, whoever wrote its parameters.

1. With a body, the query's parameters are the customer's own. Plivo's open-source ancestor copied them
   into the body; such an echo says nothing about the type.
2. With GET, Plivo's parameters and the customer's own stand side by side. What decides against the
   path, or against other types, must not hang on one parameter alone that could be the customer's:
   where the type it leads to explains nothing else that came, and the other type does, or is the
   path's, the parameter is taken for the customer's own.
3. A parameter that comes twice and names kinds names the path's kind if one of its values does, else
   any kind that is known.
4. Plivo's agent SDKs send JSON with names in snake_case. Such names stand for Plivo's usual ones where
   the names as they came are those of no type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import NAMING_PARAMETERS, Catalogue, Values
from bridge.core.field_map import map_fields
from bridge.normalise.stir import fold_name

Lists = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class ParameterSources:
    """Who wrote which parameters.

    ``plivos`` are Plivo's, or may be; ``customers`` are certainly the customer's own. ``in_body`` says
    whether Plivo's came in a body, ``json`` whether that was JSON.
    """

    plivo: Lists
    customer: Lists
    in_body: bool
    json: bool = False


@dataclass(frozen=True, slots=True)
class Recognition:
    """The type of a callback.

    ``set_aside`` are parameters that would have made it another type, had they been Plivo's.
    """

    kind: CallbackType
    by_path: bool
    can_repeat: bool
    ignored_parameters: tuple[str, ...] = ()


def recognise(
    catalogue: Catalogue, parameters: ParameterSources, route: CallbackType | None
) -> Recognition:
    """Return the type of a callback; ``route`` is the type of its path: rules 1 to 4."""
    plivos = parameters.plivo
    values: Values = {
        name: _choose_text(catalogue, name, texts, route) for name, texts in plivos.items()
    }
    if parameters.json:
        values = _rename_to_usual(catalogue, values)
    if parameters.in_body:
        own = _find_echoes(catalogue.discriminators, plivos, parameters.customer)
        return _recognise_body(catalogue, values, own, route)
    return _recognise_query(catalogue, values, route)


def _recognise_body(
    catalogue: Catalogue, values: Values, own: Values, route: CallbackType | None
) -> Recognition:
    """Return the type that the body shows without what it repeats of the query: rule 1.

    ``own`` are the parameters that the query has too, with what the body adds to them.
    """
    kind, by_path = catalogue.choose(values, route)
    if own:
        other, other_by_path = catalogue.choose({**values, **own}, route)
        # Plivo may have sent the very same word. Without it there must be something else to go by.
        if other is not kind and (other_by_path or not (other.yields_to_path or other.anonymous)):
            repeats = catalogue.can_repeat(other, values)
            return Recognition(other, other_by_path, repeats, tuple(sorted(own)))
    return Recognition(kind, by_path, catalogue.can_repeat(kind, values))


def _find_echoes(names: frozenset[str], plivos: Lists, customers: Lists) -> Values:
    """Return the parameters of these names that the body repeats, with what it has beside them."""
    return {
        name: next((text for text in plivos[name] if text and text not in customers[name]), "")
        for name in names & plivos.keys() & customers.keys()
        if not set(plivos[name]).isdisjoint(customers[name])
    }


def _recognise_query(
    catalogue: Catalogue, values: Values, route: CallbackType | None
) -> Recognition:
    """Return the type that the query shows, whichever parameter is the customer's own: rule 2."""
    kind, by_path = catalogue.choose(values, route)
    if not by_path:
        for name in sorted(catalogue.discriminators & values.keys()):
            if kind is catalogue.unrecognised and name in NAMING_PARAMETERS:
                continue  # a new word of Plivo's is no reason to take the callback for another
            rest = {other: text for other, text in values.items() if other != name}
            rival, rival_by_path = catalogue.choose(rest, route)
            if rival is kind or rival is catalogue.unrecognised or _explains(kind, rival, rest):
                continue
            # A documented name of Plivo's begins with a capital letter, but for a few of its API's.
            if _explains(rival, kind, rest) or (rival_by_path and name[:1].islower()):
                repeats = catalogue.can_repeat(rival, values)
                return Recognition(rival, rival_by_path, repeats, (name,))
    return Recognition(kind, by_path, catalogue.can_repeat(kind, values))


def _explains(kind: CallbackType, rival: CallbackType, values: Values) -> bool:
    """Return whether a parameter in Plivo's usual spelling is one of ``kind`` and none of ``rival``."""
    return any(
        map_fields(kind.model).declares(name) and not map_fields(rival.model).declares(name)
        for name in values
        if not name[:1].islower()
    )


def _choose_text(
    catalogue: Catalogue, name: str, texts: Sequence[str], route: CallbackType | None
) -> str:
    """Return the text that speaks for a parameter: rule 3, else the first that is not blank."""
    found = [text for text in texts if text]
    if len(found) > 1 and name in NAMING_PARAMETERS:
        chosen = {text: catalogue.choose({name: text}, None)[0] for text in found}
        ours = (text for text in found if chosen[text] is route)
        known = (text for text in found if chosen[text] is not catalogue.unrecognised)
        return next(ours, next(known, found[0]))
    return found[0] if found else ""


def _rename_to_usual(catalogue: Catalogue, values: Values) -> Values:
    """Return the values under Plivo's usual names, where they are no type's as they came: rule 4."""
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
    # Lower case sorts last, so that the usual spelling in capitals is the one that stays.
    return {fold_name(name): name for name in sorted(names, reverse=True)}
