"""The thread that owns the spool file: no other thread touches it.

1. Group commit: each transaction writes everything that is queued, so one fsync serves all of it.
   During the fsync the next group gathers.
2. When SQLite fails, the transaction is rolled back and all its jobs fail. Nothing more is written
   until the file was opened again and a real write worked, which is tried every RETRY_S. Reading
   goes on if the file can be opened.
3. A damaged file is set aside, and a new file is started. The new file's numbers continue those of
   the old one: in the life of a process no number means two callbacks.
4. A disk that is full of callbacks which are on Kafka already cannot even take a deletion. Then the
   whole file is deleted.
5. Somebody may remove, rename or replace the open file, or its directory. SQLite then goes on
   writing and fsyncing a file that nobody finds again. So the paths are compared with the open
   files after every commit, before its jobs succeed, and every CHECK_S. If they differ, all rows
   are copied from the open file, which can still be read, into a new one in the directory, with
   their numbers. Jobs that come meanwhile wait.
6. SQLite cannot truncate the WAL while another process reads an old state of the file (a shell left
   open, a backup that hangs). When the WAL is WAL_BYTES_MAX larger than what the file holds, all
   rows are copied into a new file in the same way. The reader keeps the old file, which has no name
   any more.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from bridge.spool import SpoolUnwritable
from bridge.spool.accounting import SpoolCounts
from bridge.spool.locking import (
    LockedFile,
    claim_largest,
    create_store,
    describe_fault,
    means_damage,
    quarantine,
)
from bridge.spool.store import SpoolStore, file_identity

log = structlog.get_logger()

RETRY_S: Final = 1.0
CHECK_S: Final = 0.5
WAL_BYTES_MAX: Final = 67_108_864
_LIMIT_WAL_AGAIN_S: Final = 60.0
CLOSE_TIMEOUT_S: Final = 2.0
_NOT_IN_PLACE: Final = "the spool file was removed, renamed or replaced"
_WAL_PINNED: Final = "a process that reads the spool file keeps its WAL from being truncated"


@dataclass(frozen=True, slots=True)
class Job:
    """Work for the thread, and the callback for its result in the event loop's thread."""

    work: Callable[[SpoolStore], Any]
    on_done: Callable[[Any, Exception | None], None]
    writes: bool = True


JobResult = tuple[Job, Any, Exception | None]


class WriterListener(Protocol):
    """Callbacks from the writer thread. They run in the event loop's thread, in order."""

    def file_opened(self, counts: SpoolCounts, oldest_at_ms: int | None, number_min: int) -> None:
        """Handle that a file is ours from now on; its numbers start at ``number_min``."""
        ...

    def fault_changed(self, cause: str | None) -> None:
        """Handle why nothing can be written, or None if it can."""
        ...

    def file_replaced(self) -> None:
        """Handle that a new file replaced one whose path did not lead to it any more: rule 5."""
        ...

    def jobs_done(self, results: Sequence[JobResult], oldest_at_ms: int | None) -> None:
        """Handle results, and when the callback that is now at the head was spooled."""
        ...


class SpoolWriter:
    """The thread, and its open file."""

    def __init__(self, directory: Path, listener: WriterListener) -> None:
        self._directory = directory
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)
        self._condition = threading.Condition()
        self._jobs: list[Job] = []
        self._closing = False
        self._ended = False
        self._file: LockedFile | None = None
        self._store: SpoolStore | None = None
        self._fault: str | None = "not open yet"
        self._oldest_at_ms: int | None = None
        self._number_next = 0  # 0: no file was open yet
        self._published: AbstractSet[int] = frozenset()
        self._needs_tidying = False
        self._try_at_s = 0.0
        self._check_at_s = 0.0
        self._limit_wal_at_s = 0.0

    @property
    def path(self) -> Path | None:
        """Return the path of our file."""
        return self._file.path if self._file else None

    def start(self) -> None:
        """Start the thread. The listener gets the result of its first attempt to open a file."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job: rule 1."""
        with self._condition:
            if not self._ended:
                self._jobs.append(job)
                self._condition.notify()
                return
        self._notify(self._listener.jobs_done, [(job, None, SpoolUnwritable("closed"))], None)

    def set_published(self, numbers: AbstractSet[int]) -> None:
        """Set which callbacks are on Kafka and could not be deleted: rule 4."""
        with self._condition:
            self._published = numbers

    async def close(self) -> None:
        """Return when all jobs are done and the file is closed. An empty file is removed.

        Does not wait for a disk that hangs: the kernel releases our lock when the process ends.
        """
        with self._condition:
            self._closing = True
            self._condition.notify()
        await self._loop.run_in_executor(None, self._thread.join, CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            log.error("spool_not_closed", file=str(self.path), timeout_s=CLOSE_TIMEOUT_S)

    def _notify(self, call: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended before us
            self._loop.call_soon_threadsafe(call, *arguments)

    def _run(self) -> None:
        self._try_open()
        while not self._ended:
            jobs = self._wait()
            if self._fault is not None and time.monotonic() >= self._try_at_s:
                self._try_open()
            if jobs:
                self._run_jobs(jobs)
            elif self._needs_tidying:
                self._tidy()
            if self._fault is None and time.monotonic() >= self._check_at_s:
                self._check_file()
        self._close_file()

    def _wait(self) -> list[Job]:
        with self._condition:
            if not (self._jobs or self._closing or self._needs_tidying):
                self._condition.wait(CHECK_S if self._fault is None else RETRY_S)
            jobs, self._jobs = self._jobs, []
            self._ended = self._closing and not jobs
            return jobs

    def _run_jobs(self, jobs: Sequence[Job]) -> None:
        writes = [job for job in jobs if job.writes]
        results = self._write(writes) if writes else []
        results += [self._read(job) for job in jobs if not job.writes]
        self._notify(self._listener.jobs_done, results, self._oldest_at_ms)

    def _write(self, jobs: Sequence[Job]) -> list[JobResult]:
        """Run jobs in one transaction: rules 1 and 2."""
        store, cause = self._store, self._fault
        if cause is None and store is not None:
            try:
                with store.transaction():
                    results: list[JobResult] = [(job, job.work(store), None) for job in jobs]
            except sqlite3.Error as error:
                self._record_failure(error)
                cause = self._fault
            except Exception as error:  # noqa: BLE001 (a fault of ours: the jobs' callers wait for it)
                cause = describe_fault(error)
            else:
                number_next = store.number_next
                if self._ensure_in_place(number_next):
                    self._number_next = number_next
                    self._needs_tidying = True
                    self._update_oldest()
                    return results
                cause = self._fault
                # The jobs fail, so the drain must not read their rows from the file without a name.
                with contextlib.suppress(sqlite3.Error), store.transaction():
                    store.remove_from(self._number_next)
        return [(job, None, SpoolUnwritable(cause)) for job in jobs]

    def _update_oldest(self) -> None:
        if self._store is not None:
            # Only a gauge, so what was committed stays committed. Not only SQLite's errors: without
            # memory it raises MemoryError.
            with contextlib.suppress(Exception):
                self._oldest_at_ms = self._store.oldest_at_ms()

    def _ensure_in_place(self, number_next: int) -> bool:
        """Return True if what is committed below a number can be found again: rule 5."""
        self._check_at_s = time.monotonic() + CHECK_S
        if self._in_place():
            return True
        # The listener gets no fault: new callbacks wait in the queue for the new file.
        log.error("spool_unwritable", directory=str(self._directory), cause=_NOT_IN_PLACE)
        try:
            self._replace(number_next, _NOT_IN_PLACE)
        except Exception as error:  # noqa: BLE001 (no error may end the thread)
            self._record_failure(error)
            return False
        self._notify(self._listener.file_replaced)
        log.info("spool_writable", directory=str(self._directory))
        return True

    def _check_file(self) -> None:
        """Check the file every CHECK_S: rules 5 and 6."""
        if self._ensure_in_place(self._number_next):
            self._limit_wal()

    def _limit_wal(self) -> None:
        """Start a new file if the WAL grows without end: rule 6."""
        store, now_s = self._store, time.monotonic()
        if store is None or store.wal_bytes <= WAL_BYTES_MAX or now_s < self._limit_wal_at_s:
            return
        try:
            store.checkpoint()
            if store.wal_bytes > WAL_BYTES_MAX + store.live_bytes():
                self._replace(self._number_next, _WAL_PINNED)
        except Exception as error:  # noqa: BLE001 (the open file is still good)
            self._limit_wal_at_s = now_s + _LIMIT_WAL_AGAIN_S
            log.warning(
                "spool_wal_not_truncated", cause=describe_fault(error), bytes=store.wal_bytes
            )

    def _in_place(self) -> bool:
        """Return True if the paths still lead to the locked and open files."""
        if self._file is None:
            return False
        if self._store is None:
            return file_identity(self._file.path) is not None
        return self._file.lock_in_place and self._store.in_place

    def _replace(self, number_next: int, cause: str) -> SpoolStore:
        """Copy the rows below a number from the open file into a new one: rules 5 and 6."""
        former, former_file = self._store, self._file
        if former is None or former_file is None:
            raise SpoolUnwritable(_NOT_IN_PLACE)
        file, store = create_store(self._directory, number_min=number_next)
        try:
            with store.transaction():
                callbacks = store.copy_from(former, below=number_next)
            if not (file.lock_in_place and store.in_place):
                raise SpoolUnwritable(_NOT_IN_PLACE)  # noqa: TRY301 (the same clean-up)
        except BaseException:
            with contextlib.suppress(OSError, sqlite3.Error):
                self._discard(store, file)
            raise
        self._file, self._store, self._number_next = file, store, number_next
        (log.error if cause == _NOT_IN_PLACE else log.warning)(
            "spool_file_replaced",
            file=str(former_file.path),
            new_file=str(file.path),
            callbacks=callbacks,
            cause=cause,
        )
        with contextlib.suppress(OSError, sqlite3.Error):
            self._discard(former, former_file)
        return store

    def _discard(self, store: SpoolStore, file: LockedFile) -> None:
        """Close a file that is not needed any more, and delete it if it is still at its path."""
        in_place, journals = store.path_leads_here, store.journals
        store.close()
        if in_place:
            file.remove()
            return
        for journal in journals:  # SQLite would apply our WAL to the file that has the name now
            journal.unlink(missing_ok=True)
        file.abandon()

    def _read(self, job: Job) -> JobResult:
        if self._store is not None:
            try:
                return job, job.work(self._store), None
            except sqlite3.Error as error:
                self._record_failure(error)
            except Exception as error:  # noqa: BLE001 (a fault of ours: the job's caller waits for it)
                return job, None, error
        return job, None, SpoolUnwritable(self._fault)

    def _tidy(self) -> None:
        self._needs_tidying = False
        try:
            if self._store is not None and self._fault is None:
                self._needs_tidying = self._store.reclaim_space()
        except Exception as error:  # noqa: BLE001 (no error may end the thread)
            self._record_failure(error)

    def _try_open(self) -> None:
        """Open a file, and verify that it can be written: rule 2."""
        try:
            self._open().verify_writable(self._number_next)
        except Exception as error:  # noqa: BLE001 (no error may end the thread)
            self._record_failure(error)
        else:
            self._fault = None
            self._published = frozenset()
            self._notify(self._listener.fault_changed, None)

    def _open(self) -> SpoolStore:
        """Open our file again, or another one: rules 3 and 4."""
        if self._store is not None and self._file is not None:
            all_published = False
            with contextlib.suppress(sqlite3.Error):
                all_published = (
                    bool(self._published) and self._store.callback_numbers() <= self._published
                )
            if not all_published and not self._in_place():
                store = self._replace(self._number_next, _NOT_IN_PLACE)
                self._notify(self._listener.file_replaced)
                return store
            store, self._store = self._store, None
            if all_published:
                file, self._file = self._file, None
                self._discard(store, file)
            else:
                store.close()
        if self._file is not None and not self._in_place():
            self._file.release()  # removed while it could not be opened: its content is lost
            self._file = None
        if self._file is None:
            return self._open_first()
        self._store = SpoolStore(self._file.path, check=False, number_min=self._number_next)
        return self._store

    def _open_first(self) -> SpoolStore:
        """Open a file that nobody owns, or a new one. Its parked callbacks are tried again."""
        claimed = claim_largest(self._directory) if self._number_next == 0 else None
        file, store = claimed or create_store(self._directory, number_min=self._number_next)
        try:
            with contextlib.suppress(sqlite3.Error), store.transaction():
                store.unpark_all()
            counts = store.count()
            self._oldest_at_ms = store.oldest_at_ms()
        except Exception as error:
            store.close()
            if means_damage(error):
                quarantine(file, error)
            else:
                file.release()
            raise
        self._notify(self._listener.file_opened, counts, self._oldest_at_ms, self._number_next)
        self._file, self._store, self._number_next = file, store, store.number_next
        log.info(
            "spool_opened", file=str(file.path), callbacks=counts.callbacks, bytes=counts.size_bytes
        )
        return store

    def _record_failure(self, error: Exception) -> None:
        self._fault = describe_fault(error)
        self._try_at_s = time.monotonic() + RETRY_S
        if means_damage(error) and self._file is not None:
            in_place = self._in_place()
            with contextlib.suppress(sqlite3.Error, OSError):
                if self._store is not None:
                    self._store.close()
                if in_place:
                    quarantine(self._file, error)
                else:
                    log.error("spool_file_damaged", file=str(self._file.path), cause=str(error))
                    self._file.abandon()
            self._file, self._store = None, None
            self._notify(self._listener.file_opened, SpoolCounts(), None, self._number_next)
        self._notify(self._listener.fault_changed, self._fault)

    def _close_file(self) -> None:
        """Close the file with everything in it; remove it if it is empty."""
        empty = False
        if self._store is not None and not self._in_place():
            # What this raises is logged already, and there is nothing left to try.
            with contextlib.suppress(Exception):
                if not self._store.is_empty():
                    self._ensure_in_place(self._number_next)
        store, file = self._store, self._file
        if store is not None and file is not None and not self._in_place():
            with contextlib.suppress(OSError, sqlite3.Error):
                self._discard(store, file)
            return
        if store is not None:
            with contextlib.suppress(sqlite3.Error):
                store.checkpoint()
                empty = store.is_empty()
            store.close()
        if file is not None:
            with contextlib.suppress(OSError):
                file.remove() if empty else file.release()
