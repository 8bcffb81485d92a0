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
    Kind,
    Misfit,
    common_type,
    fitted,
    microseconds,
    type_of_schema,
)
from bridge.replay.targets.columns import of_events
from tests.replay.making import samples, stored_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INTEGER = ColumnType(Kind.INTEGER)
DECIMAL = ColumnType(Kind.DECIMAL)
TIMESTAMP = ColumnType(Kind.TIMESTAMP)


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
    assert str(type_of_schema(schema, definitions)) == expected


def test_a_field_that_two_types_declare_differently_is_text() -> None:
    assert common_type(INTEGER, INTEGER) == INTEGER
    assert common_type(INTEGER, DECIMAL) == ColumnType(Kind.TEXT)
    assert common_type(INTEGER, ColumnType(Kind.INTEGER, is_list=True)) == ColumnType(Kind.TEXT)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.TEXT, "a", "a"),
        (Kind.TEXT, 7, "7"),
        (Kind.JSON, {"a": ["b"]}, '{"a":["b"]}'),
        (Kind.JSON, "a", '"a"'),
        (Kind.INTEGER, -(2**63) + 1, -(2**63) + 1),
        (Kind.INTEGER, 2**63 - 1, 2**63 - 1),
        (Kind.INTEGER, 66.0, 66),
        (Kind.NUMBER, 0.1, 0.1),
        (Kind.NUMBER, 3, 3.0),
        (Kind.BOOLEAN, False, False),
        (Kind.TIMESTAMP, "1970-01-01T00:00:01Z", 1_000_000),
        (Kind.TIMESTAMP, "1970-01-01T00:00:00.000001Z", 1),
        (Kind.TIMESTAMP, "1970-01-01T00:00:00.5Z", 500_000),
        (Kind.TIMESTAMP, "1970-01-01T00:00:00.1000000000Z", 100_000),
        (Kind.TIMESTAMP, "1969-12-31T23:59:59.25Z", -750_000),
        (Kind.TIMESTAMP, "1970-01-01T01:00:00+01:00", 0),
        (Kind.TIMESTAMP, "1970-01-01t00:00:00z", 0),
        (Kind.DECIMAL, "0.00350", Decimal("0.0035")),
        (Kind.DECIMAL, "-1", Decimal(-1)),
        (Kind.DECIMAL, "0.000000000001", Decimal("1e-12")),
        (Kind.DECIMAL, "0.10000000000000000000", Decimal("0.1")),
        (Kind.DECIMAL, "9" * 26 + "." + "9" * 12, Decimal("9" * 26 + "." + "9" * 12)),
    ],
)
def test_a_value_is_what_its_json_says(kind: Kind, value: object, expected: object) -> None:
    found = fitted(ColumnType(kind), value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.INTEGER, 2**63),
        (Kind.INTEGER, 1.5),
        (Kind.INTEGER, 1e300),
        (Kind.INTEGER, True),
        (Kind.INTEGER, "7"),
        (Kind.NUMBER, 2**53 + 1),
        (Kind.NUMBER, "0.1"),
        (Kind.NUMBER, True),
        (Kind.BOOLEAN, 1),
        (Kind.BOOLEAN, "true"),
        (Kind.TIMESTAMP, "2026-03-07 14:14:43"),
        (Kind.TIMESTAMP, "2026-03-07T14:14:43"),
        (Kind.TIMESTAMP, "2026-02-30T14:14:43Z"),
        (Kind.TIMESTAMP, "2026-12-31T23:59:60Z"),
        (Kind.TIMESTAMP, "2026-03-07T14:14:43.0000001Z"),
        (Kind.TIMESTAMP, 1),
        (Kind.DECIMAL, "0.0000000000001"),
        (Kind.DECIMAL, "1" + "0" * 26),
        (Kind.DECIMAL, "9" * 400),
        (Kind.DECIMAL, "1e2"),
        (Kind.DECIMAL, "NaN"),
        (Kind.DECIMAL, ""),
        (Kind.DECIMAL, 0.01),
        (Kind.DECIMAL, ["0.01"]),
    ],
)
def test_a_value_that_would_be_changed_is_a_misfit(kind: Kind, value: object) -> None:
    with pytest.raises(Misfit):
        fitted(ColumnType(kind), value)
    with pytest.raises(Misfit):  # in a list, the whole list is one
        fitted(ColumnType(kind, is_list=True), [value])


def test_a_list_keeps_its_order_its_length_and_its_nulls() -> None:
    numbers = ColumnType(Kind.INTEGER, is_list=True)
    assert fitted(numbers, [2, None, 1]) == [2, None, 1]
    assert fitted(numbers, []) == []
    assert fitted(numbers, None) is None
    with pytest.raises(Misfit):
        fitted(numbers, 2)
    objects = ColumnType(Kind.JSON, is_list=True)
    assert fitted(objects, [{"a": 1}, ["b"]]) == ['{"a":1}', '["b"]']


@given(integer=st.text("0123456789", min_size=1, max_size=30), sign=st.sampled_from(["", "-"]))
def test_a_decimal_is_exactly_what_its_text_says_or_a_misfit(integer: str, sign: str) -> None:
    for at in range(1, len(integer) + 1):
        text = f"{sign}{integer[:at]}" + (f".{integer[at:]}" if integer[at:] else "")
        try:
            found = fitted(DECIMAL, text)
        except Misfit:
            whole, _, fraction = text.lstrip("-0").partition(".")
            assert len(whole) > 26 or len(fraction.rstrip("0")) > 12
        else:
            assert isinstance(found, Decimal)
            assert (found, found.as_tuple().exponent) == (Decimal(text), -12)


@given(instant=st.datetimes(timezones=st.just(UTC)))
def test_a_timestamp_is_its_instant_to_the_microsecond(instant: datetime) -> None:
    found = fitted(TIMESTAMP, instant.replace(tzinfo=None).isoformat() + "Z")
    assert isinstance(found, int)
    assert EPOCH + timedelta(microseconds=found) == instant


def test_a_timestamp_of_kafkas_is_exact_or_a_misfit() -> None:
    assert microseconds(1) == 1000
    with pytest.raises(Misfit):
        microseconds(2**63 - 1)


def test_a_row_lists_what_its_types_cannot_hold_beside_the_whole_value(types: Catalogue) -> None:
    (example, *_) = samples("voice.call.hangup")
    table = of_events([example.type])
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
