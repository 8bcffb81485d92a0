"""Topics are created and altered as planned."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from bridge.core import catalogue
from bridge.derived.topics import Sizing, plan
from bridge.publish import topics as provision
from bridge.publish.connection import KafkaConnection
from bridge.publish.topics import Provisioner, ProvisioningRefused, TopicState
from tests.support.kafka import Kafka, planned
from tests.support.ports import free_port

pytest_plugins = ("tests.support.kafka_fixtures",)

DAY_MS = "86400000"
SIZING = Sizing(
    partitions=2,
    replication_factor=1,
    min_insync_replicas=1,
    event_retention_days=7,
    journal_retention_days=0,
    dead_letter_retention_days=90,
)


@pytest.fixture
async def provisioner(kafka: Kafka) -> AsyncGenerator[Provisioner]:
    async with Provisioner(kafka.connection) as provisioner:
        yield provisioner


@pytest.fixture
async def apache(apache_kafka: str) -> AsyncGenerator[Provisioner]:
    async with Provisioner(KafkaConnection(apache_kafka)) as provisioner:
        yield provisioner


@pytest.fixture
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what will not come true."""
    monkeypatch.setattr(provision, "_TRIES", 2)


def states(found: list[TopicState]) -> list[str]:
    return [one.status for one in found]


async def configs_of(address: str, topic: str) -> dict[str, str]:
    """Return what is set on this very topic, asked without the provisioner."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {entry[0]: entry[1] for entry in answer.resources[0][4] if entry[3] == 1}
    finally:
        await admin.close()


async def set_config(address: str, topic: str, **configs: str) -> None:
    """Set a topic's settings as an operator would, in the place of those it has."""
    settings = {key.replace("_", "."): value for key, value in configs.items()}
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])
    finally:
        await admin.close()


async def test_topics_nobody_made_are_missing(provisioner: Provisioner, prefix: str) -> None:
    found = await provisioner.compare([planned(prefix + "one"), planned(prefix + "two")])
    assert states(found) == ["missing", "missing"]


async def test_applying_the_plan_makes_every_topic_of_the_catalogue(
    provisioner: Provisioner, prefix: str
) -> None:
    topics = plan(catalogue.load_catalogue(), prefix, SIZING)
    assert set(states(await provisioner.apply(topics))) == {"ok"}
    assert set(states(await provisioner.compare(topics))) == {"ok"}


async def test_applying_the_plan_twice_changes_nothing(
    provisioner: Provisioner, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = [planned(prefix + "one", partitions=2), planned(prefix + "two")]
    await provisioner.apply(topics)

    async def change_nothing(changed: object) -> None:
        pytest.fail(f"{changed} was changed")

    monkeypatch.setattr(provisioner, "_create", change_nothing)
    monkeypatch.setattr(provisioner, "_alter", change_nothing)
    assert states(await provisioner.apply(topics)) == ["ok", "ok"]


async def test_partitions_over_the_plan_are_reported_and_left_alone(
    provisioner: Provisioner, prefix: str, briefly: None
) -> None:
    topic = planned(prefix + "wide", partitions=4)
    await provisioner.apply([topic])
    (state,) = await provisioner.apply([replace(topic, partitions=2)])
    assert state.differences == ("4 partitions, planned 2",)


async def test_a_broker_that_cannot_be_reached_is_refused_with_its_address() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ProvisioningRefused, match=address):
        async with Provisioner(KafkaConnection(address)):
            pass


@pytest.mark.kafka
async def test_what_is_planned_is_what_the_cluster_has(
    apache: Provisioner, apache_kafka: str, prefix: str
) -> None:
    topics = plan(catalogue.load_catalogue(), prefix, SIZING)
    await apache.apply(topics)
    for topic in topics:
        have = await configs_of(apache_kafka, topic.name)
        assert topic.configs.items() <= have.items()


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("drifted", "difference"),
    [
        ({"retention_ms": DAY_MS}, f"retention.ms is {DAY_MS}, planned -1"),
        ({"min_insync_replicas": "3"}, "min.insync.replicas is 3, planned 1"),
        ({"cleanup_policy": "compact"}, "cleanup.policy is compact, planned delete"),
    ],
)
async def test_a_setting_that_drifted_is_named_and_corrected(
    apache: Provisioner,
    apache_kafka: str,
    prefix: str,
    drifted: dict[str, str],
    difference: str,
) -> None:
    topic = planned(prefix + "drifts", min_insync_replicas="1", cleanup_policy="delete")
    await apache.apply([topic])
    as_planned = {key.replace(".", "_"): value for key, value in topic.configs.items()}
    await set_config(apache_kafka, topic.name, **{**as_planned, **drifted})
    (before,) = await apache.compare([topic])
    assert (before.status, before.differences) == ("differs", (difference,))
    assert states(await apache.apply([topic])) == ["ok"]


@pytest.mark.kafka
async def test_settings_the_plan_does_not_know_stay_as_they_were_set(
    apache: Provisioner, apache_kafka: str, prefix: str
) -> None:
    topic = planned(prefix + "foreign")
    await apache.apply([topic])
    await set_config(apache_kafka, topic.name, retention_ms=DAY_MS, segment_ms="3600000")
    assert states(await apache.apply([topic])) == ["ok"]
    assert await configs_of(apache_kafka, topic.name) == {
        "retention.ms": "-1",
        "segment.ms": "3600000",
    }


@pytest.mark.kafka
async def test_partitions_are_added_and_settings_corrected_in_one_go(
    apache: Provisioner, apache_kafka: str, prefix: str
) -> None:
    await apache.apply([planned(prefix + "grows", partitions=1, retention_ms=DAY_MS)])
    grown = planned(prefix + "grows", partitions=5)
    assert states(await apache.apply([grown])) == ["ok"]


@pytest.mark.kafka
async def test_replicas_are_reported_and_not_moved(
    apache: Provisioner, prefix: str, briefly: None
) -> None:
    topic = planned(prefix + "replicas")
    await apache.apply([topic])
    (state,) = await apache.apply([replace(topic, replication_factor=3)])
    assert state.differences == ("1 replicas, planned 3",)


@pytest.mark.kafka
async def test_more_replicas_than_brokers_are_refused_with_the_topics_name(
    apache: Provisioner, prefix: str
) -> None:
    topic = replace(planned(prefix + "many"), replication_factor=9)
    with pytest.raises(ProvisioningRefused, match=topic.name):
        await apache.apply([topic])


@pytest.mark.kafka
async def test_a_setting_kafka_does_not_know_is_refused_with_the_topics_name(
    apache: Provisioner, prefix: str
) -> None:
    topic = planned(prefix + "strange", no_such_setting="1")
    with pytest.raises(ProvisioningRefused, match=topic.name):
        await apache.apply([topic])


async def test_what_the_embedded_broker_cannot_do_is_refused_and_not_a_fault_of_ours(
    embedded_kafka: str, prefix: str
) -> None:
    topic = planned(prefix + "narrow", partitions=1)
    async with Provisioner(KafkaConnection(embedded_kafka)) as provisioner:
        await provisioner.apply([topic])
        with pytest.raises(ProvisioningRefused):
            await provisioner.apply([replace(topic, partitions=3)])
