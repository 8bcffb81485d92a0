"""What a login may and may not do on a cluster that asks: as docs/operating.md says it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from bridge.publish.connection import Connection
from bridge.publish.kafka import KafkaPublisher
from bridge.publish.provision import Provisioner, ProvisioningRefused
from bridge.record import Record
from tests.kafka.client import ACK_TIMEOUT_S, make_topics, planned, read_back, running
from tests.kafka.cluster import Listener, Node

pytest_plugins = ("tests.kafka.fixtures",)
pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]

PASSWORD: Final = "correct-horse"
PREFIX: Final = "ours."
WEEK_MS: Final = str(7 * 86_400_000)
MONTH_MS: Final = str(30 * 86_400_000)
_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_ACCESS: Final = {
    "bridge": ["WRITE"],
    "looker": ["DESCRIBE"],
    "checker": ["DESCRIBE", "DESCRIBE_CONFIGS"],
    "applier": ["CREATE", "DESCRIBE", "ALTER", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(kafka_libs: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    node = Node(
        kafka_libs,
        tmp_path_factory.mktemp("asking") / "node",
        listeners=[
            Listener(
                "SASL_PLAINTEXT",
                "SASL_PLAINTEXT",
                {
                    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                    "scram-sha-512.sasl.jaas.config": _LOGIN,
                },
            )
        ],
        scram_users=dict.fromkeys(_ACCESS, PASSWORD),
        settings={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",  # the tests' own way in
        },
    )
    try:
        await node.start()
        await asyncio.to_thread(_allow, node.address())
        yield node
    finally:
        node.kill()


def _allow(address: str) -> None:
    admin = AdminClient({"bootstrap.servers": address})
    bindings = [
        AclBinding(
            ResourceType.TOPIC,
            PREFIX,
            ResourcePatternType.PREFIXED,
            f"User:{user}",
            "*",
            AclOperation[operation],
            AclPermissionType.ALLOW,
        )
        for user, operations in _ACCESS.items()
        for operation in operations
    ]
    for answer in admin.create_acls(bindings).values():
        answer.result(20)


def login(node: Node, user: str) -> Connection:
    return Connection(
        node.address("SASL_PLAINTEXT"),
        security_protocol="SASL_PLAINTEXT",
        mechanism="SCRAM-SHA-512",
        username=user,
        password=PASSWORD,
    )


async def test_write_is_enough_to_publish(node: Node) -> None:
    topic = planned(PREFIX + "written")
    await make_topics(Connection(node.address()), topic)
    publisher = KafkaPublisher(
        login(node, "bridge"), idempotence=True, ack_timeout_s=ACK_TIMEOUT_S, topics=[topic.name]
    )
    async with running(publisher):
        await publisher.publish([Record(topic.name, b"k", b"v", (), 1_772_884_800_000)])
    assert [one.value for one in read_back(node.address(), [topic.name])] == [b"v"]


async def test_settings_that_may_not_be_read_do_not_pass_for_the_planned_ones(node: Node) -> None:
    topic = planned(PREFIX + "looked.at", retention_ms=WEEK_MS)
    await make_topics(Connection(node.address()), topic)
    async with Provisioner(login(node, "looker")) as provisioner:
        with pytest.raises(ProvisioningRefused, match=rf"{topic.name}.*\(DescribeConfigs\)"):
            await provisioner.compare([topic])


async def test_to_check_takes_describe_and_describe_configs(node: Node) -> None:
    topic = planned(PREFIX + "checked", retention_ms=WEEK_MS)
    await make_topics(Connection(node.address()), topic)
    async with Provisioner(login(node, "checker")) as provisioner:
        (same,) = await provisioner.compare([topic])
        (other,) = await provisioner.compare([planned(topic.name, retention_ms=MONTH_MS)])
        assert same.state == "ok"
        assert other.differences == (f"retention.ms is {WEEK_MS}, planned {MONTH_MS}",)
        with pytest.raises(ProvisioningRefused, match=topic.name):
            await provisioner.apply([planned(topic.name, retention_ms=MONTH_MS)])


async def test_to_apply_takes_what_the_docs_say_and_no_more(node: Node) -> None:
    name = PREFIX + "applied"
    async with Provisioner(login(node, "applier")) as provisioner:
        for topic in (
            planned(name, retention_ms=WEEK_MS),
            planned(name, partitions=3, retention_ms=MONTH_MS),
        ):
            (state,) = await provisioner.apply([topic])
            assert (state.state, state.differences) == ("ok", ())
