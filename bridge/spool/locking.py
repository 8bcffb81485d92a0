"""Taking a spool file into possession: locked, opened, sound."""

import sqlite3
from pathlib import Path

import structlog

from bridge.spool import NotSpooled
from bridge.spool.files import Held, create, hold, spools, sweep
from bridge.spool.store import FileDamaged, FileNotOurs, Store, is_damage
from bridge.telemetry.logs import where

log = structlog.get_logger()

Claimed = tuple[Held, Store]
CANNOT_OPEN = (OSError, sqlite3.Error, FileNotOurs)


def claim(path: Path) -> Claimed | None:
    """Return a file as ours; None if another process holds it, it is gone, or was set aside.

    Raises one of CANNOT_OPEN, and has left the file as it was.
    """
    held = hold(path)
    if held is None:
        return None
    try:
        return held, Store(path)
    except FileDamaged as error:
        set_aside(held, error)
        return None
    except BaseException:
        held.release()
        raise


def set_aside(held: Held, error: Exception) -> None:
    """Rename a damaged file of ours, and say so."""
    path = held.set_aside()
    log.error("spool_file_damaged", file=str(path), cause=str(error))


def is_of_damage(error: Exception) -> bool:
    """Say whether an error means that the file is damaged."""
    return isinstance(error, FileDamaged) or (isinstance(error, sqlite3.Error) and is_damage(error))


def claim_largest(directory: Path) -> Claimed | None:
    """Return the largest file nobody holds; what cannot be opened is passed over, and told."""
    sweep(directory)
    for path in spools(directory):
        try:
            claimed = claim(path)
        except CANNOT_OPEN as error:
            log.warning("spool_file_unusable", file=str(path), cause=cause_of(error))
        else:
            if claimed is not None:
                return claimed
    return None


def begin(directory: Path, *, number_min: int = 1) -> Claimed:
    """Return a new file; raises OSError or sqlite3.Error."""
    held = create(directory)
    try:
        return held, Store(held.path, check=False, number_min=number_min)
    except BaseException:
        held.remove()
        raise


def cause_of(error: Exception) -> str:
    """Return why the disk was not written, without content."""
    if isinstance(error, sqlite3.Error):
        return f"{getattr(error, 'sqlite_errorname', 'SQLite')}: {error}"
    if isinstance(error, FileDamaged | FileNotOurs | NotSpooled):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return f"{type(error).__name__} at {where(error)}"
