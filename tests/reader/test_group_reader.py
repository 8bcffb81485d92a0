"""A member of a consumer group reads on from what was committed, and shares partitions with others."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from bridge.core.record import Record
from bridge.publish.connection import KafkaConnection
from bridge.reader import group_reader
from bridge.reader.group_reader import GroupReader, open_group
from bridge.reader.topic_reader import CannotRead, StoredRecord
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S

pytest_plugins = ("tests.support.kafka_fixtures",)

HEADER = ("forward_to", b"pbx")


async def publish(kafka: Kafka, *records: Record) -> None:
    """Publish one after the other: the embedded broker miscounts the end of a batch of several."""
    async with running(kafka.publisher()) as publisher:
        for record in records:
            await publisher.publish([record])


def records(topic: str, *numbers: int, ago: timedelta = timedelta(0)) -> list[Record]:
    """Return records that differ by key; those with an even number are wanted."""
    now_ms = int((datetime.now(UTC) - ago).timestamp() * 1000)  # noqa: TID251 (compared with a real clock)
    return [
        Record(
            topic,
            b"call %d" % (number // 2),
            b"%d" % number,
            (HEADER if number % 2 == 0 else ("forward_to", b"crm"),),
            now_ms,
        )
        for number in numbers
    ]


class Member:
    """A member of the group, which reads until a test has what it wants."""

    def __init__(self) -> None:
        self.read: list[StoredRecord] = []
        self.positions: dict[int, int] = {}
        self.revoked: list[set[int]] = []
        self.reader: GroupReader | None = None

    async def on_revoked(self, partitions: Collection[int]) -> None:
        self.revoked.append(set(partitions))
        if self.reader is not None:
            positions = {
                one: self.positions.pop(one) for one in partitions if one in self.positions
            }
            assert await self.reader.commit(positions)

    async def fetch(self) -> None:
        assert self.reader is not None
        fetched = await self.reader.fetch(100)
        self.read += fetched.records
        self.positions |= fetched.next_offsets

    async def fetch_until(self, count: int) -> list[int]:
        """Return the numbers of the records read, when there are ``count``."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.read) < count:
                await self.fetch()
        return sorted(int(one.value) for one in self.read)


@contextlib.asynccontextmanager
async def member(kafka: Kafka, topic: str) -> AsyncGenerator[Member]:
    one = Member()
    opened = open_group(
        kafka.connection, topic, topic + ".group", header=HEADER, on_revoked=one.on_revoked
    )
    async with opened as reader:
        one.reader = reader
        yield one


@pytest.mark.kafka
async def test_what_was_not_committed_is_read_again(apache_kafka: str, prefix: str) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    topic = prefix + "journal"
    await make_topics(kafka.connection, planned(topic, partitions=2))
    await publish(kafka, *records(topic, *range(12)))
    async with member(kafka, topic) as one:
        assert await one.fetch_until(6) == [0, 2, 4, 6, 8, 10]
    async with member(kafka, topic) as one:
        assert await one.fetch_until(6) == [0, 2, 4, 6, 8, 10]
        assert one.reader is not None
        assert await one.reader.commit(one.positions)
        assert one.reader.count_behind(one.positions) == 0
        assert sum(one.positions.values()) == 12
    await publish(kafka, *records(topic, 12, 14))
    async with member(kafka, topic) as one:
        assert await one.fetch_until(2) == [12, 14]


@pytest.mark.system  # the embedded broker takes seconds to let a member join
async def test_a_pause_stops_the_reading_and_loses_nothing(kafka: Kafka, prefix: str) -> None:
    topic = prefix + "journal"
    await make_topics(kafka.connection, planned(topic, partitions=2))
    async with member(kafka, topic) as one:
        await publish(kafka, *records(topic, 0))
        assert await one.fetch_until(1) == [0]
        assert one.reader is not None
        one.reader.pause()
        await publish(kafka, *records(topic, 2, 4))
        for _ in range(3):
            await one.fetch()
        assert len(one.read) == 1
        one.reader.resume()
        assert await one.fetch_until(3) == [0, 2, 4]


@pytest.mark.kafka
async def test_where_nothing_was_committed_old_records_are_not_read(
    apache_kafka: str, prefix: str
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    topic = prefix + "journal"
    await make_topics(kafka.connection, planned(topic))
    await publish(kafka, *records(topic, 0, ago=timedelta(days=3)), *records(topic, 2))
    async with member(kafka, topic) as one:
        assert await one.fetch_until(1) == [2]


@pytest.mark.kafka
async def test_members_share_the_partitions_and_commit_before_they_give_one_up(
    apache_kafka: str, prefix: str
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    topic = prefix + "journal"
    await make_topics(kafka.connection, planned(topic, partitions=2))
    await publish(kafka, *records(topic, *range(0, 40, 2)))
    async with member(kafka, topic) as one:
        assert len(await one.fetch_until(20)) == 20
        async with member(kafka, topic) as other:
            async with asyncio.timeout(PATIENCE_S):
                while {0, 1} not in one.revoked:
                    await asyncio.gather(one.fetch(), other.fetch())
            one.read.clear()
            await publish(kafka, *records(topic, *range(40, 80, 2)))
            async with asyncio.timeout(PATIENCE_S):
                while len(one.read) + len(other.read) < 20:
                    await asyncio.gather(one.fetch(), other.fetch())
            assert one.read
            assert other.read
            assert {each.partition for each in one.read}.isdisjoint(
                each.partition for each in other.read
            )
        both = sorted(int(each.value) for each in one.read + other.read)
        assert both == list(range(40, 80, 2))


async def test_who_does_not_answer_cannot_be_read() -> None:
    async def nothing(_: Collection[int]) -> None:
        pass

    connection = KafkaConnection(f"127.0.0.1:{free_port()}")
    with pytest.raises(CannotRead, match="no broker answers"):
        async with open_group(connection, "t", "g", header=HEADER, on_revoked=nothing):
            pytest.fail("it was opened")


async def test_a_fault_while_it_looks_for_its_beginning_ends_the_reading() -> None:
    class Faulty:
        async def committed(self, _: TopicPartition) -> int:
            raise ArithmeticError

        async def getmany(self, **_: object) -> dict[TopicPartition, list[ConsumerRecord]]:
            return {}

    async def nothing(_: Collection[int]) -> None:
        pass

    consumer = cast("AIOKafkaConsumer", Faulty())
    reader = group_reader._KafkaGroupReader(consumer, HEADER)
    rebalances = group_reader._Rebalances(consumer, reader, nothing)
    await rebalances.on_partitions_assigned([TopicPartition("t", 0)])
    with pytest.raises(ArithmeticError):
        await reader.fetch(1)
