"""A consumer parses what the bridge wrote, and what a newer bridge may write."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.callbacks.voice.hangup import Hangup
from bridge.consume.record import (
    MalformedRecord,
    UnknownWord,
    Unmodelled,
    parse_attributes,
    parse_event,
    parse_journal_record,
    read_journal_kind,
)
from bridge.core.requested import CallRequestedData
from bridge.derived.samples import Example
from tests.support.factories import TEXT
from tests.support.placed_requests import other_records, placed, records_of
from tests.support.sample_events import EXAMPLES, NAMES, changed, sample

ROOT = Path(__file__).parent.parent.parent
HANGUP = "voice.call.hangup"
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_every_sample_is_parsed_as_its_type_without_loss(example: Example) -> None:
    event = parse_event(example.event.record.value)
    assert type(event.data) is example.type.model
    assert event.unknown_words == ()
    published = orjson.loads(example.event.record.value)
    assert (
        event.data.model_dump(mode="json", by_alias=True, exclude_unset=True) == (published["data"])
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_an_unknown_word_leaves_the_rest_typed(example: Example) -> None:
    published = orjson.loads(example.event.record.value)
    published["data"]["recognised_by"] = "oracle"
    published["data"]["shiny"] = {"new": 1}
    event = parse_event(orjson.dumps(published))
    assert type(event.data) is example.type.model
    assert event.unknown_words == (UnknownWord("recognised_by", "oracle"),)
    assert (
        event.data.model_dump(mode="python", by_alias=True, exclude_unset=True)
        == (published["data"])
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_every_journal_record_is_parsed_without_loss(example: Example) -> None:
    record = parse_journal_record(example.journal.value)
    assert orjson.loads(orjson.dumps(record.value)) == orjson.loads(example.journal.value)
    assert record.unknown_words == ()


def test_the_envelope_has_the_attributes_with_times_as_instants() -> None:
    value = changed(HANGUP, lambda event: event.update(traceparent="00-ab-cd-01"))
    envelope = parse_event(value).envelope
    found = orjson.loads(value)
    assert (envelope.id, envelope.subject) == (found["id"], found["subject"])
    assert envelope.time == datetime(2026, 3, 7, 14, 14, 43, tzinfo=UTC)
    assert envelope.recordedtime == datetime(2026, 3, 7, 14, 14, 44, 121_000, tzinfo=UTC)
    assert envelope.extensions == {"traceparent": "00-ab-cd-01"}


def test_headers_alone_identify_an_event() -> None:
    example = sample(HANGUP)
    attributes = parse_attributes(example.event.record.headers)
    value = orjson.loads(example.event.record.value)
    assert attributes == {name: value[name] for name in attributes}
    assert attributes["type"] == "com.plivo.voice.call.hangup.v1"
    assert parse_attributes(example.journal.headers) == {}
    assert parse_attributes(None) == {}
    assert parse_attributes([("ce_type", None)]) == {}


def test_a_requested_call_is_typed_without_loss() -> None:
    (record, _) = records_of(placed(outcome="unknown"))
    event = parse_event(record.value)
    assert isinstance(event.data, CallRequestedData)
    assert event.data.to["e164"] == "+14155550123"
    assert event.unknown_words == ()
    published = orjson.loads(record.value)["data"]
    assert event.data.model_dump(mode="json", by_alias=True) == published
    newer = orjson.loads(record.value)
    newer["type"] = "com.plivo.voice.call.requested.v2"
    later = parse_event(orjson.dumps(newer)).data
    assert isinstance(later, Unmodelled)
    assert later.reason == "unknown_version"


def test_the_kind_of_a_journal_record_is_in_its_headers() -> None:
    kinds = [read_journal_kind(record.headers) for record in other_records()]
    assert kinds == ["request", "answer", "tomorrow"]
    assert read_journal_kind(sample(HANGUP).journal.headers) is None
    assert read_journal_kind(None) is None
    assert read_journal_kind([("journal_kind", None)]) == ""
    with pytest.raises(MalformedRecord):
        parse_journal_record(other_records()[0].value)


def test_fields_are_typed() -> None:
    match parse_event(sample(HANGUP).event.record.value).data:
        case Hangup() as hangup:
            assert hangup.duration_s == 66
            assert hangup.hangup is not None
            assert hangup.hangup["group"] is not None
        case _:
            pytest.fail("a hangup is a Hangup")


def test_unknown_words_are_kept_as_received_and_listed() -> None:
    def newer(event: dict[str, Any]) -> None:
        event["data"]["from"]["kind"] = "satellite"
        event["data"]["ended_at"]["certainty"] = "prophesied"
        event["data"]["stir"]["verification"] = "half_verified"
        event["data"]["stir"]["attestation"] = "D"
        event["data"]["verification"]["verdict"] = "probably"

    event = parse_event(changed(HANGUP, newer))
    assert isinstance(event.data, Hangup)
    assert event.data.from_ is not None
    assert event.data.from_["kind"] == "satellite"
    assert set(event.unknown_words) == {
        UnknownWord("from.kind", "satellite"),
        UnknownWord("ended_at.certainty", "prophesied"),
        UnknownWord("stir.verification", "half_verified"),
        UnknownWord("stir.attestation", "D"),
        UnknownWord("verification.verdict", "probably"),
    }


def test_new_fields_are_kept_at_any_depth() -> None:
    def newer(event: dict[str, Any]) -> None:
        event["data"]["shiny"] = 1
        event["data"]["from"]["shiny"] = 2

    event = parse_event(changed(HANGUP, newer))
    assert isinstance(event.data, Hangup)
    assert event.data.model_extra == {"shiny": 1}
    assert event.data.model_dump(by_alias=True)["from"]["shiny"] == 2


@pytest.mark.parametrize(
    ("event_type", "reason"),
    [
        ("com.plivo.voice.call.hangup.v2", "unknown_version"),
        ("com.plivo.voice.call.hangup.v10", "unknown_version"),
        ("com.plivo.voice.call.teleported.v1", "unknown_type"),
        ("com.plivo.voice.call.hangup", "unknown_type"),
        ("org.example.other", "unknown_type"),
    ],
)
def test_an_unknown_type_or_major_version_keeps_its_data_as_received(
    event_type: str, reason: str
) -> None:
    def newer(event: dict[str, Any]) -> None:
        event["type"] = event_type
        event["data"] = {"all": ["is", "different"]}

    event = parse_event(changed(HANGUP, newer))
    assert event.envelope.type == event_type
    assert isinstance(event.data, Unmodelled)
    assert event.data.reason == reason
    assert event.data.fields == {"all": ["is", "different"]}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no_value"),
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[]", "not_an_event"),
        (b"{}", "not_an_event"),
        (sample(HANGUP).journal.value, "not_an_event"),
        (changed(HANGUP, lambda event: event.update(specversion="2.0")), "not_an_event"),
        (changed(HANGUP, lambda event: event.pop("id")), "not_an_event"),
        (changed(HANGUP, lambda event: event.update(subject=1)), "not_an_event"),
        (changed(HANGUP, lambda event: event.update(time="yesterday")), "not_an_event"),
        (changed(HANGUP, lambda event: event.update(time="2026-03-07T14:14:43")), "not_an_event"),
        (
            changed(HANGUP, lambda event: event.update(time="0001-01-01T00:00+23:00")),
            "not_an_event",
        ),
        (changed(HANGUP, lambda event: event.update(data=None)), "not_an_event"),
        (changed(HANGUP, lambda event: event["data"].pop("received_at")), "bad_data"),
        (changed(HANGUP, lambda event: event["data"].update(duration_s="66")), "bad_data"),
        (changed(HANGUP, lambda event: event["data"]["from"].update(kind=1)), "bad_data"),
    ],
)
def test_data_that_no_schema_allows_is_malformed(value: bytes | None, reason: str) -> None:
    with pytest.raises(MalformedRecord) as refused:
        parse_event(value)
    assert refused.value.reason == reason


@given(st.data())
def test_any_data_is_parsed_or_malformed(data: st.DataObject) -> None:
    found = orjson.loads(sample(HANGUP).event.record.value)
    objects = [found, found["data"], found["data"]["from"], found["data"]["ended_at"]]
    for _ in range(data.draw(st.integers(1, 4))):
        target = data.draw(st.sampled_from(objects))
        target[data.draw(st.sampled_from(sorted(target)))] = data.draw(ANY_JSON)
    try:
        event = parse_event(orjson.dumps(found))
    except MalformedRecord:
        return
    assert event.envelope.id == found["id"]


@given(st.binary(max_size=40))
def test_any_value_is_parsed_or_malformed(value: bytes) -> None:
    for read in (parse_event, parse_journal_record):
        with pytest.raises(MalformedRecord):
            read(value)


def test_a_fault_names_the_field_but_not_its_value() -> None:
    value = changed(HANGUP, lambda event: event["data"].update(duration_s="+14155550100"))
    with pytest.raises(MalformedRecord, match="duration_s: ") as refused:
        parse_event(value)
    assert "4155550100" not in str(refused.value)


def test_journal_records_of_a_newer_bridge_are_read() -> None:
    value = orjson.loads(sample(HANGUP).journal.value)
    value["verification"]["verdict"] = "probably"
    value["shiny"] = 1
    record = parse_journal_record(orjson.dumps(value))
    assert orjson.loads(orjson.dumps(record.value)) == value
    assert record.unknown_words == (UnknownWord("verification.verdict", "probably"),)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no_value"),
        (b"{", "not_json"),
        (b"{}", "not_a_journal_record"),
        (b"[]", "not_a_journal_record"),
        (sample(HANGUP).event.record.value, "not_a_journal_record"),
    ],
)
def test_a_value_that_is_not_a_journal_record_is_malformed(
    value: bytes | None, reason: str
) -> None:
    with pytest.raises(MalformedRecord) as refused:
        parse_journal_record(value)
    assert refused.value.reason == reason


@pytest.mark.system
def test_importing_it_loads_no_server_and_no_client() -> None:
    heavy = ["aiokafka", "asyncio", "httpx", "starlette", "structlog", "typer", "uvicorn"]
    program = (
        "import sys, bridge.consume.record, bridge.consume.once, bridge.consume.order\n"
        f"sys.exit(', '.join(set({heavy}) & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""
    assert done.returncode == 0
