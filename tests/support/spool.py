"""Callbacks, and a Kafka of which the tests say what it answers."""

import asyncio
import base64
import contextlib
import random
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from bridge.core.record import Record
from bridge.publish import Publisher, RecordRefused, TopicUnavailable, Unavailable
from bridge.publish.health import Backoff, KafkaHealth
from bridge.spool.codec import EncodedCallback, SpooledCallback, decode_callback
from bridge.spool.drain import Drain, DrainLimits
from bridge.spool.spool import DiskSpool, SpoolLimits
from bridge.spool.store import SpoolStore
from tests.support.futures import started
from tests.support.waiting import PATIENCE_S

EVENTS: Final = "events"
JOURNAL: Final = "journal"
DEAD: Final = "dead"
NOON_MS: Final = 1_772_884_800_123
AT_ONCE: Final = Backoff(0.0, 0.0)
# Tests read a spool page by page, as the drain does: a page bounds memory, not what they find.
PAGE_CALLBACKS_MAX: Final = 1_000
# Nothing in the tests waits for longer than it must.
BRISK: Final = DrainLimits(poll_s=0.01, stalled_s=0.0, refused=AT_ONCE)


def callback(name: str, key: bytes = b"call", *, padding: int = 0) -> tuple[Record, Record]:
    """Return the event and the journal record of a callback; both values are its name.

    ``padding`` bytes of noise follow it in each.
    """
    headers = (("content-type", b"text/plain"), ("id", name.encode()))
    return (
        Record(EVENTS, key, _pad(name, padding, EVENTS), headers, NOON_MS),
        Record(JOURNAL, key, _pad(name, padding, JOURNAL), headers, NOON_MS),
    )


def _pad(name: str, padding: int, topic: str) -> bytes:
    """Return a name, and as many bytes of noise as asked, which compression cannot make much shorter."""
    noise = base64.b64encode(random.Random(name + topic).randbytes(padding))[:padding]
    return b"\n".join([name.encode(), noise]) if padding else name.encode()


def name_of(record: Record) -> str:
    return record.value.decode().partition("\n")[0]


def dead_letter(
    records: Sequence[Record], refused: Sequence[Record], reason: str, *, tries: int
) -> Record:
    about = ",".join(one.topic for one in refused)
    headers = (("reason", reason.encode()), ("tries", b"%d" % tries), ("topics", about.encode()))
    return Record(DEAD, records[-1].key, records[-1].value, headers, records[-1].timestamp_ms)


def no_dead_letter(*_: object, **__: object) -> Record:
    raise AssertionError


class Kafka:
    """Takes records, and does to each publication what its fields say.

    ``loses`` acknowledgements: what was sent arrives, and the sender is told Unavailable.
    """

    def __init__(self) -> None:
        self.arrived: list[Record] = []
        self.asked = 0
        self.available = True
        self.loses = False
        self.closed: set[str] = set()
        self.refused: set[tuple[str, str]] = set()
        self.stuck_keys: set[bytes] = set()
        self.gate: asyncio.Event | None = None

    @started
    async def publish(
        self,
        records: Sequence[Record],
        *,
        deadline_s: float | None = None,
        probing: bool = False,
    ) -> None:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if not self.available or any(one.key in self.stuck_keys for one in records):
            message = "switched off"
            raise Unavailable(message)
        for place, one in enumerate(records):
            if one.topic in self.closed:
                raise TopicUnavailable(one.topic, "missing")
            if (one.topic, name_of(one)) in self.refused:
                refused = RecordRefused("record_invalid", "refused")
                refused.acknowledged = records[:place]
                raise refused
            self.arrived.append(one)
        if self.loses:
            message = "no acknowledgement"
            raise Unavailable(message)

    def names(self, topic: str = EVENTS) -> list[str]:
        return [name_of(one) for one in self.arrived if one.topic == topic]


def ever_later() -> Callable[[], float]:
    """Return a clock on which every wait is over when it is next looked at."""
    passed = iter(range(0, 10**9, 100))
    return lambda: float(next(passed))


def disk_spool(directory: Path, **given: Any) -> DiskSpool:
    """Return a spool; what is ``given`` are fields of its limits, or its other arguments."""
    bounds = {"bytes_max": 10_000_000, "records_max": 10_000, "append_timeout_s": PATIENCE_S}
    limits = SpoolLimits(**{name: given.pop(name, bound) for name, bound in bounds.items()})
    return DiskSpool(directory, limits, **{"scan_s": 3600.0, **given})


@contextlib.asynccontextmanager
async def opened(directory: Path, **given: Any) -> AsyncGenerator[DiskSpool]:
    spool = disk_spool(directory, **given)
    await spool.open()
    try:
        yield spool
    finally:
        await spool.close()


def drain_of(spool: DiskSpool, kafka: Publisher, **given: Any) -> Drain:
    health = KafkaHealth(ever_later(), topic_pause=AT_ONCE)
    parts = {"health": health, "dead_letter": no_dead_letter, "limits": BRISK}
    return Drain(spool, kafka, **{**parts, **given})


async def rest(drain: Drain, turns_max: int = 500) -> None:
    """Have a drain that was not started take its turns until it would wait, or give up."""
    for _ in range(turns_max):
        if await drain._step() is None:
            return


async def everything(spool: DiskSpool) -> list[SpooledCallback]:
    """Return all callbacks that wait to be published, oldest first, however many there are."""
    found: list[SpooledCallback] = []
    while page := await spool.read_page(
        found[-1].number if found else 0, callbacks_max=PAGE_CALLBACKS_MAX, bytes_max=10**9
    ):
        found += page
    return found


async def held_names(spool: DiskSpool) -> list[str]:
    return [name_of(one.records[0]) for one in await everything(spool)]


def names_in(path: Path) -> list[str]:
    """Return the names of all callbacks in a file that no process has open."""
    found: list[EncodedCallback] = []
    with contextlib.closing(SpoolStore(path)) as store:
        while page := store.read_page(
            found[-1].number if found else 0,
            callbacks_max=PAGE_CALLBACKS_MAX,
            bytes_max=10**9,
            parked=True,
        ):
            found += page
    return [name_of(decode_callback(one).records[0]) for one in found]


def entries(directory: Path) -> set[str]:
    return {one.name for one in directory.iterdir()}


def overwrite(path: Path, content: bytes, at: int = 0) -> None:
    """Damage a file, under the feet of whoever has it open."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def lock(spool: DiskSpool, connections: list[sqlite3.Connection]) -> sqlite3.Connection:
    """Return a connection that keeps the spool's file locked until it is closed."""
    connection = sqlite3.connect(str(spool.path), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connections.append(connection)
    return connection


def once(names: list[str]) -> list[str]:
    """Return names in the order of their first occurrence."""
    return list(dict.fromkeys(names))
