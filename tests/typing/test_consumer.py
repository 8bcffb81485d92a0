"""The types that a consumer's program sees: checked by mypy and pyright, and run.

``make lint`` fails if a type that ``bridge.consume`` shows its users changes or is lost.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, assert_type

import pytest

from bridge.callbacks.model import CallbackData
from bridge.callbacks.voice.hangup import Hangup
from bridge.consume import (
    Deduplicator,
    Event,
    JournalRecord,
    MalformedReason,
    MalformedRecord,
    Reorder,
    SortKey,
    UnknownWord,
    Unmodelled,
    find_call,
    make_sort_key,
    parse_attributes,
    parse_event,
    parse_journal_record,
)
from bridge.core.journal import JournalValue
from bridge.core.requested import CallRequestedData

SCHEMAS: Final = Path(__file__).parents[2] / "schemas"
EVENT: Final = min((SCHEMAS / "voice.call.hangup/examples").glob("*.json")).read_bytes()
JOURNAL_RECORD: Final = min((SCHEMAS / "journal/examples").glob("*.json")).read_bytes()


def test_an_event_is_typed_down_to_its_fields() -> None:
    event = assert_type(parse_event(EVENT), Event)
    assert_type(event.envelope.id, str)
    assert_type(event.envelope.time, datetime)
    assert_type(event.envelope.extensions, Mapping[str, str])
    assert_type(event.unknown_words, tuple[UnknownWord, ...])
    assert_type(event.data, CallbackData | CallRequestedData | Unmodelled)
    match event.data:
        case Hangup() as hangup:
            assert_type(hangup, Hangup)
            assert_type(hangup.call_uuid, str | None)
            assert_type(hangup.duration_s, int | None)
        case Unmodelled() as data:
            assert_type(data.reason, Literal["unknown_type", "unknown_version"])
            assert_type(data.fields, Mapping[str, object])
        case _:
            assert_type(event.data, CallbackData | CallRequestedData)


def test_a_fault_has_a_reason_that_can_be_matched() -> None:
    with pytest.raises(MalformedRecord) as caught:
        parse_event(None)
    reason = assert_type(caught.value.reason, MalformedReason)
    assert_type(
        reason, Literal["no_value", "not_json", "not_an_event", "not_a_journal_record", "bad_data"]
    )
    assert reason == "no_value"


def test_headers_are_those_of_either_kafka_client() -> None:
    aiokafka: tuple[tuple[str, bytes], ...] = (("ce_type", b"t"),)
    confluent: list[tuple[str, bytes | None]] = [("ce_type", b"t"), ("empty", None)]
    assert assert_type(parse_attributes(aiokafka), dict[str, str]) == {"type": "t"}
    assert parse_attributes(confluent) == parse_attributes(aiokafka)
    assert parse_attributes(None) == {}


def test_a_journal_record_has_the_type_of_its_value() -> None:
    record = assert_type(parse_journal_record(JOURNAL_RECORD), JournalRecord)
    assert_type(record.value, JournalValue)
    assert_type(record.value["method"], str)


def test_events_are_put_in_order_and_taken_once_without_losing_their_type() -> None:
    event = parse_event(EVENT)
    seen = Deduplicator(ids_max=10)
    assert_type(seen.is_new(event.envelope.id), bool)
    reorder = Reorder[Event](window_s=1.0, items_max=10)
    assert_type(make_sort_key(event), SortKey)
    due = reorder.push(event, key=find_call(event), sort_key=make_sort_key(event), now_s=0.0)
    assert_type(due, list[Event])
    assert assert_type(reorder.flush(), list[Event]) == [event]
