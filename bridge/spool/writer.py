"""The thread that owns the spool's file: it alone touches the disk.

1. Everything that waits when it comes round is written in one transaction, so one fsync serves all
   of it; while it is in that fsync the next group gathers.
2. When SQLite fails, the transaction is rolled back, all in it are told, and nothing more is written
   until opening the file again and a real write have worked; that is tried every RETRY_S. Reading
   goes on if the file can be opened.
3. A damaged file is set aside and a new one begun, and its numbers go on where the old ended, so
   that no number means two callbacks in the life of a process.
4. A disk that is full of nothing but what Kafka has already cannot even take a deletion: then the
   whole file is deleted.
5. A file can be removed, renamed or replaced while it is open, alone or with its directory; writing
   and fsyncing then go on into a file that nobody finds again. So after every commit, before anybody
   hears of it, and every CHECK_S, the paths are compared with what is open. If they differ, all rows
   are copied from the open file, which can still be read, into a new one in the directory, with their
   numbers. What comes meanwhile waits for that.
6. SQLite cannot cut the WAL while another process reads an old state of the file (a shell left open, a
   backup that hangs). Where the WAL has grown WAL_BYTES_MAX beyond what the file holds, all rows are
   copied into a new file in the same way, and the reader keeps the old one, which has no name any more.
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

from bridge.spool import SpoolUnwritable, locking
from bridge.spool.accounting import SpoolCounts
from bridge.spool.locking import (
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
_WAL_PINNED: Final = "a process that reads the spool file keeps its WAL from being cut"


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do in the thread, and what is then called in the event loop's."""

    work: Callable[[SpoolStore], Any]
    on_done: Callable[[Any, Exception | None], None]
    writes: bool = True


class WriterListener(Protocol):
    """Whom the thread tells of things, always in the event loop's thread and in their order."""

    def file_opened(self, tally: SpoolCounts, oldest_at_ms: int | None, number_min: int) -> None:
        """Take what the file holds that is ours from now on; lesser numbers are not in it."""
        ...

    def fault_changed(self, cause: str | None) -> None:
        """Take why nothing can be written, or None if it can."""
        ...

    def file_replaced(self) -> None:
        """Take that a new file was begun because the path led to ours no more: rule 5."""
        ...

    def jobs_done(self, results: Sequence["JobResult"], oldest_at_ms: int | None) -> None:
        """Take how jobs ended, and when what is now first in line was spooled."""
        ...


JobResult = tuple[Job, Any, Exception | None]


def _ensure_in_place(held: locking.LockedFile, store: SpoolStore) -> None:
    if not (held.lock_in_place and store.in_place):
        raise SpoolUnwritable(_NOT_IN_PLACE)


class SpoolWriter:
    """The thread, and the file it has open."""

    def __init__(self, directory: Path, listener: WriterListener) -> None:
        self._directory = directory
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)
        self._condition = threading.Condition()
        self._jobs: list[Job] = []
        self._closing = False
        self._ended = False
        self._file: locking.LockedFile | None = None
        self._store: SpoolStore | None = None
        self._fault: str | None = "not open yet"
        self._oldest_at_ms: int | None = None
        self._number_next = 0  # 0: no file was open yet
        self._published: AbstractSet[int] = frozenset()
        self._needs_tidying = False
        self._try_at = 0.0
        self._check_at = 0.0
        self._limit_wal_at = 0.0

    @property
    def path(self) -> Path | None:
        """Return the file that is ours."""
        return self._file.path if self._file else None

    def start(self) -> None:
        """Begin; the listener is told of the first attempt whatever its end."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Have a job done: rule 1."""
        with self._condition:
            if not self._ended:
                self._jobs.append(job)
                self._condition.notify()
                return
        self._notify(self._listener.jobs_done, [(job, None, SpoolUnwritable("closed"))], None)

    def set_published(self, numbers: AbstractSet[int]) -> None:
        """Take which callbacks are on Kafka and could not be deleted: rule 4."""
        with self._condition:
            self._published = numbers

    async def close(self) -> None:
        """Return when all jobs are done and the file is closed; an empty one is removed.

        A disk that hangs is not waited for: the kernel takes our lock with the process.
        """
        with self._condition:
            self._closing = True
            self._condition.notify()
        await self._loop.run_in_executor(None, self._thread.join, CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            log.error("spool_not_closed", file=str(self.path), timeout_s=CLOSE_TIMEOUT_S)

    def _notify(self, call: Callable[..., None], *about: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended before us
            self._loop.call_soon_threadsafe(call, *about)

    def _run(self) -> None:
        self._try_open()
        while not self._ended:
            jobs = self._wait()
            if self._fault is not None and time.monotonic() >= self._try_at:
                self._try_open()
            if jobs:
                self._run_jobs(jobs)
            elif self._needs_tidying:
                self._tidy()
            if self._fault is None and time.monotonic() >= self._check_at:
                self._check_file()
        self._close_file()

    def _wait(self) -> list[Job]:
        """Return what there is to do."""
        with self._condition:
            if not (self._jobs or self._closing or self._needs_tidying):
                self._condition.wait(CHECK_S if self._fault is None else RETRY_S)
            jobs, self._jobs = self._jobs, []
            self._ended = self._closing and not jobs
            return jobs

    def _run_jobs(self, jobs: Sequence[Job]) -> None:
        writes = [job for job in jobs if job.writes]
        ended = self._write(writes) if writes else []
        ended += [self._read(job) for job in jobs if not job.writes]
        self._notify(self._listener.jobs_done, ended, self._oldest_at_ms)

    def _write(self, jobs: Sequence[Job]) -> list[JobResult]:
        """Do jobs in one transaction: rules 1 and 2."""
        store, cause = self._store, self._fault
        if cause is None and store is not None:
            try:
                with store.transaction():
                    ended: list[JobResult] = [(job, job.work(store), None) for job in jobs]
            except sqlite3.Error as error:
                self._record_failure(error)
                cause = self._fault
            except Exception as error:  # noqa: BLE001 (a fault of ours: callers must be told)
                cause = describe_fault(error)
            else:
                number_next = store.number_next
                if self._ensure_in_place(number_next):
                    self._number_next = number_next
                    self._needs_tidying = True
                    self._update_oldest()
                    return ended
                cause = self._fault
                with contextlib.suppress(sqlite3.Error), store.transaction():
                    store.remove_from(self._number_next)  # refused, so it must not be published
        return [(job, None, SpoolUnwritable(cause)) for job in jobs]

    def _update_oldest(self) -> None:
        if self._store is not None:
            with contextlib.suppress(sqlite3.Error):
                self._oldest_at_ms = self._store.oldest_at_ms()

    def _ensure_in_place(self, number_next: int) -> bool:
        """Say whether what is committed below a number can be found again: rule 5."""
        self._check_at = time.monotonic() + CHECK_S
        if self._in_place():
            return True
        # Nobody is refused meanwhile: what comes waits in the queue for the new file.
        log.error("spool_unwritable", directory=str(self._directory), cause=_NOT_IN_PLACE)
        try:
            self._replace(number_next, _NOT_IN_PLACE)
        except Exception as error:  # noqa: BLE001 (whatever it is, it must not end the thread)
            self._record_failure(error)
            return False
        self._notify(self._listener.file_replaced)
        log.info("spool_writable", directory=str(self._directory))
        return True

    def _check_file(self) -> None:
        """Do what comes round every CHECK_S: rules 5 and 6."""
        if self._ensure_in_place(self._number_next):
            self._limit_wal()

    def _limit_wal(self) -> None:
        """Begin a new file if the WAL grows without end: rule 6."""
        store, now_s = self._store, time.monotonic()
        if store is None or store.wal_bytes <= WAL_BYTES_MAX or now_s < self._limit_wal_at:
            return
        try:
            store.checkpoint()
            if store.wal_bytes > WAL_BYTES_MAX + store.live_bytes():
                self._replace(self._number_next, _WAL_PINNED)
        except Exception as error:  # noqa: BLE001 (the file that is open is still good)
            self._limit_wal_at = now_s + _LIMIT_WAL_AGAIN_S
            log.warning(
                "spool_wal_not_truncated", cause=describe_fault(error), bytes=store.wal_bytes
            )

    def _in_place(self) -> bool:
        """Say whether the paths still lead to what is held and open."""
        if self._file is None:
            return False
        if self._store is None:
            return file_identity(self._file.path) is not None
        return self._file.lock_in_place and self._store.in_place

    def _replace(self, number_next: int, cause: str) -> SpoolStore:
        """Return a new file with the rows of the one that is open: rules 5 and 6."""
        former, former_held = self._store, self._file
        if former is None or former_held is None:
            raise SpoolUnwritable(_NOT_IN_PLACE)
        held, store = create_store(self._directory, number_min=number_next)
        try:
            with store.transaction():
                records = store.copy_from(former, below=number_next)
            _ensure_in_place(held, store)
        except BaseException:
            with contextlib.suppress(OSError, sqlite3.Error):
                self._discard(store, held)
            raise
        self._file, self._store, self._number_next = held, store, number_next
        (log.error if cause == _NOT_IN_PLACE else log.warning)(
            "spool_file_replaced",
            file=str(former_held.path),
            new_file=str(held.path),
            records=records,
            cause=cause,
        )
        with contextlib.suppress(OSError, sqlite3.Error):
            self._discard(former, former_held)
        return store

    def _discard(self, store: SpoolStore, held: locking.LockedFile) -> None:
        """Close a file of which nothing is needed any more, and delete it if it is at its path."""
        in_place, journals = store.path_leads_here, store.journals
        store.close()
        if in_place:
            held.remove()
            return
        for journal in journals:  # SQLite would apply our WAL to a file that has the name now
            journal.unlink(missing_ok=True)
        held.abandon()

    def _read(self, job: Job) -> JobResult:
        if self._store is not None:
            try:
                return job, job.work(self._store), None
            except sqlite3.Error as error:
                self._record_failure(error)
            except Exception as error:  # noqa: BLE001 (the same)
                return job, None, error
        return job, None, SpoolUnwritable(self._fault)

    def _tidy(self) -> None:
        self._needs_tidying = False
        try:
            if self._store is not None and self._fault is None:
                self._needs_tidying = self._store.reclaim_space()
        except sqlite3.Error as error:
            self._record_failure(error)

    def _try_open(self) -> None:
        """Open the file anew, and prove that it can be written: rule 2."""
        try:
            self._open().verify_writable(self._number_next)
        except Exception as error:  # noqa: BLE001 (whatever it is, it must not end the thread)
            self._record_failure(error)
        else:
            self._fault = None
            self._published = frozenset()
            self._notify(self._listener.fault_changed, None)

    def _open(self) -> SpoolStore:
        """Return our file, opened anew, or another: rules 3 and 4."""
        if self._store is not None and self._file is not None:
            useless = False
            with contextlib.suppress(sqlite3.Error):
                useless = (
                    bool(self._published) and self._store.callback_numbers() <= self._published
                )
            if not useless and not self._in_place():
                store = self._replace(self._number_next, _NOT_IN_PLACE)
                self._notify(self._listener.file_replaced)
                return store
            store, self._store = self._store, None
            if useless:
                held, self._file = self._file, None
                self._discard(store, held)
            else:
                store.close()
        if self._file is not None and not self._in_place():
            self._file.release()  # removed while it could not be opened: what was in it is gone
            self._file = None
        if self._file is None:
            return self._open_first()
        self._store = SpoolStore(self._file.path, check=False, number_min=self._number_next)
        return self._store

    def _open_first(self) -> SpoolStore:
        """Take a file nobody holds, or a new one, and tell what it holds, all to be tried again."""
        claimed = claim_largest(self._directory) if self._number_next == 0 else None
        held, store = claimed or create_store(self._directory, number_min=self._number_next)
        try:
            with contextlib.suppress(sqlite3.Error), store.transaction():
                store.unpark_all()
            tally = store.count()
            self._oldest_at_ms = store.oldest_at_ms()
        except Exception as error:
            store.close()
            if means_damage(error):
                quarantine(held, error)
            else:
                held.release()
            raise
        self._notify(self._listener.file_opened, tally, self._oldest_at_ms, self._number_next)
        self._file, self._store, self._number_next = held, store, store.number_next
        log.info(
            "spool_opened", file=str(held.path), callbacks=tally.callbacks, bytes=tally.size_bytes
        )
        return store

    def _record_failure(self, error: Exception) -> None:
        self._fault = describe_fault(error)
        self._try_at = time.monotonic() + RETRY_S
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
        """Close the file, all of it in one piece; an empty one is removed."""
        empty = False
        if self._store is not None and not self._in_place():
            with contextlib.suppress(
                Exception
            ):  # what it raises is logged, and nothing is left to try
                if not self._store.is_empty():
                    self._ensure_in_place(self._number_next)
        store, held = self._store, self._file
        if store is not None and held is not None and not self._in_place():
            with contextlib.suppress(OSError, sqlite3.Error):
                self._discard(store, held)
            return
        if store is not None:
            with contextlib.suppress(sqlite3.Error):
                store.checkpoint()
                empty = store.is_empty()
            store.close()
        if held is not None:
            with contextlib.suppress(OSError):
                held.remove() if empty else held.release()
