"""The journal record: enough to verify the callback and to derive its event again."""

from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import __version__
from bridge.core import request as wire
from bridge.core.catalogue import Catalogue
from bridge.core.dead_letter import to_dead_letter
from bridge.core.event import to_event
from bridge.core.journal import SentReply, to_journal, to_journal_value
from bridge.core.parse import NoEventReason
from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.core.verify import Unverified, Verified
from bridge.reader.journal import to_raw_callback
from bridge.reply.document import ACKNOWLEDGEMENT, EMPTY_DOCUMENT
from tests.support.factories import (
    AUTH_ID,
    HANGUP,
    NAMING,
    RECORDED,
    SUB_TOKEN,
    TOKEN,
    UUID,
    ZONE,
    parser,
    raw_callback,
    samples,
    signed,
    v2_of,
    verdict_on,
    vouched,
    with_headers,
)

FORM = urlencode(HANGUP)
RAW = signed(raw_callback("team=blue", FORM, path="/plivo/voice/call/hangup"))


def journalled(
    types: Catalogue, raw: RawCallback, reply: SentReply = ACKNOWLEDGEMENT
) -> tuple[Record, str]:
    """Return the journal record of a callback, and the id of its event."""
    callback = parser(types).parse(verdict_on(raw), None)
    event = to_event(callback, NAMING, RECORDED)
    return to_journal(callback, event, NAMING, reply), event.id


def test_a_journal_record_is_the_callback_as_received(types: Catalogue) -> None:
    reply = SentReply(200, "application/xml", "<Response><!-- ü --></Response>".encode())
    record, event_id = journalled(types, RAW, reply)
    assert orjson.loads(record.value) == {
        "method": "POST",
        "url_received": "http://10.0.0.7:8080/plivo/voice/call/hangup?team=blue",
        "url_verified": "https://bridge.example.com/plivo/voice/call/hangup?team=blue",
        "public_origin": "https://bridge.example.com",
        "path": "/plivo/voice/call/hangup",
        "query": "team=blue",
        "headers": [list(header) for header in RAW.headers.lines],
        "body": FORM,
        "remote_address": "192.0.2.7",
        "received_at": "2026-03-07T14:14:44.250000Z",
        "source": f"/plivo/accounts/{AUTH_ID}",
        "zone": ZONE,
        "verification": {
            "verdict": "verified",
            "scheme": "v3",
            "key_id": "47dcb2c0",
            "covers": ["url", "query", "body"],
            "fault": None,
        },
        "events": [
            {
                "id": event_id,
                "type": "com.plivo.voice.call.hangup.v1",
                "topic": "test.plivo.voice.call.hangup.v1",
            }
        ],
        "reply": {
            "status": 200,
            "content_type": "application/xml",
            "body": "<Response><!-- ü --></Response>",
        },
        "bridge_version": __version__,
    }
    assert record.topic == "test.plivo.journal.v1"
    assert record.key == UUID.encode()
    assert record.headers == (
        ("content-type", b"application/json"),
        ("callback_type", b"voice.call.hangup"),
        ("event_id", event_id.encode()),
    )
    assert record.timestamp_ms == 1772892884250


@pytest.mark.parametrize(
    ("body", "member"),
    [
        (b"", "body"),
        (b"CallUUID=x&Event=Ring&Text=%C3%A9", "body"),
        ("CallUUID=x&Event=Ring&Text=é".encode(), "body_base64"),
        (b"CallUUID=x&Event=Ring&Text=\xff\xfe", "body_base64"),
        (b"CallUUID=x&Event=Ring&Text=\x00", "body_base64"),
        (b"CallUUID=x&Event=Ring\r\n", "body_base64"),
        (b"CallUUID=x\x7f", "body_base64"),
    ],
)
def test_a_body_is_text_if_nothing_is_lost_and_else_base64(body: bytes, member: str) -> None:
    verdict = vouched(raw_callback("", body))
    value = orjson.loads(orjson.dumps(to_journal_value(verdict, event=None, reply=ACKNOWLEDGEMENT)))
    assert {"body", "body_base64"} & value.keys() == {member}
    assert to_raw_callback(value).body == body


@given(st.binary(), st.text("ab=&%FC3", max_size=20))
def test_any_callback_is_restored_from_its_journal_record_byte_for_byte(
    body: bytes, query: str
) -> None:
    raw = signed(raw_callback(query, body))
    value = to_journal_value(verdict_on(raw), event=None, reply=EMPTY_DOCUMENT)
    assert to_raw_callback(orjson.loads(orjson.dumps(value))) == raw


def every_way(types: Catalogue) -> list[RawCallback]:
    """Return callbacks of every type, signed in every way a callback can be."""
    ways: list[RawCallback] = []
    for kind, pairs in samples(types):
        form = urlencode([*pairs, ("CallerID", "é")])
        post = raw_callback("team=blue", form, path=kind.path)
        ways += [
            signed(post),
            signed(post, SUB_TOKEN),
            signed(raw_callback("", form.encode() + b"&Odd=\xff", path=kind.path)),
            signed(raw_callback(form, method="GET", path=kind.path)),
            with_headers(
                post, (wire.SIGNATURE_V2, v2_of(post)), (wire.NONCE_V2, "05429567804466091622")
            ),
        ]
    return ways


def test_from_the_journal_alone_a_callback_is_verified_and_its_event_derived_again(
    types: Catalogue,
) -> None:
    for raw in every_way(types):
        record, event_id = journalled(types, raw)
        value = orjson.loads(record.value)
        again = to_raw_callback(value)
        verdict = verdict_on(again)
        assert isinstance(verdict, Verified)
        assert verdict.scheme == value["verification"]["scheme"]
        assert verdict.key_id == value["verification"]["key_id"]
        derived = to_event(parser(types).parse(verdict, None), NAMING, RECORDED)
        assert derived.id == event_id
        assert (
            derived.record
            == to_event(parser(types).parse(verdict_on(raw), None), NAMING, RECORDED).record
        )


def test_a_forged_journal_does_not_verify(types: Catalogue) -> None:
    record, _ = journalled(types, RAW)
    value = orjson.loads(record.value)
    value["body"] = value["body"].replace("Duration=66", "Duration=60")
    assert isinstance(verdict_on(to_raw_callback(value)), Unverified)


def test_no_token_is_in_the_journal(types: Catalogue) -> None:
    for raw in every_way(types):
        record, _ = journalled(types, raw)
        assert TOKEN.encode() not in record.value
        assert SUB_TOKEN.encode() not in record.value


@pytest.mark.parametrize("reason", list(NoEventReason))
def test_a_dead_letter_is_the_callback_as_received_and_the_reason(reason: NoEventReason) -> None:
    verdict = verdict_on(signed(raw_callback("", "Event=Ring&Odd=%FF", path="/plivo")))
    identity, (dead_letter, journal) = to_dead_letter(verdict, reason, NAMING, ACKNOWLEDGEMENT)
    assert dead_letter.topic == "test.plivo.bridge.deadletter.v1"
    assert journal.topic == "test.plivo.journal.v1"
    assert dead_letter.value == journal.value
    assert dead_letter.key == journal.key == identity.encode()
    assert dead_letter.timestamp_ms == journal.timestamp_ms == 1772892884250
    assert dict(dead_letter.headers)["dlq_reason"] == reason.encode()
    assert dict(dead_letter.headers)["dlq_stage"] == b"parse"
    for record in (dead_letter, journal):
        assert dict(record.headers)["callback_id"] == identity.encode()
    value = orjson.loads(dead_letter.value)
    assert value["events"] == []
    assert to_raw_callback(value) == verdict.raw
    assert isinstance(verdict_on(to_raw_callback(value)), Verified)


def test_a_dead_letters_id_is_the_same_every_time_and_differs_by_path() -> None:
    def identity(path: str, nonce: str) -> str:
        verdict = verdict_on(signed(raw_callback("", "Event=Ring", path=path), nonce=nonce))
        return to_dead_letter(verdict, NoEventReason.NO_IDENTITY, NAMING, ACKNOWLEDGEMENT)[0]

    assert identity("/plivo", "1") == identity("/plivo", "2")
    assert identity("/plivo", "1") != identity("/plivo/voice/call/ring", "1")
