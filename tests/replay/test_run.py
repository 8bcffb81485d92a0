"""A replay under way: no gap, and no more repeated than its cadence allows."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.structs import ConsumerRecord

from bridge.record import Record
from bridge.replay import Cadence, CannotWrite, Stamp, State
from bridge.replay.caught_up import caught_up
from bridge.replay.new_topic import create, names_for, planned_like
from bridge.replay.pace import Pace
from bridge.replay.plan import Plan
from bridge.replay.planning import Making, make_plan, to_read
from bridge.replay.progress import Destination, Progress, load, new, save
from bridge.replay.reading import RecordsMissing
from bridge.replay.run import Watch, run
from bridge.replay.selection import Query
from bridge.replay.to_topic import topics
from bridge.replay.window import Window
from tests.kafka.client import Kafka, make_topics, planned, running
from tests.kafka.waiting import PATIENCE_S
from tests.replay.making import NOON_MS, read_topics

pytest_plugins = ("tests.kafka.fixtures",)

RECORDS = 40
STAMP = Stamp("abcd1234", "2026-03-08T09:00:00Z")


class Killed(Exception):
    """The process ends here."""


class Kept:
    """A target that keeps what it is given, and says what had settled."""

    def __init__(self, cadence: Cadence, *, on_put: Callable[[int], None] = lambda _: None) -> None:
        self.cadence = cadence
        self.put_values: list[bytes] = []
        self.settled = 0
        self.most_unsettled = 0
        self.finished = False
        self._on_put = on_put

    async def put(self, records: Sequence[ConsumerRecord]) -> None:
        self.put_values += [record.value or b"" for record in records]
        self.most_unsettled = max(self.most_unsettled, len(self.put_values) - self.settled)
        self._on_put(len(self.put_values))

    async def settle(self) -> State:
        self.settled = len(self.put_values)
        return {"settled": self.settled}

    async def finish(self) -> None:
        self.finished = True


class Clock:
    """A clock that moves by what the test says at every look."""

    def __init__(self, tick_s: float = 0.0) -> None:
        self._now_s = 0.0
        self._tick_s = tick_s

    def __call__(self) -> float:
        self._now_s += self._tick_s
        return self._now_s


def watch(
    stopping: asyncio.Event | None = None,
    *,
    clock: Callable[[], float] | None = None,
    seen: list[int] | None = None,
) -> Watch:
    told = [] if seen is None else seen
    now = "2026-03-08T09:01:00Z"
    return Watch(clock or Clock(), lambda: now, told.append, stopping or asyncio.Event())


@pytest.fixture
async def topic(kafka: Kafka, prefix: str) -> str:
    """Records in three partitions, one after the other in time."""
    name = prefix + "source"
    await make_topics(kafka.connection, planned(name, partitions=3))
    async with running(kafka.publisher()) as publisher:
        for number in range(RECORDS):
            stamp = NOON_MS + number * 10
            record = Record(name, b"%d" % (number % 7), b"%d" % number, (("n", b"1"),), stamp)
            await publisher.publish([record])
    return name


async def planned_for(kafka: Kafka, topic: str) -> Plan:
    among = await to_read(kafka.connection, [topic], Query(), Window())
    making = Making("plan", "2026-03-08T09:00:00Z", Clock())
    return await make_plan(kafka.connection, among, Query(), within=Window(), making=making)


@pytest.fixture
async def progress(kafka: Kafka, topic: str) -> Progress:
    return new(await planned_for(kafka, topic), Destination("new-topic"), STAMP)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


VALUES = [b"%d" % number for number in range(RECORDS)]


async def test_everything_planned_is_put_in_order_and_the_target_is_finished(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    target, seen = Kept(Cadence(1000, None)), list[int]()
    end = await run(
        kafka.connection, progress, target, file=file, pace=None, watch=watch(seen=seen)
    )
    assert target.put_values == VALUES
    assert target.finished
    assert (end.records, end.left) == (RECORDS, [])
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
        kafka.connection, progress, first, file=file, pace=Pace(per_s=1000), watch=_real(stopping)
    )
    assert half.finished_at is None
    assert not first.finished
    assert half.records == len(first.put_values) == first.settled
    second = Kept(Cadence(10, 1.0))
    await run(kafka.connection, half, second, file=file, pace=None, watch=watch())
    assert first.put_values + second.put_values == VALUES


def _real(stopping: asyncio.Event) -> Watch:
    return watch(stopping, clock=asyncio.get_running_loop().time)


async def test_who_stops_what_can_only_settle_at_its_cadence_has_it_made_again(
    kafka: Kafka, progress: Progress, file: Path
) -> None:
    stopping = asyncio.Event()
    first = Kept(Cadence(10, None), on_put=lambda put: stopping.set() if put >= 15 else None)
    half = await run(
        kafka.connection, progress, first, file=file, pace=Pace(per_s=1000), watch=_real(stopping)
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
            kafka.connection, progress, target, file=file, pace=slow, watch=_real(stopping)
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
        run(kafka.connection, progress, target, file=file, pace=slow, watch=_real(stopping))
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


async def test_a_new_topic_tells_what_was_written_and_not_noted(
    kafka: Kafka, topic: str, progress: Progress, file: Path
) -> None:
    names = names_for([topic], STAMP.id)
    await create(kafka.connection, await planned_like(kafka.connection, names), written=False)
    assert await caught_up(kafka.connection, progress, names) == progress

    async def written(begun: Progress, *, killed_at: int) -> Progress:
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
                begun,
                torn,
                file=file,
                pace=Pace(per_s=500),
                watch=_real(asyncio.Event()),
            )

    with pytest.raises(Killed):
        await written(progress, killed_at=17)
    resumed = await caught_up(kafka.connection, progress, names)
    assert 17 <= resumed.records < RECORDS
    assert await written(resumed, killed_at=1000)
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
