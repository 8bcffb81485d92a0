"""Laws of publishing in batches: one result for each caller, and the order of each key."""

import asyncio

from aiokafka.errors import CorruptRecordException, OutOfOrderSequenceNumber
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.record import Record
from bridge.publish import RecordRefused
from tests.publish.batch_setting import EVENTS, JOURNAL, KEYS, Setting, record, turns

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
            result = self.setting.publisher.publish(records, deadline_s=None, probing=False)
            self.callers.append((records, result))
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
