"""Adopting what processes that are gone left behind.

1. A spool file nobody holds is taken, and its callbacks are moved page by page: committed in our own
   file, then deleted there. A crash in between makes duplicates with the same ids, never a loss.
2. Where the deletion fails, what was moved is remembered, and not moved again by this process.
3. Within a file the order is kept. Callbacks go behind what our own file has of their keys.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import structlog

from bridge.spool import files
from bridge.spool.codec import Extent, Kept
from bridge.spool.locking import CANNOT_OPEN, Claimed, cause_of, claim, is_of_damage, set_aside
from bridge.spool.store import Store
from bridge.telemetry.logs import where

log = structlog.get_logger()

PAGE_CALLBACKS_MAX: Final = 256
PAGE_BYTES_MAX: Final = 1_048_576


class Adopting(Protocol):
    """The spool that takes callbacks over."""

    def has_room(self, callbacks: Sequence[Kept]) -> bool:
        """Say whether it can take them."""
        ...

    async def adopt(self, callbacks: Sequence[Kept]) -> None:
        """Return when they are fsynced; raises NotSpooled."""
        ...


class Adopter:
    """Looks round in the directory every ``scan_s``; ``damaged`` is what it saw set aside."""

    def __init__(self, directory: Path, spool: Adopting, *, scan_s: float) -> None:
        self._directory = directory
        self._spool = spool
        self._scan_s = scan_s
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._moved: dict[Path, int] = {}
        self._told: set[Path] = set()
        self.damaged = 0

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="spool-adopter")

    async def stop(self) -> None:
        """Return when the page under way is moved."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._scan()
            except OSError as error:  # of the directory itself, which the writer tells about
                log.debug("spool_directory_not_read", cause=str(error))
            except Exception as error:  # noqa: BLE001 (a fault of ours must not end the adopting)
                log.error("adopter_failed", error=type(error).__name__, where=where(error))  # noqa: TRY400
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._scan_s):
                    await self._stopping.wait()

    async def _scan(self) -> None:
        self.damaged, paths = await asyncio.to_thread(_look, self._directory)
        for path in paths:
            if self._stopping.is_set() or not self._spool.has_room([]):
                return
            try:
                claimed = await asyncio.to_thread(claim, path)
            except CANNOT_OPEN as error:
                self._tell(path, error)
            else:
                if claimed is not None:
                    await self._adopt(claimed)

    def _tell(self, path: Path, error: Exception) -> None:
        """Log once what keeps a file from being adopted."""
        if path not in self._told:
            self._told.add(path)
            log.warning("spool_file_unusable", file=str(path), cause=cause_of(error))

    async def _adopt(self, claimed: Claimed) -> None:
        """Move what there is room for, and remove the file if that was all."""
        held, store = claimed
        fault: Exception | None = None
        emptied = False
        try:
            emptied = await self._move(held.path, store)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is this file's alone)
            fault = error
            self._tell(held.path, error)
        in_place = store.in_place
        await asyncio.to_thread(store.close)
        if not in_place:
            held.abandon()  # whatever has its name now was not read
        elif emptied:
            await asyncio.to_thread(held.remove)
        elif fault is not None and is_of_damage(fault):
            set_aside(held, fault)
        else:
            held.release()

    async def _move(self, path: Path, store: Store) -> bool:
        """Say whether the file is empty after all that could be moved was."""
        total = 0
        while not self._stopping.is_set():
            page = await asyncio.to_thread(
                store.page,
                self._moved.get(path, 0),
                callbacks_max=PAGE_CALLBACKS_MAX,
                bytes_max=PAGE_BYTES_MAX,
                parked=True,
            )
            if not page:
                if total:
                    log.info("spool_adopted", file=str(path), callbacks=total)
                return await asyncio.to_thread(store.empty)
            if not self._spool.has_room(page):
                page = page[:1]
            if not self._spool.has_room(page):
                break
            await self._spool.adopt(page)
            self._moved[path] = page[-1].number
            await asyncio.to_thread(_delete, store, [one.extent for one in page])
            total += len(page)
        return False


def _look(directory: Path) -> tuple[int, list[Path]]:
    """Return how many damaged files there are, and the spools."""
    files.sweep(directory)
    return len(files.damaged(directory)), files.spools(directory)


def _delete(store: Store, callbacks: Sequence[Extent]) -> None:
    with store.transaction():
        store.remove(callbacks)
