"""What a replay that was killed had written to its own topics and not yet noted.

1. Nobody else writes to a new topic, and what is written to one of its partitions is in the source's
   order. So the ``replay_source`` of a partition's last record says how far it was, more exactly than
   the progress that was written every now and then.
2. What was still on its way when the replay was killed may be stored after that record was looked at:
   at most one batch of each partition, which is then there twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aiokafka.structs import ConsumerRecord

from bridge.publish.connection import Connection
from bridge.reader.merged_reader import Stretch, records
from bridge.reader.selection import wanted
from bridge.reader.window import Window, stretches
from bridge.replay import CannotWrite
from bridge.replay.plan import bytes_of
from bridge.replay.progress import Progress

Offsets = dict[tuple[str, int], int]


async def caught_up(
    connection: Connection, progress: Progress, names: Mapping[str, str]
) -> Progress:
    """Return the progress as the new topics show it: rule 1.

    Raises CannotRead, and CannotWrite if something else was written to one of them.
    """
    reached: Offsets = {}
    for record in await _last(connection, list(names.values())):
        source, offset = _source(record, progress.stamp.id)
        reached[source] = offset + 1
    plan = progress.plan
    moved = tuple(
        max(begin, reached.get((one.topic, one.partition), begin))
        for one, begin in zip(plan.stretches, progress.next, strict=True)
    )
    between = [
        replace(one, begin=begin, end=end)
        for one, begin, end in zip(plan.stretches, progress.next, moved, strict=True)
        if begin < end
    ]
    test = wanted(plan.query, plan.window, progress.skipped)
    written = written_bytes = 0
    async for chunk in records(connection, between, wanted=test):
        written += len(chunk)
        written_bytes += sum(map(bytes_of, chunk))
    return replace(
        progress,
        next=moved,
        records=progress.records + written,
        bytes=progress.bytes + written_bytes,
    )


async def _last(connection: Connection, topics: Sequence[str]) -> list[ConsumerRecord]:
    """Return the last record of each partition that has any."""
    ends = [
        Stretch(one.topic, one.partition, one.end - 1, one.end)
        for one in await stretches(connection, topics, Window())
    ]
    return [record async for chunk in records(connection, ends) for record in chunk]


def _source(record: ConsumerRecord, replay_id: str) -> tuple[tuple[str, int], int]:
    """Return the place a record of this replay is from, and its offset there."""
    headers = dict(record.headers)
    if headers.get("replay_id") != replay_id.encode():
        message = f"{record.topic}: something else than this replay has written to it"
        raise CannotWrite(message)
    topic, partition, offset = (headers.get("replay_source") or b"").decode().rsplit(":", 2)
    return (topic, int(partition)), int(offset)
