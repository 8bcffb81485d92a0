"""Join journal records with their published events from one stream, in limited memory.

1. A callback and its event have the same id and the same receive time: these two are the key. Plivo's
   retry of a callback has the same id but a receive time of its own, and so has its event.
2. Both are usually close together, because the stream is merged by time. But a spool that drained late
   can put any number of records between them. The first of the two waits for the other on disk: in an
   unnamed SQLite database, which stays in memory up to _CACHE_KIB and disappears with the process.
3. A matched key is kept, so that a record stored twice is processed once.
4. A full temporary disk aborts the run.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.replay import CannotWrite

_CACHE_KIB: Final = 32_768
_TABLES: Final = (
    f"PRAGMA cache_size = -{_CACHE_KIB}",  # negative means KiB
    "PRAGMA journal_mode = OFF",  # nothing is ever rolled back: the database ends with the process
    # Time first in the key, so that records that come together are on the same pages.
    "CREATE TABLE callbacks (at TEXT, id TEXT, partition INTEGER, number INTEGER, value BLOB)",
    "CREATE UNIQUE INDEX callbacks_by_key ON callbacks (at, id)",
    "CREATE TABLE events (at TEXT, id TEXT, value BLOB)",
    "CREATE UNIQUE INDEX events_by_key ON events (at, id)",
    "BEGIN",  # one transaction that is never committed: SQLite then syncs nothing
)


@dataclass(frozen=True, slots=True)
class JoinKey:
    """Join key that a callback shares with its event: rule 1. The time is text, as in both records."""

    id: str
    received_at: str


@dataclass(frozen=True, slots=True)
class PendingCallback:
    """A journal record: its position and its value."""

    partition: int
    offset: int
    value: bytes


class RepeatedCallback(Exception):
    """The journal has a record with this key already: rule 3."""


class EventJoin:
    """The callbacks and events that wait, and the keys that were matched."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for statement in _TABLES:
            self._execute(statement)

    def close(self) -> None:
        """Close the database, which frees its disk space."""
        self._database.close()

    def match_callback(self, key: JoinKey, callback: PendingCallback) -> bytes | None:
        """Return the event that waited for this callback; if there is none, the callback waits.

        Raises RepeatedCallback and CannotWrite.
        """
        values = (key.received_at, key.id)
        found = self._execute(
            "DELETE FROM events WHERE at = ? AND id = ? RETURNING value", values
        ).fetchone()
        row = (*values, callback.partition, callback.offset, None if found else callback.value)
        try:
            self._execute("INSERT INTO callbacks VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            raise RepeatedCallback from None
        return found[0] if found else None

    def match_event(self, key: JoinKey, event: bytes) -> PendingCallback | None:
        """Return the callback that waited for this event; if there is none, the event waits.

        Raises CannotWrite.
        """
        values = (key.received_at, key.id)
        found = self._execute(
            "SELECT rowid, partition, number, value FROM callbacks WHERE at = ? AND id = ?", values
        ).fetchone()
        if found is None:
            self._execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?)", (*values, event))
            return None
        row, partition, offset, value = found
        if value is None:  # another copy of the event was matched before
            return None
        self._execute("UPDATE callbacks SET value = NULL WHERE rowid = ?", (row,))
        return PendingCallback(partition, offset, value)

    def unmatched_callbacks(self) -> Iterator[PendingCallback]:
        """Yield the callbacks whose event was not found, in the order they came."""
        for row in self._execute(
            "SELECT partition, number, value FROM callbacks WHERE value IS NOT NULL ORDER BY rowid"
        ):
            yield PendingCallback(*row)

    def _execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Return the result of a statement; raises IntegrityError, and CannotWrite: rule 4."""
        try:
            return self._database.execute(statement, values)
        except sqlite3.OperationalError as error:
            message = f"in the folder for temporary files: {error}"
            raise CannotWrite(message) from error
