"""What a login may and may not do on a cluster with authorisation, as docs/operating.md says it."""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from bridge.core.record import Record
from bridge.publish import PublishRules
from bridge.publish.connection import KafkaConnection
from bridge.publish.publisher import KafkaPublisher
from bridge.publish.topics import Provisioner, ProvisioningRefused
from bridge.reader.group_reader import open_group
from bridge.reader.topic_reader import CannotRead
from tests.kafka.guarded import Guarded, guarded_node
from tests.support.kafka import ACK_TIMEOUT_S, make_topics, planned, read_back, running
from tests.support.waiting import PATIENCE_S

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]

PREFIX: Final = "ours."
WEEK_MS: Final = str(7 * 86_400_000)
MONTH_MS: Final = str(30 * 86_400_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(
    kafka_libs: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Guarded]:
    node = guarded_node(kafka_libs, tmp_path_factory.mktemp("guarded") / "node")
    try:
        await node.start()
        yield Guarded(node)
    finally:
        node.kill()


def login(guarded: Guarded, rights: str, *, group: str | None = None) -> KafkaConnection:
    """Return the connection of a login that may do this with our topics, and nothing else."""
    return guarded.login({PREFIX + "*": rights}, group=group)


async def test_write_is_enough_to_publish(guarded: Guarded) -> None:
    topic = planned(PREFIX + "written")
    await make_topics(guarded.open, topic)
    publisher = KafkaPublisher(
        login(guarded, "WRITE"),
        PublishRules(idempotence=True, ack_timeout_s=ACK_TIMEOUT_S, topics=[topic.name]),
    )
    async with running(publisher):
        await publisher.publish([Record(topic.name, b"k", b"v", (), 1_772_884_800_000)])
    assert [one.value for one in read_back(guarded.node.address(), [topic.name])] == [b"v"]


async def test_settings_that_may_not_be_read_do_not_pass_for_the_planned_ones(
    guarded: Guarded,
) -> None:
    topic = planned(PREFIX + "looked.at", retention_ms=WEEK_MS)
    await make_topics(guarded.open, topic)
    async with Provisioner(login(guarded, "DESCRIBE")) as provisioner:
        with pytest.raises(ProvisioningRefused, match=rf"{topic.name}.*\(DescribeConfigs\)"):
            await provisioner.compare([topic])


async def test_to_check_takes_describe_and_describe_configs(guarded: Guarded) -> None:
    topic = planned(PREFIX + "checked", retention_ms=WEEK_MS)
    await make_topics(guarded.open, topic)
    async with Provisioner(login(guarded, "DESCRIBE DESCRIBE_CONFIGS")) as provisioner:
        (same,) = await provisioner.compare([topic])
        (other,) = await provisioner.compare([planned(topic.name, retention_ms=MONTH_MS)])
        assert same.status == "ok"
        assert other.differences == (f"retention.ms is {WEEK_MS}, planned {MONTH_MS}",)
        with pytest.raises(ProvisioningRefused, match=topic.name):
            await provisioner.apply([planned(topic.name, retention_ms=MONTH_MS)])


async def test_to_apply_takes_what_the_docs_say_and_no_more(guarded: Guarded) -> None:
    name = PREFIX + "applied"
    async with Provisioner(
        login(guarded, "CREATE DESCRIBE ALTER DESCRIBE_CONFIGS ALTER_CONFIGS")
    ) as provisioner:
        for topic in (
            planned(name, retention_ms=WEEK_MS),
            planned(name, partitions=3, retention_ms=MONTH_MS),
        ):
            (state,) = await provisioner.apply([topic])
            assert (state.status, state.differences) == ("ok", ())


@pytest.mark.parametrize(
    ("rights", "group", "denied"),
    [
        ("WRITE READ", None, "GroupAuthorizationFailed"),
        ("WRITE", "bridge", "TopicAuthorizationFailed"),
        ("WRITE READ", "bridge", None),
    ],
)
async def test_to_read_notifications_takes_read_on_the_journal_and_on_the_group(
    guarded: Guarded, rights: str, group: str | None, denied: str | None
) -> None:
    topic = PREFIX + "journal"
    header = ("forward_to", b"pbx")
    await make_topics(guarded.open, planned(topic))
    now_ms = int(datetime.now(UTC).timestamp() * 1000)  # noqa: TID251 (a new group begins a day ago)
    connection = login(guarded, rights, group=group)
    async with running(
        KafkaPublisher(connection, PublishRules(idempotence=True, ack_timeout_s=ACK_TIMEOUT_S))
    ) as publisher:
        await publisher.publish([Record(topic, b"k", b"v", (header,), now_ms)])

    async def nothing(_: Collection[int]) -> None:
        pass

    async def read() -> list[bytes]:
        async with open_group(connection, topic, "bridge", header, nothing) as reader:
            while not (fetched := await reader.fetch(10)).records:
                pass
            return [one.value for one in fetched.records]

    async with asyncio.timeout(PATIENCE_S):
        if denied is None:
            assert b"v" in await read()
        else:
            with pytest.raises(CannotRead, match=denied):
                await read()
