"""Column names, derived from the paths of fields in the JSON.

1. A name is the path's names joined by ``_``, without the ``data`` that all fields of an event are in:
   ``data.from.e164`` is ``from_e164``.
2. Columns of the Kafka record begin with ``record_``. They, and the event's own attributes (``id``,
   ``time``), keep their names whatever a type declares.
3. Other fields with the same name, or with one of these, are named by their whole path with two
   underscores (``data__id``), plus a number if that is taken too.
4. Names are compared case-insensitively, as in SQL. So no two columns ever have the same name.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

FieldPath = tuple[str, ...]
"""The names on the way to a field."""

RECORD_PREFIX: Final = "record_"
_DATA: Final = "data"
_RECORD_COLUMNS: Final = frozenset(
    RECORD_PREFIX + name
    for name in (
        "topic",
        "partition",
        "offset",
        "timestamp",
        "key",
        "key_base64",
        "misfits",
        "headers",
        "value",
        "value_base64",
    )
)


def name_columns(paths: Iterable[FieldPath]) -> Mapping[FieldPath, str]:
    """Return the column name of each field: rules 1 to 4."""
    each = sorted(dict.fromkeys(paths), key=lambda place: (place[0] == _DATA, len(place), place))
    wanted = Counter(_short_name(place).casefold() for place in each)
    names: dict[FieldPath, str] = {}
    taken = set(_RECORD_COLUMNS)
    for place in each:
        name = _short_name(place)
        is_first = len(place) == 1
        if name.casefold() in taken or (wanted[name.casefold()] > 1 and not is_first):
            name = _free_name("__".join(place), taken)
        taken.add(name.casefold())
        names[place] = name
    return names


def _short_name(place: FieldPath) -> str:
    inside = place[1:] if place[0] == _DATA and len(place) > 1 else place
    return "_".join(inside)


def _free_name(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{name}_{number}"
    return found
