"""Plans: their counts, and their files."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bridge.core.record import Record
from bridge.reader.merged_reader import OffsetRange
from bridge.reader.selection import Query, find_query_ranges
from bridge.reader.topic_reader import RecordsMissing
from bridge.reader.window import Window
from bridge.replay.plan import (
    NotAPlan,
    Plan,
    PlanContext,
    check_ranges,
    dump_plan,
    load_plan,
    make_plan,
)
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.stored_records import NOON_MS, part, plan_of

pytest_plugins = ("tests.support.kafka_fixtures",)

PLAN = plan_of(
    part("topic", 0, 3, 9),
    query=Query(source="journal", since="2h", types=("voice.call.ring",)),
    within=Window(NOON_MS, None),
)


async def plan_for(kafka: Kafka, topics: list[str], query: Query, within: Window) -> Plan:
    ticks = iter([10.0, 14.0])
    making = PlanContext("id", "2026-03-08T09:00:00Z", lambda: next(ticks))
    among = await find_query_ranges(kafka.connection, topics, query, within)
    return await make_plan(kafka.connection, among, query, within=within, context=making)


@pytest.fixture
async def topic(kafka: Kafka, prefix: str) -> str:
    """Twelve records in three partitions: keys of one digit, values of two, a minute apart."""
    name = prefix + "records"
    await make_topics(kafka.connection, planned(name, partitions=3))
    async with running(kafka.publisher()) as publisher:
        for number in range(12):
            stamp = NOON_MS + number * 60_000
            headers = (("ce_type", b"com.plivo.voice.call.%d.v1" % (number % 2)),)
            record = Record(name, b"%d" % (number % 4), b"%02d" % number, headers, stamp)
            await publisher.publish([record])
    return name


async def test_a_plan_counts_records_bytes_and_times(kafka: Kafka, topic: str) -> None:
    plan = await plan_for(kafka, [topic], Query(), Window())
    assert plan.records == plan.read_records == 12
    assert plan.bytes == 12 * (1 + 2 + len("ce_type") + len("com.plivo.voice.call.0.v1"))
    assert (plan.first_ms, plan.last_ms) == (NOON_MS, NOON_MS + 11 * 60_000)
    assert plan.topics == [topic]
    assert plan.estimate.full_speed_s == 4.0
    assert plan.estimate.original_speed_s == 660.0


async def test_a_plan_keeps_of_each_partition_what_lies_between_the_first_and_the_last(
    kafka: Kafka, topic: str
) -> None:
    everything = await plan_for(kafka, [topic], Query(), Window())
    within = Window(NOON_MS + 4 * 60_000, NOON_MS + 8 * 60_000)
    plan = await plan_for(kafka, [topic], Query(), within)
    assert (plan.records, plan.window) == (4, within)
    assert sum(one.end - one.begin for one in plan.ranges) < everything.read_records
    again = await plan_for(
        kafka,
        [],
        Query(
            offsets=tuple(
                f"{topic}:{one.partition}:{one.begin}-{one.end - 1}" for one in plan.ranges
            )
        ),
        within,
    )
    assert again.parts == plan.parts


async def test_a_plan_counts_only_what_is_wanted(kafka: Kafka, topic: str) -> None:
    plan = await plan_for(kafka, [topic], Query(types=("voice.call.1",)), Window())
    assert (plan.records, plan.read_records) == (6, 12)


async def test_a_plan_of_nothing_has_no_times_and_no_parts(kafka: Kafka, topic: str) -> None:
    plan = await plan_for(kafka, [topic], Query(calls=("nobody's",)), Window())
    assert (plan.records, plan.parts, plan.first_ms, plan.last_ms) == (0, (), None, None)


async def test_a_plan_that_still_holds_is_content(kafka: Kafka, topic: str) -> None:
    plan = await plan_for(kafka, [topic], Query(), Window())
    await check_ranges(kafka.connection, plan.ranges)
    await check_ranges(kafka.connection, [])


async def test_a_plan_that_goes_further_than_its_topic_does_not_hold(
    kafka: Kafka, topic: str
) -> None:
    with pytest.raises(RecordsMissing, match=f"{topic}:0 ends at offset"):
        await check_ranges(kafka.connection, [OffsetRange(topic, 0, 0, 1000)])


async def test_a_partition_that_is_gone_does_not_hold(kafka: Kafka, topic: str) -> None:
    with pytest.raises(RecordsMissing, match=f"{topic}:7"):
        await check_ranges(kafka.connection, [OffsetRange(topic, 7, 0, 1)])


def test_a_plan_read_from_its_file_is_the_plan(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(dump_plan(PLAN))
    assert load_plan(file) == PLAN


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"{}", "not a plan"),
        (b"[]", "not a plan"),
        (dump_plan(replace(PLAN, format=2)), "format 2"),
        (b'{"format": 2, "parts": "of another form"}', "of format 2, and this version reads"),
        (dump_plan(plan_of(part("topic", 0, 9, 3))), "not one offset range"),
        (dump_plan(plan_of(part("topic", 0, -1, 3))), "not one offset range"),
        (
            dump_plan(plan_of(part("topic", 0, 0, 3), part("topic", 0, 5, 9))),
            "not one offset range",
        ),
        (
            dump_plan(PLAN).replace(b'"end": 9', b'"end": 9223372036854775808'),
            "not one offset range",
        ),
        (orjson.dumps({**orjson.loads(dump_plan(PLAN)), "more": 1}), "more"),
        (orjson.dumps({**orjson.loads(dump_plan(PLAN)), "records": "many"}), "records"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_its_name(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(NotAPlan, match=said) as caught:
        load_plan(file)
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(NotAPlan, match="nowhere"):
        load_plan(tmp_path / "nowhere")
