"""A window by time loses no record, whatever the order in a partition."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka.structs import ConsumerRecord, OffsetAndTimestamp, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from bridge.reader.merged_reader import OffsetRange
from bridge.reader.selection import Query, build_filter
from bridge.reader.topic_reader import RecordsMissing
from bridge.reader.window import (
    OffsetSelection,
    Window,
    _find_begins,
    _to_range,
    build_window,
    find_ranges,
)
from tests.reader.test_topic_reader import at
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.stored_records import NOON_MS, read_all

pytest_plugins = ("tests.support.kafka_fixtures",)

PLACE = TopicPartition("topic", 0)
NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
TIMES = st.integers(0, 12)
BOUNDS = st.none() | st.integers(-1, 14)


@dataclass(frozen=True, slots=True)
class Log:
    """A partition that answers a time as Kafka does: rule 2, and nothing more."""

    deleted: int
    times: list[int]

    async def offsets_for_times(
        self, asked: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        found = next((o for o in self.kept() if self.times[o] >= asked[PLACE]), None)
        return {PLACE: None if found is None else OffsetAndTimestamp(found, self.times[found])}

    def kept(self) -> range:
        return range(self.deleted, len(self.times))


@st.composite
def logs(draw: st.DrawFn) -> Log:
    times = draw(st.lists(TIMES, max_size=12))
    return Log(draw(st.integers(0, len(times))), times)


@given(log=logs(), since=BOUNDS, until=BOUNDS, late=st.lists(TIMES, max_size=3))
async def test_what_is_read_holds_every_record_of_the_window(
    log: Log, since: int | None, until: int | None, late: list[int]
) -> None:
    within, end = Window(since, until), len(log.times)
    log.times.extend(late)  # stored after the end was asked for, and before the time was
    begins = await _find_begins(log, {PLACE: log.deleted}, {PLACE: end}, since)  # type: ignore[arg-type]
    read = range(begins[PLACE], end)
    whole = [o for o in range(log.deleted, end) if within.contains(log.times[o])]
    assert [o for o in read if within.contains(log.times[o])] == whole


@given(instant=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_the_bounds_in_milliseconds_hold_what_the_instants_hold(instant: datetime) -> None:
    bound = instant.replace(tzinfo=UTC)
    since, until = build_window(bound, None), build_window(None, bound)
    ms = int(bound.timestamp() * 1000)
    for timestamp_ms in range(ms - 2, ms + 3):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=timestamp_ms)
        assert since.contains(timestamp_ms) == (moment >= bound)
        assert until.contains(timestamp_ms) == (moment < bound)


@pytest.mark.parametrize(
    ("first", "last", "begin", "expected"),
    [
        (4, 6, 3, (4, 7)),
        (3, None, 3, (3, 10)),
        (9, 9, 3, (9, 10)),
        (4, 6, 5, (5, 7)),  # nothing of the window lies before offset 5
        (3, None, 5, (5, 10)),
        (6, 6, 5, (6, 7)),
        (3, 4, 5, (5, 5)),  # nor in these at all
    ],
)
def test_offsets_are_both_included_and_narrowed_by_the_time(
    first: int, last: int | None, begin: int, expected: tuple[int, int]
) -> None:
    found = _to_range(OffsetSelection(*PLACE, first, last), {PLACE: 3}, {PLACE: begin}, {PLACE: 10})  # type: ignore[call-arg]
    assert (found.begin, found.end) == expected


def test_a_window_that_begins_before_there_was_time_begins_with_it() -> None:
    assert build_window(datetime(1960, 1, 1, tzinfo=UTC), None) == Window(0, None)


@pytest.mark.parametrize(
    ("offsets", "said"),
    [
        (OffsetSelection("topic", 1, 0, 1), "no such partition"),
        (OffsetSelection("other", 0, 0, 1), "no such partition"),
        (OffsetSelection("topic", 0, 2, 5), "before 3 were deleted"),
        (OffsetSelection("topic", 0, 5, 10), "no offset 10 yet"),
    ],
)
def test_offsets_that_are_not_there_are_refused(offsets: OffsetSelection, said: str) -> None:
    with pytest.raises(RecordsMissing, match=said):
        _to_range(offsets, {PLACE: 3}, {PLACE: 3}, {PLACE: 10})


@pytest.mark.kafka
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_kafka_with_records_out_of_time_order_loses_none_of_any_window(
    apache_kafka: str, prefix: str, seed: int
) -> None:
    """Old records behind new ones, over several segments with a dense time index."""
    kafka = Kafka(apache_kafka, idempotence=True)
    name = prefix + "disorder"
    topic = planned(name, partitions=2, segment_bytes="1048576", index_interval_bytes="64")
    await make_topics(kafka.connection, topic)
    chance = random.Random(seed)
    hours = [
        *[chance.gauss(number / 40, 2) for number in range(240)],  # nearly in order
        *[chance.uniform(-30, 30) for _ in range(60)],  # a spool that drains
        *[number / 10 - 20 for number in range(60)],  # an earlier replay
    ]
    async with running(kafka.publisher()) as publisher:
        for number, hour in enumerate(hours):
            record = at(NOON + timedelta(hours=hour), name, number, key=f"call {number % 7}")
            await publisher.publish([record._replace(value=b"%-20000d" % number)])
    everything = await read_all(
        kafka.connection, await find_ranges(kafka.connection, [name], Window())
    )
    behind_the_first_too_late = 0
    for _ in range(12):
        since, until = sorted(round(chance.uniform(-32, 32) * 3_600_000) for _ in range(2))
        within = Window(NOON_MS + since, NOON_MS + until)
        among = await find_ranges(kafka.connection, [name], within)
        found = await read_all(kafka.connection, among, build_filter(Query(), within))
        stamps = [round((NOON + timedelta(hours=hour)).timestamp() * 1000) for hour in hours]
        expected = {number for number, stamp in enumerate(stamps) if within.contains(stamp)}
        assert sorted(int(record.value or b"") for record in found) == sorted(expected)
        behind_the_first_too_late += _behind_the_first_too_late(everything, within)
    assert behind_the_first_too_late > 0  # what reading up to the answer for until would lose


def _behind_the_first_too_late(everything: list[ConsumerRecord], within: Window) -> int:
    """Return how many wanted records lie behind one that is too late, in their partition."""
    found, passed = 0, set[int]()
    for record in sorted(everything, key=lambda one: one.offset):
        if record.timestamp >= (within.until_ms or 0):
            passed.add(record.partition)
        found += record.partition in passed and within.contains(record.timestamp)
    return found


RANGES = {
    "apart": [(2, 5), (9, 12)],
    "the later one first": [(9, 12), (2, 5)],
    "overlapping": [(2, 8), (5, 12)],
    "one in the other": [(2, 12), (4, 5)],
    "equal": [(3, 7), (3, 7)],
    "one to the end": [(1, 2), (10, None)],
}


@pytest.mark.parametrize("ranges", RANGES.values(), ids=RANGES)
async def test_ranges_of_one_partition_are_all_read_and_nothing_between_them(
    kafka: Kafka, prefix: str, ranges: list[tuple[int, int | None]]
) -> None:
    name = prefix + "ranges"
    await make_topics(kafka.connection, planned(name))
    async with running(kafka.publisher()) as publisher:
        for number in range(14):
            await publisher.publish([at(NOON, name, number)])
    asked = [OffsetSelection(name, 0, *one) for one in ranges]
    among = await find_ranges(kafka.connection, [name], Window(), asked)
    texts = tuple(f"{name}:0:{first}-{'' if last is None else last}" for first, last in ranges)
    found = await read_all(kafka.connection, among, build_filter(Query(offsets=texts), Window()))
    expected = [n for n in range(14) if any(one.contains(n) for one in asked)]
    assert [record.offset for record in found] == expected


async def test_a_topic_without_records_has_nothing_to_read(kafka: Kafka, prefix: str) -> None:
    await make_topics(kafka.connection, planned(prefix + "empty", partitions=3))
    assert await find_ranges(kafka.connection, [prefix + "empty"], Window()) == []


async def test_what_is_stored_later_is_no_part_of_it(kafka: Kafka, prefix: str) -> None:
    name = prefix + "growing"
    await make_topics(kafka.connection, planned(name))
    async with running(kafka.publisher()) as publisher:
        await publisher.publish([at(NOON, name, 1)])
        among = await find_ranges(kafka.connection, [name], Window())
        await publisher.publish([at(NOON, name, 2)])
    assert among == [OffsetRange(name, 0, 0, 1)]
    assert [record.value for record in await read_all(kafka.connection, among)] == [b"1"]
