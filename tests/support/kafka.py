"""What tests do with any Kafka: make topics, publish, and read back by a client that is not ours."""

import contextlib
import uuid
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final

import confluent_kafka

from bridge.core.record import Record
from bridge.derived.topics import PlannedTopic
from bridge.publish import PublishRules
from bridge.publish.connection import KafkaConnection
from bridge.publish.health import KafkaHealth
from bridge.publish.publisher import KafkaPublisher
from bridge.publish.topics import Provisioner
from tests.support.waiting import PATIENCE_S, until

_POLL_S: Final = PATIENCE_S
_LINGER_S: Final = 0.1
# Generous: a busy machine must not turn an acknowledgement into a failure.
ACK_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Kafka:
    """A cluster to test against, and whether it knows idempotent producers."""

    address: str
    idempotence: bool
    linger_s: float = 0.0

    @property
    def connection(self) -> KafkaConnection:
        return KafkaConnection(self.address)

    def publisher(
        self,
        *,
        ack_timeout_s: float = ACK_TIMEOUT_S,
        topics: Sequence[str] = (),
        health: KafkaHealth | None = None,
    ) -> KafkaPublisher:
        return KafkaPublisher(
            self.connection,
            PublishRules(self.idempotence, ack_timeout_s, self.linger_s, topics),
            health=health,
        )


@contextlib.asynccontextmanager
async def running(publisher: KafkaPublisher) -> AsyncGenerator[KafkaPublisher]:
    """Run a publisher that finds its Kafka; it is stopped at the end, whatever happened."""
    publisher.start()
    try:
        await until(lambda: publisher.available)
        yield publisher
    finally:
        await publisher.stop(flush_timeout_s=2)


def planned(name: str, *, partitions: int = 1, **configs: str) -> PlannedTopic:
    """Return a topic of one replica that keeps its records; ``configs`` with ``_`` for ``.``."""
    settings = {key.replace("_", "."): value for key, value in configs.items()}
    return PlannedTopic(
        name=name,
        holds="a test's records",
        partitions=partitions,
        replication_factor=1,
        configs={"retention.ms": "-1", **settings},
    )


async def make_topics(connection: KafkaConnection, *topics: PlannedTopic) -> None:
    async with Provisioner(connection) as provisioner:
        states = await provisioner.apply(topics)
    assert [state.status for state in states] == ["ok"] * len(topics), states


def read_back(address: str, topics: Sequence[str]) -> list[Record]:
    """Return everything on the topics, by librdkafka: in order within a partition."""
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": address,
            "group.id": uuid.uuid4().hex,  # asked for, though no group is joined
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        known = consumer.list_topics(timeout=_POLL_S).topics
        ends: dict[tuple[str, int], int] = {}
        for topic in topics:
            for partition in known[topic].partitions:
                place = confluent_kafka.TopicPartition(topic, partition)
                low, high = consumer.get_watermark_offsets(place, timeout=_POLL_S)
                if high > low:
                    ends[topic, partition] = high
        consumer.assign([confluent_kafka.TopicPartition(*place, 0) for place in ends])
        found: list[Record] = []
        while ends:
            message = consumer.poll(_POLL_S)
            assert message is not None, f"nothing more came, though there is more: {ends}"
            assert message.error() is None, message.error()
            found.append(_record(message))
            place = (message.topic(), message.partition())  # type: ignore[assignment]
            if message.offset() + 1 >= ends.get(place, 0):  # type: ignore[call-overload,operator]
                ends.pop(place, None)  # type: ignore[call-overload]
        # The embedded broker says that a topic ends after the first record of its last batch.
        while (message := consumer.poll(_LINGER_S)) is not None:
            assert message.error() is None, message.error()
            found.append(_record(message))
        return found
    finally:
        consumer.close()


def _record(message: confluent_kafka.Message) -> Record:
    return Record(
        topic=message.topic(),  # type: ignore[arg-type]
        key=message.key(),  # type: ignore[arg-type]
        value=message.value(),  # type: ignore[arg-type]
        headers=tuple(message.headers() or ()),  # type: ignore[arg-type]
        timestamp_ms=message.timestamp()[1],
    )
