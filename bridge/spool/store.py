"""The spool's file: SQLite, one row a record. Synchronous; one thread, or one at a time, uses it.

1. The records of a callback have successive numbers, and the first of them is the callback's own.
   Numbers ascend in the order of acceptance, and none is given twice, not even after a deletion.
2. In WAL mode with ``synchronous=FULL`` a commit ends with an fsync of the WAL, and a tail that was
   torn before its fsync is dropped by SQLite's checksums: what was committed stays, all or nothing.
3. A file says by ``application_id`` that it is a spool, and by ``user_version`` of which version.
"""

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from bridge.spool.accounting import SpoolCounts
from bridge.spool.codec import (
    COLUMNS,
    ROW_BYTES,
    EncodedRecord,
    SpooledCallback,
    SpoolRange,
    decode_callback,
)

APPLICATION_ID: Final = 0x43425350  # "CBSP"
VERSION: Final = 1
# What SQLite keeps beside an open database: the WAL and its index.
WAL: Final = "-wal"
SHM: Final = "-shm"
_BUSY_TIMEOUT_MS: Final = 1000
_WAL_PAGES: Final = 1000
_WAL_BYTES_KEPT: Final = 4_194_304
_RECLAIM_PAGES: Final = 256
_RECLAIM_BYTES: Final = 1_048_576

FileIdentity = tuple[int, int]
"""The device and inode of a file."""

# The value stands last, so that looking at the other columns does not read it.
_TABLE: Final = """
CREATE TABLE records (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    callback INTEGER NOT NULL,
    position INTEGER NOT NULL,
    spooled_at_ms INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    parked INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    topic TEXT NOT NULL,
    key BLOB NOT NULL,
    headers TEXT NOT NULL,
    value BLOB NOT NULL
)
"""
_SIZE: Final = """
    length(CAST(topic AS BLOB)) + length(key) + length(CAST(headers AS BLOB)) + length(value)
"""


class FileDamaged(Exception):
    """The file is no sound database; the text says what SQLite found."""


class FileNotOurs(Exception):
    """The file is a newer version's spool, or no spool at all; it is left as it is."""


def with_suffix(path: Path, suffix: str) -> Path:
    """Return the path of a file beside another one."""
    return path.with_name(path.name + suffix)


def file_identity(path: Path) -> FileIdentity | None:
    """Return the device and inode that a path leads to; None if it leads nowhere."""
    try:
        found = os.stat(path)  # noqa: PTH116 (Path.stat is the same, slower: asked at every commit)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Return a connection without implicit transactions, usable from any one thread at a time."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY_TIMEOUT_MS / 1000,
    )
    connection.text_factory = _text
    return connection


def _text(raw: bytes) -> str:
    """Return text as far as it can be read: a bit that fell over must not cost a whole page."""
    return raw.decode("utf-8", "replace")


def is_spool(connection: sqlite3.Connection) -> bool:
    """Say whether the file is a spool already: False of an empty one; raises FileNotOurs (rule 3)."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not (application or version or tables):
        return False
    if application != APPLICATION_ID:
        message = "no spool of the callback bridge"
        raise FileNotOurs(message)
    if version > VERSION:
        message = (
            f"written by a newer version of the bridge (spool version {version}, not {VERSION})"
        )
        raise FileNotOurs(message)
    return True


def is_corruption(error: sqlite3.Error) -> bool:
    """Say whether SQLite found the file itself to be broken."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class SpoolStore:
    """An open spool file. What it does raises sqlite3.Error; opening also FileDamaged, FileNotOurs.

    ``number_min`` is the least number it may give.
    """

    def __init__(self, path: Path, *, check: bool = True, number_min: int = 1) -> None:
        self._wal = with_suffix(path, WAL)
        opened = file_identity(path)
        self._connection = connect(path, "mode=rw")
        try:
            self._prepare()
            if check:
                self._check()
            query = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence"
            self.number_next = max(self._one(query) + 1, number_min)
            self._files: dict[Path, FileIdentity | None] = {path: opened}
            self._files |= {one: file_identity(one) for one in (self._wal, with_suffix(path, SHM))}
            self._ensure_in_place()
        except sqlite3.Error as error:
            self._connection.close()
            if is_corruption(error):
                raise FileDamaged(str(error)) from error
            raise
        except BaseException:
            self._connection.close()
            raise

    def _ensure_in_place(self) -> None:
        if not self.in_place:
            message = "the file was removed or replaced while it was opened"
            raise sqlite3.OperationalError(message)

    @property
    def path_leads_here(self) -> bool:
        """Say whether the path of the file itself leads to what is open."""
        path, held = next(iter(self._files.items()))
        return held is not None and file_identity(path) == held

    @property
    def journals(self) -> list[Path]:
        """Return the paths beside the file's that lead to its own WAL and the WAL's index."""
        _, *others = self._files.items()
        return [path for path, held in others if held is not None and file_identity(path) == held]

    @property
    def in_place(self) -> bool:
        """Say whether the paths of the file, its WAL and the WAL's index lead to what is open.

        SQLite goes on writing to a file that was removed or renamed, and reports nothing.
        """
        return all(
            held is not None and file_identity(path) == held for path, held in self._files.items()
        )

    def _one(self, query: str, *values: Any) -> Any:  # noqa: ANN401 (a column of SQLite's)
        return self._connection.execute(query, values).fetchone()[0]

    def _prepare(self) -> None:
        """Set the connection's options, and make the table of an empty file."""
        run = self._connection.execute
        ours = is_spool(self._connection)
        if not ours:
            run("PRAGMA auto_vacuum = INCREMENTAL")  # of use only before there is a table
        if self._one("PRAGMA journal_mode = WAL") != "wal":
            message = "no WAL mode on this file system"
            raise sqlite3.OperationalError(message)
        run("PRAGMA synchronous = FULL")
        run(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        run(f"PRAGMA journal_size_limit = {_WAL_BYTES_KEPT}")
        if not ours:
            run("BEGIN IMMEDIATE")
            run(_TABLE)
            run(f"PRAGMA application_id = {APPLICATION_ID}")
            run(f"PRAGMA user_version = {VERSION}")
            run("COMMIT")

    def _check(self) -> None:
        found = self._one("PRAGMA quick_check(1)")
        if found != "ok":
            raise FileDamaged(found)

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        """Commit what is done inside, or nothing of it: rule 2."""
        number_next = self.number_next
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self.number_next = number_next
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def insert(
        self, records: Sequence[EncodedRecord], *, spooled_at_ms: int, tries: int = 0
    ) -> None:
        """Add one callback."""
        first = self.number_next
        self.number_next += len(records)
        self._connection.executemany(
            "INSERT INTO records (number, callback, position, spooled_at_ms, tries, parked,"
            " timestamp_ms, topic, key, headers, value) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
            [
                (first + place, first, place, spooled_at_ms, tries, *one.columns)
                for place, one in enumerate(records)
            ],
        )

    def copy_from(self, former: "SpoolStore", *, below: int) -> int:
        """Copy the rows of another file whose numbers are ``below`` a number; return how many."""
        columns = (
            "number, callback, position, spooled_at_ms, tries, parked, timestamp_ms, topic, key,"
            " headers, value"
        )
        query = f"SELECT {columns} FROM records WHERE number < ? ORDER BY number"  # noqa: S608 (our own)
        with contextlib.closing(former._connection.execute(query, (below,))) as rows:  # noqa: SLF001 (the same class)
            return self._connection.executemany(
                f"INSERT INTO records ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 (our own)
                rows,
            ).rowcount

    def read_page(
        self, after: int, *, callbacks_max: int, bytes_max: int, parked: bool = False
    ) -> list[SpooledCallback]:
        """Return the callbacks after a number, oldest first, at least one if there is any.

        ``parked`` has those that are parked among them.
        """
        page: list[SpooledCallback] = []
        size = 0
        query = (
            f"SELECT {COLUMNS} FROM records WHERE number > ? AND callback > ? AND parked <= ?"  # noqa: S608 (our own)
            " ORDER BY number"
        )
        with contextlib.closing(self._connection.execute(query, (after, after, parked))) as rows:
            for _, group in itertools.groupby(rows, key=itemgetter(0)):
                one = decode_callback(list(group))
                size += one.size_bytes
                if page and size > bytes_max:
                    break
                page.append(one)
                if len(page) == callbacks_max:
                    break
        return page

    def remove(self, callbacks: Iterable[SpoolRange]) -> None:
        """Delete callbacks; what is not there any more is no fault."""
        self._connection.executemany(
            "DELETE FROM records WHERE number >= ? AND number < ?",
            [(one.number, one.number + one.records) for one in callbacks],
        )

    def remove_from(self, number: int) -> None:
        """Delete everything from a number on."""
        self._connection.execute("DELETE FROM records WHERE number >= ?", (number,))

    def set_tries(self, callback: SpooledCallback, tries: int, *, parked: bool = False) -> None:
        """Write down how often a callback was tried, and whether it is not to be tried again."""
        self._connection.execute(
            "UPDATE records SET tries = ?, parked = ? WHERE number >= ? AND number < ?",
            (tries, parked, callback.number, callback.number + len(callback.records)),
        )

    def unpark_all(self) -> None:
        """Have everything tried again."""
        self._connection.execute("UPDATE records SET parked = 0 WHERE parked = 1")

    def count(self) -> SpoolCounts:
        """Return what the file holds."""
        tally = SpoolCounts()
        # Summed up here: grouping would sort in a temporary file, with every value in it.
        query = f"SELECT key, position, parked, {_SIZE} FROM records"  # noqa: S608 (our own)
        for key, position, parked, size in self._connection.execute(query):
            tally.records += 1
            tally.size_bytes += size + ROW_BYTES
            if position == 0:
                tally.callbacks += 1
                tally.parked += parked
                if not parked:
                    tally.keys[key] += 1
        return tally

    def oldest_at_ms(self) -> int | None:
        """Return when the callback that is first in line was spooled."""
        row = self._connection.execute(
            "SELECT spooled_at_ms FROM records WHERE parked = 0 ORDER BY number LIMIT 1"
        ).fetchone()
        return row[0] if row else None

    def is_empty(self) -> bool:
        """Say whether the file holds nothing."""
        return not self._one("SELECT EXISTS (SELECT 1 FROM records)")

    def callback_numbers(self) -> set[int]:
        """Return the numbers of all callbacks."""
        return {row[0] for row in self._connection.execute("SELECT DISTINCT callback FROM records")}

    def verify_writable(self, number_next: int) -> None:
        """Write for real, and raise if that does not work.

        What a failed commit left in the WAL is in doubt, so nothing more is written behind it: the
        WAL is carried over into the file, and begun anew. And what such a commit held was refused,
        so it is deleted: ``number_next`` is what the last one that succeeded would have given next.
        """
        self.checkpoint()
        with self.transaction():
            self.remove_from(number_next)
            self._connection.execute(f"PRAGMA user_version = {VERSION}")  # dirties the first page

    def checkpoint(self) -> None:
        """Carry the WAL over into the file and cut it to nothing, unless somebody is reading."""
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")

    def reclaim_space(self) -> bool:
        """Give a piece of what is free back to the disk; say whether there is more to give.

        Free is given back once it is more than half of the file.
        """
        free = self._one("PRAGMA freelist_count")
        if free > _RECLAIM_PAGES and 2 * free > self._one("PRAGMA page_count"):
            # Only a script runs this pragma to its end.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_RECLAIM_PAGES})")
            return True
        if self.wal_bytes > _RECLAIM_BYTES and self.is_empty():
            self.checkpoint()
        return False

    @property
    def wal_bytes(self) -> int:
        """Return how long the WAL is."""
        try:
            return os.stat(self._wal).st_size  # noqa: PTH116 (Path.stat is the same, slower)
        except OSError:
            return 0

    def live_bytes(self) -> int:
        """Return how many bytes of the file hold something."""
        pages = self._one("PRAGMA page_count") - self._one("PRAGMA freelist_count")
        return int(pages * self._one("PRAGMA page_size"))

    def close(self) -> None:
        """Close the file; SQLite carries the WAL over if it can."""
        self._connection.close()
