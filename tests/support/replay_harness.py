"""A replay under way, to test with: what it reads, a target that keeps what it is given, and a clock."""

import asyncio
from collections.abc import Callable, Sequence

from aiokafka.structs import ConsumerRecord

from bridge.core.record import Record
from bridge.reader.selection import Query, find_query_ranges
from bridge.reader.window import Window
from bridge.replay import CheckpointPolicy, ReplayRun, TargetState
from bridge.replay.plan import PlanContext, make_plan
from bridge.replay.progress import Destination, Progress, new_progress
from bridge.replay.run import RunHooks
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.stored_records import NOON_MS

RECORDS = 40
VALUES = [b"%d" % number for number in range(RECORDS)]
RUN = ReplayRun("abcd1234", "2026-03-08T09:00:00Z")


class Killed(Exception):
    """The process ends here."""


class RecordingTarget:
    """A target that records what is written, and how much of it was flushed."""

    def __init__(
        self, policy: CheckpointPolicy, *, on_write: Callable[[int], None] = lambda _: None
    ) -> None:
        self.checkpoint_policy = policy
        self.written_values: list[bytes] = []
        self.flushed = 0
        self.unflushed_max = 0
        self.finished = False
        self._on_write = on_write

    async def write(self, records: Sequence[ConsumerRecord]) -> None:
        self.written_values += [record.value or b"" for record in records]
        self.unflushed_max = max(self.unflushed_max, len(self.written_values) - self.flushed)
        self._on_write(len(self.written_values))

    async def flush(self) -> TargetState:
        self.flushed = len(self.written_values)
        return {"flushed": self.flushed}

    async def finish(self) -> None:
        self.finished = True


class Clock:
    """A clock that advances by ``tick_s`` at every reading."""

    def __init__(self, tick_s: float = 0.0) -> None:
        self._now_s = 0.0
        self._tick_s = tick_s

    def __call__(self) -> float:
        self._now_s += self._tick_s
        return self._now_s


def hooks(
    stopping: asyncio.Event | None = None,
    *,
    clock: Callable[[], float] | None = None,
    seen: list[int] | None = None,
) -> RunHooks:
    told = [] if seen is None else seen
    now = "2026-03-08T09:01:00Z"
    return RunHooks(clock or Clock(), lambda: now, told.append, stopping or asyncio.Event())


def real_hooks(stopping: asyncio.Event) -> RunHooks:
    """Return a watch whose clock is the loop's."""
    return hooks(stopping, clock=asyncio.get_running_loop().time)


async def store_records(kafka: Kafka, prefix: str) -> str:
    """Return a topic of records in three partitions, one after the other in time."""
    name = prefix + "source"
    await make_topics(kafka.connection, planned(name, partitions=3))
    async with running(kafka.publisher()) as publisher:
        for number in range(RECORDS):
            stamp = NOON_MS + number * 10
            record = Record(name, b"%d" % (number % 7), b"%d" % number, (("n", b"1"),), stamp)
            await publisher.publish([record])
    return name


async def new_replay(kafka: Kafka, topic: str) -> Progress:
    """Return the progress of a replay of the whole topic that begins."""
    among = await find_query_ranges(kafka.connection, [topic], Query(), Window())
    making = PlanContext("plan", "2026-03-08T09:00:00Z", Clock())
    plan = await make_plan(kafka.connection, among, Query(), within=Window(), context=making)
    return new_progress(plan, Destination("new-topic"), RUN)
