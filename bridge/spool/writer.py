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

from bridge.spool import SpoolUnwritable, files
from bridge.spool.claim import begin, cause_of, claim_largest, is_of_damage, set_aside
from bridge.spool.store import Store
from bridge.spool.tally import Tally

log = structlog.get_logger()

RETRY_S: Final = 1.0
CLOSE_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do in the thread, and what is then called in the event loop's."""

    work: Callable[[Store], Any]
    settled: Callable[[Any, Exception | None], None]
    writes: bool = True


class Listener(Protocol):
    """Whom the thread tells of things, always in the event loop's thread and in their order."""

    def opened(self, tally: Tally, oldest_at_ms: int | None, number_min: int) -> None:
        """Take what the file holds that is ours from now on; lesser numbers are not in it."""
        ...

    def faulty(self, cause: str | None) -> None:
        """Take why nothing can be written, or None if it can."""
        ...

    def settled(self, ended: Sequence["Ended"], oldest_at_ms: int | None) -> None:
        """Take how jobs ended, and when what is now first in line was spooled."""
        ...


Ended = tuple[Job, Any, Exception | None]


class Writer:
    """The thread, and the file it has open."""

    def __init__(self, directory: Path, listener: Listener) -> None:
        self._directory = directory
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)
        self._stirred = threading.Condition()
        self._jobs: list[Job] = []
        self._closing = False
        self._ended = False
        self._held: files.Held | None = None
        self._store: Store | None = None
        self._fault: str | None = "not open yet"
        self._oldest_at_ms: int | None = None
        self._number_next = 0  # 0: no file was open yet
        self._published: AbstractSet[int] = frozenset()
        self._untidy = False
        self._try_at = 0.0

    @property
    def path(self) -> Path | None:
        """Return the file that is ours."""
        return self._held.path if self._held else None

    def start(self) -> None:
        """Begin; the listener is told of the first attempt whatever its end."""
        self._thread.start()

    def put(self, job: Job) -> None:
        """Have a job done: rule 1."""
        with self._stirred:
            if not self._ended:
                self._jobs.append(job)
                self._stirred.notify()
                return
        self._tell(self._listener.settled, [(job, None, SpoolUnwritable("closed"))], None)

    def published(self, numbers: AbstractSet[int]) -> None:
        """Take which callbacks are on Kafka and could not be deleted: rule 4."""
        with self._stirred:
            self._published = numbers

    async def close(self) -> None:
        """Return when all jobs are done and the file is closed; an empty one is removed.

        A disk that hangs is not waited for: the kernel takes our lock with the process.
        """
        with self._stirred:
            self._closing = True
            self._stirred.notify()
        await self._loop.run_in_executor(None, self._thread.join, CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            log.error("spool_not_closed", file=str(self.path), timeout_s=CLOSE_TIMEOUT_S)

    def _tell(self, call: Callable[..., None], *about: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended before us
            self._loop.call_soon_threadsafe(call, *about)

    def _run(self) -> None:
        self._try()
        while not self._ended:
            jobs = self._wait()
            if self._fault is not None and time.monotonic() >= self._try_at:
                self._try()
            if jobs:
                self._do(jobs)
            elif self._untidy:
                self._tidy()
        self._seal()

    def _wait(self) -> list[Job]:
        """Return what there is to do."""
        with self._stirred:
            if not (self._jobs or self._closing or self._untidy):
                self._stirred.wait(None if self._fault is None else RETRY_S)
            jobs, self._jobs = self._jobs, []
            self._ended = self._closing and not jobs
            return jobs

    def _do(self, jobs: Sequence[Job]) -> None:
        writes = [job for job in jobs if job.writes]
        ended = self._write(writes) if writes else []
        ended += [self._read(job) for job in jobs if not job.writes]
        self._tell(self._listener.settled, ended, self._oldest_at_ms)

    def _write(self, jobs: Sequence[Job]) -> list[Ended]:
        """Do jobs in one transaction: rules 1 and 2."""
        store, cause = self._store, self._fault
        if cause is None and store is not None:
            try:
                with store.transaction():
                    ended: list[Ended] = [(job, job.work(store), None) for job in jobs]
            except sqlite3.Error as error:
                self._failed(error)
                cause = self._fault
            except Exception as error:  # noqa: BLE001 (a fault of ours: callers must be told)
                cause = cause_of(error)
            else:
                self._number_next = store.number_next
                self._untidy = True
                with contextlib.suppress(sqlite3.Error):
                    self._oldest_at_ms = store.oldest_at_ms()
                return ended
        return [(job, None, SpoolUnwritable(cause)) for job in jobs]

    def _read(self, job: Job) -> Ended:
        if self._store is not None:
            try:
                return job, job.work(self._store), None
            except sqlite3.Error as error:
                self._failed(error)
            except Exception as error:  # noqa: BLE001 (the same)
                return job, None, error
        return job, None, SpoolUnwritable(self._fault)

    def _tidy(self) -> None:
        self._untidy = False
        try:
            if self._store is not None and self._fault is None:
                self._untidy = self._store.tidy()
        except sqlite3.Error as error:
            self._failed(error)

    def _try(self) -> None:
        """Open the file anew, and prove that it can be written: rule 2."""
        try:
            self._open().prove(self._number_next)
        except Exception as error:  # noqa: BLE001 (whatever it is, it must not end the thread)
            self._failed(error)
        else:
            self._fault = None
            self._published = frozenset()
            self._tell(self._listener.faulty, None)

    def _open(self) -> Store:
        """Return our file, opened anew, or another: rules 3 and 4."""
        if self._held is not None and not self._held.path.exists():
            self._held.release()  # removed under our feet: what was in it is gone
            self._held, self._store = None, None
        if self._store is not None and self._held is not None:
            store, self._store = self._store, None
            useless = False
            with contextlib.suppress(sqlite3.Error):
                useless = bool(self._published) and store.callbacks() <= self._published
            store.close()
            if useless:
                self._held.remove()
                self._held = None
        if self._held is None:
            return self._begin()
        self._store = Store(self._held.path, check=False, number_min=self._number_next)
        return self._store

    def _begin(self) -> Store:
        """Take a file nobody holds, or a new one, and tell what it holds, all to be tried again."""
        claimed = claim_largest(self._directory) if self._number_next == 0 else None
        held, store = claimed or begin(self._directory, number_min=self._number_next)
        try:
            with contextlib.suppress(sqlite3.Error), store.transaction():
                store.unpark()
            tally = store.tally()
            self._oldest_at_ms = store.oldest_at_ms()
        except Exception as error:
            store.close()
            if is_of_damage(error):
                set_aside(held, error)
            else:
                held.release()
            raise
        self._tell(self._listener.opened, tally, self._oldest_at_ms, self._number_next)
        self._held, self._store, self._number_next = held, store, store.number_next
        log.info(
            "spool_opened", file=str(held.path), callbacks=tally.callbacks, bytes=tally.size_bytes
        )
        return store

    def _failed(self, error: Exception) -> None:
        self._fault = cause_of(error)
        self._try_at = time.monotonic() + RETRY_S
        if is_of_damage(error) and self._held is not None:
            with contextlib.suppress(sqlite3.Error, OSError):
                if self._store is not None:
                    self._store.close()
                set_aside(self._held, error)
            self._held, self._store = None, None
            self._tell(self._listener.opened, Tally(), None, self._number_next)
        self._tell(self._listener.faulty, self._fault)

    def _seal(self) -> None:
        """Close the file, all of it in one piece; an empty one is removed."""
        store, held = self._store, self._held
        empty = False
        if store is not None:
            with contextlib.suppress(sqlite3.Error):
                store.checkpoint()
                empty = store.empty()
            store.close()
        if held is not None:
            with contextlib.suppress(OSError):
                held.remove() if empty else held.release()
