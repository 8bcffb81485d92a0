"""Column types: choose one from a field's schema, and convert JSON values to it.

1. A column's type follows from its field's schema alone. A whole number is an integer, text of the
   format ``date-time`` a timestamp, decimal text (money) a decimal, an array a list of its items'
   type. An object without declared fields is JSON text; so is an object in a list.
2. If the requested types declare a field in two ways, its column is text.
3. A value is never rounded or cut. A value that its type cannot hold is a misfit: its cell is null,
   and the row lists it (see ``columns``).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import StrEnum
from typing import Final, cast

import orjson

from bridge.derived.schemas import Schema

# Parquet's readers support 38 digits; 12 of them are after the point. Plivo's prices have up to 7, and
# the product of two such columns still has room for 14 digits before the point.
DECIMAL_DIGITS: Final = 38
DECIMAL_SCALE: Final = 12

_INTEGER_MAX: Final = 2**63 - 1
_DOUBLE_EXACT_MAX: Final = 2**53
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# The schema pattern of ``bridge.normalise.quantity.Money``. Only the pattern marks a decimal: JSON
# Schema has no format for it, and validators reject a format of our own.
_DECIMAL_PATTERN: Final = r"^-?[0-9]+(\.[0-9]+)?$"
_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_INSTANT: Final = re.compile(
    r"(?P<second>\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?"
    r"(?P<offset>[Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)
_FRACTION_DIGITS: Final = 6
_EXACT: Final = Context(prec=DECIMAL_DIGITS, traps=[Inexact, InvalidOperation])
_LAST_DIGIT: Final = Decimal(1).scaleb(-DECIMAL_SCALE)

Scalar = str | int | float | bool | Decimal | None
Value = Scalar | list[Scalar]


class SqlType(StrEnum):
    """What the values of a column are, in SQL's words."""

    TEXT = "VARCHAR"
    JSON = "JSON"
    """JSON text."""

    INTEGER = "BIGINT"
    NUMBER = "DOUBLE"
    BOOLEAN = "BOOLEAN"
    TIMESTAMP = "TIMESTAMP WITH TIME ZONE"
    """Microseconds since 1970 in UTC."""

    DECIMAL = f"DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})"


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a column: one value, or a list of such values."""

    kind: SqlType
    is_list: bool = False

    def __str__(self) -> str:
        """Return the type's SQL name; JSON is text to a reader."""
        name = SqlType.TEXT if self.kind is SqlType.JSON else self.kind
        return f"{name}[]" if self.is_list else name.value


TEXT: Final = ColumnType(SqlType.TEXT)


class Misfit(Exception):
    """A value that its column's type cannot hold unchanged."""


def choose_type(schema: Schema, definitions: Schema) -> ColumnType:
    """Return the type of a field's column: rule 1."""
    schema = _not_null(schema, definitions)
    if schema.get("type") != "array":
        return ColumnType(_sql_type(schema))
    items = _not_null(schema.get("items", {}), definitions)
    is_scalar = items.get("type") not in {"array", "object"} and "anyOf" not in items
    return ColumnType(_sql_type(items) if is_scalar else SqlType.JSON, is_list=True)


def unify_types(one: ColumnType, other: ColumnType) -> ColumnType:
    """Return the type of a column that two callback types declare: rule 2."""
    return one if one == other else TEXT


def convert(column: ColumnType, value: object) -> Value:
    """Return a JSON value in the column's type, None for null; raises Misfit."""
    if value is None:
        return None
    fit = _CONVERTERS[column.kind]
    if not column.is_list:
        return fit(value)
    if not isinstance(value, list):
        raise Misfit
    return [None if item is None else fit(item) for item in cast("list[object]", value)]


def to_microseconds(timestamp_ms: int) -> int:
    """Return epoch milliseconds as microseconds; raises Misfit if that is too large."""
    found = timestamp_ms * 1000
    if abs(found) > _INTEGER_MAX:
        raise Misfit
    return found


def to_text(value: object) -> str | None:
    """Return a JSON value as text: text unchanged, anything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _not_null(schema: Schema, definitions: Schema) -> Schema:
    """Return the schema of the values that are not null, with references resolved."""
    while True:
        if "$ref" in schema:
            schema = definitions[schema["$ref"].rpartition("/")[2]]
            continue
        alternatives = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
        if len(alternatives) != 1:
            return schema
        schema = alternatives[0]


def _sql_type(schema: Schema) -> SqlType:
    of_type: object = schema.get("type")
    if of_type == "string" and schema.get("format") == "date-time":
        return SqlType.TIMESTAMP
    if of_type == "string" and schema.get("pattern") == _DECIMAL_PATTERN:
        return SqlType.DECIMAL
    # A schema without a type is a constant, or has several alternatives.
    return (
        _SQL_TYPES[of_type] if isinstance(of_type, str) and of_type in _SQL_TYPES else SqlType.TEXT
    )


def _to_json(value: object) -> str:
    return orjson.dumps(value).decode()


def _to_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise Misfit
    return value


def _to_integer(value: object) -> int:
    if isinstance(value, float) and value.is_integer() and abs(value) <= _DOUBLE_EXACT_MAX:
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _INTEGER_MAX:
        raise Misfit
    return value


def _to_number(value: object) -> float:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _DOUBLE_EXACT_MAX:
        return float(value)
    if not isinstance(value, float):
        raise Misfit
    return value


def _to_timestamp(value: object) -> int:
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Misfit
    fraction = (found["fraction"] or "").rstrip("0")
    if len(fraction) > _FRACTION_DIGITS:
        raise Misfit
    try:
        second = datetime.fromisoformat(f"{found['second']}{found['offset'].upper()}")
    except ValueError as error:  # such as the 30th of February, or a leap second
        raise Misfit from error
    # Do not convert to UTC first: that could leave the years that datetime supports.
    return (second - _EPOCH) // _MICROSECOND + int(fraction.ljust(_FRACTION_DIGITS, "0"))


def _to_decimal(value: object) -> Decimal:
    if not isinstance(value, str) or _DECIMAL.fullmatch(value) is None:
        raise Misfit
    try:
        return Decimal(value).quantize(_LAST_DIGIT, context=_EXACT)
    except (Inexact, InvalidOperation) as error:
        raise Misfit from error


_SQL_TYPES: Final = {
    "array": SqlType.JSON,
    "boolean": SqlType.BOOLEAN,
    "integer": SqlType.INTEGER,
    "number": SqlType.NUMBER,
    "object": SqlType.JSON,
    "string": SqlType.TEXT,
}
_CONVERTERS: Final[dict[SqlType, Callable[[object], Scalar]]] = {
    SqlType.TEXT: to_text,
    SqlType.JSON: _to_json,
    SqlType.INTEGER: _to_integer,
    SqlType.NUMBER: _to_number,
    SqlType.BOOLEAN: _to_boolean,
    SqlType.TIMESTAMP: _to_timestamp,
    SqlType.DECIMAL: _to_decimal,
}
