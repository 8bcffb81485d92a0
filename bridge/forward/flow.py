"""The notifications of one application, on their way to it.

1. Each notification is delivered or becomes a dead letter; only then is it finished, and its offset may
   be committed. If the process dies before the commit, it is sent once more.
2. Notifications of one key (a call, a message) are sent one after the other: the next one waits until
   the previous one is finished. Those of other keys do not wait for them.
3. At most ``sending_max`` are sent at once. At most ``waiting_max`` notifications, of
   ``waiting_bytes_max`` bytes, are in memory: when there are as many, ``is_full`` is True, and the rest
   stays on Kafka.
4. A failure is tried again, after a pause that doubles, for ``retry_for_s``. Then the notification
   becomes a dead letter. So it does at once if trying again cannot help: the application refused it
   with a status of 4xx, except 408, 425 and 429, or redirected it.
5. While Kafka is away dead letters wait for it. If Kafka refuses one for good, the application is
   tried again, for another ``retry_for_s``.
6. When the partitions go to another process, or this one stops, what is being sent may end, and what
   waits does not begin: the other process sends it.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog

from bridge.core.dead_letter import CALLBACK_TYPE, EVENT_ID, ForwardReason, to_forward_dead_letter
from bridge.core.event import ContractNames, to_epoch_ms
from bridge.core.record import Record
from bridge.forward.unfinished import UnfinishedOffsets
from bridge.publish import Publisher, RecordRefused, Unavailable
from bridge.reader.group_reader import Fetched
from bridge.reader.journal import NotAJournalRecord, parse_journal_record
from bridge.reader.topic_reader import StoredRecord
from bridge.reply.applications import TAKEN_CAUSES, ApplicationFailed, Applications
from bridge.telemetry.logs import describe_fault
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

RETRY_FOR_S: Final = 900.0
SENDING_MAX: Final = 16
WAITING_MAX: Final = 1_000
WAITING_BYTES_MAX: Final = 16_777_216

_PAUSE_MIN_S: Final = 1.0
_PAUSE_MAX_S: Final = 60.0
_LOG_EVERY_S: Final = 60.0
_TEMPORARY_STATUSES: Final = frozenset({408, 425, 429})
_REASONS: Final = {str(reason): reason for reason in ForwardReason}


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """Limits of one application's notifications: rules 3 and 4."""

    retry_for_s: float = RETRY_FOR_S
    sending_max: int = SENDING_MAX
    waiting_max: int = WAITING_MAX
    waiting_bytes_max: int = WAITING_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance. ``stretch`` is a random factor for pauses, so that processes spread out."""

    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    stretch: Callable[[], float] = lambda: random.uniform(0.5, 1.0)  # noqa: S311 (no secret)


@dataclass(frozen=True, slots=True)
class FlowParts:
    """The parts that all flows share."""

    applications: Applications
    publisher: Publisher
    naming: ContractNames
    metrics: Metrics
    clock: Clock = field(default_factory=Clock)


class _Failure(NamedTuple):
    """Why an attempt failed. ``is_final``: trying again cannot help."""

    reason: ForwardReason
    is_final: bool
    message: str


@dataclass(slots=True)
class _Line:
    """The notifications of one key, in order: rule 2."""

    waiting: deque[StoredRecord] = field(default_factory=deque[StoredRecord])
    task: "asyncio.Task[None] | None" = None
    is_sending: bool = False
    is_ending: bool = False


class NotificationFlow:
    """Sends the notifications of one application."""

    def __init__(self, application: str, parts: FlowParts, limits: FlowLimits) -> None:
        self._application = application
        self._parts = parts
        self.limits = limits
        self._slots = asyncio.Semaphore(limits.sending_max)
        self._partitions: dict[int, UnfinishedOffsets] = {}
        self._lines: dict[tuple[int, bytes], _Line] = {}
        self._waiting = 0
        self._waiting_bytes = 0
        self._logged_s: float | None = None

    @property
    def is_full(self) -> bool:
        """Return whether no more records may be added: rule 3."""
        limits = self.limits
        return (
            self._waiting >= limits.waiting_max or self._waiting_bytes >= limits.waiting_bytes_max
        )

    @property
    def room(self) -> int:
        """Return how many records may be added."""
        return max(self.limits.waiting_max - self._waiting, 0)

    def list_positions(self) -> dict[int, int]:
        """Return the offset of each partition that may be committed."""
        positions = {number: one.position for number, one in self._partitions.items()}
        return {number: offset for number, offset in positions.items() if offset is not None}

    def add(self, fetched: Fetched) -> None:
        """Begin to send what was read."""
        for record in fetched.records:
            self._find_partition(record.partition).begin(record.offset)
            self._waiting += 1
            self._waiting_bytes += len(record.value)
            place = (record.partition, record.key)
            line = self._lines.setdefault(place, _Line())
            line.waiting.append(record)
            if line.task is None:
                line.task = asyncio.create_task(self._run_line(place, line), name="notifications")
        for number, offset in fetched.next_offsets.items():
            self._find_partition(number).read_up_to(offset)

    async def finish_sending(self, partitions: Collection[int] | None, timeout_s: float) -> None:
        """Let what is being sent end, and begin nothing: rule 6. None: of all partitions."""
        lines = [
            (place, line)
            for place, line in self._lines.items()
            if partitions is None or place[0] in partitions
        ]
        tasks: list[asyncio.Task[None]] = []
        for _, line in lines:
            line.is_ending = True
            if line.task is not None:
                tasks.append(line.task)
                if not line.is_sending:
                    line.task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=timeout_s)
            for task in late:
                task.cancel()
            await asyncio.wait(tasks)
        for place, line in lines:  # a task that was cancelled before its first step did not do it
            self._end_line(place, line)

    def forget(self, partitions: Collection[int] | None) -> None:
        """Forget partitions whose sending was finished. None: all."""
        for number in list(self._partitions) if partitions is None else partitions:
            self._partitions.pop(number, None)

    def _find_partition(self, number: int) -> UnfinishedOffsets:
        return self._partitions.setdefault(number, UnfinishedOffsets())

    async def _run_line(self, place: tuple[int, bytes], line: _Line) -> None:
        """Send the notifications of a key one after the other: rule 2."""
        partition = self._partitions[place[0]]
        try:
            while line.waiting and not line.is_ending:
                record = line.waiting[0]
                if await self._finish(record, line):
                    partition.finish(record.offset)
                    self._release(line.waiting.popleft())
        finally:
            self._end_line(place, line)

    def _end_line(self, place: tuple[int, bytes], line: _Line) -> None:
        if self._lines.get(place) is line:
            del self._lines[place]
            for record in line.waiting:
                self._release(record)

    def _release(self, record: StoredRecord) -> None:
        self._waiting -= 1
        self._waiting_bytes -= len(record.value)

    async def _finish(self, record: StoredRecord, line: _Line) -> bool:
        """Return True when a notification is delivered or dead-lettered; False if the line ends."""
        clock = self._parts.clock
        tries, begun_s = 0, clock.now_s()
        while not line.is_ending:
            tries += 1
            async with self._slots:
                line.is_sending = True
                failure = await self._send(record)
                line.is_sending = False
            if failure is None:
                self._parts.metrics.count(
                    Metric.NOTIFICATIONS_TOTAL, self._application, "delivered"
                )
                return True
            self._report(failure)
            pause_s = min(_PAUSE_MIN_S * 2 ** min(tries - 1, 16), _PAUSE_MAX_S) * clock.stretch()
            elapsed_s = clock.now_s() - begun_s
            if failure.is_final or elapsed_s + pause_s > self.limits.retry_for_s:
                if await self._dead_letter(record, failure.reason, tries, line):
                    return True
                tries, begun_s = 0, clock.now_s()  # rule 5
            if not line.is_ending:
                await clock.sleep(pause_s)
        return False

    async def _send(self, record: StoredRecord) -> _Failure | None:
        """Send a notification once; return why it failed, None if the application took it."""
        try:
            raw = parse_journal_record(record.value).raw
            await self._parts.applications.ask(self._application, raw, None)
        except NotAJournalRecord as error:
            return _Failure(ForwardReason.NOT_A_JOURNAL_RECORD, is_final=True, message=str(error))
        except ApplicationFailed as error:
            if error.cause in TAKEN_CAUSES:
                return None
            status = error.status or 0
            is_final = error.cause == "redirect" or (
                400 <= status < 500 and status not in _TEMPORARY_STATUSES  # noqa: PLR2004 (HTTP's)
            )
            reason = _REASONS.get(error.cause, ForwardReason.BRIDGE_FAULT)
            return _Failure(reason, is_final=is_final, message=str(error))
        except Exception as error:  # noqa: BLE001 (a fault of ours must not end the flow)
            about = describe_fault(error)
            log.error("notification_not_sent", application=self._application, **about)  # noqa: TRY400
            return _Failure(ForwardReason.BRIDGE_FAULT, is_final=False, message="")
        return None

    def _report(self, failure: _Failure) -> None:
        """Count a failure, and log one now and then: an application that is away fails often."""
        metrics, now_s = self._parts.metrics, self._parts.clock.now_s()
        metrics.count(Metric.NOTIFICATION_FAILURES_TOTAL, self._application, failure.reason)
        if self._logged_s is None or now_s - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = now_s
            log.warning(
                "notification_failed",
                application=self._application,
                reason=str(failure.reason),
                why=failure.message,
            )

    async def _dead_letter(
        self, record: StoredRecord, reason: ForwardReason, tries: int, line: _Line
    ) -> bool:
        """Return True when the dead letter is stored; False if Kafka refuses it, or the line ends."""
        letter = to_forward_dead_letter(
            _to_record(record), reason, tries=tries, naming=self._parts.naming
        )
        about = {
            "application": self._application,
            "reason": str(reason),
            "callback_type": record.headers.get(CALLBACK_TYPE, b"").decode("utf-8", "replace"),
            "event_id": record.headers.get(EVENT_ID, b"").decode("utf-8", "replace"),
        }
        while not line.is_ending:
            line.is_sending = True
            try:
                await self._parts.publisher.publish([letter])
            except RecordRefused as error:
                log.error("notification_letter_refused", why=error.reason, **about)  # noqa: TRY400
                return False
            except Unavailable:
                line.is_sending = False
                await self._parts.clock.sleep(_PAUSE_MIN_S)
            except Exception as error:  # noqa: BLE001 (a fault of ours must not end the line)
                log.error("notification_letter_failed", **describe_fault(error), **about)  # noqa: TRY400
                return False
            else:
                self._parts.metrics.count(
                    Metric.NOTIFICATIONS_TOTAL, self._application, "dead_lettered"
                )
                self._parts.metrics.count(Metric.DEAD_LETTERS_TOTAL, "forward", reason)
                log.warning("notification_dead_lettered", tries=tries, **about)
                return True
            finally:
                line.is_sending = False
        return False


def _to_record(stored: StoredRecord) -> Record:
    """Return the journal record as it was published."""
    return Record(
        topic=stored.topic,
        key=stored.key,
        value=stored.value,
        headers=tuple(stored.headers.items()),
        timestamp_ms=to_epoch_ms(stored.timestamp),
    )
