"""A replay under way, to test with: what it reads, a target that keeps what it is given, and a clock."""

import asyncio
from collections.abc import Callable, Sequence

from aiokafka.structs import ConsumerRecord

from bridge.core.record import Record
from bridge.reader.selection import Query
from bridge.reader.window import Window
from bridge.replay import Cadence, Stamp, State
from bridge.replay.planning import Making, make_plan, to_read
from bridge.replay.progress import Destination, Progress, new
from bridge.replay.run import Watch
from tests.kafka.client import Kafka, make_topics, planned, running
from tests.replay.making import NOON_MS

RECORDS = 40
VALUES = [b"%d" % number for number in range(RECORDS)]
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


def real_watch(stopping: asyncio.Event) -> Watch:
    """Return a watch whose clock is the loop's."""
    return watch(stopping, clock=asyncio.get_running_loop().time)


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


async def begun(kafka: Kafka, topic: str) -> Progress:
    """Return the progress of a replay of the whole topic that begins."""
    among = await to_read(kafka.connection, [topic], Query(), Window())
    making = Making("plan", "2026-03-08T09:00:00Z", Clock())
    plan = await make_plan(kafka.connection, among, Query(), within=Window(), making=making)
    return new(plan, Destination("new-topic"), STAMP)
