"""Compare the published event with the one today's code derives.

1. Events are compared as JSON, field by field. The order of fields does not matter; that of lists does.
2. IGNORED_FIELDS are left out: they say when an event was built, not what happened.
3. A field that one side lacks is ABSENT there, which is not null.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest
from typing import Final, TypeGuard

import orjson

# The bridge's version differs too, but only journal records have it.
IGNORED_FIELDS: Final = frozenset({"recordedtime"})

_Fields = dict[str, object]
_Items = list[object]

_PLAIN: Final = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_PARTS: Final = re.compile(r"[^.\[]+")


class Absent(Enum):
    """Marks a field that one side does not have."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: its path, such as ``data.ended_at.utc``, and the value on either side."""

    path: str
    published: object
    derived: object

    @property
    def field(self) -> str:
        """Return the declared field it is in: an attribute, or a field of ``data``."""
        first, *others = _PARTS.findall(self.path)
        return f"{first}.{others[0]}" if first == "data" and others else first

    @property
    def as_json(self) -> dict[str, object]:
        """Return it as JSON: a side without the field has no value."""
        sides = (("published", self.published), ("derived", self.derived))
        return {"path": self.path, **{name: value for name, value in sides if value is not ABSENT}}


def find_differences(published: bytes, derived: bytes) -> tuple[Difference, ...]:
    """Return where two events differ, empty if they are equal: rules 1 to 3."""
    if published == derived:
        return ()
    return tuple(_compare(_parse_event(published), _parse_event(derived), ""))


def _parse_event(value: bytes) -> object:
    """Return an event as JSON without the ignored fields; a value that is not JSON is text.

    So is a value that is nested too deeply to be compared and printed. No event of the bridge is, but
    anyone with write access to the topic can store one.
    """
    try:
        parsed: object = orjson.loads(value)
        orjson.dumps([[[[parsed]]]])  # a difference is printed with up to four levels around it
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return value.decode("utf-8", "backslashreplace")
    if not _is_object(parsed):
        return parsed
    return {name: inner for name, inner in parsed.items() if name not in IGNORED_FIELDS}


def _compare(published: object, derived: object, path: str) -> Iterator[Difference]:
    if _is_object(published) and _is_object(derived):
        yield from _compare_fields(published, derived, path)
    elif _is_array(published) and _is_array(derived):
        yield from _compare_items(published, derived, path)
    elif _to_json(published) != _to_json(derived):
        yield Difference(path or "value", published, derived)


def _is_object(value: object) -> TypeGuard[_Fields]:
    return isinstance(value, dict)


def _is_array(value: object) -> TypeGuard[_Items]:
    return isinstance(value, list)


def _to_json(value: object) -> bytes | None:
    """Return a value as JSON, because in Python ``True == 1``; None if there is no value."""
    return None if value is ABSENT else orjson.dumps(value)


def _compare_fields(published: _Fields, derived: _Fields, path: str) -> Iterator[Difference]:
    for name in dict.fromkeys([*published, *derived]):
        yield from _compare(
            published.get(name, ABSENT), derived.get(name, ABSENT), _field_path(path, name)
        )


def _compare_items(published: _Items, derived: _Items, path: str) -> Iterator[Difference]:
    pairs = zip_longest(published, derived, fillvalue=ABSENT)
    for number, (one, other) in enumerate(pairs):
        yield from _compare(one, other, f"{path}[{number}]")


def _field_path(path: str, name: str) -> str:
    """Return the path of a field. A customer's field name with other characters is quoted."""
    if _PLAIN.fullmatch(name):
        return f"{path}.{name}" if path else name
    return f"{path}[{orjson.dumps(name).decode()}]"
