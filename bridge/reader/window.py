"""Which offsets must be read to have every record of a time window.

A record's timestamp is when the bridge received the callback. A spool that drains late, or an earlier
replay, puts old timestamps behind new ones, so nothing is assumed of the order in a partition.

1. In a partition let T(o) be the timestamp of offset o, L the first offset that is kept and E the end,
   one behind the last record, as both are when they are asked for. Wanted are the o in [L, E) with
   since <= T(o) < until.
2. Kafka answers the question for a time t with the least offset o that has T(o) >= t, or with none
   (KIP-79; the same words are in Kafka's OffsetSpec.forTimestamp).
3. With B the answer for since, every o < B has T(o) < since: nothing before B is wanted. Without an
   answer nothing in the partition is.
4. Behind B there is no such bound. The answer for until is only the first record that is too late, and
   any number behind it may be wanted. So every offset of [B, E) is read, and each record's own
   timestamp decides.
5. By 3 nothing wanted lies before B, by 4 nothing wanted behind B is passed over: none is lost,
   whatever the order.
6. E is fixed once. A record that is stored later is no part of it, though its timestamp may be.
7. Offsets that were asked for are read as one stretch of each partition, from the lowest to the highest.
   What lies between two ranges is read too, and left out by ``selection``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from bridge.publish.connection import KafkaConnection
from bridge.reader.merged_reader import OffsetRange, RecordsMissing, open_consumer

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)

_Offsets = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Window:
    """Epoch milliseconds, ``since`` included and ``until`` not; None is no bound."""

    since_ms: int | None = None
    until_ms: int | None = None

    def contains(self, timestamp_ms: int) -> bool:
        """Say whether a record of that timestamp is in the window."""
        if self.since_ms is not None and timestamp_ms < self.since_ms:
            return False
        return self.until_ms is None or timestamp_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class OffsetSelection:
    """Offsets of one partition, both included; no ``last`` is to the end."""

    topic: str
    partition: int
    first: int
    last: int | None

    def contains(self, offset: int) -> bool:
        """Say whether an offset of the partition is one of them."""
        return self.first <= offset and (self.last is None or offset <= self.last)


def build_window(since: datetime | None, until: datetime | None) -> Window:
    """Return the window between two aware instants.

    Timestamps are whole milliseconds, so for both bounds the next whole one selects the same records.
    None is negative, and Kafka does not look for a negative one.
    """
    return Window(
        since_ms=None if since is None else max(0, -((_EPOCH - since) // _MS)),
        until_ms=None if until is None else -((_EPOCH - until) // _MS),
    )


async def find_ranges(
    connection: KafkaConnection,
    topics: Sequence[str],
    within: Window,
    offsets: Sequence[OffsetSelection] = (),
) -> list[OffsetRange]:
    """Return what to read for every record of the window: rules 1 to 7. Empty ones are left out.

    With ``offsets`` only those are read. Raises CannotRead, and RecordsMissing where a partition does
    not have the offsets.
    """
    if not topics:
        return []
    async with open_consumer(connection, topics) as (consumer, partitions):
        kept = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        begins = await _find_begins(consumer, kept, ends, within.since_ms)
    if offsets:
        found = [_to_range(one, kept, begins, ends) for one in offsets]
    else:
        found = [
            OffsetRange(one.topic, one.partition, begins[one], ends[one]) for one in partitions
        ]
    return _merge_ranges(one for one in found if one.begin < one.end)


def _merge_ranges(ranges: Iterable[OffsetRange]) -> list[OffsetRange]:
    """Return one stretch of each partition, from its lowest offset to its highest: rule 7."""
    found: dict[tuple[str, int], OffsetRange] = {}
    for one in ranges:
        had = found.setdefault((one.topic, one.partition), one)
        begin, end = min(had.begin, one.begin), max(had.end, one.end)
        found[one.topic, one.partition] = replace(had, begin=begin, end=end)
    return list(found.values())


async def _find_begins(
    consumer: AIOKafkaConsumer, kept: _Offsets, ends: _Offsets, since_ms: int | None
) -> _Offsets:
    """Return B of rule 3 for each partition."""
    if since_ms is None:
        return kept
    answers = await consumer.offsets_for_times(dict.fromkeys(kept, since_ms))
    begins: dict[TopicPartition, int] = {}
    for partition, end in ends.items():
        answer = answers[partition]
        # What came since the end was asked for may be the answer, and lies behind it.
        begins[partition] = end if answer is None else min(answer.offset, end)
    return begins


def _to_range(
    wanted: OffsetSelection, kept: _Offsets, begins: _Offsets, ends: _Offsets
) -> OffsetRange:
    partition = TopicPartition(wanted.topic, wanted.partition)
    place = f"{wanted.topic}:{wanted.partition}"
    if partition not in ends:
        message = f"{place}: there is no such partition"
        raise RecordsMissing(message)
    if wanted.first < kept[partition]:
        message = f"{place}: what was before offset {kept[partition]} is deleted"
        raise RecordsMissing(message)
    end = ends[partition] if wanted.last is None else wanted.last + 1
    if end > ends[partition]:
        message = (
            f"{place}: offset {wanted.last} is not there, the next one will be {ends[partition]}"
        )
        raise RecordsMissing(message)
    return OffsetRange(*partition, max(begins[partition], wanted.first), end)
