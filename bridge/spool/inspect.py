"""Read spool files from outside, read-only: live ones, those left behind, and damaged ones."""

import contextlib
import sqlite3
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from bridge.core.record import json_field
from bridge.spool.locking import damaged_files, find_owner, spool_files
from bridge.spool.store import connect, is_spool
from bridge.telemetry.masking import mask_path

SpoolFileStatus = Literal["live", "left behind", "damaged"]

_COLUMNS: Final = "number, spooled_at_ms, tries, parked, timestamp_ms, topic, key, headers, value"
_PAGE: Final = 256
_TOTALS: Final = """
    SELECT count(DISTINCT callback), count(*), coalesce(sum(length(key) + length(value)), 0),
           min(spooled_at_ms), count(DISTINCT CASE WHEN parked THEN callback END)
    FROM records
"""


class SpoolUnreadable(Exception):
    """A spool file cannot be read. The text says which one and why."""


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """A spool file and what it contains. ``fault`` says why its content is unknown."""

    path: Path
    status: SpoolFileStatus
    owner: str | None = None
    callbacks: int = 0
    records: int = 0
    bytes: int = 0
    oldest_at_ms: int | None = None
    parked: int = 0
    topics: tuple[tuple[str, int], ...] = ()
    fault: str | None = None


@contextlib.contextmanager
def _opened(path: Path) -> Generator[sqlite3.Connection]:
    try:
        with contextlib.closing(connect(path, "mode=ro")) as connection:
            yield connection
    except sqlite3.Error as error:
        message = f"{path}: {error}"
        raise SpoolUnreadable(message) from error


def list_files(directory: Path) -> list[SpoolFile]:
    """Return every spool file of a directory, the largest first, damaged ones last.

    Raises SpoolUnreadable if there is no such directory.
    """
    if not directory.is_dir():
        message = f"{mask_path(directory)}: no such directory"
        raise SpoolUnreadable(message)
    found: list[SpoolFile] = []
    for path in spool_files(directory):
        owner = find_owner(path)
        found.append(_inspect(path, "live" if owner else "left behind", owner))
    return [*found, *(_inspect(path, "damaged", None) for path in damaged_files(directory))]


def _inspect(path: Path, status: SpoolFileStatus, owner: str | None) -> SpoolFile:
    try:
        with _opened(path) as connection:
            if not is_spool(connection):
                return SpoolFile(path, status, owner)
            callbacks, records, size, oldest, parked = connection.execute(_TOTALS).fetchone()
            topics = connection.execute(
                "SELECT topic, count(*) FROM records GROUP BY topic ORDER BY topic"
            ).fetchall()
    except Exception as error:  # noqa: BLE001 (one bad file must not hide the others)
        return SpoolFile(path, status, owner, fault=str(error))
    return SpoolFile(path, status, owner, callbacks, records, size, oldest, parked, tuple(topics))


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file in their order, as JSON objects; raises SpoolUnreadable.

    A damaged file yields the records before the damage, then those behind it, from the end backwards.
    """
    with _opened(path) as connection:
        is_spool(connection)
        last = 0
        # Page by page: a reader that holds a live file for long keeps its WAL from being truncated.
        page = f"SELECT {_COLUMNS} FROM records WHERE number > ? ORDER BY number LIMIT {_PAGE}"  # noqa: S608 (our own)
        try:
            page_start = -1
            while last > page_start:
                page_start = last
                for row in connection.execute(page, (page_start,)):
                    last = row[0]
                    yield _object(row)
        except sqlite3.DatabaseError:
            query = f"SELECT {_COLUMNS} FROM records WHERE number > ? ORDER BY number DESC"  # noqa: S608 (our own)
            with contextlib.suppress(sqlite3.DatabaseError):
                for row in connection.execute(query, (last,)):
                    yield _object(row)


def _object(row: tuple[Any, ...]) -> dict[str, Any]:
    number, spooled_at_ms, tries, parked, timestamp_ms, topic, key, headers, value = row
    return {
        "number": number,
        "spooled_at_ms": spooled_at_ms,
        "tries": tries,
        "parked": bool(parked),
        "timestamp_ms": timestamp_ms,
        "topic": topic,
        **json_field("key", key),
        "headers": orjson.loads(headers),
        **json_field("value", value),
    }
