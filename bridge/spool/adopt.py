"""Adopt the callbacks of processes that are gone.

1. A spool file that nobody owns is locked, and its callbacks are moved page by page: committed in
   our own file, then deleted there. A crash in between makes duplicates with the same ids, never a
   loss.
2. Where the deletion fails, this process remembers what it moved, and does not move it again.
3. The order within a file is kept. Its callbacks queue behind our own file's callbacks of their
   keys.
4. Daemon threads do the work on the disk. The end of the process waits for all others, so one on a
   disk that hangs would keep it from ending.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec, Protocol, TypeVar

import structlog

from bridge.spool.codec import EncodedCallback
from bridge.spool.locking import (
    OPEN_ERRORS,
    OpenFile,
    claim,
    damaged_files,
    describe_fault,
    means_damage,
    quarantine,
    spool_files,
    sweep,
)
from bridge.spool.store import SpoolStore
from bridge.telemetry.logs import error_location

log = structlog.get_logger()

PAGE_CALLBACKS_MAX: Final = 256
PAGE_BYTES_MAX: Final = 1_048_576
STOP_TIMEOUT_S: Final = 2.0

P = ParamSpec("P")
T = TypeVar("T")


class AdoptionTarget(Protocol):
    """The spool that takes the callbacks."""

    def has_room(self, callbacks: Sequence[EncodedCallback]) -> bool:
        """Return True if it can take them."""
        ...

    async def adopt(self, callbacks: Sequence[EncodedCallback]) -> None:
        """Return when they are fsynced; raises NotSpooled."""
        ...


class Adopter:
    """Scans the directory every ``scan_s``. ``damaged`` is the number of damaged files it saw."""

    def __init__(self, directory: Path, spool: AdoptionTarget, *, scan_s: float) -> None:
        self._directory = directory
        self._spool = spool
        self._scan_s = scan_s
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._moved: dict[Path, int] = {}
        self._logged: set[Path] = set()
        self.damaged = 0

    def start(self) -> None:
        """Start the task."""
        self._task = asyncio.create_task(self._run(), name="spool-adopter")

    async def stop(self) -> None:
        """Return when the current page is moved. Does not wait for a disk that hangs: rule 4."""
        self._stopping.set()
        if self._task is None:
            return
        await asyncio.wait([self._task], timeout=STOP_TIMEOUT_S)
        if not self._task.done():
            log.error("spool_not_closed", directory=str(self._directory), timeout_s=STOP_TIMEOUT_S)
            self._task.cancel()  # what was moved and not deleted yet is moved again: rule 1

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._scan()
            except OSError as error:  # the directory itself, which the writer logs
                log.debug("spool_directory_not_read", cause=str(error))
            except Exception as error:  # noqa: BLE001 (a fault of ours must not end the task)
                log.error(  # noqa: TRY400 (a traceback may show what must not be logged)
                    "spool_adopter_failed", error=type(error).__name__, where=error_location(error)
                )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._scan_s):
                    await self._stopping.wait()

    async def _scan(self) -> None:
        self.damaged, paths = await _run_in_thread(_list_directory, self._directory)
        for path in paths:
            if self._stopping.is_set() or not self._spool.has_room([]):
                return
            try:
                claimed = await _run_in_thread(claim, path)
            except OPEN_ERRORS as error:
                self._log_once(path, error)
            else:
                if claimed is not None:
                    await self._adopt(claimed)

    def _log_once(self, path: Path, error: Exception) -> None:
        if path not in self._logged:
            self._logged.add(path)
            log.warning("spool_file_unusable", file=str(path), cause=describe_fault(error))

    async def _adopt(self, claimed: OpenFile) -> None:
        """Move the callbacks that there is room for; remove the file if it is empty then."""
        file, store = claimed
        fault: Exception | None = None
        emptied = False
        try:
            emptied = await self._move(file.path, store)
        except Exception as error:  # noqa: BLE001 (it concerns this file alone)
            fault = error
            self._log_once(file.path, error)
        in_place = store.in_place
        await _run_in_thread(store.close)
        if not in_place:
            file.abandon()  # another file has its name now, which was not read
        elif emptied:
            await _run_in_thread(file.remove)
        elif fault is not None and means_damage(fault):
            quarantine(file, fault)
        else:
            file.release()

    async def _move(self, path: Path, store: SpoolStore) -> bool:
        """Move callbacks while there is room; return True if the file is empty then."""
        total = 0
        while not self._stopping.is_set():
            page = await _run_in_thread(
                store.read_page,
                self._moved.get(path, 0),
                callbacks_max=PAGE_CALLBACKS_MAX,
                bytes_max=PAGE_BYTES_MAX,
                parked=True,
            )
            if not page:
                if total:
                    log.info("spool_adopted", file=str(path), callbacks=total)
                return await _run_in_thread(store.is_empty)
            if not self._spool.has_room(page):
                page = page[:1]
            if not self._spool.has_room(page):
                break
            await self._spool.adopt(page)
            self._moved[path] = page[-1].number
            await _run_in_thread(_delete, store, [one.number for one in page])
            total += len(page)
        return False


async def _run_in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work in a daemon thread, and return its result: rule 4."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            pass_on = partial(answer.set_result, work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 (it is raised where the result is awaited)
            pass_on = partial(answer.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop ended before us
            loop.call_soon_threadsafe(pass_on)

    threading.Thread(target=run, name="spool-adopter", daemon=True).start()
    await asyncio.wait([answer])  # a caller that is cancelled must not cancel the answer
    return answer.result()


def _list_directory(directory: Path) -> tuple[int, list[Path]]:
    """Return the number of damaged files, and the spool files."""
    sweep(directory)
    return len(damaged_files(directory)), spool_files(directory)


def _delete(store: SpoolStore, numbers: Sequence[int]) -> None:
    with store.transaction():
        store.remove(numbers)
