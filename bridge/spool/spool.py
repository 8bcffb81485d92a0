"""The spool on our disk: the doorway callbacks come in by, and what the drain takes them out by.

An append that the disk leaves without an answer is given up after a while. It may be kept all the
same, and is then published: a duplicate with the same id, if its sender tries again.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from bridge.core.record import Record
from bridge.spool import SpoolUnwritable
from bridge.spool.accounting import QueuedCallback, SpoolAccounting, SpoolCounts, SpoolState
from bridge.spool.adopt import Adopter
from bridge.spool.codec import SpooledCallback, SpoolRange, encode
from bridge.spool.store import SpoolStore
from bridge.spool.writer import Job, JobResult, SpoolWriter

log = structlog.get_logger()

T = TypeVar("T")

SCAN_S: Final = 10.0
_FROZEN_AFTER_S: Final = 0.5
_NO_ANSWER: Final = "the disk does not answer"


async def _wait_for(timeout_s: float, answer: asyncio.Future[T]) -> T:
    """Return the answer; raises TimeoutError.

    A process that was frozen (SIGSTOP, a paused virtual machine) finds the time over before it has
    looked at answers, and the thread that writes was frozen with it: the time begins anew then.
    """
    loop = asyncio.get_running_loop()
    try:
        due_at_s = loop.time() + timeout_s
        await asyncio.wait([answer], timeout=timeout_s)
        if not answer.done() and loop.time() - due_at_s > _FROZEN_AFTER_S:
            await asyncio.wait([answer], timeout=timeout_s)
        if not answer.done():
            raise TimeoutError
        return answer.result()
    finally:
        answer.cancel()


class DiskSpool:
    """Keeps callbacks in a SQLite file of its own, in a directory that others may share."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        directory: Path,
        *,
        bytes_max: int,
        records_max: int,
        append_timeout_s: float,
        on_change: Callable[[SpoolState], None] = lambda _: None,
        on_replaced: Callable[[], None] = lambda: None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        scan_s: float = SCAN_S,
    ) -> None:
        self._directory = directory
        self._accounting = SpoolAccounting(bytes_max=bytes_max, records_max=records_max)
        self._append_timeout_s = append_timeout_s
        self._on_change = on_change
        self._on_replaced = on_replaced
        self._now_ms = now_ms
        self._adopter = Adopter(directory, self, scan_s=scan_s)
        self._writer: SpoolWriter | None = None
        self._oldest_at_ms: int | None = None
        self._fault: str | None = "not open yet"
        self._first_try_done = asyncio.Event()
        self._has_new = False
        self._notify_drain: Callable[[], None] = lambda: None

    async def open(self) -> None:
        """Take a file that a former process left, or a new one, and begin to adopt the others.

        Where the directory cannot be used that is told in the log, and tried again every second.
        """
        self._writer = SpoolWriter(self._directory, self)
        self._writer.start()
        await self._first_try_done.wait()
        self._adopter.start()

    async def close(self) -> None:
        """Return when everything queued is committed, and the file is whole and left to others."""
        try:
            await self._adopter.stop()
        finally:
            if self._writer is not None:
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
        """Return the file that is ours."""
        return self._writer.path if self._writer else None

    @property
    def writable(self) -> bool:
        """Say whether an append can be expected to work now."""
        return self._fault is None and not self._accounting.full

    @property
    def state(self) -> SpoolState:
        """Return what is kept and queued."""
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
        """Have ``call`` called whenever there is something new to drain."""
        self._notify_drain = on_new

    def has_pending(self, key: bytes) -> bool:
        """Say whether callbacks of ``key`` are waiting, so that newer ones must go behind them."""
        return self._accounting.has_pending(key)

    async def append(self, records: Sequence[Record]) -> None:
        """Return when one callback's records, all of one key, are fsynced together.

        Raises SpoolFull or SpoolUnwritable, and then nothing of them is kept, unless the disk gave
        no answer at all.
        """
        rows = [encode(record) for record in records]
        await self._add([QueuedCallback(records[0].key, rows, self._now_ms())])

    def has_room(self, callbacks: Sequence[SpooledCallback]) -> bool:
        """Say whether callbacks of another file can be adopted."""
        return self._fault is None and self._accounting.has_room(callbacks)

    async def adopt(self, callbacks: Sequence[SpooledCallback]) -> None:
        """Return when callbacks of another file are in ours; raises as ``append`` does."""
        await self._add(
            [
                QueuedCallback(
                    one.key, list(map(encode, one.records)), one.spooled_at_ms, one.tries
                )
                for one in callbacks
            ]
        )

    async def _add(self, callbacks: Sequence[QueuedCallback]) -> None:
        if self._fault is not None:
            raise SpoolUnwritable(self._fault)
        self._accounting.enqueue(callbacks)

        def work(store: SpoolStore) -> None:
            for one in callbacks:
                store.insert(one.rows, spooled_at_ms=one.spooled_at_ms, tries=one.tries)

        def settled(well: bool) -> None:  # noqa: FBT001 (the one thing it is told)
            self._accounting.finish(callbacks, ok=well)
            self._has_new |= well

        try:
            await self._run_job(work, settled, timeout_s=self._append_timeout_s)
        except TimeoutError as error:
            self.fault_changed(_NO_ANSWER)
            raise SpoolUnwritable(_NO_ANSWER) from error

    async def read_page(
        self, after: int, *, callbacks_max: int, bytes_max: int
    ) -> list[SpooledCallback]:
        """Return callbacks to publish, oldest first, from behind a number; none at the end.

        Raises SpoolUnwritable where the file cannot be read.
        """
        while True:
            read = partial(
                SpoolStore.read_page, after=after, callbacks_max=callbacks_max, bytes_max=bytes_max
            )
            page = await self._run_job(read, writes=False)
            fresh = [one for one in page if one.number not in self._accounting.published]
            if fresh or not page:
                return fresh
            after = page[-1].number

    async def remove(self, callbacks: Sequence[SpooledCallback]) -> None:
        """Return when callbacks that are on Kafka are deleted, or remembered as published."""
        extents = [one.range for one in callbacks]
        with contextlib.suppress(SpoolUnwritable):
            await self._run_job(
                lambda store: store.remove(extents),
                lambda well: self._removed(extents, well=well),
            )

    async def record_tries(self, callback: SpooledCallback, tries: int) -> None:
        """Write down how often a callback was refused; raises SpoolUnwritable."""
        await self._run_job(lambda store: store.set_tries(callback, tries))

    async def park(self, callback: SpooledCallback, tries: int) -> None:
        """Keep a callback without trying it again in this process; raises SpoolUnwritable."""

        def settled(well: bool) -> None:  # noqa: FBT001 (the one thing it is told)
            if well:
                self._accounting.record_parked(callback)

        await self._run_job(lambda store: store.set_tries(callback, tries, parked=True), settled)

    def _removed(self, callbacks: Sequence[SpoolRange], *, well: bool) -> None:
        self._accounting.record_removal(callbacks, ok=well)
        if self._accounting.all_published and self._writer is not None:
            self._writer.set_published(frozenset(self._accounting.published))

    def _delete_published(self) -> None:
        """Try again to delete what is on Kafka."""
        callbacks = list(self._accounting.published.values())
        if callbacks and self._writer is not None:
            self._writer.submit(
                Job(
                    lambda store: store.remove(callbacks),
                    lambda _, error: self._removed(callbacks, well=error is None),
                )
            )

    async def _run_job(
        self,
        work: Callable[[SpoolStore], T],
        on_done: Callable[[bool], None] = lambda _: None,
        *,
        writes: bool = True,
        timeout_s: float | None = None,
    ) -> T:
        """Return what the writer says; raises TimeoutError.

        ``settled`` is called even if nobody waits any more.
        """
        if self._writer is None:
            raise SpoolUnwritable(self._fault)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def end(result: Any, error: Exception | None) -> None:  # noqa: ANN401 (what work returned)
            on_done(error is None)
            if answer.done():
                return
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(error)

        self._writer.submit(Job(work, end, writes))
        return await (answer if timeout_s is None else _wait_for(timeout_s, answer))

    def file_opened(self, tally: SpoolCounts, oldest_at_ms: int | None, number_min: int) -> None:
        """Take what the file holds that is ours now; the writer's call."""
        self._accounting.reset(tally, number_min)
        self._oldest_at_ms = oldest_at_ms
        self._notify_drain()

    def file_replaced(self) -> None:
        """Take that a new file was begun in place of one that could not be found again."""
        self._on_replaced()

    def jobs_done(self, results: Sequence[JobResult], oldest_at_ms: int | None) -> None:
        """Take how jobs results; the writer's call."""
        for job, result, error in results:
            job.on_done(result, error)
        self._oldest_at_ms = oldest_at_ms
        if self._fault == _NO_ANSWER:
            self.fault_changed(None)
        self._on_change(self.state)
        if self._has_new:
            self._has_new = False
            self._notify_drain()

    def fault_changed(self, cause: str | None) -> None:
        """Take why nothing can be written, or None if it can; the writer's call."""
        was, self._fault = self._fault, cause
        first = not self._first_try_done.is_set()
        self._first_try_done.set()
        if cause is None:
            if was is not None and not first:
                log.info("spool_writable", directory=str(self._directory))
            self._delete_published()
        elif was is None or first:
            log.error("spool_unwritable", directory=str(self._directory), cause=cause)
        self._on_change(self.state)
