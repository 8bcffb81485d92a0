"""The walk of a callback for which a customer's application is asked."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from bridge.core.catalogue import Catalogue
from bridge.core.journal import SentReply
from bridge.core.outcome import Outcome
from bridge.core.record import Record
from bridge.intake import asking
from bridge.publish import RecordTooLarge, Unavailable
from bridge.reply.applications import ApplicationFailed
from bridge.reply.replies import Replies
from tests.support.applications import (
    FALLBACK,
    REPLY,
    AskAlways,
    FakeApplications,
    ready_applications,
)
from tests.support.intake_harness import ANSWER, DEAD_LETTERS, JOURNAL, Fake, FaultyParser, Walk
from tests.support.memory_spool import MemorySpool
from tests.support.waiting import PATIENCE_S, until

ANSWERED = "plivo.voice.call.answer.v1"
KIND = "voice.call.answer"
PROBLEM = SentReply(502, "application/problem+json", b"{}")


def walk_asking(
    types: Catalogue,
    applications: FakeApplications,
    publisher: Any = None,
    *,
    fallback: SentReply = FALLBACK,
    **parts: Any,
) -> Walk:
    return Walk(
        types,
        publisher or Fake(),
        replies=Replies(AskAlways(types, fallback)),
        applications=applications,
        **parts,
    )


class Held(Fake):
    """A publisher whose acknowledgements wait until ``let_go`` is called."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[asyncio.Future[None]] = []

    def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> "asyncio.Future[None]":
        self.records.extend(records)
        self._waiting.append(asyncio.get_running_loop().create_future())
        return self._waiting[-1]

    def let_go(self) -> None:
        for one in self._waiting:
            one.set_result(None)
        self._waiting.clear()


def kinds(records: Sequence[Record]) -> list[str]:
    """Return what each record is: the topic, or ``answer``."""
    return [
        "answer" if ("journal_kind", b"answer") in one.headers else one.topic for one in records
    ]


async def until_asked(applications: FakeApplications) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await applications.is_asked.wait()


async def test_the_applications_answer_is_the_reply_and_is_journalled_after_the_callback(
    types: Catalogue,
) -> None:
    applications = ready_applications()
    walk = walk_asking(types, applications)
    taken = await walk.take(ANSWER, KIND)
    await walk.asking.stop(PATIENCE_S)
    assert (taken.outcome, taken.reply) == (Outcome.PUBLISHED, REPLY)
    assert kinds(walk.publisher.records) == [ANSWERED, JOURNAL, "answer"]
    _, journal, answer = walk.publisher.records
    own, stored = orjson.loads(journal.value), orjson.loads(answer.value)
    assert (own["reply"], own["reply_from"]) == (None, "ivr")
    assert stored["reply"]["body"] == REPLY.body.decode()
    assert (stored["rule"], stored["given_by"], stored["failure"]) == (
        "to the ivr",
        "application",
        None,
    )
    ((name, raw, kind),) = applications.asked
    assert (name, raw.body.decode(), kind) == ("ivr", ANSWER, types.by_name[KIND])
    assert walk.metrics.value("application_answers_total", given_by="application") == 1
    assert walk.metrics.value("application_seconds_count", application="ivr") == 1
    assert taken.fields["application"] == "ivr"


@pytest.mark.parametrize("slower", ["kafka", "application"])
async def test_both_run_at_the_same_time_and_the_caller_waits_for_the_slower(
    types: Catalogue, slower: str
) -> None:
    applications, kafka = FakeApplications(), Held()
    walk = walk_asking(types, applications, kafka)
    taking = asyncio.create_task(walk.take(ANSWER, KIND))
    await until_asked(applications)
    assert len(kafka.records) == 2  # both have begun, and neither has ended
    first, second = (
        (applications.may_answer.set, kafka.let_go)
        if slower == "kafka"
        else (kafka.let_go, applications.may_answer.set)
    )
    first()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not taking.done()
    second()
    assert (await taking).reply == REPLY
    kafka.let_go()  # the answer's record


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (ApplicationFailed("timeout", "no whole answer"), "timeout"),
        (KeyError("a bug"), "bridge_fault"),
    ],
)
@pytest.mark.parametrize(("fallback", "given_by"), [(FALLBACK, "fallback"), (PROBLEM, "status")])
async def test_if_the_application_fails_the_fallback_is_the_reply(
    types: Catalogue, fault: Exception, code: str, fallback: SentReply, given_by: str
) -> None:
    walk = walk_asking(types, ready_applications(fault=fault), fallback=fallback)
    with capture_logs() as lines:
        taken = await walk.take(ANSWER, KIND)
        await walk.asking.stop(PATIENCE_S)
    assert (taken.outcome, taken.reply) == (Outcome.PUBLISHED, fallback)
    value = orjson.loads(walk.publisher.records[-1].value)
    assert (value["given_by"], value["failure"]["code"]) == (given_by, code)
    line = lines[-1]
    assert (line["event"], line["log_level"]) == ("callback_published", "warning")
    assert (line["application_failure"], line["answer_from"]) == (code, given_by)
    assert walk.metrics.value("application_failures_total", application="ivr", cause=code) == 1


async def test_a_callback_that_is_not_durable_is_refused_and_the_question_given_up(
    types: Catalogue,
) -> None:
    class SlowlyAway(Held):
        def let_go(self) -> None:
            for one in self._waiting:
                one.set_exception(Unavailable("away"))

    applications, kafka = FakeApplications(), SlowlyAway()
    walk = walk_asking(types, applications, kafka)
    taking = asyncio.create_task(walk.take(ANSWER, KIND))
    await until_asked(applications)
    kafka.let_go()
    taken = await taking
    assert (taken.outcome, applications.cancelled) == (Outcome.REFUSED, 1)
    assert kinds(kafka.records) == [ANSWERED, JOURNAL]


async def test_a_cancelled_callback_gives_the_question_up(types: Catalogue) -> None:
    applications = FakeApplications()
    walk = walk_asking(types, applications)
    taking = asyncio.create_task(walk.take(ANSWER, KIND))
    await until_asked(applications)
    taking.cancel()
    await asyncio.wait([taking])
    assert (taking.cancelled(), applications.cancelled) == (True, 1)


async def test_the_answer_to_a_stored_callback_that_is_cancelled_is_counted(
    types: Catalogue,
) -> None:
    applications, kafka = FakeApplications(), Held()
    walk = walk_asking(types, applications, kafka)
    taking = asyncio.create_task(walk.take(ANSWER, KIND))
    await until_asked(applications)
    kafka.let_go()
    for _ in range(20):
        await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait([taking])
    assert applications.cancelled == 1
    assert walk.metrics.value("answers_not_stored_total", cause="stopped") == 1


async def test_a_spooled_callback_is_answered_too_and_its_answer_is_spooled_behind_it(
    types: Catalogue,
) -> None:
    away, spool = Unavailable("away"), MemorySpool()
    publisher = Fake({ANSWERED: away, JOURNAL: away})
    walk = walk_asking(types, ready_applications(), publisher, spool=spool)
    taken = await walk.take(ANSWER, KIND)
    await walk.asking.stop(PATIENCE_S)
    assert (taken.outcome, taken.reply) == (Outcome.SPOOLED, REPLY)
    assert [kinds(one) for one in spool.callbacks] == [[ANSWERED, JOURNAL], ["answer"]]


async def test_an_event_that_kafka_refuses_is_a_dead_letter_with_an_answer(
    types: Catalogue,
) -> None:
    walk = walk_asking(types, ready_applications(), Fake({ANSWERED: RecordTooLarge("too large")}))
    taken = await walk.take(ANSWER, KIND)
    await walk.asking.stop(PATIENCE_S)
    assert (taken.outcome, taken.reply) == (Outcome.DEAD_LETTERED, REPLY)
    assert kinds(walk.publisher.records) == [DEAD_LETTERS, JOURNAL, "answer"]


async def test_a_callback_without_an_event_is_answered_by_the_application_too(
    types: Catalogue,
) -> None:
    walk = Walk(
        types,
        Fake(),
        FaultyParser(types),
        replies=Replies(AskAlways(types)),
        applications=ready_applications(),
    )
    taken = await walk.take(ANSWER, KIND)
    await walk.asking.stop(PATIENCE_S)
    assert (taken.outcome, taken.reply) == (Outcome.DEAD_LETTERED, REPLY)
    letter, journal, answer = walk.publisher.records
    assert kinds(walk.publisher.records) == [DEAD_LETTERS, JOURNAL, "answer"]
    assert orjson.loads(letter.value)["reply_from"] == "ivr"
    assert dict(answer.headers)["callback_id"] == dict(journal.headers)["callback_id"]


class RefusesAnswers(Fake):
    """A publisher whose journal takes callbacks, but no answers."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self._fault = fault

    def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> "asyncio.Future[None]":
        if kinds(records) == ["answer"]:
            self.fails = {JOURNAL: self._fault}
        return super().publish(records, deadline_s=deadline_s, probing=probing)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (RecordTooLarge("too large"), "refused"),
        (Unavailable("away"), "not_durable"),
        (KeyError("a bug"), "bridge_fault"),
    ],
)
async def test_an_answer_that_cannot_be_stored_is_counted_logged_and_given_to_plivo(
    types: Catalogue, fault: Exception, cause: str
) -> None:
    walk = walk_asking(types, ready_applications(), RefusesAnswers(fault))
    with capture_logs() as lines:
        taken = await walk.take(ANSWER, KIND)
        await walk.asking.stop(PATIENCE_S)
    assert (taken.outcome, taken.reply) == (Outcome.PUBLISHED, REPLY)
    assert [line["cause"] for line in lines if line["event"] == "answer_not_stored"] == [cause]
    assert walk.metrics.value("answers_not_stored_total", cause=cause) == 1


@pytest.mark.parametrize("limit", ["PENDING_MAX", "PENDING_BYTES_MAX"])
async def test_answers_over_the_limit_are_counted_and_not_kept(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(asking, limit, 0)
    walk = walk_asking(types, ready_applications())
    assert (await walk.take(ANSWER, KIND)).reply == REPLY
    await walk.asking.stop(0)
    assert kinds(walk.publisher.records) == [ANSWERED, JOURNAL]
    assert walk.metrics.value("answers_not_stored_total", cause="too_many") == 1


async def test_answers_that_are_not_stored_when_the_shutdown_ends_are_counted(
    types: Catalogue,
) -> None:
    kafka = Held()
    walk = walk_asking(types, ready_applications(), kafka)
    taking = asyncio.create_task(walk.take(ANSWER, KIND))
    await until(lambda: bool(kafka.records))
    kafka.let_go()
    await taking
    await asyncio.sleep(0)  # the answer is sent, and not acknowledged
    await walk.asking.stop(0)
    assert walk.metrics.value("answers_not_stored_total", cause="stopped") == 1


async def test_without_applications_a_question_fails(types: Catalogue) -> None:
    walk = Walk(types, Fake(), replies=Replies(AskAlways(types)))
    with capture_logs():
        taken = await walk.take(ANSWER, KIND)
        await walk.asking.stop(PATIENCE_S)
    assert taken.reply == FALLBACK
    assert taken.fields["application_failure"] == "not_configured"
