"""Find which topics no longer have the whole time that a replay asks for.

1. Kafka deletes from the front of a partition. If its first offset is 0, nothing was deleted.
2. Otherwise let T be the timestamp of its oldest record (none if no record is left). The partition
   covers the requested time if that begins at T or later. If not, deleted records may belong to it.
3. A topic that deletes only by age keeps every record for ``retention.ms``. If the requested time
   begins within that, the deleted records are older, and none is missing. We cannot know this if the
   topic also deletes by size, if it keeps records for ever and still lost some, or if this login may
   not read its settings (DescribeConfigs).
4. Missing records are not counted: the timestamp of a deleted record is unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka.structs import OffsetAndTimestamp, TopicPartition

from bridge.publish.connection import KafkaConnection
from bridge.reader.topic_reader import open_consumer
from bridge.replay import CannotWrite
from bridge.replay.targets.new_topic import read_retention_by_age


class OffsetsReader(Protocol):
    """Answers questions about offsets: Kafka's consumer does."""

    async def beginning_offsets(
        self, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """Return the first offset that each partition still has."""
        ...

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset behind the last record of each partition."""
        ...

    async def offsets_for_times(
        self, timestamps: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        """Return the first record of each partition with at least this timestamp."""
        ...


@dataclass(frozen=True, slots=True)
class ShortenedPartition:
    """A partition that lost records: how many, and the timestamp of the oldest one left."""

    topic: str
    partition: int
    deleted: int
    oldest_ms: int | None


@dataclass(frozen=True, slots=True)
class IncompleteTopic:
    """A topic without the whole requested time: deleted records, and the oldest one left."""

    topic: str
    deleted: int
    oldest_ms: int | None


async def find_shortened(
    connection: KafkaConnection, topics: Sequence[str]
) -> list[ShortenedPartition]:
    """Return the partitions of the topics that lost records; raises CannotRead."""
    if not topics:
        return []
    async with open_consumer(connection, topics) as (consumer, partitions):
        return await list_shortened(consumer, partitions)


async def list_shortened(
    reader: OffsetsReader, partitions: Sequence[TopicPartition]
) -> list[ShortenedPartition]:
    """Return the partitions that lost records: rules 1 and 2."""
    first = await reader.beginning_offsets(partitions)
    lost = [one for one in partitions if first[one] > 0]
    if not lost:
        return []
    ends = await reader.end_offsets(lost)
    left = {one: 0 for one in lost if first[one] < ends[one]}
    oldest = await reader.offsets_for_times(left) if left else {}
    found: list[ShortenedPartition] = []
    for one in lost:
        answer = oldest.get(one)
        oldest_ms = None if answer is None else answer.timestamp
        found.append(ShortenedPartition(one.topic, one.partition, first[one], oldest_ms))
    return found


async def read_retention_ms(
    connection: KafkaConnection, partitions: Sequence[ShortenedPartition]
) -> dict[str, int]:
    """Return how long each topic keeps every record, without topics where that is unknown: rule 3."""
    topics = list(dict.fromkeys(one.topic for one in partitions))
    try:
        return await read_retention_by_age(connection, topics) if topics else {}
    except CannotWrite:  # this login may not read the settings: rule 3
        return {}


def find_incomplete_topics(
    partitions: Sequence[ShortenedPartition],
    since_ms: int | None,
    *,
    retention_ms: Mapping[str, int],
    now_ms: int,
) -> list[IncompleteTopic]:
    """Return the topics that may lack records since ``since_ms``, by name: rules 2 and 3.

    ``retention_ms`` is how long topics keep every record. ``since_ms`` None asks for all records ever.
    """
    found: dict[str, list[ShortenedPartition]] = {}
    for one in partitions:
        if not _covers(one, since_ms, retention_ms.get(one.topic), now_ms):
            found.setdefault(one.topic, []).append(one)
    return [
        IncompleteTopic(
            topic,
            deleted=sum(one.deleted for one in parts),
            oldest_ms=min(
                (one.oldest_ms for one in parts if one.oldest_ms is not None), default=None
            ),
        )
        for topic, parts in sorted(found.items())
    ]


def _covers(
    one: ShortenedPartition, since_ms: int | None, retention_ms: int | None, now_ms: int
) -> bool:
    if since_ms is None:
        return False
    if one.oldest_ms is not None and one.oldest_ms <= since_ms:
        return True
    return retention_ms is not None and since_ms >= now_ms - retention_ms
