"""Records are replayed into topics byte for byte, in order, with their source in headers."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord

from bridge.publish.connection import KafkaConnection, Tls
from bridge.reader.merged_reader import OffsetRange
from bridge.replay import CannotWrite, ReplayRun
from bridge.replay.targets import new_topic
from bridge.replay.targets import topic as to_topic
from bridge.replay.targets.new_topic import (
    create_topics,
    find_shorter_retention,
    name_new_topics,
    plan_new_topics,
)
from bridge.replay.targets.topic import TopicTarget, open_topics, route
from tests.support.kafka import Kafka, make_topics, planned
from tests.support.stored_records import NOON_MS, Header, read_topics, stored

pytest_plugins = ("tests.support.kafka_fixtures",)

RUN = ReplayRun("abcd1234", "2026-03-08T09:00:00Z")
DAY_MS = 86_400_000


@pytest.fixture
async def topic(kafka: Kafka, prefix: str) -> str:
    name = prefix + "source"
    await make_topics(kafka.connection, planned(name, partitions=3))
    return name


async def replayed(
    kafka: Kafka, topic: str, records: Sequence[ConsumerRecord], *, at_once: bool = False
) -> list[ConsumerRecord]:
    """Write and flush records; return the records of the new topic."""
    names = name_new_topics([topic], RUN.id)
    await create_topics(
        kafka.connection, await plan_new_topics(kafka.connection, names), has_records=False
    )
    async with opened(kafka, topic, at_once=at_once) as target:  # type: ignore[attr-defined]
        await target.write(records)
        assert await target.flush() == {}
        await target.finish()
    return await read_topics(kafka.connection, names[topic])


def opened(kafka: Kafka, topic: str, *, at_once: bool = False) -> "AsyncGenerator[TopicTarget]":
    return open_topics(  # type: ignore[return-value]
        kafka.connection,
        route(
            [OffsetRange(topic, number, 0, 100) for number in range(3)],
            name_new_topics([topic], RUN.id),
        ),
        run=RUN,
        idempotence=kafka.idempotence,
        at_once=at_once,
    )


def said(headers: Sequence[Header], source: str) -> tuple[Header, ...]:
    return (
        *headers,
        ("replay_id", b"abcd1234"),
        ("replay_source", source.encode()),
        ("replay_at", b"2026-03-08T09:00:00Z"),
    )


@pytest.mark.parametrize(
    "record",
    [
        stored(value=b'{"a": 1}'),
        stored(key=None),
        stored(key=b""),
        stored(value=b""),
        stored(key=b"\xff\x00", value=b"\xff\x00\n"),
        stored(headers=[("a", b"1"), ("a", b"2"), ("b", b""), ("Zo\u00eb", b"\xff")]),
        stored(headers=[("replay_id", b"earlier"), ("replay_at", b"2026-03-01T00:00:00Z")]),
        stored(timestamp=0),
        stored(timestamp=NOON_MS + 1),
    ],
    ids=lambda record: repr((record.key, record.value, record.headers, record.timestamp)),
)
async def test_a_replayed_record_is_the_source_and_says_so(
    kafka: Kafka, topic: str, record: ConsumerRecord
) -> None:
    record.topic, record.partition, record.offset = topic, 2, 7
    (found,) = await replayed(kafka, topic, [record])
    assert (found.key, found.value, found.timestamp) == (record.key, record.value, record.timestamp)
    assert found.headers == said(record.headers, f"{topic}:2:7")
    assert (found.topic, found.partition) == (f"{topic}.replay.abcd1234", 2)


@pytest.mark.kafka
@pytest.mark.parametrize(
    "record", [stored(value=None), stored(headers=[("none", None)]), stored(key=None, value=None)]
)
async def test_what_is_absent_stays_absent(
    apache_kafka: str, prefix: str, record: ConsumerRecord
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    record.topic = prefix + "source"
    await make_topics(kafka.connection, planned(record.topic))
    (found,) = await replayed(kafka, record.topic, [record])
    assert (found.key, found.value) == (record.key, record.value)
    assert found.headers == said(record.headers, f"{record.topic}:0:0")


@pytest.mark.kafka
@pytest.mark.parametrize("at_once", [False, True])
async def test_partitions_keep_their_order_and_their_number_over_many_batches(
    apache_kafka: str, prefix: str, *, at_once: bool
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    topic = prefix + "source"
    await make_topics(kafka.connection, planned(topic, partitions=3))
    records = [
        stored(n // 3, topic=topic, partition=n % 3, value=b"%-3000d" % n) for n in range(900)
    ]
    found = await replayed(kafka, topic, records, at_once=at_once)
    for number in range(3):
        values = [record.value for record in found if record.partition == number]
        assert values == [record.value for record in records if record.partition == number]


@pytest.mark.kafka
async def test_a_record_larger_than_a_batch_is_replayed_where_the_source_allows_it(
    apache_kafka: str, prefix: str
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    topic = prefix + "source"
    await make_topics(kafka.connection, planned(topic, max_message_bytes="2000000"))
    large = stored(topic=topic, value=b"x" * 1_999_900)  # as large as the source takes
    (found,) = await replayed(kafka, topic, [large])
    assert found.value == large.value


@pytest.mark.kafka
async def test_a_new_topic_is_like_its_source_but_keeps_what_it_gets(
    apache_kafka: str, prefix: str
) -> None:
    connection = KafkaConnection(apache_kafka)
    source = planned(
        prefix + "source", partitions=5, retention_ms=str(DAY_MS), max_message_bytes="300000"
    )
    await make_topics(connection, source)
    (new,) = await plan_new_topics(connection, {source.name: prefix + "new"})
    assert (new.name, new.partitions, new.replication_factor) == (prefix + "new", 5, 1)
    assert new.configs["retention.ms"] == new.configs["retention.bytes"] == "-1"
    assert new.configs["min.insync.replicas"] == "1"
    assert int(new.configs["max.message.bytes"]) > 300_000
    await create_topics(connection, [new], has_records=False)
    await create_topics(connection, [new], has_records=True)


@pytest.mark.kafka
async def test_topics_that_keep_records_for_less_than_their_age_are_named(
    apache_kafka: str, prefix: str
) -> None:
    connection = KafkaConnection(apache_kafka)
    short = planned(prefix + "short", retention_ms=str(DAY_MS))
    ever = planned(prefix + "ever")
    await make_topics(connection, short, ever)
    names = [short.name, ever.name]
    assert await find_shorter_retention(connection, names, age_ms=DAY_MS + 1) == {
        short.name: DAY_MS
    }
    assert await find_shorter_retention(connection, names, age_ms=DAY_MS) == {}


async def test_a_topic_that_is_gone_after_it_was_written_to_is_named(
    kafka: Kafka, topic: str
) -> None:
    planned_topics = await plan_new_topics(kafka.connection, {topic: topic + ".gone"})
    with pytest.raises(CannotWrite, match=rf"no such topic: {topic}\.gone"):
        await create_topics(kafka.connection, planned_topics, has_records=True)


@pytest.mark.kafka
async def test_a_source_that_was_never_made_is_named(apache_kafka: str, prefix: str) -> None:
    # The embedded broker makes every topic it is asked about.
    never = prefix + "never"
    with pytest.raises(
        CannotWrite, match=f"no such topic, or none this login may describe: {never}"
    ):
        await plan_new_topics(KafkaConnection(apache_kafka), {never: never + ".new"})


async def test_a_name_that_is_too_long_is_refused(kafka: Kafka, topic: str) -> None:
    planned_topics = await plan_new_topics(kafka.connection, {topic: "x" * 250})
    with pytest.raises(CannotWrite, match="longer than Kafka allows"):
        await create_topics(kafka.connection, planned_topics, has_records=False)


@pytest.mark.kafka
async def test_what_kafka_refuses_is_named_by_its_place(apache_kafka: str, prefix: str) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    source, small = prefix + "source", prefix + "small"
    await make_topics(kafka.connection, planned(small, max_message_bytes="1000"))
    records = [stored(offset, topic=source, value=b"x" * 2000) for offset in (4, 5)]
    with pytest.raises(CannotWrite, match=rf"{small}:0 refuses the records of offsets 4 to 5"):
        await put(kafka, {source: small}, records)


async def put(kafka: Kafka, names: dict[str, str], records: Sequence[ConsumerRecord]) -> None:
    """Write and flush records of each topic's first partition."""
    among = [OffsetRange(name, 0, 0, 100) for name in names]
    async with open_topics(
        kafka.connection, route(among, names), run=RUN, idempotence=True, at_once=False
    ) as target:
        await target.write(records)
        await target.flush()


async def test_files_of_a_connection_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    connection = KafkaConnection("127.0.0.1:1", security_protocol="SSL", tls=Tls(ca_file=missing))
    with pytest.raises(CannotWrite, match=r"missing\.pem"):
        await plan_new_topics(connection, {"a": "b"})
    with pytest.raises(CannotWrite, match=r"missing\.pem"):
        async with open_topics(connection, {}, run=RUN, idempotence=True, at_once=False):
            pass


async def test_it_writes_under_the_client_id_of_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def client(**options: Any) -> None:
        asked.append(options["client_id"])
        raise KafkaError

    monkeypatch.setattr(to_topic, "AIOKafkaProducer", client)
    monkeypatch.setattr(new_topic, "AIOKafkaAdminClient", client)
    connection = KafkaConnection("127.0.0.1:1", client_id="mine")
    with pytest.raises(KafkaError):
        async with open_topics(connection, {}, run=RUN, idempotence=True, at_once=False):
            pass
    with pytest.raises(KafkaError):
        await plan_new_topics(connection, {"a": "b"})
    assert asked == ["mine", "mine"]


async def test_a_kafka_that_is_away_cannot_be_written_to_and_its_address_is_named() -> None:
    connection = KafkaConnection("127.0.0.1:1")
    with pytest.raises(CannotWrite, match=r"127\.0\.0\.1:1"):
        async with open_topics(
            connection, {("a", 0): "b"}, run=RUN, idempotence=True, at_once=False
        ):
            pass
    with pytest.raises(CannotWrite, match=r"127\.0\.0\.1:1"):
        await plan_new_topics(connection, {"a": "b"})
