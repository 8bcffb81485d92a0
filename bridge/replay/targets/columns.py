"""Records as rows: which columns there are, and what is in them.

1. Columns follow from the declarations of the types that were asked for, in their order, and not from
   what is found: the same query and version have the same columns. A type asked for brings a column for
   each of its fields, and for each field inside one (``ended_at_utc``); see ``column_names``.
2. In CSV every cell is text as it stands in the JSON, or nothing where the field is absent or null.
   Numbers are text, so that nothing rounds them or takes their zeros; true and false are words; lists,
   and objects whose names are not declared, are JSON.
3. In Parquet a cell has its column's type (see ``column_types``). ``record_misfits`` holds, as JSON,
   the values that the types of their columns cannot hold, by place in the event (``data.total_cost``).
4. A time is several columns: ``_utc``, and beside it ``_text``, what Plivo sent, with its zone and how
   sure it is.
5. Columns that begin with ``record_`` are of the Kafka record itself; its timestamp is in UTC. Its
   headers and its whole value come last: a row leaves nothing out.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, cast

import orjson

from bridge.callbacks.model import CallbackType
from bridge.core import catalogue
from bridge.derived.schemas import Schema, event_schema, journal_schema
from bridge.replay import FileRecord
from bridge.replay.targets.column_names import RECORD_PREFIX, Place, names_of
from bridge.replay.targets.column_types import (
    TEXT,
    ColumnType,
    Kind,
    Misfit,
    Value,
    common_type,
    fitted,
    microseconds,
    text_of,
    type_of_schema,
)

Cell = str | None

_INTEGER: Final = ColumnType(Kind.INTEGER)
_FRONT: Final = {
    "topic": TEXT,
    "partition": _INTEGER,
    "offset": _INTEGER,
    "timestamp": ColumnType(Kind.TIMESTAMP),
    "key": TEXT,
    "key_base64": TEXT,
}
_BACK: Final = {"headers": ColumnType(Kind.JSON), "value": TEXT, "value_base64": TEXT}
_MISFITS: Final = {"misfits": ColumnType(Kind.JSON)}
# Where they stand in a typed row.
MISFITS_AT: Final = -len(_BACK) - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``path`` is where its value stands in the JSON, empty for one of the record itself."""

    name: str
    path: str
    type: ColumnType


@dataclass(slots=True)
class _Node:
    """A field: its column, if it has one, and what is declared inside."""

    column: int | None = None
    inside: "dict[str, _Node]" = field(default_factory=dict[str, "_Node"])


class Table:
    """The columns of a query's rows, and the rows themselves."""

    def __init__(self, types: Mapping[Place, ColumnType], names: Mapping[Place, str]) -> None:
        self._types = tuple(types.values())
        self._paths = tuple(map(".".join, types))
        self._root = _Node()
        for number, place in enumerate(types):
            node = self._root
            for name in place:
                node = node.inside.setdefault(name, _Node())
            node.column = number
        fields = [
            Column(names[place], path, column_type)
            for (place, column_type), path in zip(types.items(), self._paths, strict=True)
        ]
        front, back, misfits = map(_of_record, (_FRONT, _BACK, _MISFITS))
        self.columns: tuple[Column, ...] = (*front, *fields, *back)
        """The columns of ``row``."""
        self.typed_columns: tuple[Column, ...] = (*front, *fields, *misfits, *back)
        """The columns of ``typed_row``."""

    @property
    def names(self) -> list[str]:
        """Return the names of the columns of ``row``."""
        return [one.name for one in self.columns]

    def row(self, record: FileRecord) -> list[Cell]:
        """Return the cells of a record as text: rule 2."""
        values: list[object] = [None] * len(self._types)
        _fill(values, self._root, _json(record.value), {})
        return [
            record.topic,
            _digits(record.partition),
            _digits(record.offset),
            utc_from_ms(record.timestamp),
            *text_or_base64(record.key),
            *map(text_of, values),
            orjson.dumps(headers_of(record)).decode(),
            *text_or_base64(record.value),
        ]

    def typed_row(self, record: FileRecord) -> list[Value]:
        """Return the cells of a record as their columns' types: rule 3."""
        values: list[object] = [None] * len(self._types)
        misfits: dict[str, object] = {}
        _fill(values, self._root, _json(record.value), misfits)
        cells: list[Value] = []
        for column_type, value, path in zip(self._types, values, self._paths, strict=True):
            if value is None:
                cells.append(None)
                continue
            try:
                cells.append(fitted(column_type, value))
            except Misfit:
                cells.append(None)
                misfits[path] = value
        timestamp: int | None = None
        try:
            timestamp = microseconds(record.timestamp)
        except Misfit:
            misfits[f"{RECORD_PREFIX}timestamp"] = record.timestamp
        return [
            record.topic,
            record.partition,
            record.offset,
            timestamp,
            *text_or_base64(record.key),
            *cells,
            orjson.dumps(misfits).decode() if misfits else None,
            orjson.dumps(headers_of(record)).decode(),
            *text_or_base64(record.value),
        ]


def of_events(kinds: Iterable[CallbackType]) -> Table:
    """Return the table of events of these types: rule 1."""
    types: dict[Place, ColumnType] = {}
    for kind in kinds:
        for place, column_type in _fields_of(event_schema(kind)):
            types[place] = common_type(types.get(place, column_type), column_type)
    # What every event has comes first, whichever type declares more.
    ordered = dict(sorted(types.items(), key=lambda one: one[0][0] == "data"))
    return Table(ordered, names_of([*_event_places(), *ordered]))


def _event_places() -> Iterator[Place]:
    """Yield the places of every type's fields: a name does not depend on the types asked for."""
    for kind in catalogue.load().all:
        for place, _ in _fields_of(event_schema(kind)):
            yield place


def of_journal() -> Table:
    """Return the table of journal records and dead letters."""
    types = dict(_fields_of(journal_schema()))
    return Table(types, names_of(types))


def _of_record(types: Mapping[str, ColumnType]) -> list[Column]:
    return [Column(RECORD_PREFIX + name, "", one) for name, one in types.items()]


def _fields_of(schema: Schema) -> Iterator[tuple[Place, ColumnType]]:
    return _leaves(schema, schema["$defs"], ())


def _leaves(
    schema: Schema, definitions: Schema, place: Place
) -> Iterator[tuple[Place, ColumnType]]:
    """Yield every field that holds no others that are declared, with its type."""
    whole = schema
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    alternatives = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(alternatives) == 1:
        yield from _leaves(alternatives[0], definitions, place)
    elif schema.get("properties"):
        for name, inner in schema["properties"].items():
            yield from _leaves(inner, definitions, (*place, name))
    else:
        yield place, type_of_schema(whole, definitions)


def headers_of(record: FileRecord) -> list[dict[str, Cell]]:
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


def _digits(number: int | None) -> Cell:
    return None if number is None else str(number)


def _json(value: bytes | None) -> object:
    try:
        return orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None


def _fill(
    values: list[object], node: _Node, value: object, misfits: dict[str, object], path: str = ""
) -> None:
    """Put a value into its column's place, and what is inside it into theirs.

    Where fields are declared inside and the value is no object, there is no column for it: a misfit.
    """
    if node.column is not None:
        values[node.column] = value
    if not node.inside:
        return
    if not isinstance(value, dict):
        if value is not None and path and node.column is None:
            misfits[path] = value
        return
    for name, inner in cast("dict[str, object]", value).items():
        child = node.inside.get(name)
        if child is not None:
            _fill(values, child, inner, misfits, f"{path}.{name}" if path else name)


def types_of(kinds: Mapping[str, CallbackType], names: Sequence[str]) -> list[CallbackType]:
    """Return the types of those names, all if there are none."""
    return [kinds[name] for name in names] if names else list(kinds.values())
