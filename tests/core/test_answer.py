"""The journal record of an application's answer, and the callback's record that it belongs to."""

import orjson

from bridge import __version__
from bridge.core.answer import Answered, Failure, to_answer_record
from bridge.core.catalogue import Catalogue
from bridge.core.dead_letter import to_dead_letter
from bridge.core.event import to_event
from bridge.core.journal import Asked, SentReply, to_journal
from bridge.core.parse import NoEventReason, Parser
from bridge.core.record import Record
from bridge.reader.journal import is_callback, parse_journal_record
from tests.support.factories import NAMING, RECORDED, raw_callback, signed, verdict_on

DOCUMENT = SentReply(200, "text/xml", b"<Response/>")
PROBLEM = SentReply(502, "application/problem+json", b"{}")


def stored(types: Catalogue) -> Record:
    """Return the journal record of a callback for which an application is asked."""
    verdict = verdict_on(signed(raw_callback(body="CallUUID=1&Event=StartApp")))
    callback = Parser(types).parse(verdict, None)
    event = to_event(callback, NAMING, RECORDED)
    return to_journal(callback, event, NAMING, Asked("ivr"))


def test_the_callbacks_own_record_names_the_application_in_place_of_a_reply(
    types: Catalogue,
) -> None:
    value = orjson.loads(stored(types).value)
    assert (value["reply"], value["reply_from"]) == (None, "ivr")
    assert parse_journal_record(stored(types).value).value["reply"] is None


def test_an_answer_is_stored_beside_its_callback_and_is_none_itself(types: Catalogue) -> None:
    journal = stored(types)
    record = to_answer_record(journal, Answered("menu", "ivr", "application", 12, None, DOCUMENT))
    assert (record.topic, record.key) == (journal.topic, journal.key)
    assert record.timestamp_ms == journal.timestamp_ms
    assert record.headers == (
        ("content-type", b"application/json"),
        ("journal_kind", b"answer"),
        *journal.headers[1:],
    )
    assert is_callback(journal)
    assert not is_callback(record)
    assert orjson.loads(record.value) == {
        "rule": "menu",
        "application": "ivr",
        "given_by": "application",
        "duration_ms": 12,
        "failure": None,
        "reply": {"status": 200, "content_type": "text/xml", "body": "<Response/>"},
        "bridge_version": __version__,
    }


def test_a_failure_is_stored_with_its_code_and_with_what_plivo_got(types: Catalogue) -> None:
    answered = Answered("menu", "ivr", "status", 10_000, Failure("timeout", "too late"), PROBLEM)
    value = orjson.loads(to_answer_record(stored(types), answered).value)
    assert value["failure"] == {"code": "timeout", "detail": "too late"}
    assert value["reply"]["status"] == 502


def test_a_body_that_is_no_text_is_kept_byte_for_byte(types: Catalogue) -> None:
    answered = Answered("r", "ivr", "application", 1, None, SentReply(200, None, b"\xff\x00"))
    value = orjson.loads(to_answer_record(stored(types), answered).value)
    assert value["reply"] == {"status": 200, "content_type": None, "body_base64": "/wA="}


def test_the_answer_to_a_callback_without_an_event_names_the_callback() -> None:
    _, (letter, journal) = to_dead_letter(
        verdict_on(raw_callback(body="Colour=blue")),
        NoEventReason.NO_IDENTITY,
        NAMING,
        Asked("ivr"),
    )
    assert orjson.loads(letter.value)["reply_from"] == "ivr"
    record = to_answer_record(journal, Answered("r", "ivr", "application", 1, None, DOCUMENT))
    assert dict(record.headers)["callback_id"] == dict(journal.headers)["callback_id"]
