"""The spool files of a directory: who owns them, and how a process takes, creates and removes one.

1. Each file has a lock file beside it, which its owner holds by ``flock`` as long as it lives. The
   kernel releases the lock however the process ends. Only SQLite opens the database itself: closing
   any other descriptor of it would drop SQLite's own locks.
2. When a file is removed, its lock file goes last. A process that then locks a lock file which is
   no longer in the directory owns nothing; so the locked inode is compared with the one at the
   path.
3. A damaged file is renamed, with its WAL, and never deleted. A WAL whose database somebody else
   removed is renamed too: it may hold callbacks, and SQLite would delete it.
"""

import contextlib
import fcntl
import os
import secrets
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from bridge.spool import NotSpooled
from bridge.spool.directory import fsync_directory, make_directory
from bridge.spool.store import (
    SHM,
    WAL,
    FileDamaged,
    FileNotOurs,
    SpoolStore,
    file_identity,
    is_corruption,
    with_suffix,
)
from bridge.telemetry.logs import error_location

log = structlog.get_logger()

_NAMES: Final = "spool-*.db"
_DAMAGED_NAMES: Final = ("spool-*.db.damaged", "spool-*.db-wal.damaged")
_LOCK: Final = ".lock"
_DAMAGED: Final = ".damaged"
_JOURNAL: Final = "-journal"
_RETRY_S: Final = 0.02
OPEN_ERRORS: Final = (OSError, sqlite3.Error, FileNotOurs)


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A spool file, and the lock that makes it ours: rule 1."""

    path: Path
    descriptor: int

    def release(self) -> None:
        """Leave the file to others."""
        os.close(self.descriptor)

    def remove(self) -> None:
        """Delete the file, which is empty, and then its lock: rule 2."""
        self.path.unlink(missing_ok=True)
        with_suffix(self.path, WAL).unlink(missing_ok=True)
        self.remove_leftovers()

    def abandon(self) -> None:
        """Release a path that does not lead to our file any more. Clean up if it leads nowhere."""
        if self.lock_in_place and not self.path.exists():
            with_suffix(self.path, WAL).unlink(missing_ok=True)
            self.remove_leftovers()
        else:
            self.release()

    @property
    def lock_in_place(self) -> bool:
        """Return True if the lock file in the directory is the one that is locked."""
        return _is_at(self.descriptor, _lock_path(self.path))

    def rename_damaged(self) -> Path:
        """Rename the damaged file; return its new path: rule 3."""
        damaged = with_suffix(self.path, _DAMAGED)
        self.path.rename(damaged)
        self.remove_leftovers()
        return damaged

    def remove_leftovers(self) -> None:
        """Remove what is beside a file that is gone, the lock last."""
        wal, damaged = with_suffix(self.path, WAL), with_suffix(self.path, _DAMAGED)
        try:
            # The process may have crashed between the two renames of a damaged file.
            if damaged.exists() and wal.exists():
                wal.rename(with_suffix(damaged, WAL))
            elif _is_not_empty(wal):
                wal.rename(with_suffix(wal, _DAMAGED))
            wal.unlink(missing_ok=True)
            with_suffix(self.path, SHM).unlink(missing_ok=True)
            with_suffix(self.path, _JOURNAL).unlink(missing_ok=True)
            _lock_path(self.path).unlink(missing_ok=True)
            fsync_directory(self.path.parent)
        finally:
            self.release()


OpenFile = tuple[LockedFile, SpoolStore]
"""A file that is ours, and its database."""


def _lock_path(path: Path) -> Path:
    return with_suffix(path, _LOCK)


def _is_not_empty(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def spool_files(directory: Path) -> list[Path]:
    """Return the spool files of a directory, the largest first."""
    return sorted(directory.glob(_NAMES), key=_size, reverse=True)


def damaged_files(directory: Path) -> list[Path]:
    """Return the damaged files of a directory."""
    return sorted(path for names in _DAMAGED_NAMES for path in directory.glob(names))


def _size(path: Path) -> int:
    size = 0
    for file in (path, with_suffix(path, WAL)):
        with contextlib.suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


def lock_file(path: Path) -> LockedFile | None:
    """Return a file as ours; None if another process owns it, or it is gone."""
    locked = _lock(path)
    if locked is None:
        return None
    if not path.exists():
        locked.remove_leftovers()
        return None
    return locked


def create_file(directory: Path) -> LockedFile:
    """Return a new, empty file as ours. Only this user can read it."""
    make_directory(directory)
    locked = None
    while locked is None:  # a sweeping process may have removed our new lock file
        locked = _lock(directory / f"spool-{secrets.token_hex(8)}.db")
    try:
        os.close(os.open(locked.path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        fsync_directory(directory)
    except OSError:
        with contextlib.suppress(OSError):
            locked.remove()
        raise
    return locked


def sweep(directory: Path) -> None:
    """Remove the leftovers of files that are gone: their owner died, or somebody removed one."""
    for ending in (_LOCK, WAL, SHM, _JOURNAL):
        for left in directory.glob(_NAMES + ending):
            path = left.with_name(left.name.removesuffix(ending))
            if not path.exists():
                lock_file(path)


def _lock(path: Path) -> LockedFile | None:
    """Lock a path, whether or not it has a lock file; None if another process holds the lock."""
    lock = _lock_path(path)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _flock(descriptor)
        if not _is_at(descriptor, lock):
            os.close(descriptor)
            return None
        with contextlib.suppress(OSError):  # a full disk must not keep us from its callbacks
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {os.uname().nodename}".encode(), 0)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return LockedFile(path, descriptor)


def _flock(descriptor: int) -> None:
    """Lock a lock file; raise BlockingIOError if another process holds it.

    A process in ``find_owner`` holds it for a moment, too. So one failed attempt does not count.
    """
    for again in (True, True, False):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not again:
                raise
            time.sleep(_RETRY_S)
        else:
            return


def _is_at(descriptor: int, path: Path) -> bool:
    ours = os.fstat(descriptor)
    return file_identity(path) == (ours.st_dev, ours.st_ino)


def find_owner(path: Path) -> str | None:
    """Return who owns a spool file, in words; None if nobody does."""
    try:
        descriptor = os.open(_lock_path(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, 200, 0).decode(errors="replace") or "a process"
    else:
        return None
    finally:
        os.close(descriptor)


def claim(path: Path) -> OpenFile | None:
    """Lock and open a file; None if another process owns it, it is gone, or it was damaged.

    Raises one of OPEN_ERRORS, and leaves the file as it is.
    """
    locked = lock_file(path)
    if locked is None:
        return None
    try:
        return locked, SpoolStore(path)
    except FileDamaged as error:
        quarantine(locked, error)
        return None
    except BaseException:
        locked.release()
        raise


def claim_largest(directory: Path) -> OpenFile | None:
    """Return the largest file that nobody owns. Files that cannot be opened are logged and skipped."""
    sweep(directory)
    for path in spool_files(directory):
        try:
            claimed = claim(path)
        except OPEN_ERRORS as error:
            log.warning("spool_file_unusable", file=str(path), cause=describe_fault(error))
        else:
            if claimed is not None:
                return claimed
    return None


def create_store(directory: Path, *, number_min: int = 1) -> OpenFile:
    """Create a file and open it. Raises OSError or sqlite3.Error."""
    locked = create_file(directory)
    try:
        return locked, SpoolStore(locked.path, check=False, number_min=number_min)
    except BaseException:
        locked.remove()
        raise


def quarantine(locked: LockedFile, error: Exception) -> None:
    """Rename a damaged file of ours, and log it."""
    path = locked.rename_damaged()
    log.error("spool_file_damaged", file=str(path), cause=str(error))


def means_damage(error: Exception) -> bool:
    """Return True if an error means that the file is damaged."""
    return isinstance(error, FileDamaged) or (
        isinstance(error, sqlite3.Error) and is_corruption(error)
    )


def describe_fault(error: Exception) -> str:
    """Return why the disk was not written, without content."""
    if isinstance(error, sqlite3.Error):
        return f"{getattr(error, 'sqlite_errorname', 'SQLite')}: {error}"
    if isinstance(error, FileDamaged | FileNotOurs | NotSpooled):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return f"{type(error).__name__} at {error_location(error)}"
