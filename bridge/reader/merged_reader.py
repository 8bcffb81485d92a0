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
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from bridge.publish.connection import KafkaConnection
from bridge.reader.topic_reader import NO_ANSWER_TIMEOUT_S, CannotRead, open_consumer

CHUNK_RECORDS: Final = 500
# Limits of rule 4: what the fetch responses of all partitions may have together, and the limits of one
# partition's part. Kafka answers with at least one batch, however large, so no limit stops the reading.
_FETCH_BYTES_MAX: Final = 33_554_432
_PARTITION_FETCH_BYTES_MIN: Final = 65_536
_PARTITION_FETCH_BYTES_MAX: Final = 1_048_576
_POLL_MS: Final = 200

RecordFilter = Callable[[ConsumerRecord], bool]


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets of one partition: from ``begin`` up to, but not including, ``end``."""

    topic: str
    partition: int
    begin: int
    end: int


def count_offsets(ranges: Iterable[OffsetRange]) -> int:
    """Return the number of offsets in the ranges: an upper bound of their records."""
    return sum(one.end - one.begin for one in ranges)


@dataclass(slots=True)
class _PartitionBuffer:
    """Records of one partition that were fetched and not yet yielded, the next one last."""

    partition: TopicPartition
    end: int
    order: int
    records: list[ConsumerRecord] = field(default_factory=list[ConsumerRecord])
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
    in_order = sorted(ranges, key=lambda one: (one.topic, one.partition))
    topics = list(dict.fromkeys(one.topic for one in in_order))
    partition_bytes = _FETCH_BYTES_MAX // len(in_order)
    async with open_consumer(
        connection,
        topics,
        fetch_bytes_max=_FETCH_BYTES_MAX,
        partition_fetch_bytes_max=max(
            _PARTITION_FETCH_BYTES_MIN, min(_PARTITION_FETCH_BYTES_MAX, partition_bytes)
        ),
    ) as (consumer, _):
        buffers = [
            _PartitionBuffer(TopicPartition(one.topic, one.partition), one.end, number)
            for number, one in enumerate(in_order)
        ]
        consumer.assign([buffer.partition for buffer in buffers])
        for buffer, one in zip(buffers, in_order, strict=True):
            consumer.seek(buffer.partition, one.begin)
        filler = _BufferFiller(consumer, record_filter, on_read)
        async with contextlib.aclosing(_merge(buffers, filler)) as chunks:
            async for chunk in chunks:
                yield chunk


async def _merge(
    buffers: list[_PartitionBuffer], filler: "_BufferFiller"
) -> AsyncGenerator[list[ConsumerRecord]]:
    """Yield buffered records, lowest timestamp first; refill a buffer when it is empty."""
    empty = buffers
    # The partition's number decides between equal timestamps, so that the order is fixed (rule 3).
    ready: list[tuple[int, int, _PartitionBuffer]] = []
    while empty or ready:
        await filler.fill(empty)
        ready += [(one.records[-1].timestamp, one.order, one) for one in empty if one.records]
        heapify(ready)
        empty = []
        chunk: list[ConsumerRecord] = []
        while ready and not empty and len(chunk) < CHUNK_RECORDS:
            _, order, buffer = ready[0]
            chunk.append(buffer.records.pop())
            if buffer.records:
                heapreplace(ready, (buffer.records[-1].timestamp, order, buffer))
            else:
                heappop(ready)
                if not buffer.is_done:
                    empty = [buffer]
        if chunk:
            yield chunk


class _BufferFiller:
    """Fills the buffers from the consumer."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        record_filter: RecordFilter | None,
        on_read: Callable[[int], None],
    ) -> None:
        self._consumer = consumer
        self._record_filter = record_filter
        self._on_read = on_read
        self._loop = asyncio.get_running_loop()

    async def fill(self, empty: Sequence[_PartitionBuffer]) -> None:
        """Return when every buffer has a record or its range is read; raises CannotRead."""
        waiting = {buffer.partition: buffer for buffer in empty}
        answered_s = self._loop.time()
        while waiting:
            answers = await self._consumer.getmany(*waiting, timeout_ms=_POLL_MS)
            if answers:
                answered_s = self._loop.time()
            elif self._loop.time() - answered_s > NO_ANSWER_TIMEOUT_S:
                message = f"Kafka did not answer for {NO_ANSWER_TIMEOUT_S:.0f} s"
                raise CannotRead(message)
            for partition, records in answers.items():
                self._store(waiting[partition], records)
            for partition, buffer in list(waiting.items()):
                # The position decides, not the last record: the last offsets may have none (rule 5).
                if await self._consumer.position(partition) >= buffer.end:
                    buffer.is_done = True
                    # Or aiokafka would fetch ahead behind the end.
                    self._consumer.pause(partition)
                if buffer.records or buffer.is_done:
                    del waiting[partition]

    def _store(self, buffer: _PartitionBuffer, records: Sequence[ConsumerRecord]) -> None:
        if records[-1].offset >= buffer.end:
            records = [one for one in records if one.offset < buffer.end]
        self._on_read(len(records))
        selected = filter(self._record_filter, records) if self._record_filter else records
        buffer.records = list(selected)
        buffer.records.reverse()  # pop() takes the last
