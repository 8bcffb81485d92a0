"""Supervising the producer: which callers wait for the next one, and what cannot end the task."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bridge.core.record import Record
from bridge.publish import Unavailable
from bridge.publish.supervisor import ProducerSupervisor
from tests.support.kafka import Kafka, make_topics, planned, read_back, running
from tests.support.waiting import until

pytest_plugins = ("tests.support.kafka_fixtures",)


@pytest.fixture
def kafka(embedded_kafka: str) -> Kafka:
    return Kafka(embedded_kafka, idempotence=False)


async def test_callers_wait_for_the_next_producer_while_one_is_replaced(
    kafka: Kafka, prefix: str
) -> None:
    topic = prefix + "it"
    await make_topics(kafka.connection, planned(topic))
    async with running(kafka.publisher()) as publisher:
        keeper = publisher._supervisor
        for number in range(5):
            producer = keeper.producer
            assert producer is not None
            keeper.replace(producer)
            assert publisher.available
            await publisher.publish([Record(topic, b"k", b"%d" % number, (), 0)])
            assert keeper.producer is not producer
    assert [one.value for one in read_back(kafka.address, [topic])] == [
        b"0",
        b"1",
        b"2",
        b"3",
        b"4",
    ]


async def test_pending_records_of_a_replaced_producer_are_still_acknowledged(
    kafka: Kafka, prefix: str
) -> None:
    topic = prefix + "it"
    await make_topics(kafka.connection, planned(topic))
    async with running(kafka.publisher()) as publisher:
        calls = [
            publisher.publish([Record(topic, b"k", b"%d" % number, (), 0)]) for number in range(50)
        ]
        await asyncio.sleep(0)
        producer = publisher._supervisor.producer
        assert producer is not None
        publisher._supervisor.replace(producer)
        await asyncio.gather(*calls)
        await until(lambda: publisher._supervisor.producer is not None)
    assert len(read_back(kafka.address, [topic])) == 50


async def test_callers_get_unavailable_when_the_next_producer_cannot_connect(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(kafka.publisher()) as publisher:
        keeper = publisher._supervisor
        assert keeper.producer is not None

        async def never(*_: object, **given: object) -> None:
            given["on_failure"]()  # type: ignore[operator]
            await asyncio.Event().wait()

        monkeypatch.setattr("bridge.publish.supervisor.start_producer", never)
        keeper.replace(keeper.producer)
        with pytest.raises(Unavailable, match="not reachable"):
            await publisher.publish([Record("any", b"k", b"v", (), 0)])
        assert not publisher.available


async def test_a_fault_of_ours_does_not_end_the_supervision(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.publish.supervisor.RETRY_S", 0.01)
    know = ProducerSupervisor._load_topics
    faults = iter([ArithmeticError("a fault of ours")])

    async def faulty(keeper: ProducerSupervisor, producer: object) -> None:
        for fault in faults:
            raise fault
        await know(keeper, producer)  # type: ignore[arg-type]

    monkeypatch.setattr(ProducerSupervisor, "_load_topics", faulty)
    with capture_logs() as lines:
        async with running(kafka.publisher()) as publisher:
            await until(lambda: publisher._supervisor.producer is not None)
    (told,) = (line for line in lines if line["event"] == "kafka_supervisor_failed")
    assert told["error"] == "ArithmeticError"
    assert "test_supervisor" in told["where"]


@pytest.mark.kafka
async def test_missing_topics_are_logged_before_kafka_is_available(
    apache_kafka: str, prefix: str
) -> None:
    # The embedded broker makes every topic it is asked about.
    kafka = Kafka(apache_kafka, idempotence=True)
    with capture_logs() as lines:
        async with running(kafka.publisher(topics=[prefix + "missing"])):
            events = [(line["event"], line.get("topic")) for line in lines]
    assert events[:2] == [("topic_missing", prefix + "missing"), ("kafka_available", None)]
