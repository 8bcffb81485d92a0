"""Whether a parameter that came in is found again in what the callback was read as.

1. A declared parameter is in its field: as its text, or as the value the text can only have come
   from (a count without its leading zeros and without decimals of zero, a flag, a word in lower case).
2. ``-1`` of a recording, with or without such decimals, Go's zero time, and a blank value of a
   declared parameter say that there is no value.
3. All else is in ``context``, ``undeclared`` or ``unreadable``, under its own name.
"""

import re
from typing import Any

from bridge.callbacks.model import list_fields
from bridge.core.parameters import Pair
from bridge.core.parse import Callback, escape_non_utf8
from bridge.normalise import fold_name

_NOT_SET = re.compile(r"0001-|0000-12-31")
_DECIMALS = re.compile(r"\.0+\Z")
_READINGS = {"1": "true", "0": "false", "aleg": "a_leg", "bleg": "b_leg"}


def leaves(value: Any) -> set[str]:
    """Return every text inside a field's value, in lower case."""
    if isinstance(value, dict):
        return {text for key, of in value.items() for text in leaves(of) | {key.lower()}}
    if isinstance(value, list):
        return {text for of in value for text in leaves(of)}
    return {str(value).lower()}


def fields_for(callback: Callback, name: str) -> list[str]:
    """Return the fields that the declaration reads the parameter into."""
    found = []
    for field, (_, parameter, _) in list_fields(callback.type.model).items():
        folded = {fold_name(one) for one in parameter.names}
        prefixes = tuple(one.lower() for one in parameter.names)
        goes_on = parameter.prefix and name.lower().startswith(prefixes)
        numbered = parameter.numbered and any(
            re.fullmatch(one + "[0-9]+", name, re.ASCII) for one in parameter.names
        )
        if name in parameter.names or goes_on or numbered or fold_name(name) in folded:
            found.append(field)
    return found


def in_a_field(callback: Callback, name: str, value: str) -> bool:
    """Say whether a field holds the parameter: rules 1 and 2."""
    whole = _DECIMALS.sub("", value)
    for field in fields_for(callback, name):
        held = callback.fields.get(field)
        if held is None:
            if whole == "-1" and field.startswith("recording_"):
                return True
            if _NOT_SET.match(value):
                return True
            continue
        lower = value.lower()
        readings = {lower, whole.lstrip("0") or "0", _READINGS.get(lower, lower)}
        if not leaves(held).isdisjoint(readings):
            return True
    return False


def found(callback: Callback, pair: Pair) -> bool:
    """Say whether the parameter is to be found in the callback as it was read."""
    name, value = pair
    if value in callback.undeclared.get(name, []):
        return True
    if escape_non_utf8(value) in callback.context.get(escape_non_utf8(name), []):
        return True
    for one in callback.unreadable:
        if one["parameter"] == escape_non_utf8(name) and escape_non_utf8(value) in one["text"]:
            return True
    return in_a_field(callback, name, value)


def lost(callback: Callback) -> list[Pair]:
    """Return the parameters of the callback that are not found again; blank ones are absent."""
    parameters = callback.verdict.parameters
    return [
        pair
        for pair in (*parameters.query, *parameters.body)
        if pair[1] and not found(callback, pair)
    ]
