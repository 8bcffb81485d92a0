"""Topics are read from the start, from an instant, to the end, or followed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord, TopicPartition

from bridge.core.record import Record
from bridge.publish.connection import KafkaConnection
from bridge.publish.publisher import KafkaPublisher
from bridge.reader import topic_reader
from bridge.reader.topic_reader import CannotRead, StoredRecord, read_topics, to_stored_record
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S

pytest_plugins = ("tests.support.kafka_fixtures",)

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)


@pytest.fixture
async def topic(kafka: Kafka, prefix: str) -> str:
    name = prefix + "records"
    await make_topics(kafka.connection, planned(name, partitions=2))
    return name


@pytest.fixture
async def publisher(kafka: Kafka, topic: str) -> AsyncGenerator[KafkaPublisher]:
    async with running(kafka.publisher()) as publisher:
        yield publisher


def at(instant: datetime, topic: str, number: int, *, key: str = "call") -> Record:
    headers = (("ce_id", b"%d" % number),)
    timestamp_ms = round(instant.timestamp() * 1000)
    return Record(topic, key.encode(), b"%d" % number, headers, timestamp_ms)


async def publish(publisher: KafkaPublisher, *records: Record) -> None:
    """Publish one after the other: the embedded broker miscounts the end of a batch of several."""
    for record in records:
        await publisher.publish([record])


async def values(kafka: Kafka, topic: str, since: datetime | None = None) -> list[bytes]:
    """Return the values up to the end, from the start or from ``since``."""
    stream = read_topics(
        kafka.connection, [topic], since=since, from_start=since is None, follow=False
    )
    async with asyncio.timeout(PATIENCE_S):
        return [stored.value async for stored in stream]


async def test_a_record_read_back_is_what_was_published(
    kafka: Kafka, topic: str, publisher: KafkaPublisher
) -> None:
    await publish(publisher, at(NOON, topic, 7))
    stream = read_topics(kafka.connection, [topic], since=None, from_start=True, follow=False)
    (stored,) = [one async for one in stream]
    assert stored == StoredRecord(
        topic=topic,
        partition=stored.partition,
        offset=0,
        timestamp=NOON,
        key=b"call",
        value=b"7",
        headers={"ce_id": b"7"},
    )


@pytest.mark.parametrize("timestamp_ms", [253_402_300_800_000, 1_772_884_800_000_000, 2**63 - 1])
def test_a_record_of_a_time_after_the_year_9999_can_be_read(timestamp_ms: int) -> None:
    record: ConsumerRecord = ConsumerRecord(
        "t", 0, 0, timestamp_ms, 0, b"", b"", None, 0, 0, headers=()
    )
    assert to_stored_record(record).timestamp == datetime.max.replace(tzinfo=UTC)


async def test_reading_from_the_start_keeps_the_order_of_a_key(
    kafka: Kafka, topic: str, publisher: KafkaPublisher
) -> None:
    await publish(publisher, *(at(NOON, topic, number) for number in range(30)))
    assert await values(kafka, topic) == [b"%d" % number for number in range(30)]


async def test_reading_several_topics_reads_every_partition_of_each(
    kafka: Kafka, topic: str, publisher: KafkaPublisher
) -> None:
    other = topic + ".other"
    await make_topics(kafka.connection, planned(other, partitions=3))
    for number in range(10):
        await publish(publisher, at(NOON, topic, number, key=f"call {number}"))
        await publish(publisher, at(NOON, other, number, key=f"call {number}"))
    stream = read_topics(
        kafka.connection, [topic, other], since=None, from_start=True, follow=False
    )
    found = {(stored.topic, stored.value) async for stored in stream}
    assert found == {(name, b"%d" % number) for name in (topic, other) for number in range(10)}


async def test_reading_an_empty_topic_to_its_end_yields_nothing(kafka: Kafka, topic: str) -> None:
    assert await values(kafka, topic) == []


async def test_reading_since_an_instant_leaves_out_what_was_before(
    kafka: Kafka, topic: str, publisher: KafkaPublisher
) -> None:
    # The embedded broker looks up by when it stored a record, so the instants are real ones.
    await publish(publisher, at(datetime.now(UTC), topic, 1))  # noqa: TID251 (see above)
    await asyncio.sleep(0.05)
    between = datetime.now(UTC)  # noqa: TID251 (see above)
    await asyncio.sleep(0.05)
    await publish(publisher, at(datetime.now(UTC), topic, 2))  # noqa: TID251 (see above)
    assert await values(kafka, topic, since=between) == [b"2"]


@pytest.mark.kafka
async def test_an_instant_is_compared_with_the_records_own_timestamps(
    apache_kafka: str, prefix: str
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    name = prefix + "records"
    await make_topics(kafka.connection, planned(name))
    async with running(kafka.publisher()) as publisher:
        for hours in range(4):
            await publish(publisher, at(NOON + timedelta(hours=hours), name, hours))
    assert await values(kafka, name, since=NOON + timedelta(hours=2)) == [b"2", b"3"]
    assert await values(kafka, name, since=NOON + timedelta(hours=9)) == []


async def test_following_yields_what_comes_later_too(
    kafka: Kafka, topic: str, publisher: KafkaPublisher
) -> None:
    await publish(publisher, at(NOON, topic, 1))
    stream = read_topics(kafka.connection, [topic], since=None, from_start=True, follow=True)
    async with asyncio.timeout(PATIENCE_S):
        assert (await anext(stream)).value == b"1"
        await publish(publisher, at(NOON, topic, 2))
        assert (await anext(stream)).value == b"2"
    await stream.aclose()  # type: ignore[attr-defined]


async def test_following_from_the_end_leaves_out_what_was_there(
    kafka: Kafka, topic: str, publisher: KafkaPublisher
) -> None:
    await publish(publisher, at(NOON, topic, 1))
    stream = read_topics(kafka.connection, [topic], since=None, follow=True)
    first = asyncio.ensure_future(anext(stream))
    async with asyncio.timeout(PATIENCE_S):
        number = 1
        while not first.done():  # nothing tells when the reader has found the end
            number += 1
            await publish(publisher, at(NOON, topic, number))
            await asyncio.wait([first], timeout=0.1)
        assert (await first).value != b"1"
    await stream.aclose()  # type: ignore[attr-defined]


async def test_a_batch_is_read_to_its_last_record(
    kafka: Kafka, topic: str, publisher: KafkaPublisher
) -> None:
    await publisher.publish([at(NOON, topic, number) for number in range(3)])
    assert await values(kafka, topic) == [b"0", b"1", b"2"]


@pytest.mark.kafka
async def test_a_topic_that_is_missing_cannot_be_read_and_is_named(
    apache_kafka: str, prefix: str
) -> None:
    stream = read_topics(
        KafkaConnection(apache_kafka), [prefix + "missing"], since=None, follow=False
    )
    with pytest.raises(CannotRead, match=f"no such topic: {prefix}missing"):
        await anext(stream)


async def test_a_kafka_that_is_away_cannot_be_read_and_its_address_is_named() -> None:
    address = f"127.0.0.1:{free_port()}"
    stream = read_topics(KafkaConnection(address), ["any"], since=None, follow=False)
    with pytest.raises(CannotRead, match=address):
        await anext(stream)


class Silent:
    """A consumer of a broker that is away: it knows the end, and gets no records."""

    async def getmany(self, *, timeout_ms: int) -> dict[TopicPartition, Any]:
        await asyncio.sleep(timeout_ms / 1_000_000)
        return {}

    async def seek_to_beginning(self, *_: TopicPartition) -> None:
        """Do nothing."""

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 9)

    async def position(self, _: TopicPartition) -> int:
        return 3


async def test_a_kafka_that_falls_silent_is_waited_for_only_by_who_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @contextlib.asynccontextmanager
    async def open_silent(
        *_: object, **_options: object
    ) -> AsyncGenerator[tuple[Silent, list[TopicPartition]]]:
        yield Silent(), [TopicPartition("any", 0)]

    def read(*, follow: bool) -> AsyncIterator[StoredRecord]:
        return read_topics(
            KafkaConnection("127.0.0.1:1"), ["any"], since=None, from_start=True, follow=follow
        )

    monkeypatch.setattr(topic_reader, "open_consumer", open_silent)
    monkeypatch.setattr(topic_reader, "NO_ANSWER_TIMEOUT_S", 0.001)
    with pytest.raises(CannotRead, match="did not answer"):
        async with asyncio.timeout(PATIENCE_S):
            await anext(read(follow=False))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await anext(read(follow=True))
