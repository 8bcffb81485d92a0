"""Plan a replay: count what it will read before anything is written.

A plan is made by reading every record that may be selected once (see ``reader.window``), so its
numbers are counts, not estimates. For each partition it keeps the offsets from the first selected
record to the last: a run reads no more than that.
"""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import orjson
from aiokafka.structs import ConsumerRecord
from pydantic import ConfigDict, TypeAdapter, ValidationError

from bridge import __version__
from bridge.publish.connection import KafkaConnection
from bridge.reader.journal import is_callback
from bridge.reader.merged_reader import OffsetRange, count_offsets, read_ranges
from bridge.reader.selection import Query, build_filter
from bridge.reader.topic_reader import RecordsMissing, open_consumer
from bridge.reader.window import Window

FORMAT: Final = 1
_OFFSET_MAX: Final = 2**63 - 1


class NotAPlan(Exception):
    """The file is not a plan of this version; the text says why."""


@dataclass(frozen=True, slots=True)
class PlanPart:
    """How many selected records an offset range has, and the bytes of their keys, values and headers."""

    offset_range: OffsetRange
    records: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a run will take, at least.

    ``full_speed_s`` is the time that planning took to read the part that a run reads; a run adds the
    time for writing. ``original_speed_s`` is the time from the first record to the last.
    """

    full_speed_s: float
    original_speed_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay will read. ``read_records`` is how many were read to find ``records``.

    ``other_records`` are those of ``records`` that the journal holds beside the callbacks.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    format: int
    id: str
    made_at: str
    bridge_version: str
    query: Query
    window: Window
    parts: tuple[PlanPart, ...]
    records: int
    bytes: int
    first_ms: int | None
    last_ms: int | None
    read_records: int
    estimate: Estimate
    other_records: int = 0

    @property
    def ranges(self) -> list[OffsetRange]:
        """Return the offset ranges a run reads."""
        return [part.offset_range for part in self.parts]

    @property
    def topics(self) -> list[str]:
        """Return the topics it reads, each once."""
        return list(dict.fromkeys(one.topic for one in self.ranges))


_READER: Final = TypeAdapter(Plan)


def count_bytes(record: ConsumerRecord) -> int:
    """Return the bytes of a record's key, value and headers."""
    total = len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:
        total += len(name) + len(value or b"")
    return total


def dump_plan(plan: Plan) -> bytes:
    """Return the plan as file content."""
    return orjson.dumps(plan, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def parse_plan(value: object) -> Plan:
    """Return the plan in a JSON value; raises NotAPlan."""
    found = read_format(value)
    if found is not None and found != FORMAT:
        message = f"a plan of format {found}, and this version reads format {FORMAT}"
        raise NotAPlan(message)
    try:
        plan = _READER.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(map(str, first["loc"]))
        message = f"not a plan: {path}: {first['msg']}"
        raise NotAPlan(message) from error
    partitions = {(one.topic, one.partition) for one in plan.ranges}
    are_valid = all(0 <= one.begin < one.end <= _OFFSET_MAX for one in plan.ranges)
    if not are_valid or len(partitions) < len(plan.parts):
        message = "not a plan: parts: not one offset range for each partition"
        raise NotAPlan(message)
    return plan


def read_format(value: object) -> int | None:
    """Return the ``format`` of a JSON file of ours, None if it has none.

    It is checked before all other fields, which may differ in another version.
    """
    found = cast("dict[str, object]", value).get("format") if isinstance(value, dict) else None
    return found if isinstance(found, int) else None


def load_plan(file: Path) -> Plan:
    """Return the plan in a file; raises NotAPlan."""
    try:
        value: Any = orjson.loads(file.read_bytes())
    except OSError as error:
        message = f"{file}: {error.strerror}"
        raise NotAPlan(message) from error
    except orjson.JSONDecodeError as error:
        message = f"{file}: not JSON"
        raise NotAPlan(message) from error
    try:
        return parse_plan(value)
    except NotAPlan as error:
        message = f"{file}: {error}"
        raise NotAPlan(message) from error


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a plan takes from outside: its id and time, a monotonic clock, a progress callback."""

    id: str
    made_at: str
    clock_s: Callable[[], float]
    on_read: Callable[[int], None] = lambda _: None


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


async def make_plan(
    connection: KafkaConnection,
    ranges: Sequence[OffsetRange],
    query: Query,
    *,
    within: Window,
    context: PlanContext,
) -> Plan:
    """Read every record that may be selected once, and return the plan.

    Raises CannotRead or RecordsMissing.
    """
    counts: dict[tuple[str, int], _PartitionCount] = {}
    other_records = 0
    started_s = context.clock_s()
    stream = read_ranges(
        connection, ranges, record_filter=build_filter(query, within), on_read=context.on_read
    )
    async with aclosing(stream):
        async for chunk in stream:
            for record in chunk:
                partition = (record.topic, record.partition)
                if partition not in counts:
                    counts[partition] = _PartitionCount(
                        record.offset, record.timestamp, record.timestamp
                    )
                counts[partition].add(record)
                other_records += not is_callback(record)
    took_s = context.clock_s() - started_s
    parts = tuple(
        PlanPart(OffsetRange(topic, partition, one.first, one.end), one.records, one.bytes)
        for (topic, partition), one in sorted(counts.items())
    )
    first_ms = min((one.first_ms for one in counts.values()), default=None)
    last_ms = max((one.last_ms for one in counts.values()), default=None)
    read = count_offsets(ranges)
    to_read_again = count_offsets(part.offset_range for part in parts)
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
            full_speed_s=round(took_s * to_read_again / max(1, read), 3),
            original_speed_s=((last_ms or 0) - (first_ms or 0)) / 1000,
        ),
        other_records=other_records,
    )


async def check_ranges(connection: KafkaConnection, ranges: Sequence[OffsetRange]) -> None:
    """Return if the topics still have every offset; raises RecordsMissing or CannotRead."""
    if not ranges:
        return
    topics = list(dict.fromkeys(one.topic for one in ranges))
    async with open_consumer(connection, topics) as (consumer, partitions):
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
    present = {(one.topic, one.partition): (starts[one], ends[one]) for one in partitions}
    for one in ranges:
        name = f"{one.topic}:{one.partition}"
        begin, end = present.get((one.topic, one.partition), (0, 0))
        if one.begin < begin:
            message = f"{name}: offsets {one.begin} to {begin - 1} were deleted since the plan"
            raise RecordsMissing(message)
        if one.end > end:
            message = f"{name} ends at offset {end - 1}, before the plan does: another topic?"
            raise RecordsMissing(message)
