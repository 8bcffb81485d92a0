"""A column's type follows from its field's schema, and its values are exact or misfits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bridge.core.catalogue import Catalogue
from bridge.normalise.quantity import Money
from bridge.replay.targets.column_types import (
    ColumnType,
    Misfit,
    SqlType,
    choose_type,
    convert,
    to_microseconds,
    unify_types,
)
from bridge.replay.targets.columns import build_event_table
from tests.support.stored_records import samples, stored_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INTEGER = ColumnType(SqlType.INTEGER)
DECIMAL = ColumnType(SqlType.DECIMAL)
TIMESTAMP = ColumnType(SqlType.TIMESTAMP)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "VARCHAR"),
        ({"type": "string", "examples": ["a", "b"]}, "VARCHAR"),
        ({"type": "string", "pattern": "^[0-9]{2,3}$"}, "VARCHAR"),  # leading zeros
        ({"const": "1.0"}, "VARCHAR"),
        ({"type": "integer", "minimum": 0}, "BIGINT"),
        ({"type": "number"}, "DOUBLE"),
        ({"type": "boolean"}, "BOOLEAN"),
        ({"type": "string", "format": "date-time"}, "TIMESTAMP WITH TIME ZONE"),
        ({"type": "string", "format": "uri"}, "VARCHAR"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "BIGINT"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "VARCHAR"),
        ({"$ref": "#/$defs/Count"}, "BIGINT"),
        ({"anyOf": [{"$ref": "#/$defs/Count"}, {"type": "null"}]}, "BIGINT"),
        ({"type": "array", "items": {"type": "string"}}, "VARCHAR[]"),
        ({"type": "array", "items": {"type": "integer"}}, "BIGINT[]"),
        ({"type": "array", "items": {"$ref": "#/$defs/Count"}}, "BIGINT[]"),
        (
            {"type": "array", "items": {"type": "string", "format": "date-time"}},
            "TIMESTAMP WITH TIME ZONE[]",
        ),
        ({"type": "array", "items": {"type": "object"}}, "VARCHAR[]"),
        ({"type": "array", "items": {"type": "array", "prefixItems": []}}, "VARCHAR[]"),
        ({"type": "array"}, "VARCHAR[]"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "VARCHAR"),
        (TypeAdapter(Money).json_schema(), "DECIMAL(38,12)"),
        (TypeAdapter(Money | None).json_schema(), "DECIMAL(38,12)"),
    ],
)
def test_a_columns_type_follows_from_its_fields_schema(
    schema: dict[str, Any], expected: str
) -> None:
    definitions = {"Count": {"type": "integer"}}
    assert str(choose_type(schema, definitions)) == expected


def test_a_field_that_two_types_declare_differently_is_text() -> None:
    assert unify_types(INTEGER, INTEGER) == INTEGER
    assert unify_types(INTEGER, DECIMAL) == ColumnType(SqlType.TEXT)
    assert unify_types(INTEGER, ColumnType(SqlType.INTEGER, is_list=True)) == ColumnType(
        SqlType.TEXT
    )


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (SqlType.TEXT, "a", "a"),
        (SqlType.TEXT, 7, "7"),
        (SqlType.JSON, {"a": ["b"]}, '{"a":["b"]}'),
        (SqlType.JSON, "a", '"a"'),
        (SqlType.INTEGER, -(2**63) + 1, -(2**63) + 1),
        (SqlType.INTEGER, 2**63 - 1, 2**63 - 1),
        (SqlType.INTEGER, 66.0, 66),
        (SqlType.NUMBER, 0.1, 0.1),
        (SqlType.NUMBER, 3, 3.0),
        (SqlType.BOOLEAN, False, False),
        (SqlType.TIMESTAMP, "1970-01-01T00:00:01Z", 1_000_000),
        (SqlType.TIMESTAMP, "1970-01-01T00:00:00.000001Z", 1),
        (SqlType.TIMESTAMP, "1970-01-01T00:00:00.5Z", 500_000),
        (SqlType.TIMESTAMP, "1970-01-01T00:00:00.1000000000Z", 100_000),
        (SqlType.TIMESTAMP, "1969-12-31T23:59:59.25Z", -750_000),
        (SqlType.TIMESTAMP, "1970-01-01T01:00:00+01:00", 0),
        (SqlType.TIMESTAMP, "1970-01-01t00:00:00z", 0),
        (SqlType.DECIMAL, "0.00350", Decimal("0.0035")),
        (SqlType.DECIMAL, "-1", Decimal(-1)),
        (SqlType.DECIMAL, "0.000000000001", Decimal("1e-12")),
        (SqlType.DECIMAL, "0.10000000000000000000", Decimal("0.1")),
        (SqlType.DECIMAL, "9" * 26 + "." + "9" * 12, Decimal("9" * 26 + "." + "9" * 12)),
    ],
)
def test_a_value_is_what_its_json_says(kind: SqlType, value: object, expected: object) -> None:
    found = convert(ColumnType(kind), value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (SqlType.INTEGER, 2**63),
        (SqlType.INTEGER, 1.5),
        (SqlType.INTEGER, 1e300),
        (SqlType.INTEGER, True),
        (SqlType.INTEGER, "7"),
        (SqlType.NUMBER, 2**53 + 1),
        (SqlType.NUMBER, "0.1"),
        (SqlType.NUMBER, True),
        (SqlType.BOOLEAN, 1),
        (SqlType.BOOLEAN, "true"),
        (SqlType.TIMESTAMP, "2026-03-07 14:14:43"),
        (SqlType.TIMESTAMP, "2026-03-07T14:14:43"),
        (SqlType.TIMESTAMP, "2026-02-30T14:14:43Z"),
        (SqlType.TIMESTAMP, "2026-12-31T23:59:60Z"),
        (SqlType.TIMESTAMP, "2026-03-07T14:14:43.0000001Z"),
        (SqlType.TIMESTAMP, 1),
        (SqlType.DECIMAL, "0.0000000000001"),
        (SqlType.DECIMAL, "1" + "0" * 26),
        (SqlType.DECIMAL, "9" * 400),
        (SqlType.DECIMAL, "1e2"),
        (SqlType.DECIMAL, "NaN"),
        (SqlType.DECIMAL, ""),
        (SqlType.DECIMAL, 0.01),
        (SqlType.DECIMAL, ["0.01"]),
    ],
)
def test_a_value_that_would_be_changed_is_a_misfit(kind: SqlType, value: object) -> None:
    with pytest.raises(Misfit):
        convert(ColumnType(kind), value)
    with pytest.raises(Misfit):  # in a list, the whole list is one
        convert(ColumnType(kind, is_list=True), [value])


def test_a_list_keeps_its_order_its_length_and_its_nulls() -> None:
    numbers = ColumnType(SqlType.INTEGER, is_list=True)
    assert convert(numbers, [2, None, 1]) == [2, None, 1]
    assert convert(numbers, []) == []
    assert convert(numbers, None) is None
    with pytest.raises(Misfit):
        convert(numbers, 2)
    objects = ColumnType(SqlType.JSON, is_list=True)
    assert convert(objects, [{"a": 1}, ["b"]]) == ['{"a":1}', '["b"]']


@given(integer=st.text("0123456789", min_size=1, max_size=30), sign=st.sampled_from(["", "-"]))
def test_a_decimal_is_exactly_what_its_text_says_or_a_misfit(integer: str, sign: str) -> None:
    for at in range(1, len(integer) + 1):
        text = f"{sign}{integer[:at]}" + (f".{integer[at:]}" if integer[at:] else "")
        try:
            found = convert(DECIMAL, text)
        except Misfit:
            whole, _, fraction = text.lstrip("-0").partition(".")
            assert len(whole) > 26 or len(fraction.rstrip("0")) > 12
        else:
            assert isinstance(found, Decimal)
            assert (found, found.as_tuple().exponent) == (Decimal(text), -12)


@given(instant=st.datetimes(timezones=st.just(UTC)))
def test_a_timestamp_is_its_instant_to_the_microsecond(instant: datetime) -> None:
    found = convert(TIMESTAMP, instant.replace(tzinfo=None).isoformat() + "Z")
    assert isinstance(found, int)
    assert EPOCH + timedelta(microseconds=found) == instant


def test_a_timestamp_of_kafkas_is_exact_or_a_misfit() -> None:
    assert to_microseconds(1) == 1000
    with pytest.raises(Misfit):
        to_microseconds(2**63 - 1)


def test_a_row_lists_what_its_types_cannot_hold_beside_the_whole_value(types: Catalogue) -> None:
    (example, *_) = samples("voice.call.hangup")
    table = build_event_table([example.type])
    event = orjson.loads(example.event.record.value)
    event["data"]["duration_s"] = "66"
    event["data"]["total_cost"] = "0.0000000000001"
    event["data"]["from"] = "+14155550100"
    record = stored_of(example.event.record)
    record.value = orjson.dumps(event)
    record.timestamp = 2**63 - 1
    names = [one.name for one in table.typed_columns]
    row = dict(zip(names, table.typed_row(record), strict=True))
    assert row["duration_s"] is row["total_cost"] is row["from_e164"] is None
    assert row["record_timestamp"] is None
    assert row["bill_duration_s"] == 120
    misfits = row["record_misfits"]
    assert isinstance(misfits, str)
    assert orjson.loads(misfits) == {
        "data.from": "+14155550100",
        "data.duration_s": "66",
        "data.total_cost": "0.0000000000001",
        "record_timestamp": 2**63 - 1,
    }
    assert row["record_value"] == record.value.decode()
