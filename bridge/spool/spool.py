"""The spool on our disk: callbacks are appended to it, and the drain reads and removes them.

An append that gets no answer from the disk fails after a timeout. Its callback may be stored all
the same, and is then published: a duplicate with the same id, if its sender tries again.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from bridge.core.record import Record
from bridge.spool import SpoolUnwritable
from bridge.spool.accounting import SpoolAccounting, SpoolCounts, SpoolState
from bridge.spool.adopt import Adopter
from bridge.spool.codec import (
    ContentDamaged,
    EncodedCallback,
    SpooledCallback,
    SpoolEntry,
    decode_callback,
    encode_callback,
)
from bridge.spool.store import SpoolStore
from bridge.spool.turns import Turn, Waiters
from bridge.spool.writer import Job, JobResult, SpoolWriter
from bridge.telemetry.logs import error_location
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

T = TypeVar("T")

SCAN_S: Final = 10.0
_FROZEN_AFTER_S: Final = 0.5
_NO_ANSWER: Final = "the disk does not answer"


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much a spool holds, and how long an append waits for the disk."""

    bytes_max: int
    records_max: int
    append_timeout_s: float


class DiskSpool:
    """Stores callbacks in a SQLite file of its own, in a directory that other processes may share."""

    def __init__(
        self,
        directory: Path,
        limits: SpoolLimits,
        *,
        metrics: Metrics | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        scan_s: float = SCAN_S,
    ) -> None:
        self.files_replaced = 0
        """How often the open file was replaced, because somebody removed or renamed it."""
        self._directory = directory
        self._accounting = SpoolAccounting(
            bytes_max=limits.bytes_max, records_max=limits.records_max
        )
        self._append_timeout_s = limits.append_timeout_s
        self._metrics = metrics
        self.now_ms = now_ms
        """The clock, in epoch milliseconds."""
        self._adopter = Adopter(directory, self, scan_s=scan_s)
        self._writer: SpoolWriter | None = None
        self._appended: Turn[EncodedCallback] | None = None
        self._removed: Turn[SpoolEntry] | None = None
        self._damaged: dict[int, EncodedCallback] = {}
        """Callbacks with damaged content that are not parked yet, by number."""
        self._oldest_at_ms: int | None = None
        self._fault: str | None = "not open yet"
        self._first_try_done = asyncio.Event()
        self._has_new = False
        self._on_new: Callable[[], None] = lambda: None
        if metrics is not None:
            self._add_gauges(metrics, limits)

    def _add_gauges(self, metrics: Metrics, limits: SpoolLimits) -> None:
        metrics.set(Metric.SPOOL_BYTES_MAX, limits.bytes_max)
        metrics.set(Metric.SPOOL_RECORDS_MAX, limits.records_max)
        metrics.watch(Metric.SPOOL_CALLBACKS, lambda: self.state.callbacks)
        metrics.watch(Metric.SPOOL_RECORDS, lambda: self.state.records)
        metrics.watch(Metric.SPOOL_BYTES, lambda: self.state.bytes)
        metrics.watch(Metric.SPOOL_PARKED, lambda: self.state.parked)
        metrics.watch(Metric.SPOOL_DAMAGED, lambda: self.state.damaged)
        metrics.watch(Metric.SPOOL_WRITABLE, lambda: int(self.state.writable))
        metrics.watch(Metric.SPOOL_OLDEST_AGE_SECONDS, self._oldest_age_s)

    def _oldest_age_s(self) -> float:
        oldest_at_ms = self._oldest_at_ms
        return 0 if oldest_at_ms is None else max(0, self.now_ms() - oldest_at_ms) / 1000

    async def open(self) -> None:
        """Open a file that a former process left, or a new one, and start to adopt the others.

        If the directory cannot be used, that is logged, and tried again every second.
        """
        self._writer = SpoolWriter(self._directory, self)
        self._appended = Turn(self._submit_appended)
        self._removed = Turn(self._submit_removed)
        self._writer.start()
        await self._first_try_done.wait()
        self._adopter.start()

    async def close(self) -> None:
        """Return when everything queued is committed, and the file is whole and left to others."""
        try:
            await self._adopter.stop()
        finally:
            if self._writer is not None:
                for turn in (self._appended, self._removed):
                    if turn is not None:
                        turn.submit()
                self._delete_published()
                await self._writer.close()
            if self._accounting.stored.callbacks > len(self._accounting.published):
                log.warning(
                    "spool_not_drained",
                    callbacks=self._accounting.stored.callbacks,
                    bytes=self._accounting.stored.size_bytes,
                    directory=str(self._directory),
                )

    @property
    def path(self) -> Path | None:
        """Return the path of our file."""
        return self._writer.path if self._writer else None

    @property
    def writable(self) -> bool:
        """Return True if an append can be expected to work now."""
        return self._fault is None and not self._accounting.full

    @property
    def state(self) -> SpoolState:
        """Return what is stored and queued."""
        return SpoolState(
            callbacks=self._accounting.callbacks,
            records=self._accounting.records,
            bytes=self._accounting.size_bytes,
            oldest_at_ms=self._oldest_at_ms,
            parked=self._accounting.stored.parked,
            damaged=self._adopter.damaged,
            writable=self.writable,
        )

    def subscribe(self, on_new: Callable[[], None]) -> None:
        """Call ``on_new`` whenever there is something new to drain. One subscriber, the drain."""
        self._on_new = on_new

    def has_pending(self, key: bytes) -> bool:
        """Return True if callbacks of ``key`` are spooled: newer ones have to queue behind them."""
        return self._accounting.has_pending(key)

    async def append(self, records: Sequence[Record]) -> None:
        """Return when the records of one callback, all with one key, are fsynced together.

        Raises SpoolFull or SpoolUnwritable. Then none of them is stored, unless the disk gave no answer
        at all.
        """
        await self._add([encode_callback(records, self.now_ms())])

    def has_room(self, callbacks: Sequence[EncodedCallback]) -> bool:
        """Return True if callbacks of another file can be adopted."""
        return self._fault is None and self._accounting.has_room(callbacks)

    async def adopt(self, callbacks: Sequence[EncodedCallback]) -> None:
        """Return when callbacks of another file are in ours; raises as ``append`` does."""
        await self._add(callbacks)

    def _add(self, callbacks: Sequence[EncodedCallback]) -> asyncio.Future[None]:
        if self._fault is not None or self._appended is None:
            raise SpoolUnwritable(self._fault)
        self._accounting.enqueue(callbacks)
        return self._appended.add(callbacks)

    def _submit_appended(self, callbacks: Sequence[EncodedCallback], waiters: Waiters) -> None:
        """Submit the callbacks of one turn of the loop to the writer."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(
            self._append_timeout_s, self._give_up, waiters, loop.time() + self._append_timeout_s
        )

        def end(_: object, error: Exception | None) -> None:
            timer.cancel()
            try:
                self._accounting.finish(callbacks, ok=error is None)
                self._has_new |= error is None
            finally:  # the timer is gone, so nothing else would end their wait
                waiters.settle(None if error is None else str(error))

        self._submit(Job(lambda store: store.insert(callbacks), end))

    def _give_up(self, waiters: Waiters, due_at_s: float) -> None:
        """Wait no longer for the disk.

        A process that was frozen (SIGSTOP, a paused virtual machine) finds its timeout over before it
        has read the answers, and its writer thread was frozen as well. Then the timeout starts again.
        """
        loop = asyncio.get_running_loop()
        if loop.time() - due_at_s > _FROZEN_AFTER_S:
            loop.call_later(self._append_timeout_s, self._give_up, waiters, math.inf)
        elif not waiters.done:
            self.fault_changed(_NO_ANSWER)
            waiters.settle(_NO_ANSWER)

    async def read_page(
        self, after: int, *, callbacks_max: int, bytes_max: int
    ) -> list[SpooledCallback]:
        """Return the callbacks to publish after a number, oldest first; none at the end.

        Raises SpoolUnwritable if the file cannot be read.
        """
        while True:
            if self._removed is not None:
                self._removed.submit()
            read = partial(
                SpoolStore.read_page, after=after, callbacks_max=callbacks_max, bytes_max=bytes_max
            )
            rows = await self._run_job(read, writes=False)
            # Decoded here: in the writer's thread it would keep the loop from running as long as it
            # takes, and would wait for the loop in between.
            page = [one for one in rows if one.number not in self._accounting.published]
            fresh = [one for row in page if (one := self._decode(row)) is not None]
            if fresh or not rows:
                return fresh
            after = rows[-1].number

    def _decode(self, row: EncodedCallback) -> SpooledCallback | None:
        """Return a callback; park it if its content is damaged, so that nothing queues behind it."""
        try:
            return decode_callback(row)
        except ContentDamaged:
            if row.number not in self._damaged:
                log.error(  # noqa: TRY400 (a traceback may show what must not be logged)
                    "spooled_callback_damaged", number=row.number, file=str(self.path)
                )
                self._damaged[row.number] = row
                self._park_damaged()
            return None

    def _park_damaged(self) -> None:
        """Park the callbacks whose content is damaged: now, or when the disk takes records again."""
        rows = list(self._damaged.values())

        def park(store: SpoolStore) -> None:
            for one in rows:
                store.set_tries(one.number, one.tries, parked=True)

        def end(_: object, error: Exception | None) -> None:
            for one in rows if error is None else ():
                if self._damaged.pop(one.number, None) is not None:  # not parked by another job
                    self._accounting.record_parked(one.entry)

        if rows:
            self._submit(Job(park, end))

    def remove(self, callbacks: Sequence[SpooledCallback]) -> "asyncio.Future[None]":
        """Delete callbacks that are on Kafka.

        The future is done when they are deleted, or remembered as published. A page that is read later
        does not contain them.
        """
        if self._removed is None:
            raise SpoolUnwritable(self._fault)
        return self._removed.add([one.entry for one in callbacks])

    def _submit_removed(self, entries: Sequence[SpoolEntry], waiters: Waiters) -> None:
        """Submit to the writer the removal of the callbacks that Kafka acknowledged in one turn."""

        def end(_: object, error: Exception | None) -> None:
            try:
                self._record_removal(entries, ok=error is None)
            finally:
                waiters.settle(None)

        self._submit(Job(lambda store: store.remove(one.number for one in entries), end))

    async def record_tries(self, callback: SpooledCallback, tries: int) -> None:
        """Store how often a callback was refused; raises SpoolUnwritable."""
        await self._run_job(lambda store: store.set_tries(callback.number, tries))

    async def park(self, callback: SpooledCallback, tries: int) -> None:
        """Keep a callback, and do not try it again in this process; raises SpoolUnwritable."""

        def on_done(ok: bool) -> None:  # noqa: FBT001 (its only argument)
            if ok:
                self._accounting.record_parked(callback.entry)

        await self._run_job(
            lambda store: store.set_tries(callback.number, tries, parked=True), on_done
        )

    def _record_removal(self, callbacks: Sequence[SpoolEntry], *, ok: bool) -> None:
        self._accounting.record_removal(callbacks, ok=ok)
        if self._accounting.all_published and self._writer is not None:
            self._writer.set_published(frozenset(self._accounting.published))

    def _delete_published(self) -> None:
        """Try again to delete what is on Kafka."""
        callbacks = list(self._accounting.published.values())
        if callbacks:
            self._submit(
                Job(
                    lambda store: store.remove(one.number for one in callbacks),
                    lambda _, error: self._record_removal(callbacks, ok=error is None),
                )
            )

    def _submit(self, job: Job) -> None:
        if self._writer is not None:
            self._writer.submit(job)

    async def _run_job(
        self,
        work: Callable[[SpoolStore], T],
        on_done: Callable[[bool], None] = lambda _: None,
        *,
        writes: bool = True,
    ) -> T:
        """Run work in the writer thread and return its result.

        ``on_done`` is called even if the caller stopped waiting.
        """
        if self._writer is None:
            raise SpoolUnwritable(self._fault)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def end(result: Any, error: Exception | None) -> None:  # noqa: ANN401 (what work returned)
            try:
                on_done(error is None)
            finally:
                _settle(answer, result, error)

        self._writer.submit(Job(work, end, writes))
        return await answer

    # The four methods of WriterListener.

    def file_opened(self, counts: SpoolCounts, oldest_at_ms: int | None, number_min: int) -> None:
        """Handle that a file is ours from now on."""
        self._accounting.reset(counts, number_min)
        self._damaged.clear()
        self._oldest_at_ms = oldest_at_ms
        self._on_new()

    def file_replaced(self) -> None:
        """Handle that a new file replaced one whose path did not lead to it any more."""
        self.files_replaced += 1
        if self._metrics is not None:
            self._metrics.count(Metric.SPOOL_FILES_REPLACED_TOTAL)

    def jobs_done(self, results: Sequence[JobResult], oldest_at_ms: int | None) -> None:
        """Handle the results of jobs."""
        for job, result, error in results:
            try:
                job.on_done(result, error)
            except Exception as fault:  # noqa: BLE001 (the callers of the other jobs wait, too)
                log.error(  # noqa: TRY400 (a traceback may show what must not be logged)
                    "spool_job_failed", error=type(fault).__name__, where=error_location(fault)
                )
        self._oldest_at_ms = oldest_at_ms
        if self._fault == _NO_ANSWER:
            self.fault_changed(None)
        if self._has_new:
            self._has_new = False
            self._on_new()

    def fault_changed(self, cause: str | None) -> None:
        """Handle why nothing can be written, or None if it can."""
        was, self._fault = self._fault, cause
        first = not self._first_try_done.is_set()
        self._first_try_done.set()
        if cause is None:
            if was is not None and not first:
                log.info("spool_writable", directory=str(self._directory))
            self._delete_published()
            self._park_damaged()
        elif was is None or first:
            log.error("spool_unwritable", directory=str(self._directory), cause=cause)


def _settle(answer: "asyncio.Future[T]", result: T, error: Exception | None) -> None:
    if answer.done():  # its caller went away
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
