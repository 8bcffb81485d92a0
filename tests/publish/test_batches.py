"""Publishing in batches: who waits for whom, and who gets which result."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

import pytest
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    OutOfOrderSequenceNumber,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
)
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.record import Record
from bridge.publish import (
    PartitionStalled,
    PublishRules,
    RecordRefused,
    RecordTooLarge,
    TopicUnavailable,
    Unavailable,
)
from bridge.publish.batches import BatchPublisher
from bridge.publish.health import KafkaHealth
from bridge.publish.partitioning import partition_for_key
from bridge.telemetry.metrics import Metrics
from tests.publish.fake_producers import PARTITIONS, TOO_LARGE_BYTES, FakeProducers, FakeSingle
from tests.support.waiting import until

EVENTS, JOURNAL = "events", "journal"
FAR_OFF_S: Final = 3600.0
SHORT_S: Final = 0.02
# Two keys in each partition.
KEYS: Final = [
    next(
        key
        for key in (b"%d.%d" % (number, tries) for tries in range(1000))
        if partition_for_key(key, PARTITIONS) == number // 2
    )
    for number in range(2 * PARTITIONS)
]


@dataclass
class Setting:
    """A publisher with everything around it in reach."""

    producers: FakeProducers = field(default_factory=lambda: FakeProducers(EVENTS, JOURNAL))
    health: KafkaHealth = field(default_factory=KafkaHealth)
    metrics: Metrics = field(default_factory=lambda: Metrics("test"))
    linger_s: float = 0.0
    topics: tuple[str, ...] = (EVENTS, JOURNAL)

    def __post_init__(self) -> None:
        self.single = FakeSingle(self.producers.stored)
        self.publisher = BatchPublisher(
            self.producers,
            self.single,
            PublishRules(
                idempotence=True,
                ack_timeout_s=FAR_OFF_S,
                linger_s=self.linger_s,
                topics=self.topics,
            ),
            health=self.health,
            metrics=self.metrics,
        )

    def publish(
        self, *records: Record, deadline_s: float | None = None, probing: bool = False
    ) -> "asyncio.Future[None]":
        return self.publisher.publish(records, deadline_s=deadline_s, probing=probing)

    def batches(self) -> list[tuple[str, int, list[bytes]]]:
        return [
            (*batch.partition, [record.value for record in batch.records])
            for batch in self.producers.current.leave()
        ]

    @property
    def stored(self) -> list[bytes]:
        return [record.value for record in self.producers.stored]

    def value(self, name: str) -> float:
        return self.metrics.value(name)


def record(name: str, *, topic: str = EVENTS, key: int = 0) -> Record:
    return Record(topic, KEYS[key], name.encode(), (), 0)


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_is_published_in_one_turn_is_one_batch_a_partition() -> None:
    setting = Setting()
    results = [
        setting.publish(record(f"e{number}", key=number), record(f"j{number}", topic=JOURNAL))
        for number in range(4)
    ]
    assert setting.batches() == [
        (EVENTS, 0, [b"e0", b"e1"]),
        (JOURNAL, 0, [b"j0", b"j1", b"j2", b"j3"]),
        (EVENTS, 1, [b"e2", b"e3"]),
    ]
    setting.producers.current.acknowledge_all()
    await asyncio.gather(*results)
    assert setting.value("records_total") == 8
    assert setting.value("record_bytes_total") == 16


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
    assert setting.publisher._batches == {}


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
    setting.publisher.send_lingering()  # as a stopping publisher does
    setting.producers.current.acknowledge_all()
    await last


STEPS = st.one_of(
    st.tuples(
        st.just("publish"),
        st.lists(st.tuples(st.sampled_from([EVENTS, JOURNAL]), st.integers(0, 3)), max_size=3),
    ),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("leave"), st.none()),
    st.tuples(st.just("turn"), st.none()),
    st.tuples(st.just("connect"), st.none()),
    st.tuples(st.just("acknowledge"), st.integers(0, 5)),
    st.tuples(st.just("not stored"), st.integers(0, 5)),
    st.tuples(st.just("refused"), st.integers(0, 5)),
)
ERRORS = {"not stored": OutOfOrderSequenceNumber, "refused": CorruptRecordException}


class Story:
    """Callers, a broker and its producers, in any order of what can happen to them."""

    def __init__(self, bad: set[int]) -> None:
        self.setting = Setting()
        self.setting.single.refused = {b"%d" % number for number in bad}
        self.callers: list[tuple[tuple[Record, ...], asyncio.Future[None]]] = []
        self._made = 0
        self._producers = {self.setting.producers.current}

    async def run(self, steps: list[tuple[str, object]]) -> None:
        for step, given_ in steps:
            await self.take(step, given_)
        while not all(result.done() for _, result in self.callers):
            self.setting.producers.connect()
            self.remember()
            for producer in self._producers:
                producer.acknowledge_all()
            await turns()

    async def take(self, step: str, given_: object) -> None:
        self.remember()
        if step == "publish":
            assert isinstance(given_, list)
            records = tuple(self.make(topic, key) for topic, key in given_)
            self.callers.append((records, self.setting.publish(*records)))
        elif step == "turn":
            await turns()
        elif step == "connect":
            self.setting.producers.connect()
        elif step == "cancel":
            assert isinstance(given_, int)
            for _, result in self.callers[given_ : given_ + 1]:
                result.cancel()
        else:
            self.answer(step, given_)

    def make(self, topic: str, key: int) -> Record:
        self._made += 1
        return record(str(self._made), topic=topic, key=key)

    def remember(self) -> None:
        if self.setting.producers.producer is not None:
            self._producers.add(self.setting.producers.producer)

    def answer(self, step: str, number: object) -> None:
        """Answer the oldest batch of a partition: a broker answers them in their order."""
        assert number is None or isinstance(number, int)
        for producer in self._producers:
            left = producer.leave()
            for batch in left[: 0 if number is None else 1]:
                if step == "acknowledge":
                    producer.acknowledge(batch)
                else:
                    producer.fail(batch, ERRORS[step]())


@given(steps=st.lists(STEPS, max_size=40), bad=st.sets(st.integers(1, 40), max_size=4))
def test_every_caller_gets_exactly_the_result_of_its_own_records(
    steps: list[tuple[str, object]], bad: set[int]
) -> None:
    async def run() -> None:
        story = Story(bad)
        await story.run(steps)
        stored = story.setting.producers.stored
        assert len(stored) == len(set(stored))
        for records, result in story.callers:
            if result.cancelled():
                continue
            error = result.exception()
            if error is None:
                assert set(records) <= set(stored)
            else:
                assert isinstance(error, RecordRefused)
                assert {one.value for one in records} & story.setting.single.refused
                assert list(error.acknowledged) == [one for one in stored if one in records]

    asyncio.run(run())


@given(steps=st.lists(STEPS, max_size=40))
def test_records_of_a_key_are_stored_in_the_order_of_the_calls(
    steps: list[tuple[str, object]],
) -> None:
    async def run() -> None:
        story = Story(set())
        await story.run([step for step in steps if step[0] not in {"refused", "not stored"}])
        stored = story.setting.stored
        for key in KEYS:
            for topic in (EVENTS, JOURNAL):
                numbers = [
                    int(one.value)
                    for one in story.setting.producers.stored
                    if (one.key, one.topic) == (key, topic)
                ]
                assert numbers == sorted(numbers)
        assert len(stored) == sum(len(records) for records, _ in story.callers)

    asyncio.run(run())
