"""Read spool files from outside, read-only: live ones, those left behind, and damaged ones."""

import base64
import contextlib
import os
import sqlite3
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from bridge.core.record import json_field
from bridge.spool.codec import (
    COLUMNS,
    ContentDamaged,
    EncodedCallback,
    decode_callback,
    encode_headers,
)
from bridge.spool.locking import damaged_files, find_owner, spool_files
from bridge.spool.store import SIZE, connect, is_spool
from bridge.telemetry.masking import mask_path

SpoolFileStatus = Literal["live", "left behind", "damaged"]

_PAGE: Final = 256
_TOTALS: Final = f"""
    SELECT count(*), coalesce(sum(records), 0), coalesce(sum({SIZE}), 0), min(spooled_at_ms),
           coalesce(sum(parked), 0)
    FROM callbacks
"""  # noqa: S608 (our own)


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

    Raises SpoolUnreadable if there is no such directory, or this user may not read it or its locks.
    """
    found: list[SpoolFile] = []
    try:
        with os.scandir(directory):  # a glob finds nothing where it may not read, and says nothing
            pass
        for path in spool_files(directory):
            owner = find_owner(path)
            found.append(_inspect(path, "live" if owner else "left behind", owner))
    except (FileNotFoundError, NotADirectoryError):
        message = f"{mask_path(directory)}: no such directory"
        raise SpoolUnreadable(message) from None
    except OSError as error:
        message = f"{mask_path(error.filename or directory)}: {error.strerror or error}"
        raise SpoolUnreadable(message) from error
    return [*found, *(_inspect(path, "damaged", None) for path in damaged_files(directory))]


def _inspect(path: Path, status: SpoolFileStatus, owner: str | None) -> SpoolFile:
    try:
        with _opened(path) as connection:
            if not is_spool(connection):
                return SpoolFile(path, status, owner)
            callbacks, records, size, oldest, parked = connection.execute(_TOTALS).fetchone()
            topics = _count_topics(connection)
    except Exception as error:  # noqa: BLE001 (one bad file must not hide the others)
        return SpoolFile(path, status, owner, fault=str(error))
    return SpoolFile(path, status, owner, callbacks, records, size, oldest, parked, topics)


def _count_topics(connection: sqlite3.Connection) -> tuple[tuple[str, int], ...]:
    """Return each topic of a file with the number of its records."""
    counts: Counter[str] = Counter()
    query = "SELECT topics, count(*) FROM callbacks GROUP BY topics"
    for topics, callbacks in connection.execute(query):
        for topic in orjson.loads(topics):
            counts[topic] += callbacks
    return tuple(sorted(counts.items()))


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file in their order, as JSON objects; raises SpoolUnreadable.

    A damaged file yields the records before the damage, then those of the callbacks behind it, from the
    end backwards. A callback whose content is damaged yields one object, with the content as it is.
    """
    select = f"SELECT {COLUMNS}, parked FROM callbacks WHERE number > ? ORDER BY number"  # noqa: S608 (our own)
    with _opened(path) as connection:
        is_spool(connection)
        last = 0
        # Page by page: a reader that holds a live file for long keeps its WAL from being truncated.
        try:
            page_start = -1
            while last > page_start:
                page_start = last
                for row in connection.execute(f"{select} LIMIT {_PAGE}", (page_start,)):
                    last = row[0]
                    yield from _objects(row)
        except sqlite3.DatabaseError:
            with contextlib.suppress(sqlite3.DatabaseError):
                for row in connection.execute(f"{select} DESC", (last,)):
                    yield from _objects(row)


def _objects(row: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    *columns, parked = row
    encoded = EncodedCallback._make(columns)
    about = {
        "number": encoded.number,
        "spooled_at_ms": encoded.spooled_at_ms,
        "tries": encoded.tries,
        "parked": bool(parked),
    }
    try:
        records = decode_callback(encoded).records
    except ContentDamaged:
        yield {
            **about,
            "topics": encoded.topics,
            **json_field("key", encoded.key),
            "damaged_content_base64": base64.b64encode(encoded.content).decode(),
        }
        return
    for record in records:
        yield {
            **about,
            "timestamp_ms": record.timestamp_ms,
            "topic": record.topic,
            **json_field("key", record.key),
            "headers": encode_headers(record.headers),
            **json_field("value", record.value),
        }
