"""A replay reads from its own topics what it wrote after its last checkpoint."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiokafka.structs import ConsumerRecord

from bridge.core.record import Record
from bridge.replay import CannotWrite, CheckpointPolicy, TargetState
from bridge.replay.pace import ReplayPace
from bridge.replay.progress import Progress
from bridge.replay.run import recover_progress, run_replay
from bridge.replay.targets.new_topic import create_topics, name_new_topics, plan_new_topics
from bridge.replay.targets.topic import open_topics, route
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.replay_harness import (
    RECORDS,
    RUN,
    VALUES,
    Killed,
    new_replay,
    real_hooks,
    store_records,
)
from tests.support.stored_records import NOON_MS, read_topics

pytest_plugins = ("tests.support.kafka_fixtures",)


@pytest.fixture
async def topic(kafka: Kafka, prefix: str) -> str:
    return await store_records(kafka, prefix)


@pytest.fixture
async def progress(kafka: Kafka, topic: str) -> Progress:
    return await new_replay(kafka, topic)


async def test_a_new_topic_shows_records_written_after_the_last_checkpoint(
    kafka: Kafka, topic: str, progress: Progress, tmp_path: Path
) -> None:
    names = name_new_topics([topic], RUN.id)
    await create_topics(
        kafka.connection, await plan_new_topics(kafka.connection, names), has_records=False
    )
    assert await recover_progress(kafka.connection, progress, names) == progress

    async def written(from_there: Progress, *, killed_at: int) -> Progress:
        """Replay from there, and forget the progress: nothing is noted until the end."""
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(
                open_topics(
                    kafka.connection,
                    route(progress.plan.ranges, names),
                    run=RUN,
                    idempotence=kafka.idempotence,
                    at_once=False,
                )
            )
            torn = KilledTarget(target, killed_at)
            return await run_replay(
                kafka.connection,
                from_there,
                torn,
                file=tmp_path / "progress.json",
                pace=ReplayPace(records_per_s=500),
                hooks=real_hooks(asyncio.Event()),
            )

    with pytest.raises(Killed):
        await written(progress, killed_at=17)
    resumed = await recover_progress(kafka.connection, progress, names)
    assert 17 <= resumed.records < RECORDS
    end = await written(resumed, killed_at=1000)
    assert (end.records, end.bytes) == (RECORDS, progress.plan.bytes)
    found = await read_topics(kafka.connection, names[topic])
    assert [record.value for record in found] == VALUES


class KilledTarget:
    """A target that is killed right after something was stored, before anybody notes it."""

    checkpoint_policy = CheckpointPolicy(1000, None)

    def __init__(self, target: object, killed_at: int) -> None:
        self._target = target
        self._killed_at = killed_at
        self._put = 0

    async def write(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:  # the embedded broker miscounts batches of several
            await self._target.write([record])  # type: ignore[attr-defined]
            await self._target.flush()  # type: ignore[attr-defined]
        self._put += len(records)
        if self._put >= self._killed_at:
            raise Killed

    async def flush(self) -> TargetState:
        return {}

    async def finish(self) -> None:
        """Do nothing."""


async def test_a_new_topic_that_another_process_wrote_to_is_not_resumed(
    kafka: Kafka, topic: str, progress: Progress
) -> None:
    name = topic + ".theirs"
    await make_topics(kafka.connection, planned(name))
    async with running(kafka.publisher()) as publisher:
        await publisher.publish([Record(name, b"k", b"v", (), NOON_MS)])
    with pytest.raises(CannotWrite, match="another process"):
        await recover_progress(kafka.connection, progress, {topic: name})
