"""Records as rows: stable columns, text as it stands, nothing left out."""

import orjson
import pytest

from bridge.core import catalogue
from bridge.core.catalogue import Catalogue
from bridge.core.event import ContractNames
from bridge.derived.samples import build_examples
from bridge.replay.targets.columns import (
    Cell,
    Table,
    build_event_table,
    build_journal_table,
    format_utc_ms,
    select_types,
)
from tests.support.placed_requests import placed, records_of
from tests.support.stored_records import NOON_MS, samples, stored, stored_of

HANGUP = samples("voice.call.hangup")[0]
RECORD_COLUMNS = [
    "record_topic",
    "record_partition",
    "record_offset",
    "record_timestamp",
    "record_key",
    "record_key_base64",
    "record_headers",
    "record_value",
    "record_value_base64",
]


def table_of(types: Catalogue, *names: str) -> Table:
    return build_event_table(select_types(types.by_name, names))


def row_of(table: Table, **record: object) -> dict[str, Cell]:
    return dict(zip(table.names, table.row(stored(**record)), strict=True))  # type: ignore[arg-type]


def test_an_events_fields_are_its_columns(types: Catalogue) -> None:
    table = table_of(types, "voice.call.hangup")
    row = dict(zip(table.names, table.row(stored_of(HANGUP.event.record, 7)), strict=True))
    assert row["record_offset"] == "7"
    assert row["type"] == "com.plivo.voice.call.hangup.v1"
    assert row["from_e164"] == "+14155550100"
    assert row["duration_s"] == "66"
    assert row["total_cost"] == "0.01000"
    assert row["stir_conflict"] == "false"
    assert row["verification_covers"] == '["url","query","body"]'
    assert row["forwarded_from_e164"] is None


def test_a_time_is_in_utc_and_as_it_came(types: Catalogue) -> None:
    table = table_of(types, "voice.call.hangup")
    row = dict(zip(table.names, table.row(stored_of(HANGUP.event.record)), strict=True))
    assert row["ended_at_utc"] == "2026-03-07T14:14:43Z"
    assert row["ended_at_text"] == "2026-03-07 09:14:43"
    assert row["ended_at_zone"] == "America/New_York"
    assert row["ended_at_certainty"] == "exact"
    assert row["record_timestamp"] == "2026-03-07T14:14:44.120Z"


def test_a_journal_records_fields_are_its_columns() -> None:
    table = build_journal_table()
    row = dict(zip(table.names, table.row(stored_of(HANGUP.journal)), strict=True))
    assert row["method"] == "POST"
    assert row["body"] == HANGUP.raw.body.decode()
    assert row["reply_status"] == "200"
    assert orjson.loads(row["headers"] or "")[0][0] == "content-type"


def test_a_journal_record_that_is_no_callback_has_its_whole_value_alone() -> None:
    table = build_journal_table()
    record = records_of(placed())[-1]
    row = dict(zip(table.names, table.row(stored_of(record)), strict=True))
    assert row["record_value"] == record.value.decode()
    assert {name for name, cell in row.items() if cell} == {
        "record_topic",
        "record_partition",
        "record_offset",
        "record_timestamp",
        "record_key",
        "record_headers",
        "record_value",
    }


def test_columns_follow_from_the_requested_types_alone(types: Catalogue) -> None:
    one = table_of(types, "voice.call.hangup")
    two = table_of(types, "voice.call.hangup", "messaging.message.status")
    every = table_of(types)
    assert one.names == table_of(types, "voice.call.hangup").names
    assert set(one.names) < set(two.names) < set(every.names)
    for table in (one, two, every, build_journal_table()):
        assert len(set(table.names)) == len(table.names)
        assert [one.name for one in table.columns if not one.path] == RECORD_COLUMNS


def test_every_example_of_every_type_fits_the_columns_of_its_type(types: Catalogue) -> None:
    for example in build_examples(types, ContractNames("", "urn:test:")):
        table = build_event_table([example.type])
        record = stored_of(example.event.record)
        row = dict(zip(table.names, table.row(record), strict=True))
        assert row["id"] == example.event.id
        assert row["record_value"] == example.event.record.value.decode()
        event = orjson.loads(example.event.record.value)
        paths = [one.path for one in table.columns]
        assert {name for name in event["data"] if not _has_column(paths, f"data.{name}")} == set()


def _has_column(paths: list[str], name: str) -> bool:
    return any(path == name or path.startswith(f"{name}.") for path in paths)


@pytest.mark.parametrize(
    "value", [None, b"", b"no JSON", b"[1]", b'"text"', b'{"data":7}', b'{"data":{"from":"x"}}']
)
def test_what_is_no_event_has_empty_fields_and_its_whole_value(
    types: Catalogue, value: bytes | None
) -> None:
    row = row_of(table_of(types, "voice.call.hangup"), value=value)
    assert row["record_value"] == (None if value is None else value.decode())
    assert row["from_e164"] is None


def test_what_is_no_text_is_in_base64(types: Catalogue) -> None:
    row = row_of(
        table_of(types, "voice.fetch"),
        key=b"\xff",
        value=b"\xfe",
        headers=[("a", b"\xff"), ("b", b"text"), ("c", None)],
    )
    assert (row["record_key"], row["record_key_base64"]) == (None, "/w==")
    assert (row["record_value"], row["record_value_base64"]) == (None, "/g==")
    assert orjson.loads(row["record_headers"] or "") == [
        {"name": "a", "value_base64": "/w=="},
        {"name": "b", "value": "text"},
        {"name": "c", "value": None},
    ]


@pytest.mark.parametrize(
    ("timestamp_ms", "expected"),
    [
        (NOON_MS, "2026-03-07T12:00:00.000Z"),
        (NOON_MS + 7, "2026-03-07T12:00:00.007Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "253402300800000 ms"),  # Kafka has no calendar
        (2**63 - 1, "9223372036854775807 ms"),
    ],
)
def test_a_timestamp_is_utc_with_milliseconds(timestamp_ms: int, expected: str) -> None:
    assert format_utc_ms(timestamp_ms) == expected


def test_all_types_are_chosen_where_none_is_named() -> None:
    known = catalogue.load_catalogue().by_name
    assert len(select_types(known, ())) == len(known)
    assert [one.name for one in select_types(known, ["voice.fetch"])] == ["voice.fetch"]
