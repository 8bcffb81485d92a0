"""Every record in a batch of its own: then the embedded broker says truly where a topic ends."""

import asyncio

from bridge.core.record import Record
from bridge.publish import PublishRules
from bridge.publish.publisher import KafkaPublisher
from bridge.reader.topic_reader import open_consumer
from tests.support.kafka import ACK_TIMEOUT_S, Kafka, make_topics, planned, running

pytest_plugins = ("tests.support.kafka_fixtures",)


async def test_the_end_of_a_topic_is_after_its_last_record(
    embedded_kafka: str, prefix: str
) -> None:
    connection = Kafka(embedded_kafka, idempotence=False).connection
    topic = prefix + "it"
    await make_topics(connection, planned(topic))
    records = [Record(topic, b"call", b"%d" % number, (), 1_772_884_800_000) for number in range(5)]
    rules = PublishRules(
        idempotence=False, ack_timeout_s=ACK_TIMEOUT_S, topics=[topic], single_records=True
    )
    async with running(KafkaPublisher(connection, rules)) as publisher:
        await asyncio.gather(*(publisher.publish([record]) for record in records))
    async with open_consumer(connection, [topic]) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
    assert [*ends.values()] == [len(records)]
