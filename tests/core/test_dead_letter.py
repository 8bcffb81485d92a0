"""Dead letters: reason, stage, missing topics, and the callback itself."""

from typing import Final

import orjson
import pytest

from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import Catalogue
from bridge.core.dead_letter import (
    MEANINGS,
    PublishReason,
    Stage,
    find_meaning,
    list_meanings,
    to_dead_letter,
    to_publish_dead_letter,
)
from bridge.core.event import ContractNames, EventRecord
from bridge.core.journal import SentReply, to_journal
from bridge.core.parse import NoEventReason
from bridge.core.record import Record
from bridge.publish import RecordRefused
from bridge.publish.kafka_errors import RECORD_ERRORS, translate
from bridge.reader.journal import to_raw_callback
from bridge.reply.document import ACKNOWLEDGEMENT
from tests.support.factories import (
    NAMING,
    UUID,
    event_of,
    parsed,
    raw_callback,
    signed,
    verdict_on,
)

RAW: Final = signed(raw_callback("", "Event=Ring&Odd=%FF", path="/plivo/voice/call/ring"))
EVENTS, JOURNAL = "test.plivo.voice.call.hangup.v1", "test.plivo.journal.v1"


def unparsed(
    naming: ContractNames = NAMING, route: CallbackType | None = None
) -> tuple[str, tuple[Record, Record]]:
    reason, reply = NoEventReason.NO_IDENTITY, ACKNOWLEDGEMENT
    return to_dead_letter(verdict_on(RAW), reason, naming, reply, route=route)


def published(types: Catalogue) -> tuple[EventRecord, Record]:
    callback = parsed(types)
    event = event_of(callback)
    return event, to_journal(callback, event, NAMING, SentReply(200, None, b""))


def headers(record: Record) -> dict[str, bytes]:
    assert len(dict(record.headers)) == len(record.headers)
    return dict(record.headers)


def test_a_callback_without_an_event_becomes_a_dead_letter_and_a_journal_record() -> None:
    identity, (letter, journal) = unparsed()
    assert letter.topic == "test.plivo.bridge.deadletter.v1"
    assert journal.topic == JOURNAL
    assert letter.value == journal.value
    assert letter.key == journal.key == identity.encode()
    assert letter.timestamp_ms == journal.timestamp_ms == 1772892884250
    assert to_raw_callback(orjson.loads(letter.value)) == RAW
    assert headers(letter) == {
        "content-type": b"application/json",
        "dlq_stage": b"parse",
        "dlq_reason": b"no_identity",
        "dlq_tries": b"0",
        "dlq_topic": b"",
        "callback_type": b"",
        "callback_id": identity.encode(),
    }


# A callback no event can be made of, its content type, and the call it is about.
A_LEG, B_LEG = UUID, "0df857fe-8d2e-4c53-9b5f-6d0f4f0a7c11"
KEYED = [
    (f"CallUUID={A_LEG}&Event=Ring", "text/plain", A_LEG),
    (f"DialALegUUID={A_LEG}&CallUUID={B_LEG}", "text/plain", A_LEG),
    (f"ALegUUID={A_LEG}&CallUUID={B_LEG}", "application/json", A_LEG),
    (f"call_uuid={A_LEG}&error=x", "text/plain", A_LEG),
    (f'{{"CallUUID": "{A_LEG}"}}', "text/plain", A_LEG),
    (f'{{"message_uuid": "{A_LEG}", "call_uuid": 7}}', "text/plain", A_LEG),
    (f"MessageUUID={B_LEG}&CallUUID={A_LEG}", "text/plain", A_LEG),
    (f"MessageUUID={B_LEG}", "text/plain", B_LEG),
    ("CallUUID=%0A&Event=Ring", "text/plain", None),
    ("CallUUID=&Event=Ring", "text/plain", None),
    ("Event=Ring", "application/x-www-form-urlencoded", None),
    ("[1, 2]", "application/json", None),
    ("[" * 200_000, "application/json", None),
]


@pytest.mark.parametrize(("body", "content_type", "key"), KEYED)
def test_a_dead_letter_and_its_journal_record_have_the_key_of_the_call_if_it_is_known(
    body: str, content_type: str, key: str | None
) -> None:
    raw = signed(raw_callback(f"CallUUID={B_LEG}", body, content_type=content_type))
    reason, reply = NoEventReason.CONTENT_TYPE, ACKNOWLEDGEMENT
    identity, records = to_dead_letter(verdict_on(raw), reason, NAMING, reply)
    assert [record.key for record in records] == [(key or identity).encode()] * 2


def test_a_dead_letter_has_the_type_and_topic_of_its_path(types: Catalogue) -> None:
    _, (letter, journal) = unparsed(route=types.by_name["voice.call.ring"])
    assert headers(letter)["dlq_topic"] == b"test.plivo.voice.call.ring.v1"
    assert headers(letter)["callback_type"] == headers(journal)["callback_type"]
    assert headers(letter)["callback_type"] == b"voice.call.ring"


def test_the_dead_letter_of_a_refused_event_names_its_topic_and_id(types: Catalogue) -> None:
    event, journal = published(types)
    records = (event.record, journal)
    letter = to_publish_dead_letter(
        records, [event.record], PublishReason.RECORD_TOO_LARGE, tries=3, naming=NAMING
    )
    assert letter.topic == "test.plivo.bridge.deadletter.v1"
    assert letter.value == journal.value
    assert letter.key == UUID.encode()
    assert letter.timestamp_ms == journal.timestamp_ms
    assert headers(letter) == {
        "content-type": b"application/json",
        "dlq_stage": b"publish",
        "dlq_reason": b"record_too_large",
        "dlq_tries": b"3",
        "dlq_topic": EVENTS.encode(),
        "callback_type": b"voice.call.hangup",
        "event_id": event.id.encode(),
    }


def test_a_dead_letter_names_every_topic_that_lacks_its_record(types: Catalogue) -> None:
    event, journal = published(types)
    records = (event.record, journal)
    reason = PublishReason.POLICY_VIOLATION
    both = to_publish_dead_letter(records, records, reason, tries=1, naming=NAMING)
    one = to_publish_dead_letter(records, [journal], reason, tries=1, naming=NAMING)
    assert headers(both)["dlq_topic"] == f"{EVENTS},{JOURNAL}".encode()
    assert headers(one)["dlq_topic"] == JOURNAL.encode()


def test_the_dead_letter_of_a_refused_journal_record_keeps_its_id() -> None:
    identity, records = unparsed()
    reason = PublishReason.RECORD_INVALID
    letter = to_publish_dead_letter(records, [records[1]], reason, tries=2, naming=NAMING)
    assert headers(letter)["callback_id"] == identity.encode()
    assert "event_id" not in headers(letter)


def test_every_code_has_one_meaning() -> None:
    assert set(MEANINGS) == set(Stage)
    assert set(MEANINGS[Stage.PARSE]) == set(NoEventReason)
    assert set(MEANINGS[Stage.PUBLISH]) == set(PublishReason)
    sentences = [text for _, _, text in list_meanings()]
    assert len(set(sentences)) == len(sentences)
    assert all(sentences)


def test_every_rejection_by_kafka_has_a_reason() -> None:
    found = [translate("records", error()) for error in RECORD_ERRORS]
    reasons = {one.reason for one in found if isinstance(one, RecordRefused)}
    assert reasons == set(PublishReason)


@pytest.mark.parametrize("row", list_meanings())
def test_a_codes_meaning_is_found_by_stage_and_reason(row: tuple[str, str, str]) -> None:
    stage, reason, text = row
    assert find_meaning(stage, reason) == text


def test_a_code_of_another_version_has_no_meaning() -> None:
    assert find_meaning("parse", "not_yet_invented") == ""
    assert find_meaning("publish", "no_identity") == ""
