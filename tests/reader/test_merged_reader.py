"""One stream of many partitions: merged by time, each in its own order, the same every time."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.record import Record
from bridge.publish.connection import KafkaConnection, Tls
from bridge.reader import merged_reader, topic_reader
from bridge.reader.merged_reader import (
    CHUNK_RECORDS,
    OffsetRange,
    _BufferFiller,
    _merge,
    _PartitionBuffer,
    read_ranges,
)
from bridge.reader.topic_reader import CannotRead, RecordsMissing
from bridge.reader.window import Window, find_ranges
from bridge.replay.plan import check_ranges
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.ports import free_port
from tests.support.stored_records import NOON_MS, read_all, stored

pytest_plugins = ("tests.support.kafka_fixtures",)

LANES = st.lists(st.lists(st.integers(0, 20), max_size=12), max_size=4)
SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=8)


class Filler:
    """Fills lanes with as many records at a time as the test says, as Kafka's answers may be."""

    def __init__(self, lanes: Sequence[Sequence[ConsumerRecord]], sizes: Sequence[int]) -> None:
        self._left = [list(lane) for lane in lanes]
        self._sizes = list(sizes)
        self._filled = 0

    async def fill(self, dry: Sequence[_PartitionBuffer]) -> None:
        for lane in dry:
            left = self._left[lane.order]
            size = self._sizes[self._filled % len(self._sizes)]
            self._filled += 1
            taken, left[:] = left[:size], left[size:]
            lane.records = taken[::-1]
            lane.is_done = not left


def lanes_of(times: Sequence[Sequence[int]]) -> list[list[ConsumerRecord]]:
    return [
        [stored(offset, partition=number, timestamp=time) for offset, time in enumerate(lane)]
        for number, lane in enumerate(times)
    ]


async def merge(
    lanes: Sequence[Sequence[ConsumerRecord]], sizes: Sequence[int]
) -> list[ConsumerRecord]:
    filler = Filler(lanes, sizes)
    begun = [
        _PartitionBuffer(TopicPartition("topic", number), len(lane), number)
        for number, lane in enumerate(lanes)
        if lane
    ]
    found: list[ConsumerRecord] = []
    async for chunk in _merge(begun, filler):  # type: ignore[arg-type]
        assert 0 < len(chunk) <= CHUNK_RECORDS
        found += chunk
    return found


def place(record: ConsumerRecord) -> tuple[int, int]:
    return record.partition, record.offset


@given(times=LANES, sizes=SIZES)
async def test_the_lowest_timestamp_comes_next_and_no_partition_is_reordered(
    times: list[list[int]], sizes: list[int]
) -> None:
    lanes = lanes_of(times)
    left = [list(lane) for lane in lanes]
    for record in await merge(lanes, sizes):
        heads = [lane[0] for lane in left if lane]
        assert record is min(heads, key=lambda head: (head.timestamp, head.partition))
        left[record.partition].pop(0)
    assert not any(left)


@given(times=LANES, sizes=SIZES, other=SIZES)
async def test_the_order_does_not_depend_on_what_kafka_answers_first(
    times: list[list[int]], sizes: list[int], other: list[int]
) -> None:
    lanes = lanes_of(times)
    assert await merge(lanes, sizes) == await merge(lanes, other)


@given(times=LANES, sizes=SIZES, stop=st.integers(0, 48))
async def test_a_stream_read_from_where_it_ended_goes_on_as_if_it_had_not(
    times: list[list[int]], sizes: list[int], stop: int
) -> None:
    lanes = lanes_of(times)
    whole = await merge(lanes, sizes)
    done = [sum(one.partition == number for one in whole[:stop]) for number in range(len(lanes))]
    rest = [lane[count:] for lane, count in zip(lanes, done, strict=True)]
    assert await merge(rest, sizes) == whole[stop:]


@pytest.fixture
async def topic(kafka: Kafka, prefix: str) -> str:
    name = prefix + "records"
    await make_topics(kafka.connection, planned(name, partitions=3))
    async with running(kafka.publisher()) as publisher:
        for number in range(30):
            key = b"call %d" % (number % 5)
            stamp = NOON_MS + number
            await publisher.publish([Record(name, key, b"%d" % number, (), stamp)])
    return name


async def test_partitions_of_kafka_are_merged_by_time(kafka: Kafka, topic: str) -> None:
    among = await find_ranges(kafka.connection, [topic], Window())
    found = await read_all(kafka.connection, among)
    assert [int(record.value or b"") for record in found] == list(range(30))


async def test_a_stretch_is_read_from_its_begin_up_to_its_end(kafka: Kafka, topic: str) -> None:
    (first, *_) = await find_ranges(kafka.connection, [topic], Window())
    part = OffsetRange(topic, first.partition, first.begin + 1, first.end - 1)
    found = await read_all(kafka.connection, [part])
    assert [one.offset for one in found] == list(range(first.begin + 1, first.end - 1))
    assert {one.partition for one in found} == {first.partition}


async def test_unwanted_records_are_read_and_counted_and_left_out(kafka: Kafka, topic: str) -> None:
    among = await find_ranges(kafka.connection, [topic], Window())
    read: list[int] = []
    stream = read_ranges(
        kafka.connection,
        among,
        record_filter=lambda record: record.value == b"29",
        on_read=read.append,
    )
    found = [record.value async for chunk in stream for record in chunk]
    assert (found, sum(read)) == ([b"29"], 30)


async def test_without_ranges_no_consumer_is_started() -> None:
    assert await read_all(KafkaConnection("127.0.0.1:1"), []) == []


async def test_a_kafka_that_is_away_cannot_be_read_and_its_address_is_named() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(CannotRead, match=address):
        await read_all(KafkaConnection(address), [OffsetRange("any", 0, 0, 1)])


async def test_files_of_a_connection_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    connection = KafkaConnection("127.0.0.1:1", security_protocol="SSL", tls=Tls(ca_file=missing))
    with pytest.raises(CannotRead, match=r"missing\.pem"):
        await read_all(connection, [OffsetRange("any", 0, 0, 1)])


async def test_a_kafka_that_falls_silent_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent:
        async def getmany(self, *_: TopicPartition, timeout_ms: int) -> dict[TopicPartition, Any]:
            await asyncio.sleep(timeout_ms / 1_000_000)
            return {}

        async def position(self, _: TopicPartition) -> int:
            return 3

    monkeypatch.setattr(merged_reader, "NO_ANSWER_TIMEOUT_S", 0.001)
    reader = _BufferFiller(Silent(), None, lambda _: None)  # type: ignore[arg-type]
    with pytest.raises(CannotRead, match="did not answer"):
        await reader.fill([_PartitionBuffer(TopicPartition("topic", 0), 9, 0)])


async def test_it_joins_no_group_and_gives_a_slow_link_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, Any]] = []

    def consumer(**options: Any) -> None:
        asked.append(options)
        raise KafkaError

    monkeypatch.setattr(topic_reader, "AIOKafkaConsumer", consumer)
    with pytest.raises(KafkaError):
        await read_all(
            KafkaConnection("127.0.0.1:1", client_id="mine"), [OffsetRange("any", 0, 0, 1)]
        )
    (options,) = asked
    assert (options["client_id"], options["group_id"]) == ("mine", None)
    assert options["enable_auto_commit"] is False
    assert 40_000 <= options["request_timeout_ms"] < merged_reader.NO_ANSWER_TIMEOUT_S * 1000


@pytest.mark.kafka
async def test_records_of_aborted_transactions_are_read_and_their_ends_are_not_waited_for(
    apache_kafka: str, prefix: str
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    name = prefix + "transactions"
    await make_topics(kafka.connection, planned(name))
    producer = AIOKafkaProducer(bootstrap_servers=apache_kafka, transactional_id=prefix)
    await producer.start()
    for value in (b"committed", b"aborted"):
        await producer.begin_transaction()
        await producer.send_and_wait(name, value)
        end = producer.commit_transaction if value == b"committed" else producer.abort_transaction
        await end()
    await producer.stop()
    among = await find_ranges(kafka.connection, [name], Window())
    assert among == [OffsetRange(name, 0, 0, 4)]  # each ends with a marker
    read: list[int] = []
    stream = read_ranges(kafka.connection, among, on_read=read.append)
    found = [record.value async for chunk in stream for record in chunk]
    assert (found, sum(read)) == ([b"committed", b"aborted"], 2)


@pytest.mark.kafka
async def test_records_that_were_deleted_are_missed_not_skipped(
    apache_kafka: str, prefix: str
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    name = prefix + "short"
    await make_topics(kafka.connection, planned(name))
    async with running(kafka.publisher()) as publisher:
        for number in range(6):
            await publisher.publish([Record(name, b"k", b"%d" % number, (), NOON_MS)])
    planned_for = [OffsetRange(name, 0, 1, 6)]
    await check_ranges(kafka.connection, planned_for)
    await delete_before(apache_kafka, name, 3)
    with pytest.raises(RecordsMissing, match="no longer on the topic, deleted since"):
        await read_all(kafka.connection, planned_for)
    with pytest.raises(RecordsMissing, match=f"{name}:0: offsets 1 to 2 were deleted since"):
        await check_ranges(kafka.connection, planned_for)
    found = await read_all(kafka.connection, [OffsetRange(name, 0, 3, 6)])
    assert [record.value for record in found] == [b"3", b"4", b"5"]


async def delete_before(address: str, topic: str, offset: int) -> None:
    """Have Kafka delete the records of the first partition before an offset."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(offset)})
    finally:
        await admin.close()
