"""Producers, and a broker behind them, that do what a test tells them, when it tells them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
)
from aiokafka.structs import TopicPartition

from bridge.core.record import Record
from bridge.publish import RecordRefused, Unavailable

PARTITIONS: Final = 2
TOO_LARGE_BYTES: Final = 1000


@dataclass
class FakeBatch:
    """A batch that was handed to a producer."""

    partition: TopicPartition
    future: "asyncio.Future[object]"
    records: list[Record] = field(default_factory=list[Record])


class FakeProducer:
    """A producer whose batches wait until the test lets them leave, and then for their answer."""

    def __init__(self, stored: list[Record], *, topics: frozenset[str]) -> None:
        self.stored = stored
        self.topics = set(topics)
        self.found_later: set[str] = set()
        self.died = False
        self.batch_records_max = 1000
        self.error: KafkaError | None = None
        self.open: dict[TopicPartition, FakeBatch] = {}
        self.left: list[FakeBatch] = []
        self.lookups: list[str] = []
        self._gaps: set[TopicPartition] = set()

    @property
    def partitions(self) -> dict[str, list[TopicPartition]]:
        return {
            topic: [TopicPartition(topic, number) for number in range(PARTITIONS)]
            for topic in self.topics
        }

    def append(
        self, partition: TopicPartition, records: Sequence[Record]
    ) -> tuple["asyncio.Future[object]", int]:
        if self.error is not None:
            raise self.error
        if len(records[0].value) > TOO_LARGE_BYTES:
            raise MessageSizeTooLargeError
        batch = self.open.get(partition)
        if batch is None or len(batch.records) == self.batch_records_max:
            self.left += [] if batch is None else [batch]
            future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            batch = self.open[partition] = FakeBatch(partition, future)
        fitting = [*takewhile(lambda record: len(record.value) <= TOO_LARGE_BYTES, records)]
        taken = fitting[: self.batch_records_max - len(batch.records)]
        batch.records += taken
        return batch.future, len(taken)

    async def find_topic(self, topic: str) -> None:
        self.lookups.append(topic)
        await asyncio.sleep(0)
        if topic in self.found_later:
            self.topics.add(topic)
        await asyncio.sleep(0)

    def leave(self) -> list[FakeBatch]:
        """Send all open batches, and return those that have no answer."""
        self.left += self.open.values()
        self.open = {}
        return self.left

    def acknowledge(self, batch: FakeBatch) -> None:
        """Store a batch; a partition with a gap stores nothing."""
        if batch.partition in self._gaps:
            self.fail(batch, OutOfOrderSequenceNumber())
            return
        self.stored += batch.records
        self.left.remove(batch)
        batch.future.set_result(None)

    def fail(self, batch: FakeBatch, error: KafkaError) -> None:
        """Store nothing of a batch, which leaves a gap in the partition's sequence."""
        self._gaps.add(batch.partition)
        self.left.remove(batch)
        batch.future.set_exception(error)

    def acknowledge_all(self) -> None:
        for batch in tuple(self.leave()):
            self.acknowledge(batch)


class FakeProducers:
    """A supervisor that has the next producer when the test connects one."""

    def __init__(self, *topics: str) -> None:
        self.stored: list[Record] = []
        self.topics = frozenset(topics)
        self.away = False
        self.producer: FakeProducer | None = FakeProducer(self.stored, topics=self.topics)
        self.replaced: list[FakeProducer] = []
        self._connected = asyncio.Event()

    @property
    def current(self) -> FakeProducer:
        assert self.producer is not None
        return self.producer

    async def working_producer(self) -> FakeProducer:
        while self.producer is None:
            if self.away:
                message = "kafka is not reachable"
                raise Unavailable(message)
            self._connected.clear()
            await self._connected.wait()
        return self.producer

    def replace(self, producer: FakeProducer) -> None:
        if producer is self.producer:
            self.producer = None
            self.replaced.append(producer)

    def connect(self) -> None:
        """Have a producer, if one was replaced."""
        if self.producer is None:
            self.producer = FakeProducer(self.stored, topics=self.topics)
        self._connected.set()


class FakeSingle:
    """Sends records one by one to the same broker; it refuses the values that it is told."""

    def __init__(self, stored: list[Record], *refused: bytes) -> None:
        self.stored = stored
        self.refused = set(refused)
        self.lost: set[bytes] = set()
        self.asked: list[bytes] = []

    async def publish(self, record: Record) -> None:
        self.asked.append(record.value)
        await asyncio.sleep(0)
        if record.value in self.lost:
            raise KafkaConnectionError
        if record.value in self.refused:
            reason, message = "record_invalid", "invalid, says the broker"
            raise RecordRefused(reason, message, topic=record.topic)
        self.stored.append(record)
