"""The publisher when Kafka starts late, goes away, comes back, or refuses."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from structlog.testing import capture_logs

from bridge.core.record import Record
from bridge.publish import PublishRules, RecordTooLarge, Unavailable
from bridge.publish.producer import abort
from bridge.publish.publisher import KafkaPublisher
from bridge.telemetry.metrics import Metrics
from tests.kafka.cluster import Node
from tests.support.embedded_node import EmbeddedNode
from tests.support.kafka import ACK_TIMEOUT_S, Kafka, make_topics, planned, read_back, running
from tests.support.waiting import PATIENCE_S, until

pytest_plugins = ("tests.support.kafka_fixtures",)

# Short, because tests wait for it to pass. What must be acknowledged is given ACK_TIMEOUT_S.
DEADLINE_S = 2.0


@dataclass(frozen=True, slots=True)
class KillableBroker:
    """A broker a test may kill, its cluster, and a topic on it."""

    node: Node | EmbeddedNode
    kafka: Kafka
    topic: str

    async def make_topic(self) -> None:
        await make_topics(self.kafka.connection, planned(self.topic))

    async def come_back(self) -> None:
        """Start again. The embedded broker has forgotten its topics, Apache Kafka has not."""
        await self.node.start()
        await self.make_topic()

    def record(self, number: int, *, size: int = 10) -> Record:
        return Record(self.topic, b"call", b"%0*d" % (size, number), (), 1_772_884_800_000 + number)

    def numbers(self) -> list[int]:
        return [int(record.value) for record in read_back(self.kafka.address, [self.topic])]


@pytest.fixture(scope="module")
def apache_node(kafka_libs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node of our own, whose death disturbs nobody else."""
    settings = {"broker.session.timeout.ms": "1500", "broker.heartbeat.interval.ms": "300"}
    node = Node(kafka_libs, tmp_path_factory.mktemp("killable") / "node", settings=settings)
    try:
        yield node
    finally:
        node.kill()


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def node(request: pytest.FixtureRequest) -> Iterator[Node | EmbeddedNode]:
    if request.param == "apache":
        yield request.getfixturevalue("apache_node")
        return
    embedded = EmbeddedNode()
    try:
        yield embedded
    finally:
        embedded.kill()


@pytest.fixture
async def killable(node: Node | EmbeddedNode, prefix: str) -> KillableBroker:
    await node.start()
    killable = KillableBroker(
        node, Kafka(node.address(), idempotence=isinstance(node, Node)), prefix + "it"
    )
    await killable.make_topic()
    return killable


@pytest.fixture
async def killable_apache(apache_node: Node, prefix: str) -> KillableBroker:
    await apache_node.start()
    killable = KillableBroker(
        apache_node, Kafka(apache_node.address(), idempotence=True), prefix + "it"
    )
    await killable.make_topic()
    return killable


@pytest.fixture
async def publisher(killable: KillableBroker) -> AsyncGenerator[KafkaPublisher]:
    async with running(killable.kafka.publisher(ack_timeout_s=DEADLINE_S)) as publisher:
        yield publisher


async def published(publisher: KafkaPublisher, record: Record) -> None:
    """Publish, as often as it takes: the embedded broker's first answers in a new life are errors."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await publisher.publish([record])
            except Unavailable:
                await asyncio.sleep(0.1)
            else:
                return


async def acknowledged(publisher: KafkaPublisher, *records: Record) -> None:
    """Publish to a broker that is there, however slow the machine is."""
    await publisher.publish(records, deadline_s=ACK_TIMEOUT_S)


@pytest.mark.system
async def test_a_publisher_started_before_kafka_publishes_once_it_came(
    killable: KillableBroker,
) -> None:
    killable.node.kill()
    publisher = killable.kafka.publisher(ack_timeout_s=DEADLINE_S)
    publisher.start()
    with pytest.raises(Unavailable):
        await publisher.publish([killable.record(1)])
    await killable.come_back()
    await until(lambda: publisher.available)
    await published(publisher, killable.record(2))
    await publisher.stop(flush_timeout_s=5)
    assert killable.numbers() == [2]


@pytest.mark.system
async def test_a_publisher_fails_and_does_not_hang_when_its_broker_is_killed(
    killable: KillableBroker, publisher: KafkaPublisher
) -> None:
    await acknowledged(publisher, killable.record(1))
    killable.node.kill()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(Unavailable):
            await publisher.publish([killable.record(2)])


@pytest.mark.system
async def test_a_producer_without_acknowledgements_is_replaced_by_one_that_connects_again(
    killable: KillableBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.publish.publication.REPLACE_AFTER_S", 0.1)
    metrics = Metrics("test")
    publisher = KafkaPublisher(
        killable.kafka.connection,
        PublishRules(killable.kafka.idempotence, DEADLINE_S),
        metrics=metrics,
    )
    with capture_logs() as lines:
        async with running(publisher):
            killable.node.kill()
            async with asyncio.timeout(PATIENCE_S):
                while publisher.available:
                    with pytest.raises(Unavailable):
                        await publisher.publish([killable.record(1)])
                    await asyncio.sleep(0.05)
            with pytest.raises(Unavailable, match="not reachable"):
                await publisher.publish([killable.record(1)])
            await killable.come_back()
            await until(lambda: publisher.available)
            assert metrics.value("kafka_available") == 1
            await published(publisher, killable.record(2))
    events = [line["event"] for line in lines if "available" in line["event"]]
    assert events == ["kafka_available", "kafka_unavailable", "kafka_available"]
    assert 2 in killable.numbers()


@pytest.mark.system
async def test_every_pending_caller_gets_an_error_when_the_broker_is_killed(
    killable: KillableBroker, publisher: KafkaPublisher
) -> None:
    await acknowledged(publisher, killable.record(0))
    calls = [publisher.publish([killable.record(number, size=5000)]) for number in range(1, 400)]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    killable.node.kill()
    # A fast broker may have taken all of them by now.
    calls.append(publisher.publish([killable.record(400)]))
    async with asyncio.timeout(PATIENCE_S):
        ends = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(end) for end in ends} <= {type(None), Unavailable}
    assert Unavailable in {type(end) for end in ends}


@pytest.mark.kafka
async def test_what_was_acknowledged_before_the_broker_was_killed_is_there(
    killable_apache: KillableBroker,
) -> None:
    killable = killable_apache
    acknowledged: list[int] = []
    async with running(killable.kafka.publisher(ack_timeout_s=DEADLINE_S)) as publisher:

        async def publish(number: int) -> None:
            await publisher.publish([killable.record(number)])
            acknowledged.append(number)

        calls = [asyncio.create_task(publish(number)) for number in range(300)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        killable.node.kill()
        await asyncio.gather(*calls, return_exceptions=True)
        await killable.come_back()
        await until(lambda: publisher.available)
        await publish(300)
    found = killable.numbers()
    assert set(acknowledged) <= set(found)
    assert sorted(found) == found
    assert len(set(found)) == len(found)


@pytest.mark.system
async def test_a_producer_with_a_dead_sender_is_replaced(
    killable: KillableBroker, publisher: KafkaPublisher
) -> None:
    await acknowledged(publisher, killable.record(1))
    first = publisher._supervisor.producer
    assert first is not None
    first._producer._sender.sender_task.cancel()
    await until(lambda: publisher._supervisor.producer is not first and publisher.available)
    await acknowledged(publisher, killable.record(2))
    assert killable.numbers() == [1, 2]


@pytest.mark.system
async def test_stopping_delivers_what_is_under_way(
    killable: KillableBroker, publisher: KafkaPublisher
) -> None:
    await acknowledged(publisher, killable.record(0))
    calls = [
        asyncio.create_task(acknowledged(publisher, killable.record(number)))
        for number in range(1, 100)
    ]
    await asyncio.sleep(0)
    await publisher.stop(flush_timeout_s=PATIENCE_S)
    await asyncio.gather(*calls)
    assert killable.numbers() == list(range(100))


@pytest.mark.system
async def test_stopping_ends_though_the_broker_is_dead(
    killable: KillableBroker, publisher: KafkaPublisher
) -> None:
    await acknowledged(publisher, killable.record(1))
    killable.node.kill()
    call = publisher.publish([killable.record(2)])
    await asyncio.sleep(0.1)
    async with asyncio.timeout(PATIENCE_S):
        await publisher.stop(flush_timeout_s=0.5)
        with pytest.raises(Unavailable):
            await call


def test_the_private_side_of_aiokafka_is_the_one_that_was_looked_at() -> None:
    # abort() and the watch over the sender use it: on an upgrade, read both again.
    assert version("aiokafka").startswith("0.14.")


@pytest.mark.system
async def test_an_aborted_producer_fails_what_it_had_pending(killable: KillableBroker) -> None:
    producer = AIOKafkaProducer(
        **killable.kafka.connection.options(),
        acks="all",
        enable_idempotence=killable.kafka.idempotence,
    )
    await producer.start()
    await producer.send_and_wait(killable.topic, b"before")
    killable.node.kill()
    pending = [await producer.send(killable.topic, b"after") for _ in range(10)]
    async with asyncio.timeout(PATIENCE_S):
        await abort(producer)
        ends = await asyncio.gather(*pending, return_exceptions=True)
    assert all(isinstance(end, KafkaError) for end in ends)


@pytest.mark.system
async def test_a_record_too_large_for_the_client_leaves_the_producer_alone(
    killable: KillableBroker, publisher: KafkaPublisher
) -> None:
    first = publisher._supervisor.producer
    with pytest.raises(RecordTooLarge):
        await publisher.publish([killable.record(1), killable.record(2, size=1_100_000)])
    assert publisher._supervisor.producer is first


@pytest.mark.kafka
async def test_a_record_too_large_for_the_broker_is_refused_and_the_next_is_taken(
    killable_apache: KillableBroker,
) -> None:
    kafka = killable_apache.kafka
    narrow = planned(killable_apache.topic + ".narrow", max_message_bytes="2000")
    await make_topics(kafka.connection, narrow)
    small = Record(narrow.name, b"k", b"small", (), 1_772_884_800_000)
    large = Record(narrow.name, b"k", b"x" * 5000, (), 1_772_884_800_000)
    async with running(kafka.publisher()) as publisher:
        await publisher.publish([small])
        first = publisher._supervisor.producer
        with pytest.raises(RecordTooLarge):
            await publisher.publish([large])
        # The refused batch leaves a gap in the sequence numbers, so the producer is replaced.
        await until(lambda: publisher._supervisor.producer is not first and publisher.available)
        await publisher.publish([small])
    assert read_back(kafka.address, [narrow.name]) == [small, small]


@pytest.mark.kafka
async def test_a_topic_that_is_missing_does_not_make_kafka_unavailable_for_others(
    killable_apache: KillableBroker,
) -> None:
    # The embedded broker makes a topic the moment somebody asks for it.
    missing = Record(killable_apache.topic + ".missing", b"k", b"v", (), 1_772_884_800_000)
    ours = killable_apache.kafka.publisher(ack_timeout_s=DEADLINE_S, topics=[missing.topic])
    async with running(ours) as publisher:
        await publisher.publish([killable_apache.record(1)])
        with pytest.raises(Unavailable, match="missing"):
            await publisher.publish([missing])
        assert publisher.available
