"""Records as rows: which columns there are, and what is in them.

1. Columns follow from the declarations of the types that were asked for, in their order, and not from
   what is found: the same query and version have the same columns. A type asked for brings a column for
   each of its fields; what lies inside one is named with dots (``data.ended_at.utc``).
2. Every cell is text as it stands in the JSON, or nothing where the field is absent or null. Numbers
   are text, so that nothing rounds them or takes their zeros; true and false are words; lists, and
   objects whose names are not declared, are JSON.
3. A time is several columns: ``.utc``, and beside it ``.text``, what Plivo sent, with its zone and how
   sure it is.
4. Columns that begin with ``record.`` are of the Kafka record itself; its timestamp is in UTC. Its
   headers and its whole value come last: a row leaves nothing out.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, cast

import orjson
from aiokafka.structs import ConsumerRecord

from bridge.callbacks.model import CallbackType
from bridge.derived.schemas import Schema, event_schema, journal_schema

Cell = str | None
Column = tuple[str, ...]

_FRONT: Final = ("topic", "partition", "offset", "timestamp", "key", "key_base64")
_BACK: Final = ("headers", "value", "value_base64")
_OF_RECORD: Final = "record."
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Node:
    """A field: its column, if it has one, and what is declared inside."""

    column: int | None = None
    inside: "dict[str, _Node]" = field(default_factory=dict[str, "_Node"])


class Table:
    """The columns of a query's rows, and the rows themselves."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self._columns = tuple(dict.fromkeys(columns))
        self._root = _Node()
        for number, column in enumerate(self._columns):
            node = self._root
            for name in column:
                node = node.inside.setdefault(name, _Node())
            node.column = number
        self.names: tuple[str, ...] = (
            *[_OF_RECORD + name for name in _FRONT],
            *map(".".join, self._columns),
            *[_OF_RECORD + name for name in _BACK],
        )

    def row(self, record: ConsumerRecord) -> list[Cell]:
        """Return the cells of a record: rules 2 to 4."""
        key, key_base64 = text_or_base64(record.key)
        value, value_base64 = text_or_base64(record.value)
        cells: list[Cell] = [None] * len(self._columns)
        _fill(cells, self._root, _json(record.value))
        return [
            record.topic,
            str(record.partition),
            str(record.offset),
            utc_from_ms(record.timestamp),
            key,
            key_base64,
            *cells,
            orjson.dumps(headers_of(record)).decode(),
            value,
            value_base64,
        ]


def of_events(kinds: Iterable[CallbackType]) -> Table:
    """Return the table of events of these types: rule 1."""
    columns: list[Column] = []
    for kind in kinds:
        schema = event_schema(kind)
        columns += _leaves(schema, schema["$defs"])
    # What every event has comes first, whichever type declares more.
    return Table(sorted(columns, key=lambda column: column[0] == "data"))


def of_journal() -> Table:
    """Return the table of journal records and dead letters."""
    schema = journal_schema()
    return Table(_leaves(schema, schema["$defs"]))


def headers_of(record: ConsumerRecord) -> list[dict[str, Cell]]:
    """Return the headers as JSON can hold them: text, else base64."""
    found: list[dict[str, Cell]] = []
    for name, value in record.headers:
        text, encoded = text_or_base64(value)
        found.append(
            {"name": name, "value": text}
            if encoded is None
            else {"name": name, "value_base64": encoded}
        )
    return found


def text_or_base64(value: bytes | None) -> tuple[Cell, Cell]:
    """Return bytes as text, or as base64 where they are no text."""
    if value is None:
        return None, None
    try:
        return value.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(value).decode()


def utc_from_ms(timestamp_ms: int) -> str:
    """Return epoch milliseconds as RFC 3339 UTC, always with three digits of a second.

    What no year of four digits has, and Kafka takes, is told by its number.
    """
    try:
        instant = (_EPOCH + timedelta(milliseconds=timestamp_ms)).replace(tzinfo=None)
    except OverflowError:
        return f"{timestamp_ms} ms"
    return instant.isoformat(timespec="milliseconds") + "Z"


def _leaves(schema: Schema, definitions: Schema, place: Column = ()) -> Iterator[Column]:
    """Yield the place of every field that holds no others that are declared."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    alternatives = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(alternatives) == 1:
        yield from _leaves(alternatives[0], definitions, place)
    elif schema.get("properties"):
        for name, inner in schema["properties"].items():
            yield from _leaves(inner, definitions, (*place, name))
    else:
        yield place


def _json(value: bytes | None) -> object:
    try:
        return orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None


def _fill(cells: list[Cell], node: _Node, value: object) -> None:
    """Put a value into its cell, and what is inside it into theirs."""
    if node.column is not None:
        cells[node.column] = _cell(value)
    if node.inside and isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            child = node.inside.get(name)
            if child is not None:
                _fill(cells, child, inner)


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def types_of(kinds: Mapping[str, CallbackType], names: Sequence[str]) -> list[CallbackType]:
    """Return the types of those names, all if there are none."""
    return [kinds[name] for name in names] if names else list(kinds.values())
