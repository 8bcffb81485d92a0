"""The contract of every publisher, tested with each of them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace

import pytest

from bridge.core.record import Record
from bridge.publish import Publisher, RecordTooLarge, Unavailable
from bridge.publish.memory import MemoryPublisher
from tests.support.kafka import Kafka, make_topics, planned, read_back, running
from tests.support.ports import free_port

pytest_plugins = ("tests.support.kafka_fixtures",)

NOON_MS = 1_772_884_800_123
PARTITIONS = 3
TOO_LARGE = b"x" * 1_100_000


@dataclass(frozen=True, slots=True)
class Doorway:
    """A publisher, its topic, how to read back, and a publisher whose Kafka is away."""

    publisher: Publisher
    away: Publisher
    topic: str
    read: Callable[[], list[Record]]

    def record(self, number: int, *, key: str = "call") -> Record:
        return Record(
            topic=self.topic,
            key=key.encode(),
            value=f"value {number}".encode(),
            headers=(("number", b"%d" % number),),
            timestamp_ms=NOON_MS + number,
        )


def in_memory() -> Doorway:
    publisher, away = MemoryPublisher(), MemoryPublisher()
    away.available = False
    return Doorway(publisher, away, "records", lambda: list(publisher.records))


@contextlib.asynccontextmanager
async def on_kafka(kafka: Kafka, topic: str) -> AsyncGenerator[Doorway]:
    await make_topics(kafka.connection, planned(topic, partitions=PARTITIONS))
    away = replace(kafka, address=f"127.0.0.1:{free_port()}").publisher()
    away.start()
    async with running(kafka.publisher()) as publisher:
        yield Doorway(publisher, away, topic, lambda: read_back(kafka.address, [topic]))
    await away.stop(flush_timeout_s=1)


KINDS = ["memory", "embedded", "lingering", pytest.param("apache", marks=pytest.mark.kafka)]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kafka | None:
    """The Kafka behind the publisher; None for the one that keeps records in memory."""
    match request.param:
        case "apache":
            return Kafka(request.getfixturevalue("apache_kafka"), idempotence=True)
        case "embedded":
            return Kafka(request.getfixturevalue("embedded_kafka"), idempotence=False)
        case "lingering":
            embedded = request.getfixturevalue("embedded_kafka")
            return Kafka(embedded, idempotence=False, linger_s=0.002)
        case _:
            return None


@pytest.fixture
async def doorway(kind: Kafka | None, prefix: str) -> AsyncGenerator[Doorway]:
    if kind is None:
        yield in_memory()
    else:
        async with on_kafka(kind, prefix + "records") as doorway:
            yield doorway


async def test_a_published_record_comes_back_byte_for_byte(doorway: Doorway) -> None:
    every_byte = bytes(range(256))
    record = Record(
        topic=doorway.topic,
        key=b"\x00key\xff",
        value=every_byte,
        headers=(("ce_id", b"1"), ("ce_id", every_byte), ("empty", b"")),
        timestamp_ms=NOON_MS,
    )
    await doorway.publisher.publish([record])
    assert doorway.read() == [record]


async def test_what_publish_returned_for_is_there_at_once(doorway: Doorway) -> None:
    for number in range(5):
        await doorway.publisher.publish([doorway.record(number)])
        assert len(doorway.read()) == number + 1


async def test_several_records_are_all_there(doorway: Doorway) -> None:
    records = [doorway.record(number, key=f"call {number}") for number in range(7)]
    await doorway.publisher.publish(records)
    assert sorted(doorway.read(), key=lambda one: one.timestamp_ms) == records


async def test_no_records_are_published_without_complaint(doorway: Doorway) -> None:
    await doorway.publisher.publish([])
    assert doorway.read() == []


async def test_records_of_one_key_keep_their_order(doorway: Doorway) -> None:
    keys = ("one", "two", "three", "four")
    for number in range(60):
        await doorway.publisher.publish([doorway.record(number, key=keys[number % 4])])
    found = doorway.read()
    for place, key in enumerate(keys):
        of_key = [one.value for one in found if one.key == key.encode()]
        assert of_key == [f"value {number}".encode() for number in range(place, 60, 4)]


async def test_concurrent_callers_lose_nothing_and_double_nothing(doorway: Doorway) -> None:
    records = [doorway.record(number, key=f"call {number % 50}") for number in range(500)]
    await asyncio.gather(*(doorway.publisher.publish([record]) for record in records))
    assert sorted(doorway.read(), key=lambda one: one.timestamp_ms) == records


async def test_what_is_handed_over_in_one_turn_keeps_its_order_over_many_batches(
    doorway: Doorway,
) -> None:
    large = [
        doorway.record(number)._replace(value=b"%010000d" % number) for number in range(120)
    ]  # more than four batches
    await asyncio.gather(*(doorway.publisher.publish([record]) for record in large))
    assert doorway.read() == large


async def test_a_caller_that_stops_waiting_disturbs_no_other(doorway: Doorway) -> None:
    results = [doorway.publisher.publish([doorway.record(number)]) for number in range(9)]
    for result in results[::2]:
        result.cancel()
    await asyncio.gather(*results[1::2])
    assert {record.value for record in doorway.read()} >= {b"value %d" % n for n in range(1, 9, 2)}


async def test_a_record_over_the_limit_is_refused_as_too_large(doorway: Doorway) -> None:
    with pytest.raises(RecordTooLarge):
        await doorway.publisher.publish([doorway.record(0)._replace(value=TOO_LARGE)])
    assert doorway.read() == []


async def test_publishing_goes_on_after_a_record_that_was_too_large(doorway: Doorway) -> None:
    with pytest.raises(RecordTooLarge):
        await doorway.publisher.publish([doorway.record(0)._replace(value=TOO_LARGE)])
    assert doorway.publisher.available
    await doorway.publisher.publish([doorway.record(1)])
    assert doorway.read() == [doorway.record(1)]


async def test_a_publisher_that_reaches_kafka_says_it_is_available(doorway: Doorway) -> None:
    assert doorway.publisher.available


async def test_a_publisher_is_unavailable_while_its_kafka_is_away(doorway: Doorway) -> None:
    assert not doorway.away.available
    with pytest.raises(Unavailable):
        await doorway.away.publish([doorway.record(0)])
