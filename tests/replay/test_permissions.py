"""The permissions that a replay's login needs, and the error without each."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.core.record import Record
from bridge.reader.topic_reader import CannotRead
from bridge.reader.window import Window, find_ranges
from bridge.replay import CannotWrite, ReplayRun
from bridge.replay.progress import Destination, new_progress
from bridge.replay.run import recover_progress
from bridge.replay.targets.new_topic import (
    create_topics,
    find_shorter_retention,
    name_new_topics,
    plan_new_topics,
)
from bridge.replay.targets.topic import open_topics, route
from tests.kafka.guarded import Guarded, guarded_node
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.stored_records import NOON_MS, part, plan_of, read_all

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = pytest.mark.kafka

RUN = ReplayRun("abcd1234", "2026-03-08T09:00:00Z")


@pytest.fixture(scope="module")
def guarded(kafka_libs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    node = guarded_node(kafka_libs, tmp_path_factory.mktemp("guarded") / "node")
    try:
        asyncio.run(node.start())
        yield Guarded(node)
    finally:
        node.kill()


@pytest.fixture
async def topic(guarded: Guarded, prefix: str) -> str:
    name = prefix + "source"
    await make_topics(guarded.open, planned(name))
    async with running(Kafka(guarded.open.bootstrap_servers, idempotence=True).publisher()) as to:
        await to.publish([Record(name, b"k", b"v", (), NOON_MS)])
    return name


async def test_read_and_describe_are_enough_to_read(guarded: Guarded, topic: str) -> None:
    auditor = guarded.login({topic: "READ DESCRIBE"})
    among = await find_ranges(auditor, [topic], Window())
    assert [one.value for one in await read_all(auditor, among)] == [b"v"]


async def test_a_topic_that_may_not_be_described_is_as_if_it_were_not_there(
    guarded: Guarded, topic: str
) -> None:
    with pytest.raises(CannotRead, match=f"no such topic: {topic}.*may not Describe"):
        await find_ranges(guarded.login({}), [topic], Window())


async def test_settings_that_may_not_be_read_are_named_with_what_it_takes(
    guarded: Guarded, topic: str
) -> None:
    auditor = guarded.login({topic: "READ DESCRIBE WRITE"})
    said = f"{topic}: cannot read its settings, which needs DescribeConfigs"
    with pytest.raises(CannotWrite, match=said):
        await plan_new_topics(auditor, {topic: topic + ".new"})
    with pytest.raises(CannotWrite, match=said):
        await find_shorter_retention(auditor, [topic], age_ms=1)


async def test_what_the_page_lists_is_enough_for_a_new_topic_and_to_go_on(
    guarded: Guarded, topic: str
) -> None:
    auditor = guarded.login(
        {
            topic: "READ DESCRIBE DESCRIBE_CONFIGS",
            f"{topic}.replay.*": "CREATE WRITE READ DESCRIBE DESCRIBE_CONFIGS",
        }
    )
    names = name_new_topics([topic], RUN.id)
    await create_topics(auditor, await plan_new_topics(auditor, names), has_records=False)
    among = await find_ranges(auditor, [topic], Window())
    async with open_topics(
        auditor, route(among, names), run=RUN, idempotence=True, at_once=False
    ) as target:
        await target.write(await read_all(auditor, among))
        await target.flush()
    plan = plan_of(part(topic, 0, 0, 1))
    begun = new_progress(plan, Destination("new-topic"), RUN)
    assert (await recover_progress(auditor, begun, names)).records == 1


async def test_what_the_page_lists_is_enough_for_the_live_topic(
    guarded: Guarded, topic: str
) -> None:
    auditor = guarded.login({topic: "READ DESCRIBE DESCRIBE_CONFIGS WRITE"})
    assert await find_shorter_retention(auditor, [topic], age_ms=1) == {}
    among = await find_ranges(auditor, [topic], Window())
    async with open_topics(
        auditor, route(among, {topic: topic}), run=RUN, idempotence=True, at_once=False
    ) as target:
        await target.write(await read_all(auditor, among))
        await target.flush()
    assert [one.end for one in await find_ranges(auditor, [topic], Window())] == [2]
