"""What a killed replay had written to its own topics is read off them."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiokafka.structs import ConsumerRecord

from bridge.core.record import Record
from bridge.replay import Cadence, CannotWrite, State
from bridge.replay.pace import Pace
from bridge.replay.progress import Progress
from bridge.replay.recover import caught_up
from bridge.replay.run import run
from bridge.replay.targets.new_topic import create, names_for, planned_like
from bridge.replay.targets.topic import topics
from tests.kafka.client import Kafka, make_topics, planned, running
from tests.replay.making import NOON_MS, read_topics
from tests.replay.under_way import (
    RECORDS,
    STAMP,
    VALUES,
    Killed,
    begun,
    real_watch,
    store_records,
)

pytest_plugins = ("tests.kafka.fixtures",)


@pytest.fixture
async def topic(kafka: Kafka, prefix: str) -> str:
    return await store_records(kafka, prefix)


@pytest.fixture
async def progress(kafka: Kafka, topic: str) -> Progress:
    return await begun(kafka, topic)


async def test_a_new_topic_tells_what_was_written_and_not_noted(
    kafka: Kafka, topic: str, progress: Progress, tmp_path: Path
) -> None:
    names = names_for([topic], STAMP.id)
    await create(kafka.connection, await planned_like(kafka.connection, names), written=False)
    assert await caught_up(kafka.connection, progress, names) == progress

    async def written(from_there: Progress, *, killed_at: int) -> Progress:
        """Replay from there, and forget the progress: nothing is noted until the end."""
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(
                topics(
                    kafka.connection,
                    progress.plan.stretches,
                    names,
                    stamp=STAMP,
                    idempotence=kafka.idempotence,
                    at_once=False,
                )
            )
            torn = Torn(target, killed_at)
            return await run(
                kafka.connection,
                from_there,
                torn,
                file=tmp_path / "progress.json",
                pace=Pace(per_s=500),
                watch=real_watch(asyncio.Event()),
            )

    with pytest.raises(Killed):
        await written(progress, killed_at=17)
    resumed = await caught_up(kafka.connection, progress, names)
    assert 17 <= resumed.records < RECORDS
    end = await written(resumed, killed_at=1000)
    assert (end.records, end.bytes) == (RECORDS, progress.plan.bytes)
    found = await read_topics(kafka.connection, names[topic])
    assert [record.value for record in found] == VALUES


class Torn:
    """A target that is killed right after something was stored, before anybody notes it."""

    cadence = Cadence(1000, None)

    def __init__(self, target: object, killed_at: int) -> None:
        self._target = target
        self._killed_at = killed_at
        self._put = 0

    async def put(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:  # the embedded broker miscounts batches of several
            await self._target.put([record])  # type: ignore[attr-defined]
            await self._target.settle()  # type: ignore[attr-defined]
        self._put += len(records)
        if self._put >= self._killed_at:
            raise Killed

    async def settle(self) -> State:
        return {}

    async def finish(self) -> None:
        """Do nothing."""


async def test_a_new_topic_that_somebody_else_wrote_to_is_not_gone_on_with(
    kafka: Kafka, topic: str, progress: Progress
) -> None:
    name = topic + ".theirs"
    await make_topics(kafka.connection, planned(name))
    async with running(kafka.publisher()) as publisher:
        await publisher.publish([Record(name, b"k", b"v", (), NOON_MS)])
    with pytest.raises(CannotWrite, match="something else"):
        await caught_up(kafka.connection, progress, {topic: name})
