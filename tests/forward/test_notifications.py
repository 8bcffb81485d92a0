"""Notifications are delivered or dead-lettered, in order per key, whatever fails."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.core.dead_letter import ForwardReason
from bridge.core.record import Record
from bridge.forward.flow import FlowLimits
from bridge.forward.notifications import Notifications
from bridge.publish import RecordRefused, Unavailable
from bridge.publish.memory import MemoryPublisher
from bridge.reader.group_reader import GroupReader, OnRevoked
from bridge.reader.topic_reader import CannotRead
from bridge.reply.applications import TAKEN_CAUSES, FailureCause
from tests.support.futures import settled
from tests.support.notifications import FakeApplications, FakeReader, Site, failed, notification

LETTERS = "plivo.bridge.deadletter.v1"


class Refusing(MemoryPublisher):
    """A publisher that meets these errors first. ``ended`` gets the event ids of its dead letters."""

    def __init__(self, *errors: Exception, ended: list[str] | None = None) -> None:
        super().__init__()
        self.errors = list(errors)
        self.ended = ended if ended is not None else []

    @settled
    def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.records.extend(records)
        self.ended += [dict(record.headers)["event_id"].decode() for record in records]


async def steps_until(condition: Callable[[], bool], steps_max: int = 200_000) -> None:
    """Let the event loop run until ``condition`` holds."""
    for _ in range(steps_max):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("it did not come true")


async def run_to_the_end(site: Site) -> None:
    async with site.running():
        await steps_until(lambda: site.group.is_done)


def letters(site: Site) -> list[dict[str, str]]:
    """Return the headers of the dead letters."""
    publisher = site.publisher
    assert isinstance(publisher, MemoryPublisher)
    assert {record.topic for record in publisher.records} <= {LETTERS}
    return [{name: text.decode() for name, text in one.headers} for one in publisher.records]


async def test_a_notification_is_the_callback_as_it_came() -> None:
    site = Site()
    site.put([notification("a")])
    await run_to_the_end(site)
    (raw,) = site.applications.raws
    assert (raw.method, raw.path, raw.query) == ("POST", "/applications/pbx/hangup", "n=a")
    assert raw.is_signed
    assert site.metrics.value("notifications_total", application="pbx", result="delivered") == 1
    assert letters(site) == []


async def test_what_is_not_to_be_sent_is_read_past() -> None:
    site = Site()
    site.put(notification(name, to=to) for name, to in [("a", "crm"), ("b", "pbx"), ("c", "crm")])
    await run_to_the_end(site)
    assert site.applications.taken == ["b"]
    assert site.group.committed == {0: 3}


async def test_a_failure_delays_its_key_and_no_other() -> None:
    site = Site(applications=FakeApplications({"a1": [failed("timeout")] * 3}))
    site.put(notification(name, key=name[0]) for name in ("a1", "a2", "b1", "b2"))
    await run_to_the_end(site)
    assert site.applications.taken == ["b1", "b2", "a1", "a2"]
    assert site.applications.attempts.count("a1") == 4
    assert site.metrics.value("notification_failures_total", reason="timeout") == 3


async def test_nothing_above_an_unfinished_record_is_committed() -> None:
    site = Site(applications=FakeApplications({"b": [failed()] * 1000}))
    site.put(notification(name, key=name) for name in "abc")
    async with site.running():
        await steps_until(lambda: site.applications.taken == ["a", "c"] and site.time.s > 30)
        assert site.group.committed == {0: 1}


async def test_pauses_double_up_to_a_minute_and_end_after_the_time_for_retries() -> None:
    site = Site(
        applications=FakeApplications({"a": [failed()] * 1000}),
        limits=FlowLimits(retry_for_s=200),
    )
    site.put([notification("a"), notification("b")])
    await run_to_the_end(site)
    # 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 = 183, and one more minute would be too long.
    assert site.applications.attempts == ["a"] * 9 + ["b"]
    (letter,) = letters(site)
    assert letter == {
        "content-type": "application/json",
        "dlq_stage": "forward",
        "dlq_reason": "refused_connection",
        "dlq_tries": "9",
        "dlq_topic": "",
        "callback_type": "voice.call.hangup",
        "event_id": "a",
        "forward_to": "pbx",
    }
    assert site.metrics.value("dead_letters_total", stage="forward") == 1
    assert site.metrics.value("notifications_total", result="dead_lettered") == 1


FINAL = [
    (failed("status", 400), "status"),
    (failed("status", 404), "status"),
    (failed("redirect"), "redirect"),
]
TEMPORARY = [
    failed("status", 408),
    failed("status", 425),
    failed("status", 429),
    failed("status", 500),
    failed("status", 503),
    failed("busy"),
    failed("timeout"),
    failed("cut_off"),
    failed("a cause of the future"),
    ArithmeticError("a fault of the bridge"),
]


@pytest.mark.parametrize(("failure", "reason"), FINAL)
async def test_a_refusal_is_a_dead_letter_at_once(failure: Exception, reason: str) -> None:
    site = Site(applications=FakeApplications({"a": [failure]}))
    site.put([notification("a"), notification("b")])
    await run_to_the_end(site)
    assert site.applications.attempts == ["a", "b"]
    assert [letter["dlq_reason"] for letter in letters(site)] == [reason]


@pytest.mark.parametrize("failure", TEMPORARY)
async def test_any_other_failure_is_tried_again(failure: Exception) -> None:
    site = Site(applications=FakeApplications({"a": [failure]}))
    site.put([notification("a")])
    await run_to_the_end(site)
    assert site.applications.taken == ["a"]
    assert letters(site) == []


@pytest.mark.parametrize("cause", ["too_large", "not_xml"])
async def test_an_answer_that_cannot_be_used_was_given_all_the_same(cause: str) -> None:
    site = Site(applications=FakeApplications({"a": [failed(cause)]}))
    site.put([notification("a")])
    await run_to_the_end(site)
    assert site.applications.attempts == ["a"]
    assert letters(site) == []


async def test_a_record_of_somebody_else_is_a_dead_letter() -> None:
    site = Site()
    site.put([replace(notification("a"), value=b"{}")])
    await run_to_the_end(site)
    assert [letter["dlq_reason"] for letter in letters(site)] == ["not_a_journal_record"]


async def test_dead_letters_wait_for_kafka() -> None:
    publisher = Refusing(*[Unavailable("away")] * 20)
    site = Site(publisher, applications=FakeApplications({"a": [failed("redirect")]}))
    site.put([notification("a"), notification("b")])
    await run_to_the_end(site)
    assert site.applications.attempts == ["a", "b"]
    assert len(letters(site)) == 1


@pytest.mark.parametrize(
    ("fault", "event"),
    [
        (RecordRefused("record_too_large", "too large"), "notification_letter_refused"),
        (KeyError("a bug"), "notification_letter_failed"),
    ],
)
async def test_if_its_dead_letter_cannot_be_stored_a_notification_is_tried_again(
    fault: Exception, event: str
) -> None:
    publisher = Refusing(fault)
    site = Site(publisher, applications=FakeApplications({"a": [failed("redirect")]}))
    site.put([notification("a")])
    with capture_logs() as logged:
        await run_to_the_end(site)
    assert site.applications.taken == ["a"]
    assert event in [line["event"] for line in logged]


async def test_reading_pauses_while_as_many_wait_as_may_be_in_memory() -> None:
    site = Site(
        applications=FakeApplications(hanging=asyncio.Event()),
        limits=FlowLimits(waiting_max=10, sending_max=3),
    )
    site.put(notification(str(n), key=str(n)) for n in range(40))
    async with site.running():
        await steps_until(lambda: site.time.s > 5)
        assert (site.group.fetched, site.applications.at_once) == (10, 3)
        assert site.applications.hanging is not None
        site.applications.hanging.set()
        await steps_until(lambda: site.group.is_done)
    assert sorted(site.applications.taken, key=int) == [str(n) for n in range(40)]
    assert site.applications.at_once_max == 3


async def test_reading_pauses_at_the_limit_of_bytes() -> None:
    size = len(notification("0").value)
    site = Site(
        applications=FakeApplications(hanging=asyncio.Event()),
        limits=FlowLimits(waiting_bytes_max=size),
    )
    async with site.running():
        for n in range(3):
            site.put([notification(str(n))])
            seen = site.time.s
            await steps_until(lambda seen=seen: site.time.s > seen + 2)  # type: ignore[misc]
        assert site.group.fetched == 1


async def test_a_stopping_process_finishes_what_is_being_sent_and_commits() -> None:
    applications = FakeApplications({"b1": [failed()] * 1000}, hanging=asyncio.Event())
    site = Site(applications=applications)
    site.put(notification(name, key=name[0]) for name in ("a1", "a2", "b1", "b2"))
    one = site.build()
    task = asyncio.create_task(one.run())
    await steps_until(lambda: applications.attempts == ["a1", "b1"])
    one.begin_stopping()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    assert applications.hanging is not None
    applications.hanging.set()
    await task
    assert applications.attempts == ["a1", "b1"]
    assert site.group.committed == {0: 1}


async def test_partitions_are_given_up_when_their_sending_has_ended() -> None:
    applications = FakeApplications(hanging=asyncio.Event())
    site = Site(applications=applications)
    site.put(notification(f"{n}", key=f"{n % 4}", partition=n % 2) for n in range(8))
    async with site.running():
        await steps_until(lambda: len(applications.attempts) == 4)
        assert site.group.revoke is not None
        given_up = asyncio.ensure_future(site.group.revoke([1]))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not given_up.done()
        assert applications.hanging is not None
        applications.hanging.set()
        await given_up
        assert site.group.committed[1] == 2
        await steps_until(lambda: site.group.committed.get(0) == 4)
    assert {"0", "2", "4", "6"} <= set(applications.taken)
    assert {"5", "7"}.isdisjoint(applications.taken)


async def test_partitions_are_forgotten_even_if_their_last_commit_fails() -> None:
    site = Site()
    site.put([notification("a", partition=1)])
    async with site.running() as one:
        await steps_until(lambda: site.applications.taken == ["a"])
        site.group.commit_fault = CannotRead("away")
        assert site.group.revoke is not None
        with pytest.raises(CannotRead):
            await site.group.revoke([1])
        assert one._flow.list_positions() == {}


async def test_reading_begins_again_when_kafka_was_away() -> None:
    site = Site()
    site.group.fails = [CannotRead("away"), CannotRead("away"), ArithmeticError("a fault")]
    site.put([notification("a")])
    with capture_logs() as logged:
        await run_to_the_end(site)
    assert site.group.opened == 4
    assert site.applications.taken == ["a"]
    events = [line["event"] for line in logged]
    assert events == ["notifications_not_read", "notifications_failed"]  # the same fault once


async def test_a_commit_that_kafka_did_not_take_is_made_again() -> None:
    site = Site()
    site.group.takes_commits = False
    site.put([notification("a")])
    async with site.running():
        await steps_until(lambda: site.applications.taken == ["a"] and site.time.s > 5)
        site.group.takes_commits = True
        await steps_until(lambda: site.group.is_done)


async def test_failures_are_counted_and_logged_once_a_minute() -> None:
    site = Site(applications=FakeApplications({str(n): [failed()] for n in range(50)}))
    site.put(notification(str(n), key=str(n)) for n in range(50))
    with capture_logs() as logged:
        await run_to_the_end(site)
    assert len([line for line in logged if line["event"] == "notification_failed"]) == 1
    assert site.metrics.value("notification_failures_total") == 50


async def test_how_far_it_is_behind_is_shown() -> None:
    site = Site(applications=FakeApplications({"b": [failed()] * 1000}))
    site.put(notification(name, key=name) for name in "abc")
    async with site.running():
        await steps_until(lambda: site.time.s > 5)
        assert site.metrics.value("notifications_behind", application="pbx") == 2


async def test_applications_come_and_go_with_the_rules() -> None:
    site, other = Site(), Site()
    groups = {"pbx": site.group, "crm": other.group}
    notifications = Notifications(site.parts, lambda name: groups[name].open)
    notifications.update({"pbx": FlowLimits()})
    site.put([notification("a")])
    await steps_until(lambda: site.group.is_done)
    assert other.group.opened == 0
    notifications.update({"crm": FlowLimits()})
    await steps_until(lambda: other.group.opened == 1)
    site.put([notification("b")])
    for _ in range(200):
        await asyncio.sleep(0)
    assert site.applications.taken == ["a"]
    notifications.update({"crm": FlowLimits(), "pbx": FlowLimits()})
    await steps_until(lambda: site.group.is_done)
    assert (site.group.opened, other.group.opened) == (2, 1)
    await notifications.stop(60)
    notifications.update({"pbx": FlowLimits()})
    assert site.group.opened == 2


async def test_new_limits_are_those_of_what_waits_too() -> None:
    site = Site(applications=FakeApplications({"a": [failed()] * 1000}))
    notifications = Notifications(site.parts, lambda _: site.group.open)
    notifications.update({"pbx": FlowLimits()})
    site.put([notification("a")])
    await steps_until(lambda: site.time.s > 20)
    notifications.update({"pbx": FlowLimits(retry_for_s=1)})
    await steps_until(lambda: site.group.is_done)
    assert len(letters(site)) == 1
    assert site.time.s < 60
    await notifications.stop(60)


async def test_a_process_stops_in_time_although_kafka_does_not_answer() -> None:
    @contextlib.asynccontextmanager
    async def hang(_: OnRevoked) -> AsyncGenerator[GroupReader]:
        await asyncio.Event().wait()
        yield FakeReader(Site().group)

    notifications = Notifications(Site().parts, lambda _: hang)
    notifications.update({"pbx": FlowLimits()})
    await asyncio.sleep(0)
    await notifications.stop(0.01)
    await Notifications(Site().parts, lambda _: hang).stop(0.01)


OUTCOMES = st.lists(
    st.sampled_from([failed(), failed("timeout"), failed("status", 503), failed("status", 410)]),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), OUTCOMES), min_size=1, max_size=12),
    st.lists(st.integers(1, 400), max_size=4),
    st.integers(1, 4),
    st.lists(st.booleans(), max_size=10),
)
def test_each_ends_delivered_or_dead_lettered_in_the_order_of_its_key_whatever_fails_and_dies(
    sent: list[tuple[int, list[Exception | None]]],
    deaths: list[int],
    waiting_max: int,
    away: list[bool],
) -> None:
    """A process dies after each number of steps in ``deaths``, and another takes over."""
    names = [f"{key}.{number}" for number, (key, _) in enumerate(sent)]
    ended: list[str] = []  # delivered or dead-lettered
    publisher = Refusing(*[Unavailable("away") for is_away in away if is_away], ended=ended)
    fails = {name: list(each) for name, (_, each) in zip(names, sent, strict=True)}
    site = Site(
        publisher,
        FlowLimits(retry_for_s=4, sending_max=2, waiting_max=waiting_max),
        applications=FakeApplications(fails, taken=ended),
    )
    site.put(notification(name, key=name[0], partition=int(name[0]) % 2) for name in names)

    async def run() -> None:
        for steps in deaths:
            async with site.running():
                for _ in range(steps):
                    await asyncio.sleep(0)
        await run_to_the_end(site)

    asyncio.run(run())
    first_ends = list(dict.fromkeys(ended))
    assert set(first_ends) == set(names)
    for key in "0123":
        assert [name for name in first_ends if name[0] == key] == [
            name for name in names if name[0] == key
        ]


def test_every_reason_of_an_application_has_its_own_code() -> None:
    causes = set(get_args(FailureCause)) - TAKEN_CAUSES
    assert causes <= {str(reason) for reason in ForwardReason}
