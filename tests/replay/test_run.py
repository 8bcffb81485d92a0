"""A replay skips no record, and repeats at most the records of one checkpoint."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.reader.topic_reader import RecordsMissing
from bridge.replay import CannotWrite, CheckpointPolicy
from bridge.replay.pace import ReplayPace
from bridge.replay.plan import count_bytes
from bridge.replay.progress import Progress, load_progress, save_progress
from bridge.replay.run import run_replay
from tests.support.kafka import Kafka
from tests.support.replay_harness import (
    RECORDS,
    VALUES,
    Clock,
    Killed,
    RecordingTarget,
    hooks,
    new_replay,
    real_hooks,
    store_records,
)
from tests.support.stored_records import read_all
from tests.support.waiting import PATIENCE_S

pytest_plugins = ("tests.support.kafka_fixtures",)


@pytest.fixture
async def progress(kafka: Kafka, prefix: str) -> Progress:
    return await new_replay(kafka, await store_records(kafka, prefix))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


async def test_all_planned_records_are_written_in_order_and_the_target_is_finished(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    target, seen = RecordingTarget(CheckpointPolicy(1000, None)), list[int]()
    end = await run_replay(
        kafka.connection, progress, target, file=file, pace=None, hooks=hooks(seen=seen)
    )
    assert target.written_values == VALUES
    assert target.finished
    assert (end.records, end.bytes, end.remaining) == (RECORDS, progress.plan.bytes, [])
    assert end.finished_at == "2026-03-08T09:01:00Z"
    assert end.state == {"flushed": RECORDS}
    assert load_progress(file) == end
    assert seen[-1] == RECORDS


@pytest.mark.parametrize("records", [1, 7, 10])
async def test_unflushed_records_never_exceed_the_checkpoint_policy(
    kafka: Kafka, progress: Progress, file: Path, records: int
) -> None:
    target = RecordingTarget(CheckpointPolicy(records, None))
    await run_replay(kafka.connection, progress, target, file=file, pace=None, hooks=hooks())
    assert target.unflushed_max == records
    assert target.written_values == VALUES


async def test_it_flushes_when_the_interval_is_over(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    target = RecordingTarget(CheckpointPolicy(1000, 1.0))
    ticking = hooks(clock=Clock(tick_s=1.0))
    await run_replay(
        kafka.connection,
        progress,
        target,
        file=file,
        pace=ReplayPace(records_per_s=1),
        hooks=ticking,
    )
    assert target.unflushed_max < RECORDS
    assert target.written_values == VALUES


@pytest.mark.parametrize("killed_after", [1, 10, 25, 40])
async def test_killed_and_run_again_it_misses_nothing_and_repeats_less_than_a_checkpoint(
    kafka: Kafka, progress: Progress, file: Path, killed_after: int
) -> None:
    def kill(put: int) -> None:
        if put >= killed_after:
            raise Killed

    first = RecordingTarget(CheckpointPolicy(10, None), on_write=kill)
    save_progress(file, progress)
    with pytest.raises(Killed):
        await run_replay(kafka.connection, progress, first, file=file, pace=None, hooks=hooks())
    flushed = load_progress(file)
    assert flushed is not None
    assert flushed.records == first.flushed
    second = RecordingTarget(CheckpointPolicy(10, None))
    end = await run_replay(kafka.connection, flushed, second, file=file, pace=None, hooks=hooks())
    assert first.written_values[: flushed.records] + second.written_values == VALUES
    assert len(first.written_values) - flushed.records <= 10
    assert (end.records, second.finished) == (RECORDS, True)
    assert end.bytes == progress.plan.bytes


async def test_a_replay_killed_before_it_was_finished_only_finishes(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    done = replace(progress, next=tuple(one.end for one in progress.plan.ranges), records=40)
    target = RecordingTarget(CheckpointPolicy(10, None))
    end = await run_replay(kafka.connection, done, target, file=file, pace=None, hooks=hooks())
    assert (target.written_values, target.finished) == ([], True)
    assert end.finished_at is not None


async def test_a_stopped_replay_repeats_nothing(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    stopping = asyncio.Event()
    first = RecordingTarget(
        CheckpointPolicy(10, 1.0),
        on_write=lambda written: stopping.set() if written >= 15 else None,
    )
    half = await run_replay(
        kafka.connection,
        progress,
        first,
        file=file,
        pace=ReplayPace(records_per_s=1000),
        hooks=real_hooks(stopping),
    )
    assert half.finished_at is None
    assert not first.finished
    assert half.records == len(first.written_values) == first.flushed
    second = RecordingTarget(CheckpointPolicy(10, 1.0))
    await run_replay(kafka.connection, half, second, file=file, pace=None, hooks=hooks())
    assert first.written_values + second.written_values == VALUES


async def test_a_stopped_replay_into_files_writes_the_unflushed_part_again(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    stopping = asyncio.Event()
    first = RecordingTarget(
        CheckpointPolicy(10, None),
        on_write=lambda written: stopping.set() if written >= 15 else None,
    )
    half = await run_replay(
        kafka.connection,
        progress,
        first,
        file=file,
        pace=ReplayPace(records_per_s=1000),
        hooks=real_hooks(stopping),
    )
    assert half.records == first.flushed
    assert half.records % 10 == 0
    second = RecordingTarget(CheckpointPolicy(10, None))
    await run_replay(kafka.connection, half, second, file=file, pace=None, hooks=hooks())
    assert first.written_values[: first.flushed] + second.written_values == VALUES


async def test_a_stop_ends_a_long_wait(kafka: Kafka, progress: Progress, file: Path) -> None:
    stopping = asyncio.Event()
    target = RecordingTarget(CheckpointPolicy(10, 1.0), on_write=lambda _: stopping.set())
    slow = ReplayPace(records_per_s=0.0001)
    async with asyncio.timeout(PATIENCE_S):
        half = await run_replay(
            kafka.connection, progress, target, file=file, pace=slow, hooks=real_hooks(stopping)
        )
    assert half.records == 1


async def test_a_task_that_is_cancelled_lets_go_of_kafka(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    begun = asyncio.Event()
    target = RecordingTarget(CheckpointPolicy(10, 1.0), on_write=lambda _: begun.set())
    slow = ReplayPace(records_per_s=0.0001)
    stopping = asyncio.Event()
    running_it = asyncio.create_task(
        run_replay(
            kafka.connection, progress, target, file=file, pace=slow, hooks=real_hooks(stopping)
        )
    )
    await begun.wait()
    running_it.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running_it


async def test_a_target_that_fails_leaves_the_last_checkpoint(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    def fail(put: int) -> None:
        if put > 20:
            message = "full"
            raise CannotWrite(message)

    target = RecordingTarget(CheckpointPolicy(10, None), on_write=fail)
    with pytest.raises(CannotWrite, match="full"):
        await run_replay(kafka.connection, progress, target, file=file, pace=None, hooks=hooks())
    found = load_progress(file)
    assert found is not None
    assert found.records == 20


async def test_a_plan_that_no_longer_holds_writes_nothing(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    (first, *rest) = progress.plan.parts
    longer = replace(first, offset_range=replace(first.offset_range, end=10_000))
    wrong = replace(progress, plan=replace(progress.plan, parts=(longer, *rest)))
    target = RecordingTarget(CheckpointPolicy(10, None))
    with pytest.raises(RecordsMissing):
        await run_replay(kafka.connection, wrong, target, file=file, pace=None, hooks=hooks())
    assert target.written_values == []


async def test_what_is_to_be_skipped_is_left_out_and_nothing_else(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    records = await read_all(kafka.connection, progress.plan.ranges)
    left_out = records[5], records[-1]
    places = tuple(f"{one.topic}:{one.partition}:{one.offset}" for one in left_out)
    target = RecordingTarget(CheckpointPolicy(10, None))
    skipping = replace(progress, skipped=places)
    end = await run_replay(kafka.connection, skipping, target, file=file, pace=None, hooks=hooks())
    assert target.written_values == [one.value for one in records if one not in left_out]
    assert (end.records, end.skipped) == (RECORDS - 2, places)
    assert end.bytes == progress.plan.bytes - sum(map(count_bytes, left_out))
    assert target.finished
    assert load_progress(file) == end
