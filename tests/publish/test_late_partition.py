"""One partition that does not acknowledge while all brokers answer: it alone is stalled."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from confluent_kafka.admin import AdminClient

from bridge.core.record import Record
from bridge.publish import PartitionStalled, Unavailable
from bridge.publish.connection import KafkaConnection
from bridge.publish.partitioning import partition_for_key
from bridge.publish.publisher import KafkaPublisher
from tests.kafka.three_brokers import ThreeBrokers
from tests.support.kafka import Kafka, make_topics, planned, read_back, running
from tests.support.waiting import PATIENCE_S

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]

TOPIC: Final = "spread"
PARTITIONS: Final = 3
DEADLINE_S: Final = 2.0
# Longer than the test is patient: who waits for it fails the test.
FAR_OFF_S: Final = 3 * PATIENCE_S


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def brokers(
    kafka_libs: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ThreeBrokers]:
    brokers = ThreeBrokers(kafka_libs, tmp_path_factory.mktemp("brokers") / "kafka")
    try:
        await brokers.start()
        # One replica: what its broker does not acknowledge nobody does.
        topic = replace(planned(TOPIC, partitions=PARTITIONS), replication_factor=1)
        minimum = {**topic.configs, "min.insync.replicas": "1"}
        await make_topics(KafkaConnection(brokers.addresses()), replace(topic, configs=minimum))
        yield brokers
    finally:
        brokers.kill_all()


def leader_of(address: str, partition: int) -> int:
    """Return which broker leads a partition of the topic."""
    admin = AdminClient({"bootstrap.servers": address})
    found = admin.list_topics(TOPIC, timeout=PATIENCE_S).topics[TOPIC].partitions[partition]
    return int(found.leader)


def record(key: int) -> Record:
    return Record(TOPIC, b"%d" % key, b"v%d" % key, (), 1_772_884_800_000)


async def test_no_record_waits_for_a_stalled_partition_and_the_others_continue(
    brokers: ThreeBrokers,
) -> None:
    kafka = Kafka(brokers.addresses(), idempotence=True)
    bad = 0
    victim = leader_of(kafka.address, bad)
    keys = {number: partition_for_key(b"%d" % number, PARTITIONS) for number in range(60)}
    of_bad = [key for key, partition in keys.items() if partition == bad]
    of_good = [key for key, partition in keys.items() if partition != bad]
    async with running(kafka.publisher(topics=[TOPIC])) as publisher:
        await asyncio.gather(*(publisher.publish([record(key)]) for key in keys))
        brokers.freeze(victim)
        try:
            going_on = asyncio.create_task(publish_for_ever(publisher, of_good))
            with pytest.raises(PartitionStalled, match=f"partition {bad} of {TOPIC}"):
                await publisher.publish([record(of_bad[0])], deadline_s=DEADLINE_S)
            async with asyncio.timeout(PATIENCE_S):
                for key in of_bad:
                    with pytest.raises(PartitionStalled):
                        await publisher.publish([record(key)], deadline_s=FAR_OFF_S)
            assert not going_on.done()
        finally:
            brokers.thaw(victim)
        await probed(publisher, record(of_bad[0]))
        await asyncio.gather(*(publisher.publish([record(key)]) for key in of_bad))
        going_on.cancel()
        await asyncio.wait([going_on])
    found = {one.value for one in read_back(kafka.address, [TOPIC])}
    assert found == {b"v%d" % key for key in keys}


async def test_a_producer_with_a_partition_that_stays_stalled_is_replaced(
    brokers: ThreeBrokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The broker that leads it may ask for credentials that were renewed meanwhile.
    monkeypatch.setattr("bridge.publish.publication.REPLACE_STALLED_AFTER_S", 0.1)
    kafka = Kafka(brokers.addresses(), idempotence=True)
    keys = {number: partition_for_key(b"%d" % number, PARTITIONS) for number in range(60)}
    bad = next(key for key, partition in keys.items() if partition == 0)
    good = [key for key, partition in keys.items() if partition != 0]
    victim = leader_of(kafka.address, 0)
    async with running(kafka.publisher(topics=[TOPIC])) as publisher:
        await asyncio.gather(*(publisher.publish([record(key)]) for key in keys))
        first = publisher._supervisor.producer
        brokers.freeze(victim)
        try:
            going_on = asyncio.create_task(publish_for_ever(publisher, good))
            async with asyncio.timeout(PATIENCE_S):
                while publisher._supervisor.producer is first:
                    with pytest.raises(PartitionStalled):
                        await publisher.publish([record(bad)], deadline_s=1, probing=True)
                    await asyncio.sleep(0.1)
        finally:
            brokers.thaw(victim)
        going_on.cancel()
        await asyncio.wait([going_on])
        await probed(publisher, record(bad))


async def publish_for_ever(publisher: KafkaPublisher, keys: list[int]) -> None:
    """Publish to the partitions that are there; raises what the publisher raises."""
    while True:
        for key in keys:
            await publisher.publish([record(key)])
            await asyncio.sleep(0.005)


async def probed(publisher: KafkaPublisher, one: Record) -> None:
    """Return when a probe was acknowledged, as the drain would find it out."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await publisher.publish([one], deadline_s=DEADLINE_S, probing=True)
            except Unavailable:
                await asyncio.sleep(0.1)
            else:
                return
