"""Every law that must hold for a damaged sample too: degraded, never dropped."""

import json
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.dead_letter import to_dead_letter
from bridge.core.parse import NoEvent, Parser
from bridge.core.request import RawCallback
from bridge.reader.journal import to_raw_callback
from bridge.reply.document import ACKNOWLEDGEMENT
from tests.support.conformance import (
    NAMES,
    PARSER,
    SAMPLES,
    TYPES,
    Sample,
    assert_valid,
    degraded,
    through,
)
from tests.support.factories import NAMING, TEXT, UUID, raw_callback, signed, verdict_on
from tests.support.parameter_loss import lost

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)
CONTEXT = Parser(TYPES, ("team", "tenant"))


def kept(raw: RawCallback, sample: Sample) -> None:
    """Assert that everything of ``raw`` is in its event, or in its dead letter byte for byte."""
    try:
        taken = through(raw, sample.route, parser=CONTEXT)
    except NoEvent as no_event:
        _, records = to_dead_letter(verdict_on(raw), no_event.reason, NAMING, ACKNOWLEDGEMENT)
        assert all(to_raw_callback(orjson.loads(record.value)) == raw for record in records)
        return
    assert lost(taken.callback) == []
    assert to_raw_callback(orjson.loads(taken.journal.value)) == raw
    assert_valid(taken)


@every_sample
@settings(max_examples=12)
@given(data=st.data())
def test_of_a_degraded_form_nothing_is_lost_and_only_no_event_is_raised(
    sample: Sample, data: st.DataObject
) -> None:
    kept(signed(raw_callback("team=blue", data.draw(degraded(sample)))), sample)


@every_sample
@settings(max_examples=5)
@given(data=st.data())
def test_of_a_degraded_query_nothing_is_lost_and_only_no_event_is_raised(
    sample: Sample, data: st.DataObject
) -> None:
    form = data.draw(degraded(sample))
    query = "".join(chr(byte) if 32 < byte < 127 else f"%{byte:02X}" for byte in form)
    kept(signed(raw_callback(f"{query}&team=blue", method="GET")), sample)


@every_sample
@settings(max_examples=5)
@given(data=st.data())
def test_of_a_json_object_nothing_is_lost_whatever_its_values_are(
    sample: Sample, data: st.DataObject
) -> None:
    values = st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT, max_size=2)
    names = st.sampled_from([name for name, _ in sample.pairs])
    members = {**dict(sample.pairs), **data.draw(st.dictionaries(names, values))}
    kept(raw_callback("", json.dumps(members), content_type="application/json"), sample)


# A field that two parameters may fill: a readable one first, then an unreadable one.
TWICE = [
    ("voice.record.completed", "RecordingDuration", "42", "recording_duration", "soon"),
    ("voice.record.completed", "RecordingStartMs", "1772892781000", "recording_start_ms", "soon"),
    ("voice.record.completed", "RecordUrl", "https://a.example/1", "record_url", "\udcff"),
    ("voice.call.answer", "Machine", "true", "machine", "\udcff"),
    ("messaging.message.status", "Status", "sent", "status", "\udcff"),
    ("messaging.message.inbound", "Text", "Hello", "Body", "\udcff"),
]


@pytest.mark.parametrize(("kind", "first", "good", "second", "bad"), TWICE)
@pytest.mark.parametrize("turn", [list, reversed])
def test_a_parameter_is_kept_when_another_spelling_of_it_cannot_be_read(
    kind: str,
    first: str,
    good: str,
    second: str,
    *,
    bad: str,
    turn: Callable[[list[tuple[str, str]]], list[tuple[str, str]]],
) -> None:
    identity = "MessageUUID" if kind.startswith("messaging") else "CallUUID"
    pairs = [(identity, UUID), *turn([(first, good), (second, bad)])]
    body = b"&".join(
        name.encode() + b"=" + value.encode("utf-8", "surrogateescape") for name, value in pairs
    )
    callback = PARSER.parse(verdict_on(raw_callback("", body)), TYPES.by_name[kind])
    assert lost(callback) == []


def test_spellings_that_agree_are_both_kept_when_a_third_disagrees() -> None:
    body = "CallUUID=x&RecordingDuration=42&recordingduration=42&recording_duration=12"
    route = TYPES.by_name["voice.record.completed"]
    assert lost(PARSER.parse(verdict_on(raw_callback("", body)), route)) == []
