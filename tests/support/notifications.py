"""Notifications in a consumer group of memory, and an application that fails as it is told.

Time passes only while nobody has anything to do: a reader that finds nothing lets a moment pass, and so
does who sleeps while there is no reader.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from bridge.callbacks.model import CallbackType
from bridge.core.event import ContractNames
from bridge.core.journal import FORWARD_TO, JOURNAL_TOPIC, SentReply, to_journal_value
from bridge.core.request import RawCallback
from bridge.forward.flow import Clock, FlowLimits, FlowParts
from bridge.forward.notifications import ApplicationNotifications
from bridge.publish import Publisher
from bridge.publish.memory import MemoryPublisher
from bridge.reader.group_reader import Fetched, GroupReader, OnRevoked
from bridge.reader.topic_reader import StoredRecord
from bridge.reply.applications import ApplicationAnswer, ApplicationFailed
from bridge.reply.document import ACKNOWLEDGEMENT
from bridge.telemetry.metrics import Metrics
from tests.support.factories import HANGUP, raw_callback, signed, verdict_on

NAMING: Final = ContractNames("", "urn:s:")
RECEIVED: Final = datetime(2026, 3, 7, 14, tzinfo=UTC)
MOMENT_S: Final = 0.2
TAKEN: Final = ApplicationAnswer(SentReply(200, None, b""), 1)


@cache
def _template() -> bytes:
    raw = raw_callback("n=NAME", urlencode(HANGUP), path="/applications/pbx/hangup")
    return orjson.dumps(
        to_journal_value(verdict_on(signed(raw)), event=None, reply=ACKNOWLEDGEMENT)
    )


def notification(
    name: str, *, key: str = "call", partition: int = 0, offset: int = 0, to: str = "pbx"
) -> StoredRecord:
    """Return the journal record of a notification; the query of its callback is ``n=name``."""
    return StoredRecord(
        topic=JOURNAL_TOPIC,
        partition=partition,
        offset=offset,
        timestamp=RECEIVED,
        key=key.encode(),
        value=_template().replace(b"n=NAME", b"n=" + name.encode()),
        headers={
            "content-type": b"application/json",
            "callback_type": b"voice.call.hangup",
            "event_id": name.encode(),
            FORWARD_TO: to.encode(),
        },
    )


class FakeTime:
    """Time that passes when it is told."""

    def __init__(self) -> None:
        self.s = 0.0
        self.has_reader = False

    async def sleep(self, seconds: float) -> None:
        end = self.s + seconds
        while self.s < end:
            await asyncio.sleep(0)
            if not self.has_reader:
                self.s += MOMENT_S

    @property
    def clock(self) -> Clock:
        return Clock(now_s=lambda: self.s, sleep=self.sleep, stretch=lambda: 1.0)


@dataclass
class FakeGroup:
    """A topic, and the positions that a group committed. ``fails`` are what the next fetches raise."""

    time: FakeTime
    records: dict[int, list[StoredRecord]] = field(default_factory=dict[int, list[StoredRecord]])
    committed: dict[int, int] = field(default_factory=dict[int, int])
    fails: list[Exception] = field(default_factory=list[Exception])
    takes_commits: bool = True
    commit_fault: Exception | None = None
    opened: int = 0
    fetched: int = 0
    revoke: OnRevoked | None = None

    def append(self, record: StoredRecord) -> None:
        """Append a record to its partition."""
        partition = self.records.setdefault(record.partition, [])
        partition.append(replace(record, offset=len(partition)))

    @property
    def is_done(self) -> bool:
        """Whether everything is committed."""
        return all(self.committed.get(n, 0) == len(one) for n, one in self.records.items())

    @contextlib.asynccontextmanager
    async def open(self, on_revoked: OnRevoked) -> AsyncGenerator[GroupReader]:
        self.opened += 1
        self.revoke = on_revoked
        self.time.has_reader = True
        try:
            yield FakeReader(self)
        finally:
            self.time.has_reader = False


class FakeReader:
    """A member that has all partitions."""

    def __init__(self, group: FakeGroup) -> None:
        self._group = group
        self.positions = {number: group.committed.get(number, 0) for number in group.records}
        self._paused = False

    async def fetch(self, records_max: int) -> Fetched:
        await asyncio.sleep(0)
        if self._group.fails:
            raise self._group.fails.pop(0)
        records: list[StoredRecord] = []
        next_offsets: dict[int, int] = {}
        for number, partition in self._group.records.items() if not self._paused else ():
            begin = self.positions.setdefault(number, 0)
            read = partition[begin : begin + records_max - len(records)]
            if read:
                records += [one for one in read if one.headers.get(FORWARD_TO) == b"pbx"]
                next_offsets[number] = self.positions[number] = begin + len(read)
        self._group.fetched += len(records)
        if not records:
            self._group.time.s += MOMENT_S
        return Fetched(records, next_offsets)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    async def commit(self, positions: Mapping[int, int]) -> bool:
        await asyncio.sleep(0)
        if self._group.commit_fault is not None:
            raise self._group.commit_fault
        if self._group.takes_commits:
            self._group.committed |= positions
        return self._group.takes_commits

    def count_behind(self, positions: Mapping[int, int]) -> int:
        return sum(len(self._group.records[n]) - offset for n, offset in positions.items())


@dataclass
class FakeApplications:
    """Applications that take what they are sent, but for what ``fails`` says.

    ``fails`` has for each name the errors of its first attempts, None for one that succeeds; with
    ``hanging`` an attempt waits until the test says otherwise.
    """

    fails: dict[str, list[Exception | None]] = field(
        default_factory=dict[str, list[Exception | None]]
    )
    taken: list[str] = field(default_factory=list[str])
    attempts: list[str] = field(default_factory=list[str])
    raws: list[RawCallback] = field(default_factory=list[RawCallback])
    hanging: asyncio.Event | None = None
    at_once: int = 0
    at_once_max: int = 0

    async def ask(
        self, application: str, raw: RawCallback, kind: CallbackType | None
    ) -> ApplicationAnswer:
        assert (application, kind) == ("pbx", None)
        name = raw.query.removeprefix("n=")
        self.attempts.append(name)
        self.raws.append(raw)
        self.at_once += 1
        self.at_once_max = max(self.at_once, self.at_once_max)
        try:
            await asyncio.sleep(0)
            if self.hanging is not None:
                await self.hanging.wait()
            left = self.fails.get(name, [])
            error = left.pop(0) if left else None
            if error is not None:
                raise error
        finally:
            self.at_once -= 1
        self.taken.append(name)
        return TAKEN


def failed(cause: Any = "refused_connection", status: int | None = None) -> ApplicationFailed:
    """Return the failure of an attempt."""
    return ApplicationFailed(cause, "as the test says", status=status)


@dataclass
class Site:
    """The notifications of one application."""

    publisher: Publisher = field(default_factory=MemoryPublisher)
    limits: FlowLimits = field(default_factory=FlowLimits)
    time: FakeTime = field(default_factory=FakeTime)
    applications: FakeApplications = field(default_factory=FakeApplications)
    metrics: Metrics = field(default_factory=lambda: Metrics("0"))

    def __post_init__(self) -> None:
        self.group = FakeGroup(self.time)

    def put(self, records: Iterable[StoredRecord]) -> None:
        for record in records:
            self.group.append(record)

    @property
    def parts(self) -> FlowParts:
        return FlowParts(self.applications, self.publisher, NAMING, self.metrics, self.time.clock)

    def build(self) -> ApplicationNotifications:
        return ApplicationNotifications("pbx", self.parts, self.limits, self.group.open)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[ApplicationNotifications]:
        """Run a process; it dies at the end, without a word, if it was not stopped."""
        one = self.build()
        task = asyncio.create_task(one.run())
        try:
            yield one
        finally:
            task.cancel()
            await asyncio.wait([task])
