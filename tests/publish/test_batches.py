"""Publishing in batches: which callers share a batch, and the result that each of them gets."""

import asyncio
import gc
import time

import pytest
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    OutOfOrderSequenceNumber,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
)
from structlog.testing import capture_logs

from bridge.publish import (
    PartitionStalled,
    RecordRefused,
    RecordTooLarge,
    TopicUnavailable,
    Unavailable,
)
from tests.publish.batch_setting import (
    EVENTS,
    FAR_OFF_S,
    JOURNAL,
    SHORT_S,
    Setting,
    record,
    turns,
)
from tests.publish.fake_producers import TOO_LARGE_BYTES, FakeProducers
from tests.support.waiting import PATIENCE_S, until


@pytest.fixture
async def faults() -> list[type[BaseException]]:
    """Return the classes of the errors that the event loop reports, and so the log has."""
    reported = list[type[BaseException]]()
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: reported.append(type(context["exception"]))
    )
    return reported


async def test_what_is_published_in_one_turn_is_one_batch_a_partition() -> None:
    setting = Setting()
    results = [
        setting.publisher.publish(
            [record(f"e{number}", key=number), record(f"j{number}", topic=JOURNAL)],
            deadline_s=None,
            probing=False,
        )
        for number in range(4)
    ]
    assert setting.batches() == []
    await turns()
    assert setting.batches() == [
        (EVENTS, 0, [b"e0", b"e1"]),
        (JOURNAL, 0, [b"j0", b"j1", b"j2", b"j3"]),
        (EVENTS, 1, [b"e2", b"e3"]),
    ]
    setting.producers.current.acknowledge_all()
    await asyncio.gather(*results)
    assert setting.value("records_total") == 8
    assert setting.value("record_bytes_total") == 16


async def test_what_one_batch_cannot_take_goes_into_the_next_one_in_its_order() -> None:
    setting = Setting()
    setting.producers.current.batch_records_max = 2
    results = [
        setting.publisher.publish(
            [record(f"{name}1"), record(f"{name}2")], deadline_s=None, probing=False
        )
        for name in "abc"
    ]
    results.append(setting.publish(record("d1")))
    *others, last = setting.producers.current.leave()
    assert [one.value for batch in others for one in batch.records] == [
        b"a1", b"a2", b"b1", b"b2", b"c1", b"c2",
    ]  # fmt: skip
    assert [one.value for one in last.records] == [b"d1"]
    for batch, result in zip(others, results, strict=False):
        assert not result.done()
        setting.producers.current.acknowledge(batch)
        await result
    assert not results[-1].done()
    setting.producers.current.acknowledge(last)
    await results[-1]


async def test_nothing_is_sent_for_a_caller_who_is_gone_before_the_turn_ends() -> None:
    setting = Setting()
    gone = setting.publisher.publish([record("gone")], deadline_s=None, probing=False)
    gone.cancel()
    waits = setting.publish(record("waits"))
    assert setting.batches() == [(EVENTS, 0, [b"waits"])]
    setting.producers.current.acknowledge_all()
    await waits


async def test_a_caller_waits_for_the_partitions_of_its_own_records_only() -> None:
    setting = Setting()
    of_both = setting.publish(record("e", key=0), record("j", topic=JOURNAL))
    of_one = setting.publish(record("f", key=2))
    events, journal, others = setting.producers.current.leave()
    setting.producers.current.acknowledge(others)
    await of_one
    setting.producers.current.acknowledge(events)
    await turns()
    assert not of_both.done()
    setting.producers.current.acknowledge(journal)
    await of_both


async def test_one_response_may_acknowledge_some_batches_and_fail_others() -> None:
    setting = Setting()
    lost, both, stored = (
        setting.publish(record("lost", key=0)),
        setting.publish(record("e", key=2), record("j", topic=JOURNAL)),
        setting.publish(record("stored", key=2)),
    )
    of_lost, *others = setting.producers.current.leave()
    for batch in tuple(others):
        setting.producers.current.acknowledge(batch)
    setting.producers.current.fail(of_lost, RequestTimedOutError())
    await asyncio.gather(both, stored)
    with pytest.raises(Unavailable):
        await lost
    counts = {
        topic: setting.metrics.value("records_total", topic=topic) for topic in (EVENTS, JOURNAL)
    }
    assert counts == {EVENTS: 2, JOURNAL: 1}
    assert setting.value("record_bytes_total") == len("e") + len("j") + len("stored")


async def test_a_cancelled_caller_disturbs_no_other_of_its_batch() -> None:
    setting = Setting()
    first, cancelled, last = (setting.publish(record(name)) for name in "abc")
    cancelled.cancel()
    setting.producers.current.acknowledge_all()
    await asyncio.gather(first, last)
    assert setting.stored == [b"a", b"b", b"c"]
    assert setting.value("late_acknowledgements_total") == 1


async def test_the_refused_record_of_a_batch_is_found_and_only_its_caller_gets_the_refusal() -> (
    None
):
    setting = Setting()
    setting.single.refused = {b"bad"}
    results = [setting.publish(record(name)) for name in ("a", "bad", "c")]
    (batch,) = setting.producers.current.leave()
    refusing = setting.producers.current
    refusing.fail(batch, CorruptRecordException())
    ends = await asyncio.gather(*results, return_exceptions=True)
    assert [type(end) for end in ends] == [type(None), RecordRefused, type(None)]
    assert setting.stored == [b"a", b"c"]
    assert setting.producers.replaced == [refusing]


async def test_a_refusal_says_what_else_of_the_caller_is_stored() -> None:
    setting = Setting()
    setting.single.refused = {b"bad"}
    journal = record("j", topic=JOURNAL)
    result = setting.publish(record("bad"), journal, record("not asked again"))
    events, journals = setting.producers.current.leave()
    producer = setting.producers.current
    producer.fail(events, CorruptRecordException())
    await turns()
    assert not result.done()
    producer.acknowledge(journals)
    with pytest.raises(RecordRefused) as caught:
        await result
    assert caught.value.acknowledged == [journal]
    assert setting.single.asked == [b"bad"]


async def test_no_record_overtakes_a_lost_one_of_its_caller_when_each_is_sent_alone() -> None:
    setting = Setting()
    setting.single.lost = {b"first"}
    both = setting.publish(record("first"), record("second"))
    other = setting.publish(record("other"))
    (batch,) = setting.producers.current.leave()
    setting.producers.current.fail(batch, CorruptRecordException())
    ends = await asyncio.gather(both, other, return_exceptions=True)
    assert isinstance(ends[0], Unavailable)
    assert ends[1] is None
    assert setting.stored == [b"other"]
    assert setting.single.asked == [b"first", b"other"]


async def test_a_refused_batch_is_sent_one_by_one_in_the_order_of_its_turns() -> None:
    setting = Setting()
    turns_of = [
        setting.publish(record("a"), record("b")),
        setting.publish(record("c"), record("d")),
    ]
    (batch,) = setting.producers.current.leave()
    with capture_logs() as lines:
        setting.producers.current.fail(batch, CorruptRecordException())
        await asyncio.gather(*turns_of)
    assert setting.single.asked == [b"a", b"b", b"c", b"d"]
    assert [line["event"] for line in lines] == ["kafka_batch_refused"]


async def test_nobody_isolates_a_record_whose_caller_is_gone() -> None:
    setting = Setting()
    gone, waits = setting.publish(record("gone")), setting.publish(record("waits"))
    gone.cancel()
    (batch,) = setting.producers.current.leave()
    setting.producers.current.fail(batch, CorruptRecordException())
    await waits
    assert setting.single.asked == [b"waits"]


async def test_a_closed_topic_fails_its_own_callers_and_is_not_asked_for_a_while() -> None:
    setting = Setting()
    closed, other = setting.publish(record("e")), setting.publish(record("j", topic=JOURNAL))
    events, journal = setting.producers.current.leave()
    producer = setting.producers.current
    producer.fail(events, TopicAuthorizationFailedError())
    producer.acknowledge(journal)
    await other
    with pytest.raises(TopicUnavailable, match="closed to us"):
        await closed
    setting.producers.connect()
    with pytest.raises(TopicUnavailable, match="closed to us"):
        await setting.publish(record("later"))
    assert setting.batches() == []


async def test_what_the_broker_did_not_store_goes_to_the_next_producer_in_its_order() -> None:
    setting = Setting()
    results = [setting.publish(record("a")), setting.publish(record("b"))]
    first = setting.producers.current
    (batch,) = first.leave()
    results.append(setting.publish(record("c")))
    _, second = first.leave()
    first.fail(batch, OutOfOrderSequenceNumber())
    await turns()
    first.acknowledge(second)  # the gap: it is not stored either
    results.append(setting.publish(record("d")))
    await turns()
    setting.producers.connect()
    await turns()
    setting.producers.current.acknowledge_all()
    await asyncio.gather(*results)
    assert sorted(setting.stored) == [b"a", b"b", b"c", b"d"]
    assert setting.stored[:2] == [b"a", b"b"]


async def test_a_dead_producer_is_replaced_and_its_records_go_to_the_next() -> None:
    setting = Setting()
    dead = setting.producers.current
    dead.died, dead.error = True, KafkaError("sender died")
    result = setting.publish(record("a"), record("j", topic=JOURNAL))
    assert setting.producers.replaced == [dead]
    setting.producers.connect()
    await turns()
    setting.producers.current.acknowledge_all()
    await result
    assert setting.stored == [b"a", b"j"]


async def test_who_waits_for_a_producer_is_not_overtaken() -> None:
    setting = Setting()
    setting.producers.replace(setting.producers.current)
    results = [setting.publish(record("a"))]
    setting.producers.connect()
    results.append(setting.publish(record("b")))
    await turns()
    results.append(setting.publish(record("c")))
    assert setting.batches() == [(EVENTS, 0, [b"a", b"b", b"c"])]
    setting.producers.current.acknowledge_all()
    await asyncio.gather(*results)


async def test_every_caller_gets_unavailable_while_kafka_is_away() -> None:
    setting = Setting()
    setting.producers.replace(setting.producers.current)
    setting.producers.away = True
    results = [setting.publish(record(name)) for name in "abc"]
    ends = await asyncio.gather(*results, return_exceptions=True)
    assert [str(end) for end in ends] == ["kafka is not reachable"] * 3
    assert len({id(end) for end in ends}) == 3


@pytest.mark.parametrize("found", [True, False])
async def test_an_unknown_topic_is_looked_up_once_for_all_who_want_it(found: bool) -> None:  # noqa: FBT001
    setting = Setting()
    producer = setting.producers.current
    producer.found_later = {"new"} if found else set()
    results = [setting.publish(record(name, topic="new")) for name in "ab"]
    known = setting.publish(record("known"))
    await turns()
    producer.acknowledge_all()
    await known
    ends = await asyncio.gather(*results, return_exceptions=True)
    assert producer.lookups == ["new"]
    if found:
        assert ends == [None, None]
        assert setting.stored == [b"known", b"a", b"b"]
    else:
        assert [str(end) for end in ends] == ["topic new is missing"] * 2


async def test_one_of_our_own_topics_that_is_missing_is_not_waited_for() -> None:
    setting = Setting(FakeProducers(EVENTS))
    with pytest.raises(TopicUnavailable, match="missing"):
        await setting.publish(record("j", topic=JOURNAL))
    assert setting.producers.current.lookups == []


async def test_a_record_too_large_for_the_producer_leaves_other_partitions_to_its_caller() -> None:
    setting = Setting()
    large, journal = record("x" * (TOO_LARGE_BYTES + 1)), record("j", topic=JOURNAL)
    result = setting.publish(large, journal)
    setting.producers.current.acknowledge_all()
    with pytest.raises(RecordTooLarge) as caught:
        await result
    assert caught.value.acknowledged == [journal]


async def test_a_record_too_large_for_the_producer_is_refused_and_none_after_it_is_sent() -> None:
    setting = Setting()
    large = record("x" * (TOO_LARGE_BYTES + 1))
    result, other = setting.publish(record("a"), large, record("c")), setting.publish(record("d"))
    setting.producers.current.acknowledge_all()
    await other
    with pytest.raises(RecordTooLarge) as caught:
        await result
    assert caught.value.acknowledged == [record("a")]
    assert setting.stored == [b"a", b"d"]


async def test_callers_of_a_silent_cluster_get_unavailable_at_their_own_deadlines() -> None:
    setting = Setting()
    early = [setting.publish(record(name), deadline_s=SHORT_S) for name in "ab"]
    late = setting.publish(record("c"), deadline_s=FAR_OFF_S)
    ends = await asyncio.gather(*early, return_exceptions=True)
    assert [type(end) for end in ends] == [Unavailable, Unavailable]
    assert f"within {SHORT_S} s" in str(ends[0])
    assert not late.done()
    setting.health.cluster.record_failure()
    setting.producers.current.acknowledge_all()
    await late
    assert setting.value("late_acknowledgements_total") == 2
    assert setting.health.cluster.closed  # a late acknowledgement closes it as well


async def test_a_fault_of_ours_at_a_deadline_ends_the_callers_wait_all_the_same(
    monkeypatch: pytest.MonkeyPatch, faults: list[type[BaseException]]
) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise ArithmeticError

    setting = Setting()
    monkeypatch.setattr(setting.health, "record_timeout", faulty)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(Unavailable, match="no acknowledgement"):
            await setting.publish(record("a"), deadline_s=SHORT_S)
    assert faults == [ArithmeticError]


async def test_a_fault_of_ours_with_an_acknowledgement_ends_the_callers_wait_at_its_deadline(
    monkeypatch: pytest.MonkeyPatch, faults: list[type[BaseException]]
) -> None:
    def faulty(_: object) -> None:
        raise ArithmeticError

    setting = Setting()
    with monkeypatch.context() as patched:
        patched.setattr(setting.health, "record_acknowledgement", faulty)
        results = [setting.publish(record(name), deadline_s=SHORT_S) for name in "ab"]
        setting.producers.current.acknowledge_all()
        async with asyncio.timeout(PATIENCE_S):
            ends = await asyncio.gather(*results, return_exceptions=True)
    assert [type(end) for end in ends] == [Unavailable, Unavailable]
    assert faults == [ArithmeticError]
    later = setting.publish(record("c"))
    setting.producers.current.acknowledge_all()
    await later


async def test_a_fault_of_ours_while_callers_wait_for_a_producer_does_not_hold_up_later_ones(
    monkeypatch: pytest.MonkeyPatch, faults: list[type[BaseException]]
) -> None:
    async def faulty() -> None:
        raise ArithmeticError

    setting = Setting()
    setting.producers.replace(setting.producers.current)
    with monkeypatch.context() as patched:
        patched.setattr(setting.producers, "working_producer", faulty)
        waiting = setting.publish(record("a"), deadline_s=SHORT_S)
        with pytest.raises(Unavailable):
            await waiting
    gc.collect()  # asyncio reports a task's fault when it forgets the task
    assert faults == [ArithmeticError]
    setting.producers.connect()
    later = setting.publish(record("b"))
    await turns()
    setting.producers.current.acknowledge_all()
    async with asyncio.timeout(PATIENCE_S):
        await later


async def test_an_acknowledgement_in_the_turn_of_the_deadline_is_in_time() -> None:
    setting = Setting()
    loop = asyncio.get_running_loop()
    loop.call_later(SHORT_S / 2, setting.producers.current.acknowledge_all)
    last_moment = setting.publish(record("a"), deadline_s=SHORT_S)
    other = setting.publish(record("b"), deadline_s=FAR_OFF_S)
    time.sleep(2 * SHORT_S)  # noqa: ASYNC251 (so that both timers are due in the same turn)
    await asyncio.gather(last_moment, other)


async def test_a_partition_that_is_late_alone_is_stalled_and_is_probed_by_one_at_a_time() -> None:
    setting = Setting()
    producer = setting.producers.current
    waits = setting.publish(record("slow", key=0), deadline_s=SHORT_S)
    (slow,) = producer.leave()
    while not waits.done():
        other = setting.publish(record("quick", key=2))
        producer.acknowledge(producer.leave()[1])
        await other
        await asyncio.sleep(SHORT_S / 20)
    with pytest.raises(PartitionStalled):
        await waits
    with pytest.raises(PartitionStalled):
        await setting.publish(record("turned away", key=1))
    await until(lambda: next(iter(setting.health._partitions.values())).circuit.may_send)
    probe = setting.publish(record("probe", key=1), probing=True)
    with pytest.raises(PartitionStalled):
        await setting.publish(record("second probe", key=1), probing=True)
    producer.acknowledge(slow)
    producer.acknowledge_all()
    await probe
    last = setting.publish(record("last", key=0))
    producer.acknowledge_all()
    await last


async def test_a_batch_that_may_be_stored_or_not_fails_its_callers() -> None:
    setting = Setting()
    results = [setting.publish(record(name)) for name in "ab"]
    (batch,) = setting.producers.current.leave()
    setting.producers.current.fail(batch, RequestTimedOutError())
    ends = await asyncio.gather(*results, return_exceptions=True)
    assert [str(end) for end in ends] == ["RequestTimedOutError"] * 2


async def test_no_timer_and_no_publication_stays_once_all_callers_have_their_results() -> None:
    setting = Setting()
    for _ in range(3):
        results = [setting.publish(record(name), deadline_s=SHORT_S) for name in "abc"]
        setting.producers.current.acknowledge_all()
        await asyncio.gather(*results)
    (deadlines,) = setting.publisher._deadlines.values()
    assert deadlines.waiting == {}
    await until(lambda: deadlines._timer is None)
    assert setting.publisher._unsent == []


async def test_with_a_linger_callers_wait_for_others_and_leave_together_in_their_order() -> None:
    setting = Setting(linger_s=SHORT_S)
    results = [setting.publish(record("a"))]
    await turns()
    results.append(setting.publish(record("b")))
    assert setting.batches() == []
    await until(lambda: bool(setting.producers.current.open))
    assert setting.batches() == [(EVENTS, 0, [b"a", b"b"])]
    setting.producers.current.acknowledge_all()
    await asyncio.gather(*results)
    last = setting.publish(record("c"))
    setting.publisher.send_unsent()  # as a stopping publisher does
    setting.producers.current.acknowledge_all()
    await last
