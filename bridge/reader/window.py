"""Find the offsets that must be read to get every record of a time window.

A record's timestamp is the time at which the bridge received the callback. A spool that drains late,
or an earlier replay, stores old timestamps behind newer ones. So timestamps in a partition may be in
any order.

1. In a partition, let T(o) be the timestamp of offset o, L the first offset that Kafka still has, and
   E the end offset (one behind the last record), both at the time of asking. We want every o in
   [L, E) with since <= T(o) < until.
2. For a time t, Kafka returns the lowest offset o with T(o) >= t, or none (KIP-79; Kafka's
   OffsetSpec.forTimestamp says the same).
3. Let B be the answer for since. Every o < B has T(o) < since, so no record before B is wanted. If
   there is no answer, no record of the partition is wanted.
4. Behind B there is no such bound: the answer for until is only the first record that is too late,
   and any record behind it may still be wanted. So every offset of [B, E) is read, and each record's
   own timestamp decides.
5. By 3 no wanted record lies before B; by 4 none behind B is skipped. So none is lost, in any order.
6. E is fixed once. A record stored later is not part of the window, even if its timestamp is.
7. Requested offsets are read as one range per partition, from the lowest to the highest. Records
   between two requested ranges are read too; ``selection`` filters them out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from bridge.publish.connection import KafkaConnection
from bridge.reader.merged_reader import OffsetRange
from bridge.reader.topic_reader import RecordsMissing, open_consumer

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)

_Offsets = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Window:
    """A time window in epoch milliseconds: ``since`` included, ``until`` not; None means no bound."""

    since_ms: int | None = None
    until_ms: int | None = None

    def contains(self, timestamp_ms: int) -> bool:
        """Return True if a record with this timestamp is in the window."""
        if self.since_ms is not None and timestamp_ms < self.since_ms:
            return False
        return self.until_ms is None or timestamp_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class OffsetSelection:
    """Offsets of one partition, both ends included; ``last`` None means up to the end."""

    topic: str
    partition: int
    first: int
    last: int | None

    def contains(self, offset: int) -> bool:
        """Return True if the offset is selected."""
        return self.first <= offset and (self.last is None or offset <= self.last)


def build_window(since: datetime | None, until: datetime | None) -> Window:
    """Return the window between two aware instants.

    Timestamps are whole milliseconds, so both bounds are rounded up: that selects the same records.
    The lower bound is never negative, because Kafka does not look up negative timestamps.
    """
    return Window(
        since_ms=None if since is None else max(0, -((_EPOCH - since) // _MS)),
        until_ms=None if until is None else -((_EPOCH - until) // _MS),
    )


def format_utc_ms(timestamp_ms: int) -> str:
    """Return epoch milliseconds as RFC 3339 UTC, always with three decimals.

    Kafka accepts timestamps beyond the year 9999; these are returned as a number of milliseconds.
    """
    try:
        instant = (_EPOCH + timedelta(milliseconds=timestamp_ms)).replace(tzinfo=None)
    except OverflowError:
        return f"{timestamp_ms} ms"
    return instant.isoformat(timespec="milliseconds") + "Z"


async def find_ranges(
    connection: KafkaConnection,
    topics: Sequence[str],
    within: Window,
    offsets: Sequence[OffsetSelection] = (),
) -> list[OffsetRange]:
    """Return what to read for every record of the window: rules 1 to 7. Empty ranges are left out.

    With ``offsets`` only those are read. Raises CannotRead, and RecordsMissing if a partition does
    not have the offsets.
    """
    if not topics:
        return []
    async with open_consumer(connection, topics) as (consumer, partitions):
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        begins = await _find_begins(consumer, starts, ends, within.since_ms)
    if offsets:
        found = [_to_range(one, starts, begins, ends) for one in offsets]
    else:
        found = [
            OffsetRange(one.topic, one.partition, begins[one], ends[one]) for one in partitions
        ]
    return _merge_ranges(one for one in found if one.begin < one.end)


def _merge_ranges(ranges: Iterable[OffsetRange]) -> list[OffsetRange]:
    """Return one range per partition, from its lowest offset to its highest: rule 7."""
    found: dict[tuple[str, int], OffsetRange] = {}
    for one in ranges:
        known = found.setdefault((one.topic, one.partition), one)
        begin, end = min(known.begin, one.begin), max(known.end, one.end)
        found[one.topic, one.partition] = replace(known, begin=begin, end=end)
    return list(found.values())


async def _find_begins(
    consumer: AIOKafkaConsumer, starts: _Offsets, ends: _Offsets, since_ms: int | None
) -> _Offsets:
    """Return B of rule 3 for each partition."""
    if since_ms is None:
        return starts
    answers = await consumer.offsets_for_times(dict.fromkeys(starts, since_ms))
    begins: dict[TopicPartition, int] = {}
    for partition, end in ends.items():
        answer = answers[partition]
        # A record stored since ``ends`` was read may be the answer; it lies behind the end.
        begins[partition] = end if answer is None else min(answer.offset, end)
    return begins


def _to_range(
    selection: OffsetSelection, starts: _Offsets, begins: _Offsets, ends: _Offsets
) -> OffsetRange:
    partition = TopicPartition(selection.topic, selection.partition)
    name = f"{selection.topic}:{selection.partition}"
    if partition not in ends:
        message = f"{name}: no such partition"
        raise RecordsMissing(message)
    if selection.first < starts[partition]:
        message = f"{name}: offsets before {starts[partition]} were deleted"
        raise RecordsMissing(message)
    end = ends[partition] if selection.last is None else selection.last + 1
    if end > ends[partition]:
        message = f"{name}: no offset {selection.last} yet, the next is {ends[partition]}"
        raise RecordsMissing(message)
    return OffsetRange(*partition, max(begins[partition], selection.first), end)
