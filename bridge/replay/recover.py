"""Find what a killed replay had written to its own topics after its last checkpoint.

1. Nobody else writes to a new topic, and each of its partitions is in the order of its source. So the
   ``replay_source`` header of a partition's last record says how far the replay was, more exactly
   than the progress file.
2. A batch that was in flight when the replay was killed may be stored after that look: at most one
   batch per partition, which is then stored twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aiokafka.structs import ConsumerRecord

from bridge.publish.connection import KafkaConnection
from bridge.reader.merged_reader import OffsetRange, read_ranges
from bridge.reader.selection import build_filter
from bridge.reader.window import Window, find_ranges
from bridge.replay import CannotWrite
from bridge.replay.plan import count_bytes
from bridge.replay.progress import Progress

_NextOffsets = dict[tuple[str, int], int]


async def recover_progress(
    connection: KafkaConnection, progress: Progress, names: Mapping[str, str]
) -> Progress:
    """Return the progress that the new topics show: rule 1.

    Raises CannotRead, and CannotWrite if another process wrote to one of them.
    """
    reached: _NextOffsets = {}
    for record in await _read_last_records(connection, list(names.values())):
        source, offset = _parse_replay_source(record, progress.run.id)
        reached[source] = offset + 1
    plan = progress.plan
    moved = tuple(
        max(begin, reached.get((one.topic, one.partition), begin))
        for one, begin in zip(plan.ranges, progress.next, strict=True)
    )
    between = [
        replace(one, begin=begin, end=end)
        for one, begin, end in zip(plan.ranges, progress.next, moved, strict=True)
        if begin < end
    ]
    test = build_filter(plan.query, plan.window, progress.skipped)
    written = written_bytes = 0
    async for chunk in read_ranges(connection, between, record_filter=test):
        written += len(chunk)
        written_bytes += sum(map(count_bytes, chunk))
    return replace(
        progress,
        next=moved,
        records=progress.records + written,
        bytes=progress.bytes + written_bytes,
    )


async def _read_last_records(
    connection: KafkaConnection, topics: Sequence[str]
) -> list[ConsumerRecord]:
    """Return the last record of each partition that has any."""
    ends = [
        OffsetRange(one.topic, one.partition, one.end - 1, one.end)
        for one in await find_ranges(connection, topics, Window())
    ]
    return [record async for chunk in read_ranges(connection, ends) for record in chunk]


def _parse_replay_source(record: ConsumerRecord, replay_id: str) -> tuple[tuple[str, int], int]:
    """Return the source partition of a replayed record, and its offset there."""
    headers = dict(record.headers)
    if headers.get("replay_id") != replay_id.encode():
        message = f"{record.topic}: something else than this replay has written to it"
        raise CannotWrite(message)
    topic, partition, offset = (headers.get("replay_source") or b"").decode().rsplit(":", 2)
    return (topic, int(partition)), int(offset)
