"""The records of a request that dials: what was requested, and whether Plivo took it."""

import re
from datetime import UTC, datetime
from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import __version__
from bridge.core.requested import (
    CallRequestedData,
    Outcome,
    PlacedRequest,
    remove_credentials,
    to_request_records,
    to_requested_events,
)
from bridge.normalise.correlation import Correlation
from bridge.reader.journal import is_callback
from tests.support.factories import NAMING, RECORDED

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
FIRST, SECOND = "5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01", "64d3290a-87a6-46b4-a6e2-20f5f4e07a02"
REQUEST = PlacedRequest(
    account="MAXXXXXXXXXXXXXXXXXX",
    reference="c0ffee",
    client="callback-bridge/1.0",
    requested_at=datetime(2026, 3, 7, 14, 14, 40, 500_000, tzinfo=UTC),
    body={
        "from": "14155550100",
        "to": "14155550123<sip:anna@phone.plivo.com",
        "answer_url": "https://user:pass@bridge.example.com/plivo/voice/call/answer?a=b@c",
        "time_limit": 60,
    },
    destinations=("14155550123", "sip:anna@phone.plivo.com"),
    outcome="accepted",
    request_uuids=(FIRST, SECOND),
    api_id="97ceeb52-58b6-11e1-86da-77300b68f8bb",
    status=201,
    explanation="call fired",
)


def test_the_ids_that_it_is_joined_by_are_fields_of_the_callbacks() -> None:
    meaning = CallRequestedData.model_fields["request_uuid"].description or ""
    named = re.findall(r"`correlation\.(\w+)`", meaning)
    assert named
    assert set(named) <= Correlation.__annotations__.keys()


def test_each_destination_has_an_event() -> None:
    first, second = to_requested_events(REQUEST, NAMING, RECORDED)
    assert first.id != second.id
    assert orjson.loads(first.record.value) == {
        "specversion": "1.0",
        "id": first.id,
        "source": "/plivo/accounts/MAXXXXXXXXXXXXXXXXXX",
        "type": "com.plivo.voice.call.requested.v1",
        "subject": FIRST,
        "time": "2026-03-07T14:14:40.500000Z",
        "dataschema": NAMING.schema_base + "voice.call.requested/1.0.json",
        "partitionkey": FIRST,
        "recordedtime": orjson.loads(second.record.value)["recordedtime"],
        "datacontenttype": "application/json",
        "data": {
            "requested_at": "2026-03-07T14:14:40.500000Z",
            "reference": "c0ffee",
            "client": "callback-bridge/1.0",
            "from": {"kind": "pstn", "e164": "+14155550100", "text": "14155550100"},
            "to": {"kind": "pstn", "e164": "+14155550123", "text": "14155550123"},
            "outcome": "accepted",
            "status": 201,
            "explanation": "call fired",
            "request_uuid": FIRST,
            "api_id": "97ceeb52-58b6-11e1-86da-77300b68f8bb",
            "parameters": {
                "answer_url": "https://bridge.example.com/plivo/voice/call/answer?a=b@c",
                "time_limit": 60,
            },
            "part": 1,
            "parts": 1,
        },
    }
    assert second.record.key == SECOND.encode()
    assert dict(second.record.headers)["ce_subject"] == SECOND.encode()
    assert orjson.loads(second.record.value)["data"]["to"]["kind"] == "client"


def test_the_journal_record_holds_the_request_as_sent_and_names_its_events() -> None:
    *events, journal = to_request_records(REQUEST, NAMING, RECORDED)
    value = orjson.loads(journal.value)
    assert journal.topic == NAMING.topic_prefix + "plivo.journal.v1"
    assert journal.key == b"c0ffee"
    assert journal.timestamp_ms == 1_772_892_880_500
    assert dict(journal.headers)["journal_kind"] == b"request"
    assert value["body"] == {
        **REQUEST.body,
        "answer_url": "https://bridge.example.com/plivo/voice/call/answer?a=b@c",
    }
    assert value["events"] == [
        {
            "id": orjson.loads(event.value)["id"],
            "type": "com.plivo.voice.call.requested.v1",
            "topic": event.topic,
        }
        for event in events
    ]
    assert {**value, "body": 0, "events": 0} == {
        "reference": "c0ffee",
        "client": "callback-bridge/1.0",
        "source": "/plivo/accounts/MAXXXXXXXXXXXXXXXXXX",
        "requested_at": "2026-03-07T14:14:40.500000Z",
        "body": 0,
        "destinations": ["14155550123", "sip:anna@phone.plivo.com"],
        "outcome": "accepted",
        "request_uuids": [FIRST, SECOND],
        "api_id": "97ceeb52-58b6-11e1-86da-77300b68f8bb",
        "status": 201,
        "explanation": "call fired",
        "part": 1,
        "parts": 1,
        "events": 0,
        "bridge_version": __version__,
    }


def test_the_record_of_a_request_is_no_callback() -> None:
    assert not is_callback(to_request_records(REQUEST, NAMING, RECORDED)[-1])


@pytest.mark.parametrize("uuids", [(), (FIRST,)])
def test_a_destination_without_a_request_uuid_is_keyed_by_the_reference(
    uuids: tuple[str, ...],
) -> None:
    request = REQUEST._replace(outcome="unknown", status=None, request_uuids=uuids)
    events = to_requested_events(request, NAMING, RECORDED)
    assert [one.record.key for one in events] == [
        b"c0ffee:14155550123",
        b"c0ffee:sip:anna@phone.plivo.com",
    ]
    assert orjson.loads(events[0].record.value)["data"]["request_uuid"] is None


def test_a_destination_that_cannot_be_a_key_is_keyed_by_the_id() -> None:
    request = REQUEST._replace(destinations=("sip:a\nb@example.com",), request_uuids=())
    (event,) = to_requested_events(request, NAMING, RECORDED)
    assert event.record.key == event.id.encode()


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("https://example.com/a?b=c@d", "https://example.com/a?b=c@d"),
        ("https://u:p@example.com/a", "https://example.com/a"),
        ("https://u:p@q@example.com/a", "https://example.com/a"),
        ("sip:anna@example.com", "sip:anna@example.com"),
        (True, True),
    ],
)
def test_user_and_password_of_a_url_are_removed(value: object, kept: object) -> None:
    assert remove_credentials(value) == kept


@given(
    outcome=st.sampled_from(OUTCOMES),
    explanation=st.text(),
    part=st.integers(1, 9),
)
def test_the_id_depends_on_account_reference_and_destination_alone(
    outcome: Outcome, explanation: str, part: int
) -> None:
    other = REQUEST._replace(
        outcome=outcome,
        explanation=explanation,
        part=part,
        parts=9,
        request_uuids=(),
    )
    ids = [one.id for one in to_requested_events(REQUEST, NAMING, RECORDED)]
    assert [one.id for one in to_requested_events(other, NAMING, RECORDED)] == ids
    elsewhere = REQUEST._replace(account="MAYYYYYYYYYYYYYYYYYY")
    assert {one.id for one in to_requested_events(elsewhere, NAMING, RECORDED)}.isdisjoint(ids)
