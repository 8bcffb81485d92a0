"""How the publisher handles Kafka's refusals: of a record, of its batch, of a topic."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

import confluent_kafka.admin
import pytest
from aiokafka import errors

from bridge.core.record import Record
from bridge.publish import RecordRefused, RecordTooLarge, TopicUnavailable, Unavailable
from bridge.publish.connection import BadConnection, KafkaConnection
from bridge.publish.health import Backoff, KafkaHealth
from bridge.publish.kafka_errors import translate
from bridge.publish.publisher import KafkaPublisher
from tests.support.kafka import Kafka, make_topics, planned, read_back, running
from tests.support.waiting import PATIENCE_S, until

pytest_plugins = ("tests.support.kafka_fixtures",)

NOON_MS: Final = 1_772_884_800_000
HOUR_MS: Final = 3_600_000

MEANINGS = [
    (errors.MessageSizeTooLargeError, RecordTooLarge, "record_too_large"),
    (errors.RecordListTooLargeError, RecordTooLarge, "record_too_large"),
    (errors.CorruptRecordException, RecordRefused, "record_invalid"),
    (errors.for_code(87), RecordRefused, "record_invalid"),
    (errors.PolicyViolationError, RecordRefused, "policy_violation"),
]
OF_THE_TOPIC = [
    (errors.InvalidTimestampError, "ahead of the broker's"),
    (errors.TopicAuthorizationFailedError, "closed to us"),
    (errors.UnknownTopicOrPartitionError, "missing"),
    (errors.InvalidTopicError, "missing"),
]


@pytest.mark.parametrize(("error", "meaning", "reason"), MEANINGS)
def test_what_is_of_one_record_has_a_stable_reason(
    error: type[errors.KafkaError], meaning: type[RecordRefused], reason: str
) -> None:
    told = translate("events", error())
    assert type(told) is meaning
    assert isinstance(told, RecordRefused)
    assert told.reason == reason


@pytest.mark.parametrize(("error", "words"), OF_THE_TOPIC)
def test_what_is_of_a_topic_names_it_and_is_no_fault_of_the_record(
    error: type[errors.KafkaError], words: str
) -> None:
    told = translate("events", error())
    assert isinstance(told, TopicUnavailable)
    assert told.topic == "events"
    assert words in str(told)


def test_a_secret_is_read_from_its_file_whenever_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "password"
    connection = KafkaConnection(
        "k:1", security_protocol="SASL_PLAINTEXT", username="u", password=file
    )
    for password in ("old", "new\n"):
        file.write_text(password)
        assert connection.options()["sasl_plain_password"] == password.strip()


@pytest.mark.parametrize(("content", "fault"), [(None, "No such file"), (b"\xff\xfe", "not text")])
def test_a_secret_that_cannot_be_read_is_named_by_its_file(
    tmp_path: Path, content: bytes | None, fault: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    connection = KafkaConnection(
        "k:1", security_protocol="SASL_PLAINTEXT", username="u", password=file
    )
    with pytest.raises(BadConnection, match=f"password: {fault}"):
        connection.options()


@pytest.fixture
async def narrow(apache_kafka: str, prefix: str) -> str:
    """A topic that takes records of 2,000 bytes at most."""
    topic = planned(prefix + "narrow", max_message_bytes="2000")
    await make_topics(KafkaConnection(apache_kafka), topic)
    return topic.name


@pytest.fixture
async def publisher(apache_kafka: str) -> AsyncGenerator[KafkaPublisher]:
    async with running(Kafka(apache_kafka, idempotence=True).publisher()) as publisher:
        yield publisher


def record(topic: str, number: int, size: int = 10) -> Record:
    return Record(topic, b"call", b"%0*d" % (size, number), (), NOON_MS)


async def until_taken(publisher: KafkaPublisher, *records: Record) -> None:
    """Publish, as often as it takes: the producer may just be replaced."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await publisher.publish(records)
            except Unavailable:
                await asyncio.sleep(0.1)
            else:
                return


@pytest.mark.kafka
async def test_only_the_record_that_is_too_large_is_refused_and_not_its_neighbours(
    publisher: KafkaPublisher, apache_kafka: str, narrow: str
) -> None:
    ends: dict[int, str] = {}

    async def publish(number: int) -> None:
        size = 5000 if number == 3 else 10
        try:
            await until_taken(publisher, record(narrow, number, size))
        except RecordTooLarge:
            ends[number] = "refused"
        else:
            ends[number] = "taken"

    await asyncio.gather(*map(publish, range(20)))
    assert ends == {number: "refused" if number == 3 else "taken" for number in range(20)}
    found = {int(one.value) for one in read_back(apache_kafka, [narrow])}
    assert found == set(range(20)) - {3}


@pytest.mark.kafka
async def test_records_that_only_together_are_too_large_for_the_topic_are_taken(
    publisher: KafkaPublisher, apache_kafka: str, narrow: str
) -> None:
    many = [record(narrow, number, 1000) for number in range(8)]
    await until_taken(publisher, *many)
    assert [int(one.value) for one in read_back(apache_kafka, [narrow])] == list(range(8))


@pytest.mark.kafka
async def test_a_record_from_the_brokers_future_is_not_the_records_fault(
    publisher: KafkaPublisher, apache_kafka: str, prefix: str
) -> None:
    topic = planned(prefix + "it", message_timestamp_after_max_ms=str(HOUR_MS))
    await make_topics(KafkaConnection(apache_kafka), topic)
    ahead = record(topic.name, 1)._replace(timestamp_ms=4_102_444_800_000)  # the year 2100
    with pytest.raises(TopicUnavailable, match="our clock"):
        await publisher.publish([ahead])
    await until_taken(publisher, record(topic.name, 2))
    assert [int(one.value) for one in read_back(apache_kafka, [topic.name])] == [2]


@pytest.mark.kafka
async def test_a_topic_that_was_deleted_is_missed_alone_and_used_again_when_it_is_back(
    apache_kafka: str, prefix: str
) -> None:
    kept, deleted = planned(prefix + "kept"), planned(prefix + "deleted")
    await make_topics(KafkaConnection(apache_kafka), kept, deleted)
    kafka = Kafka(apache_kafka, idempotence=True)
    ours = kafka.publisher(ack_timeout_s=2, topics=[kept.name, deleted.name])
    async with running(ours) as publisher:
        await publisher.publish([record(kept.name, 1), record(deleted.name, 1)])
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": apache_kafka})
        for future in admin.delete_topics([deleted.name]).values():
            future.result()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    await publisher.publish([record(deleted.name, 2)])
                except TopicUnavailable as error:
                    assert error.topic == deleted.name  # noqa: PT017 (the loop waits for it)
                    break
                except Unavailable:
                    await asyncio.sleep(0.1)
        await publisher.publish([record(kept.name, 2)])
        await make_topics(KafkaConnection(apache_kafka), deleted)
        await until_taken(publisher, record(deleted.name, 3))
    assert 3 in {int(one.value) for one in read_back(apache_kafka, [deleted.name])}


@pytest.mark.kafka
async def test_a_refusal_disturbs_nobody_else(
    publisher: KafkaPublisher, apache_kafka: str, narrow: str, prefix: str
) -> None:
    # Its batch costs the producer; what others have under way, and what comes next, must not fail.
    other = planned(prefix + "other", partitions=3)
    await make_topics(KafkaConnection(apache_kafka), other)

    async def publish(number: int) -> None:
        if number % 20 == 7:
            with pytest.raises(RecordTooLarge):
                await publisher.publish([record(narrow, number, 5000)])
        else:
            one = Record(other.name, b"call %d" % number, b"%d" % number, (), NOON_MS)
            await publisher.publish([one])

    for _ in range(3):
        await asyncio.gather(*map(publish, range(100)))
        with pytest.raises(RecordTooLarge):
            await publisher.publish([record(narrow, 0, 5000)])
        await publisher.publish([record(narrow, 1)])
    found = [int(one.value) for one in read_back(apache_kafka, [other.name])]
    assert len(found) == 3 * 95


@pytest.mark.kafka
async def test_a_refusal_says_which_of_the_callers_records_are_on_kafka_all_the_same(
    publisher: KafkaPublisher, apache_kafka: str, narrow: str, prefix: str
) -> None:
    journal = planned(prefix + "journal")
    await make_topics(KafkaConnection(apache_kafka), journal)
    written = record(journal.name, 1)
    with pytest.raises(RecordTooLarge) as caught:
        await publisher.publish([record(narrow, 1, 5000), written])
    assert (caught.value.topic, caught.value.acknowledged) == (narrow, [written])
    assert len(read_back(apache_kafka, [journal.name])) == 1


@pytest.mark.kafka
async def test_a_topic_that_is_closed_is_not_asked_again_for_a_while(
    apache_kafka: str, prefix: str
) -> None:
    topic = planned(prefix + "it", message_timestamp_after_max_ms=str(HOUR_MS))
    await make_topics(KafkaConnection(apache_kafka), topic)
    ahead = record(topic.name, 1)._replace(timestamp_ms=4_102_444_800_000)
    health = KafkaHealth(topic_pause=Backoff(first_s=PATIENCE_S, max_s=PATIENCE_S))
    async with running(Kafka(apache_kafka, idempotence=True).publisher(health=health)) as publisher:
        with pytest.raises(TopicUnavailable):
            await publisher.publish([ahead])
        await until(lambda: publisher._supervisor.producer is not None)
        producer = publisher._supervisor.producer
        with pytest.raises(TopicUnavailable, match="our clock"):
            await publisher.publish([ahead])
        assert publisher._supervisor.producer is producer
