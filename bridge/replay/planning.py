"""Making a plan, and seeing whether it still holds."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from aiokafka.structs import ConsumerRecord

from bridge import __version__
from bridge.publish.connection import KafkaConnection
from bridge.reader.merged_reader import OffsetRange, read_ranges
from bridge.reader.selection import Query, build_filter, parse_offsets
from bridge.reader.topic_reader import RecordsMissing, open_consumer
from bridge.reader.window import Window, find_ranges
from bridge.replay.plan import FORMAT, Estimate, Plan, PlanPart, count_bytes


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a plan takes from outside: its id and time, a monotonic clock, a progress callback."""

    id: str
    made_at: str
    clock_s: Callable[[], float]


@dataclass(slots=True)
class _PartitionCount:
    first: int
    first_ms: int
    last_ms: int
    end: int = 0
    records: int = 0
    bytes: int = 0

    def add(self, record: ConsumerRecord) -> None:
        self.end = record.offset + 1
        self.records += 1
        self.bytes += count_bytes(record)
        self.first_ms = min(self.first_ms, record.timestamp)
        self.last_ms = max(self.last_ms, record.timestamp)


async def find_query_ranges(
    connection: KafkaConnection, topics: Sequence[str], query: Query, within: Window
) -> list[OffsetRange]:
    """Return the ranges that may have selected records; raises CannotRead or RecordsMissing."""
    offsets = [parse_offsets(text) for text in query.offsets]
    named = list(dict.fromkeys(one.topic for one in offsets)) or topics
    return await find_ranges(connection, named, within, offsets)


async def make_plan(  # noqa: PLR0913 (what to read, by name)
    connection: KafkaConnection,
    ranges: Sequence[OffsetRange],
    query: Query,
    *,
    within: Window,
    context: PlanContext,
    on_read: Callable[[int], None] = lambda _: None,
) -> Plan:
    """Read every record that may be selected once, and return the plan.

    Raises CannotRead or RecordsMissing.
    """
    counts: dict[tuple[str, int], _PartitionCount] = {}
    begun_s = context.clock_s()
    stream = read_ranges(
        connection, ranges, record_filter=build_filter(query, within), on_read=on_read
    )
    async with aclosing(stream):
        async for chunk in stream:
            for record in chunk:
                place = (record.topic, record.partition)
                if place not in counts:
                    counts[place] = _PartitionCount(
                        record.offset, record.timestamp, record.timestamp
                    )
                counts[place].add(record)
    taken_s = context.clock_s() - begun_s
    parts = tuple(
        PlanPart(OffsetRange(topic, partition, one.first, one.end), one.records, one.bytes)
        for (topic, partition), one in sorted(counts.items())
    )
    first_ms = min((one.first_ms for one in counts.values()), default=None)
    last_ms = max((one.last_ms for one in counts.values()), default=None)
    read = sum(one.end - one.begin for one in ranges)
    to_read_again = sum(part.offset_range.end - part.offset_range.begin for part in parts)
    return Plan(
        format=FORMAT,
        id=context.id,
        made_at=context.made_at,
        bridge_version=__version__,
        query=query,
        window=within,
        parts=parts,
        records=sum(part.records for part in parts),
        bytes=sum(part.bytes for part in parts),
        first_ms=first_ms,
        last_ms=last_ms,
        read_records=read,
        estimate=Estimate(
            full_speed_s=round(taken_s * to_read_again / max(1, read), 3),
            original_speed_s=((last_ms or 0) - (first_ms or 0)) / 1000,
        ),
    )


async def check_ranges(connection: KafkaConnection, ranges: Sequence[OffsetRange]) -> None:
    """Return if the topics still have every offset; raises RecordsMissing or CannotRead."""
    if not ranges:
        return
    topics = list(dict.fromkeys(one.topic for one in ranges))
    async with open_consumer(connection, topics) as (consumer, partitions):
        kept = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
    present = {(one.topic, one.partition): (kept[one], ends[one]) for one in partitions}
    for one in ranges:
        place = f"{one.topic}:{one.partition}"
        begin, end = present.get((one.topic, one.partition), (0, 0))
        if one.begin < begin:
            message = f"{place}: offsets {one.begin} to {begin - 1} were deleted since the plan"
            raise RecordsMissing(message)
        if one.end > end:
            message = f"{place} ends at offset {end - 1}, before the plan does: another topic?"
            raise RecordsMissing(message)
