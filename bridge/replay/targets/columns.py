"""Records as rows: the columns, and their values.

1. The columns follow from the declarations of the requested types, in their order, not from the
   records found: the same query and version give the same columns. Each type adds a column for each
   of its fields, and for each field inside one (``ended_at_utc``).
2. In CSV every cell is text as it is in the JSON, or empty if the field is absent or null. Numbers
   stay text, so that nothing rounds them or drops their zeros. Booleans are ``true`` and ``false``.
   Lists, and objects without declared fields, are JSON.
3. In Parquet a cell has its column's type (see ``column_types``). ``record_misfits`` has, as JSON, the
   values that their columns' types cannot hold, by path in the event (``data.total_cost``).
4. A time has several columns: ``_utc``, and beside it ``_text`` (what Plivo sent), its zone and its
   certainty.
5. Columns that begin with ``record_`` belong to the Kafka record itself; its timestamp is in UTC. Its
   headers and its whole value come last, so that a row omits nothing.
6. Another column's name is its path's names joined by ``_``, without the ``data`` that all fields of an
   event are in: ``data.from.e164`` is ``from_e164``.
7. The ``record_`` columns, and the event's own attributes (``id``, ``time``), keep their names whatever
   a type declares.
8. Other fields with the same name, or with one of these, are named by their whole path with two
   underscores (``data__id``), plus a number if that is taken too.
9. Names are compared case-insensitively, as in SQL. So no two columns ever have the same name.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, cast

import orjson

from bridge.core import catalogue
from bridge.core.record import json_field, text_or_base64
from bridge.derived.own_records import PublishedType, list_event_types
from bridge.derived.schemas import Schema, build_event_schema, build_journal_schema
from bridge.reader.journal import is_callback
from bridge.reader.window import format_utc_ms
from bridge.replay import FileRecord
from bridge.replay.targets.column_types import (
    TEXT,
    ColumnType,
    Misfit,
    SqlType,
    Value,
    choose_type,
    convert,
    to_microseconds,
    to_text,
    unify_types,
)

Cell = str | None
FieldPath = tuple[str, ...]
"""The names on the way to a field."""

RECORD_PREFIX: Final = "record_"
_DATA: Final = "data"

_INTEGER: Final = ColumnType(SqlType.INTEGER)
_FRONT: Final = {
    "topic": TEXT,
    "partition": _INTEGER,
    "offset": _INTEGER,
    "timestamp": ColumnType(SqlType.TIMESTAMP),
    "key": TEXT,
    "key_base64": TEXT,
}
_BACK: Final = {"headers": ColumnType(SqlType.JSON), "value": TEXT, "value_base64": TEXT}
_MISFITS: Final = {"misfits": ColumnType(SqlType.JSON)}
# Position of the misfits cell in a typed row.
MISFITS_AT: Final = -len(_BACK) - 1
_RECORD_COLUMNS: Final = frozenset(RECORD_PREFIX + name for name in (*_FRONT, *_BACK, *_MISFITS))


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``path`` is its value's path in the JSON, empty for the Kafka record's own."""

    name: str
    path: str
    type: ColumnType


@dataclass(slots=True)
class _FieldNode:
    """A field: its column, if it has one, and the fields declared inside it."""

    column: int | None = None
    inside: "dict[str, _FieldNode]" = field(default_factory=dict[str, "_FieldNode"])


class Table:
    """The columns of a query, and the rows of its records."""

    def __init__(
        self, types: Mapping[FieldPath, ColumnType], names: Mapping[FieldPath, str]
    ) -> None:
        self._types = tuple(types.values())
        self._paths = tuple(map(".".join, types))
        self._root = _FieldNode()
        for number, path in enumerate(types):
            node = self._root
            for name in path:
                node = node.inside.setdefault(name, _FieldNode())
            node.column = number
        fields = [
            Column(names[path], dotted, column_type)
            for (path, column_type), dotted in zip(types.items(), self._paths, strict=True)
        ]
        front, back, misfits = map(_record_columns, (_FRONT, _BACK, _MISFITS))
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
        _fill_cells(values, self._root, _parse_fields(record), {})
        return [
            record.topic,
            _number_text(record.partition),
            _number_text(record.offset),
            format_utc_ms(record.timestamp),
            *text_or_base64(record.key),
            *map(to_text, values),
            orjson.dumps(encode_headers(record)).decode(),
            *text_or_base64(record.value),
        ]

    def typed_row(self, record: FileRecord) -> list[Value]:
        """Return the cells of a record in the types of their columns: rule 3."""
        values: list[object] = [None] * len(self._types)
        misfits: dict[str, object] = {}
        _fill_cells(values, self._root, _parse_fields(record), misfits)
        cells: list[Value] = []
        for column_type, value, path in zip(self._types, values, self._paths, strict=True):
            if value is None:
                cells.append(None)
                continue
            try:
                cells.append(convert(column_type, value))
            except Misfit:
                cells.append(None)
                misfits[path] = value
        timestamp: int | None = None
        try:
            timestamp = to_microseconds(record.timestamp)
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
            orjson.dumps(encode_headers(record)).decode(),
            *text_or_base64(record.value),
        ]


def build_event_table(types: Iterable[PublishedType]) -> Table:
    """Return the table for events of these types: rule 1."""
    columns: dict[FieldPath, ColumnType] = {}
    for kind in types:
        for path, column_type in _list_fields(build_event_schema(kind)):
            columns[path] = unify_types(columns.get(path, column_type), column_type)
    # The attributes of every event come before the data of the types.
    ordered = dict(sorted(columns.items(), key=lambda one: one[0][0] == "data"))
    return Table(ordered, name_columns([*_list_event_paths(), *ordered]))


@cache  # the schemas of all types take half a second
def _list_event_paths() -> tuple[FieldPath, ...]:
    """Return the paths of all types' fields: a name does not depend on the types that are read."""
    return tuple(
        path
        for kind in list_event_types(catalogue.load_catalogue()).values()
        for path, _ in _list_fields(build_event_schema(kind))
    )


def build_journal_table() -> Table:
    """Return the table for journal records and dead letters."""
    types = dict(_list_fields(build_journal_schema()))
    return Table(types, name_columns(types))


def _record_columns(types: Mapping[str, ColumnType]) -> list[Column]:
    return [Column(RECORD_PREFIX + name, "", one) for name, one in types.items()]


def _list_fields(schema: Schema) -> Iterator[tuple[FieldPath, ColumnType]]:
    return _walk_fields(schema, schema["$defs"], ())


def _walk_fields(
    schema: Schema, definitions: Schema, path: FieldPath
) -> Iterator[tuple[FieldPath, ColumnType]]:
    """Yield every field without declared fields inside, with its type."""
    declared = schema
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    alternatives = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(alternatives) == 1:
        yield from _walk_fields(alternatives[0], definitions, path)
    elif schema.get("properties"):
        for name, inner in schema["properties"].items():
            yield from _walk_fields(inner, definitions, (*path, name))
    else:
        yield path, choose_type(declared, definitions)


def encode_headers(record: FileRecord) -> list[dict[str, Cell]]:
    """Return the headers as JSON: text where possible, else base64."""
    return [{"name": name, **json_field("value", value)} for name, value in record.headers]


def _number_text(number: int | None) -> Cell:
    return None if number is None else str(number)


def _parse_fields(record: FileRecord) -> object:
    """Return a record's value; None if it is no JSON, or a journal record that is no callback."""
    if not is_callback(record):
        return None
    try:
        return orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return None


def _fill_cells(
    values: list[object],
    node: _FieldNode,
    value: object,
    misfits: dict[str, object],
    path: str = "",
) -> None:
    """Put a value into its column's cell, and the values inside it into theirs.

    If fields are declared inside but the value is no object, no column can take it: a misfit.
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
            _fill_cells(values, child, inner, misfits, f"{path}.{name}" if path else name)


def select_types(
    types_by_name: Mapping[str, PublishedType], names: Sequence[str]
) -> list[PublishedType]:
    """Return the types of those names, all if there are none."""
    return [types_by_name[name] for name in names] if names else list(types_by_name.values())


def name_columns(paths: Iterable[FieldPath]) -> Mapping[FieldPath, str]:
    """Return the column name of each field: rules 6 to 9."""
    # The event's own attributes come first, so that they keep their names: rule 7.
    ordered = sorted(dict.fromkeys(paths), key=lambda path: (path[0] == _DATA, len(path), path))
    uses = Counter(_short_name(path).casefold() for path in ordered)
    names: dict[FieldPath, str] = {}
    taken = set(_RECORD_COLUMNS)
    for path in ordered:
        name = _short_name(path)
        is_attribute = len(path) == 1
        if name.casefold() in taken or (uses[name.casefold()] > 1 and not is_attribute):
            name = _free_name("__".join(path), taken)
        taken.add(name.casefold())
        names[path] = name
    return names


def _short_name(path: FieldPath) -> str:
    inside = path[1:] if path[0] == _DATA and len(path) > 1 else path
    return "_".join(inside)


def _free_name(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{name}_{number}"
    return found
