"""A replay under way: no gap, and no more repeated than its cadence allows."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.reader.merged_reader import RecordsMissing
from bridge.replay import Cadence, CannotWrite
from bridge.replay.pace import Pace
from bridge.replay.plan import bytes_of
from bridge.replay.progress import Progress, load, save
from bridge.replay.run import run
from tests.kafka.client import Kafka
from tests.kafka.waiting import PATIENCE_S
from tests.replay.making import read_all
from tests.replay.under_way import (
    RECORDS,
    VALUES,
    Clock,
    Kept,
    Killed,
    begun,
    real_watch,
    store_records,
    watch,
)

pytest_plugins = ("tests.kafka.fixtures",)


@pytest.fixture
async def progress(kafka: Kafka, prefix: str) -> Progress:
    return await begun(kafka, await store_records(kafka, prefix))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


async def test_everything_planned_is_put_in_order_and_the_target_is_finished(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    target, seen = Kept(Cadence(1000, None)), list[int]()
    end = await run(
        kafka.connection, progress, target, file=file, pace=None, watch=watch(seen=seen)
    )
    assert target.put_values == VALUES
    assert target.finished
    assert (end.records, end.bytes, end.left) == (RECORDS, progress.plan.bytes, [])
    assert end.finished_at == "2026-03-08T09:01:00Z"
    assert end.state == {"settled": RECORDS}
    assert load(file) == end
    assert seen[-1] == RECORDS


@pytest.mark.parametrize("records", [1, 7, 10])
async def test_it_never_has_more_unsettled_than_its_cadence_says(
    kafka: Kafka, progress: Progress, file: Path, records: int
) -> None:
    target = Kept(Cadence(records, None))
    await run(kafka.connection, progress, target, file=file, pace=None, watch=watch())
    assert target.most_unsettled == records
    assert target.put_values == VALUES


async def test_it_settles_when_it_is_time(kafka: Kafka, progress: Progress, file: Path) -> None:
    target = Kept(Cadence(1000, 1.0))
    ticking = watch(clock=Clock(tick_s=1.0))
    await run(kafka.connection, progress, target, file=file, pace=Pace(per_s=1), watch=ticking)
    assert target.most_unsettled < RECORDS
    assert target.put_values == VALUES


@pytest.mark.parametrize("killed_after", [1, 10, 25, 40])
async def test_killed_and_run_again_it_misses_nothing_and_repeats_less_than_a_cadence(
    kafka: Kafka, progress: Progress, file: Path, killed_after: int
) -> None:
    def kill(put: int) -> None:
        if put >= killed_after:
            raise Killed

    first = Kept(Cadence(10, None), on_put=kill)
    save(file, progress)
    with pytest.raises(Killed):
        await run(kafka.connection, progress, first, file=file, pace=None, watch=watch())
    settled = load(file)
    assert settled is not None
    assert settled.records == first.settled
    second = Kept(Cadence(10, None))
    end = await run(kafka.connection, settled, second, file=file, pace=None, watch=watch())
    assert first.put_values[: settled.records] + second.put_values == VALUES
    assert len(first.put_values) - settled.records <= 10
    assert (end.records, second.finished) == (RECORDS, True)
    assert end.bytes == progress.plan.bytes


async def test_a_replay_killed_before_it_was_finished_only_finishes(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    done = replace(progress, next=tuple(one.end for one in progress.plan.stretches), records=40)
    target = Kept(Cadence(10, None))
    end = await run(kafka.connection, done, target, file=file, pace=None, watch=watch())
    assert (target.put_values, target.finished) == ([], True)
    assert end.finished_at is not None


async def test_who_stops_it_has_nothing_repeated(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    stopping = asyncio.Event()
    first = Kept(Cadence(10, 1.0), on_put=lambda put: stopping.set() if put >= 15 else None)
    half = await run(
        kafka.connection,
        progress,
        first,
        file=file,
        pace=Pace(per_s=1000),
        watch=real_watch(stopping),
    )
    assert half.finished_at is None
    assert not first.finished
    assert half.records == len(first.put_values) == first.settled
    second = Kept(Cadence(10, 1.0))
    await run(kafka.connection, half, second, file=file, pace=None, watch=watch())
    assert first.put_values + second.put_values == VALUES


async def test_who_stops_what_can_only_settle_at_its_cadence_has_it_made_again(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    stopping = asyncio.Event()
    first = Kept(Cadence(10, None), on_put=lambda put: stopping.set() if put >= 15 else None)
    half = await run(
        kafka.connection,
        progress,
        first,
        file=file,
        pace=Pace(per_s=1000),
        watch=real_watch(stopping),
    )
    assert half.records == first.settled
    assert half.records % 10 == 0
    second = Kept(Cadence(10, None))
    await run(kafka.connection, half, second, file=file, pace=None, watch=watch())
    assert first.put_values[: first.settled] + second.put_values == VALUES


async def test_a_stop_ends_a_long_wait(kafka: Kafka, progress: Progress, file: Path) -> None:
    stopping = asyncio.Event()
    target = Kept(Cadence(10, 1.0), on_put=lambda _: stopping.set())
    slow = Pace(per_s=0.0001)
    async with asyncio.timeout(PATIENCE_S):
        half = await run(
            kafka.connection, progress, target, file=file, pace=slow, watch=real_watch(stopping)
        )
    assert half.records == 1


async def test_a_task_that_is_cancelled_lets_go_of_kafka(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    begun = asyncio.Event()
    target = Kept(Cadence(10, 1.0), on_put=lambda _: begun.set())
    slow = Pace(per_s=0.0001)
    stopping = asyncio.Event()
    running_it = asyncio.create_task(
        run(kafka.connection, progress, target, file=file, pace=slow, watch=real_watch(stopping))
    )
    await begun.wait()
    running_it.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running_it


async def test_a_target_that_fails_leaves_what_had_settled(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    def fail(put: int) -> None:
        if put > 20:
            message = "full"
            raise CannotWrite(message)

    target = Kept(Cadence(10, None), on_put=fail)
    with pytest.raises(CannotWrite, match="full"):
        await run(kafka.connection, progress, target, file=file, pace=None, watch=watch())
    found = load(file)
    assert found is not None
    assert found.records == 20


async def test_a_plan_that_no_longer_holds_writes_nothing(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    (first, *rest) = progress.plan.parts
    longer = replace(first, stretch=replace(first.stretch, end=10_000))
    wrong = replace(progress, plan=replace(progress.plan, parts=(longer, *rest)))
    target = Kept(Cadence(10, None))
    with pytest.raises(RecordsMissing):
        await run(kafka.connection, wrong, target, file=file, pace=None, watch=watch())
    assert target.put_values == []


async def test_what_is_to_be_skipped_is_left_out_and_nothing_else(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    records = await read_all(kafka.connection, progress.plan.stretches)
    left_out = records[5], records[-1]
    places = tuple(f"{one.topic}:{one.partition}:{one.offset}" for one in left_out)
    target = Kept(Cadence(10, None))
    skipping = replace(progress, skipped=places)
    end = await run(kafka.connection, skipping, target, file=file, pace=None, watch=watch())
    assert target.put_values == [one.value for one in records if one not in left_out]
    assert (end.records, end.skipped) == (RECORDS - 2, places)
    assert end.bytes == progress.plan.bytes - sum(map(bytes_of, left_out))
    assert target.finished
    assert load(file) == end
