"""Read offset ranges of several partitions, once, as one stream ordered by time.

1. Partitions are assigned, not subscribed to: no group is joined and nothing is committed. So no
   consumer of a topic notices the reading.
2. The stream merges the partitions by timestamp: of the next record of each partition, the one with
   the lowest timestamp comes first. The order within a partition is always kept.
3. The order depends on the offset ranges alone, not on which broker answers first. A reading that
   starts where an earlier one ended therefore continues the same stream.
4. Records of a partition wait for those of the others. At most two fetch responses of each partition
   are in memory: the one being merged, and the next one, fetched ahead. The more partitions, the
   smaller each response. The limits count stored bytes; a compressed response takes more memory once
   it is decoded.
5. Everything stored is read, including records of aborted transactions (``read_uncommitted``,
   aiokafka's default). Offsets without a record, such as a transaction marker, are skipped.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heapreplace
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord, TopicPartition

from bridge.publish.connection import BadConnection, KafkaConnection, describe_error
from bridge.reader.topic_reader import CannotRead, list_missing_topics, list_partitions

CHUNK_RECORDS: Final = 500
# What one answer of each partition may hold together (rule 4), and the bounds of one's share. Kafka
# answers with a whole batch where even its first record is larger, so no share is too small to go on.
_FETCH_BYTES_MAX: Final = 33_554_432
_PARTITION_FETCH_BYTES_MIN: Final = 65_536
_PARTITION_FETCH_BYTES_MAX: Final = 1_048_576
_POLL_MS: Final = 200
# An answer may be as large as _HELD_BYTES, and a request whose time is over is asked again from the
# start: it has the time a slow link needs.
_REQUEST_TIMEOUT_MS: Final = 40_000
# A consumer waits for ever for a broker that is away. One request may fail, and be asked again.
_NO_ANSWER_TIMEOUT_S: Final = 100.0

RecordFilter = Callable[[ConsumerRecord], bool]


class RecordsMissing(Exception):
    """Records of the requested offsets are not on the topic; the text says which."""


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets of one partition: from ``begin`` up to, but not including, ``end``."""

    topic: str
    partition: int
    begin: int
    end: int


@dataclass(slots=True)
class _PartitionBuffer:
    """Records of one partition that were fetched and not yet yielded, the next one last."""

    partition: TopicPartition
    end: int
    order: int
    buffered: list[ConsumerRecord] = field(default_factory=list[ConsumerRecord])
    is_done: bool = False


async def read_ranges(
    connection: KafkaConnection,
    ranges: Sequence[OffsetRange],
    *,
    record_filter: RecordFilter | None = None,
    on_read: Callable[[int], None] = lambda _: None,
) -> AsyncGenerator[Sequence[ConsumerRecord]]:
    """Yield the selected records of the ranges, in lists of at most CHUNK_RECORDS: rules 2 and 3.

    ``on_read`` gets the number of records read, selected or not. Raises CannotRead, and
    RecordsMissing if the topics no longer have the ranges.
    """
    if not ranges:
        return
    places = sorted(ranges, key=lambda one: (one.topic, one.partition))
    topics = list(dict.fromkeys(one.topic for one in places))
    share_bytes = _FETCH_BYTES_MAX // max(1, len(places))
    share_bytes = max(_PARTITION_FETCH_BYTES_MIN, min(_PARTITION_FETCH_BYTES_MAX, share_bytes))
    async with open_consumer(connection, topics, partition_fetch_bytes=share_bytes) as (
        consumer,
        _,
    ):
        lanes = [
            _PartitionBuffer(TopicPartition(one.topic, one.partition), one.end, number)
            for number, one in enumerate(places)
        ]
        consumer.assign([lane.partition for lane in lanes])
        for lane, one in zip(lanes, places, strict=True):
            consumer.seek(lane.partition, one.begin)
        reader = _BufferFiller(consumer, record_filter, on_read)
        async with contextlib.aclosing(_merge(lanes, reader)) as chunks:
            async for chunk in chunks:
                yield chunk


@contextlib.asynccontextmanager
async def open_consumer(
    connection: KafkaConnection,
    topics: Sequence[str],
    *,
    partition_fetch_bytes: int = _PARTITION_FETCH_BYTES_MAX,
) -> AsyncGenerator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    """Run a consumer with all partitions of the topics assigned: rule 1. Raises CannotRead."""
    try:
        options = replace(connection, client_id=f"{connection.client_id}-replay").options()
    except BadConnection as error:
        raise CannotRead(str(error)) from error
    consumer = AIOKafkaConsumer(
        **options,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
        fetch_max_bytes=_FETCH_BYTES_MAX,
        max_partition_fetch_bytes=partition_fetch_bytes,
    )
    try:
        await consumer.start()
        partitions = await list_partitions(consumer, topics)
        consumer.assign(partitions)
        yield consumer, partitions
    except OffsetOutOfRangeError as error:
        message = f"no longer on the topic, deleted since they were planned: {error}"
        raise RecordsMissing(message) from error
    except KafkaError as error:
        message = f"{connection.bootstrap_servers}: {describe_error(error)}"
        raise CannotRead(message) from error
    finally:
        await consumer.stop()


async def find_missing_topics(connection: KafkaConnection, topics: Sequence[str]) -> list[str]:
    """Return the topics that do not exist, or that this login may not Describe; raises CannotRead."""
    async with open_consumer(connection, ()) as (consumer, _):
        return await list_missing_topics(consumer, topics)


async def _merge(
    buffers: list[_PartitionBuffer], reader: "_BufferFiller"
) -> AsyncGenerator[list[ConsumerRecord]]:
    """Yield buffered records, lowest timestamp first; refill a buffer when it is empty."""
    dry = buffers
    ready: list[tuple[int, int, _PartitionBuffer]] = []
    while dry or ready:
        await reader.fill(dry)
        ready += [(one.buffered[-1].timestamp, one.order, one) for one in dry if one.buffered]
        heapify(ready)
        dry = []
        chunk: list[ConsumerRecord] = []
        while ready and not dry and len(chunk) < CHUNK_RECORDS:
            _, number, lane = ready[0]
            chunk.append(lane.buffered.pop())
            if lane.buffered:
                heapreplace(ready, (lane.buffered[-1].timestamp, number, lane))
            else:
                heappop(ready)
                if not lane.is_done:
                    dry = [lane]
        if chunk:
            yield chunk


class _BufferFiller:
    """Fills the buffers from the consumer."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        wanted: RecordFilter | None,
        on_read: Callable[[int], None],
    ) -> None:
        self._consumer = consumer
        self._wanted = wanted
        self._on_read = on_read
        self._loop = asyncio.get_running_loop()

    async def fill(self, empty: Sequence[_PartitionBuffer]) -> None:
        """Return when every buffer has a record or its range is read; raises CannotRead."""
        lanes = {lane.partition: lane for lane in empty}
        heard_s = self._loop.time()
        while lanes:
            answers = await self._consumer.getmany(*lanes, timeout_ms=_POLL_MS)
            if answers:
                heard_s = self._loop.time()
            elif self._loop.time() - heard_s > _NO_ANSWER_TIMEOUT_S:
                message = f"Kafka did not answer for {_NO_ANSWER_TIMEOUT_S:.0f} s"
                raise CannotRead(message)
            for partition, found in answers.items():
                self._store(lanes[partition], found)
            for partition, lane in list(lanes.items()):
                if await self._consumer.position(partition) >= lane.end:
                    lane.is_done = True
                    self._consumer.pause(partition)  # what lies behind the end is not fetched
                if lane.buffered or lane.is_done:
                    del lanes[partition]

    def _store(self, lane: _PartitionBuffer, found: Sequence[ConsumerRecord]) -> None:
        if found[-1].offset >= lane.end:
            found = [one for one in found if one.offset < lane.end]
        self._on_read(len(found))
        if self._wanted is not None:
            found = list(filter(self._wanted, found))
        lane.buffered = list(found)
        lane.buffered.reverse()
