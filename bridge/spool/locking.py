"""Taking a spool file into possession: locked, opened, sound."""

import sqlite3
from pathlib import Path

import structlog

from bridge.spool import NotSpooled
from bridge.spool.files import LockedFile, create_file, lock_file, spool_files, sweep
from bridge.spool.store import FileDamaged, FileNotOurs, SpoolStore, is_corruption
from bridge.telemetry.logs import error_location

log = structlog.get_logger()

Claimed = tuple[LockedFile, SpoolStore]
OPEN_ERRORS = (OSError, sqlite3.Error, FileNotOurs)


def claim(path: Path) -> Claimed | None:
    """Return a file as ours; None if another process holds it, it is gone, or was set aside.

    Raises one of CANNOT_OPEN, and has left the file as it was.
    """
    held = lock_file(path)
    if held is None:
        return None
    try:
        return held, SpoolStore(path)
    except FileDamaged as error:
        quarantine(held, error)
        return None
    except BaseException:
        held.release()
        raise


def quarantine(held: LockedFile, error: Exception) -> None:
    """Rename a damaged file of ours, and say so."""
    path = held.rename_damaged()
    log.error("spool_file_damaged", file=str(path), cause=str(error))


def means_damage(error: Exception) -> bool:
    """Say whether an error means that the file is damaged."""
    return isinstance(error, FileDamaged) or (
        isinstance(error, sqlite3.Error) and is_corruption(error)
    )


def claim_largest(directory: Path) -> Claimed | None:
    """Return the largest file nobody holds; what cannot be opened is passed over, and told."""
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


def create_store(directory: Path, *, number_min: int = 1) -> Claimed:
    """Return a new file; raises OSError or sqlite3.Error."""
    held = create_file(directory)
    try:
        return held, SpoolStore(held.path, check=False, number_min=number_min)
    except BaseException:
        held.remove()
        raise


def describe_fault(error: Exception) -> str:
    """Return why the disk was not written, without content."""
    if isinstance(error, sqlite3.Error):
        return f"{getattr(error, 'sqlite_errorname', 'SQLite')}: {error}"
    if isinstance(error, FileDamaged | FileNotOurs | NotSpooled):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return f"{type(error).__name__} at {error_location(error)}"
