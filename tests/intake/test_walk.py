"""The walk: every callback has one outcome, and only a durable one is answered 2xx."""

import asyncio
from collections.abc import Sequence

import orjson
import pytest
from structlog.testing import capture_logs

from bridge.core.catalogue import Catalogue
from bridge.core.outcome import Outcome
from bridge.core.record import Record
from bridge.core.request import RawCallback, index_headers
from bridge.emulator.sign import sign_headers
from bridge.publish import RecordTooLarge, Unavailable
from bridge.reply.document import ACKNOWLEDGEMENT, EMPTY_DOCUMENT
from bridge.reply.replies import Replies
from tests.support.intake_harness import (
    ANSWER,
    DEAD_LETTERS,
    EVENTS,
    JOURNAL,
    NOW,
    RING,
    TOKEN,
    URL,
    Fake,
    FaultyParser,
    Walk,
)
from tests.support.memory_spool import MemorySpool
from tests.support.rules import rules_of

away, too_large = Unavailable("away"), RecordTooLarge("too large")

ENDS = [
    ({}, Outcome.PUBLISHED, [EVENTS, JOURNAL]),
    ({EVENTS: away}, Outcome.REFUSED, []),
    ({JOURNAL: away}, Outcome.REFUSED, []),
    ({EVENTS: too_large}, Outcome.DEAD_LETTERED, [DEAD_LETTERS, JOURNAL]),
    ({EVENTS: too_large, DEAD_LETTERS: away}, Outcome.REFUSED, []),
    ({EVENTS: too_large, DEAD_LETTERS: too_large}, Outcome.REFUSED, []),
    ({JOURNAL: too_large}, Outcome.DEAD_LETTERED, [EVENTS, DEAD_LETTERS]),
    ({JOURNAL: too_large, DEAD_LETTERS: too_large}, Outcome.REFUSED, []),
]


@pytest.mark.parametrize(("fails", "outcome", "topics"), ENDS)
async def test_the_result_of_kafka_decides_the_outcome_and_it_is_counted_once(
    types: Catalogue, fails: dict[str, Exception], outcome: Outcome, topics: list[str]
) -> None:
    walk = Walk(types, Fake(fails))
    taken = await walk.take()
    assert taken.outcome is outcome
    assert walk.publisher.topics == topics
    assert walk.ends() == {outcome.value: 1}


async def test_an_event_kafka_finds_too_large_is_a_dead_letter_that_says_so(
    types: Catalogue,
) -> None:
    walk = Walk(types, Fake({EVENTS: too_large}))
    taken = await walk.take()
    dead_letter = walk.publisher.records[0]
    headers = dict(dead_letter.headers)
    assert (headers["dlq_stage"], headers["dlq_reason"]) == (b"publish", b"record_too_large")
    assert orjson.loads(dead_letter.value)["body"] == RING
    assert taken.fields["callback_id"] == headers["event_id"].decode()
    assert headers["dlq_topic"] == EVENTS.encode()
    assert walk.metrics.value("dead_letters_total", stage="publish") == 1


async def test_a_refusal_without_a_topic_makes_one_dead_letter_of_both_records(
    types: Catalogue,
) -> None:
    class Vague(Fake):
        def publish(
            self,
            records: Sequence[Record],
            *,
            deadline_s: float | None = None,
            probing: bool = False,
        ) -> "asyncio.Future[None]":
            if records[0].topic == EVENTS:
                refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                refused.set_exception(too_large)
                return refused
            return super().publish(records, deadline_s=deadline_s)

    walk = Walk(types, Vague())
    assert (await walk.take()).outcome is Outcome.DEAD_LETTERED
    (dead_letter,) = walk.publisher.records
    assert dict(dead_letter.headers)["dlq_topic"] == f"{EVENTS},{JOURNAL}".encode()


@pytest.mark.parametrize(
    ("kind", "reply"), [("voice.call.answer", EMPTY_DOCUMENT), ("voice.call.ring", ACKNOWLEDGEMENT)]
)
async def test_a_fault_of_the_parser_costs_neither_the_bytes_nor_the_reply(
    types: Catalogue, kind: str, reply: object
) -> None:
    walk = Walk(types, Fake(), FaultyParser(types))
    taken = await walk.take(kind=kind)
    assert (taken.outcome, taken.reply) == (Outcome.DEAD_LETTERED, reply)
    dead_letter, journal = walk.publisher.records
    assert (dead_letter.topic, journal.topic) == (DEAD_LETTERS, JOURNAL)
    assert dict(dead_letter.headers)["dlq_reason"] == b"bridge_fault"
    assert orjson.loads(dead_letter.value)["body"] == RING


async def test_a_fault_of_the_parser_is_logged_by_class_and_place_alone(types: Catalogue) -> None:
    with capture_logs() as lines:
        await Walk(types, Fake(), FaultyParser(types)).take()
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("callback_dead_lettered", "error")
    assert (line["reason"], line["error"]) == ("bridge_fault", "KeyError")
    assert line["where"].startswith("support/intake_harness.py:")
    assert "14155550100" not in str(lines)


async def test_a_fault_in_making_the_event_costs_no_callback_either(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr("bridge.intake.preparation.to_event", stumble)
    walk = Walk(types, Fake())
    taken = await walk.take()
    assert taken.outcome is Outcome.DEAD_LETTERED
    assert dict(walk.publisher.records[0].headers)["dlq_reason"] == b"bridge_fault"


async def test_a_callback_with_a_wrong_signature_reaches_no_topic(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    taken = await walk.take(token="another")
    assert taken.outcome is Outcome.REJECTED
    assert walk.publisher.records == []
    assert walk.ends() == {"rejected": 1}
    assert walk.metrics.value("verifications_total", result="wrong_signature") == 1


async def test_what_would_have_verified_is_logged_counted_and_sampled(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    path = types.by_name["voice.call.ring"].path
    signed = sign_headers("POST", URL + path, RING, TOKEN)
    plain = URL.replace("https", "http")
    raw = RawCallback(
        "POST", plain, plain, path, "", index_headers(signed.items()), RING.encode(), "", NOW
    )
    with capture_logs() as lines:
        taken = await walk.receive(raw, None)
    assert taken.outcome is Outcome.REJECTED
    assert walk.publisher.records == []  # its sample is not waited for
    (line,) = [line for line in lines if line["event"] == "callback_rejected"]
    assert (line["fault"], line["url_mismatch"]) == ("wrong_signature", "scheme")
    assert line["public_url_checked"] == plain
    assert line["public_url_that_would_verify"] == URL
    assert walk.metrics.value("url_mismatches_total", variant="scheme") == 1
    await asyncio.sleep(0)
    assert walk.publisher.topics == ["plivo.bridge.rejected.v1"]


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.REFUSED])
async def test_a_control_callback_that_is_not_durable_gets_no_document(
    types: Catalogue, outcome: Outcome
) -> None:
    refused = outcome is Outcome.REFUSED
    walk = Walk(types, Fake({"plivo.voice.call.answer.v1": away} if refused else None))
    taken = await walk.take(ANSWER, "voice.call.answer", TOKEN if refused else "another")
    assert (taken.outcome, taken.reply) == (outcome, ACKNOWLEDGEMENT)


async def test_the_times_on_an_event_are_those_the_intake_is_given(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    await walk.take()
    event = orjson.loads(walk.publisher.records[0].value)
    assert event["recordedtime"] == event["time"] == "2026-03-07T14:13:36Z"
    assert walk.publisher.records[0].timestamp_ms == 1772892816000


async def test_event_and_journal_name_each_other(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    taken = await walk.take()
    event, journal = (orjson.loads(record.value) for record in walk.publisher.records)
    assert event["id"] == journal["events"][0]["id"] == taken.fields["event_id"]
    assert walk.publisher.records[0].key == walk.publisher.records[1].key == b"1"


async def test_a_notification_that_a_rule_forwards_names_its_application(types: Catalogue) -> None:
    rules = """
        [applications.pbx]
        origin = "https://pbx.example.com"
        [[rules]]
        name = "ring"
        type = "voice.call.ring"
        forward = "pbx"
    """
    walk = Walk(types, Fake(), replies=Replies(rules_of(rules, types)))
    await walk.take(RING)
    await walk.take(ANSWER)
    headers = [dict(one.headers) for one in walk.publisher.records if one.topic == JOURNAL]
    assert [one.get("forward_to") for one in headers] == [b"pbx", None]


async def test_what_an_operator_should_look_at_is_counted(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    # The account is in UTC; these times are five and a half hours ahead of SessionStart.
    form = (
        "CallUUID=x&Event=Hangup&SessionStart=2026-03-07+14:13:30&StartTime=2026-03-07+19:43:28"
        "&Duration=long&Colour=blue&Wheels=3"
    )
    await walk.take(form, kind="voice.call.answer")
    counted = ("zone_mismatches", "unreadable", "undeclared", "path_mismatches")
    found = {one: walk.metrics.value(f"{one}_total", type="voice.call.hangup") for one in counted}
    assert found == {
        "zone_mismatches": 1,
        "unreadable": 1,
        "undeclared": 2,
        "path_mismatches": 1,
    }


async def test_a_callback_that_comes_again_is_counted_while_it_is_remembered(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.intake.anomalies._RECENT_IDS_MAX", 1)
    walk = Walk(types, Fake())
    await walk.take()
    await walk.take()
    assert walk.metrics.value("repeated_total", type="voice.call.ring") == 1
    await walk.take(ANSWER, "voice.call.answer")
    await walk.take()  # forgotten meanwhile
    assert walk.metrics.value("repeated_total") == 1


async def test_an_out_of_order_callback_says_so_on_its_own_log_line(types: Catalogue) -> None:
    spool = MemorySpool()
    walk = Walk(types, Fake(), spool=spool)
    await walk.take()
    await spool.append([record for record in walk.publisher.records if record.topic == EVENTS])
    spool.writable = False
    with capture_logs() as lines:
        assert (await walk.take()).outcome is Outcome.PUBLISHED
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("callback_published", "warning")
    assert line["out_of_order"] == "older records of its key are in the spool"
