"""The spool file: a SQLite database with one row a callback. Synchronous; one thread at a time uses it.

1. Numbers ascend in the order of acceptance. None is given twice, not even after a deletion.
2. In WAL mode with ``synchronous=FULL`` a commit ends with an fsync of the WAL. SQLite's checksums
   drop a tail that was torn before its fsync. So a commit survives as a whole, or nothing of it.
3. ``application_id`` says that the file is a spool, and ``user_version`` which version of one.
"""

import contextlib
import os
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from bridge.spool.accounting import SpoolCounts
from bridge.spool.codec import COLUMNS, ROW_BYTES, EncodedCallback

APPLICATION_ID: Final = 0x43425350  # "CBSP"
VERSION: Final = 2
# What SQLite keeps beside an open database: the WAL and its index.
WAL: Final = "-wal"
SHM: Final = "-shm"
_BUSY_TIMEOUT_MS: Final = 1000
# A callback takes about 2 KB. Of 4 KiB pages, one that is a little larger would fill one alone.
_PAGE_BYTES: Final = 8192
# A commit that checkpoints keeps its callers waiting: many short checkpoints, not a long one.
_WAL_PAGES: Final = 128
_WAL_BYTES_KEPT: Final = 4_194_304
_RECLAIM_PAGES: Final = 128
_RECLAIM_BYTES: Final = 1_048_576

FileIdentity = tuple[int, int]
"""The device and inode of a file."""

# The content stands last: SQLite need not read it to get at the other columns.
_TABLE: Final = """
CREATE TABLE callbacks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    spooled_at_ms INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    parked INTEGER NOT NULL,
    records INTEGER NOT NULL,
    key BLOB NOT NULL,
    topics TEXT NOT NULL,
    content BLOB NOT NULL
)
"""
_COLUMNS: Final = f"{COLUMNS}, parked"
_INSERT: Final = f"INSERT INTO callbacks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 (our own)
# The bytes that a row counts for: the SQL of ``EncodedCallback.size_bytes``.
SIZE: Final = f"length(key) + length(CAST(topics AS BLOB)) + length(content) + {ROW_BYTES}"


class FileDamaged(Exception):
    """The file is not a sound database. The text says what SQLite found."""


class FileNotOurs(Exception):
    """The file is another version's spool, or not a spool at all. It is left as it is."""


def with_suffix(path: Path, suffix: str) -> Path:
    """Return the path of a file beside another one."""
    return path.with_name(path.name + suffix)


def file_identity(path: Path) -> FileIdentity | None:
    """Return the identity of the file that a path leads to; None if it leads nowhere."""
    try:
        found = os.stat(path)  # noqa: PTH116 (Path.stat is slower; every commit calls this)
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
    """Decode text as far as possible: a flipped bit must not make a whole page unreadable."""
    return raw.decode("utf-8", "replace")


def is_spool(connection: sqlite3.Connection) -> bool:
    """Return True for a spool and False for an empty file. Raises FileNotOurs: rule 3."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not (application or version or tables):
        return False
    if application != APPLICATION_ID:
        message = "no spool of the callback bridge"
        raise FileNotOurs(message)
    if version != VERSION:
        age = "a newer" if version > VERSION else "an older"
        message = f"written by {age} version of the bridge (spool version {version}, not {VERSION})"
        raise FileNotOurs(message)
    return True


def is_corruption(error: sqlite3.Error) -> bool:
    """Return True if SQLite found the file itself to be broken."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class SpoolStore:
    """An open spool file. All methods raise sqlite3.Error; opening also FileDamaged and FileNotOurs.

    ``number_min`` is the least number that it may give.
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
            for suffix in (WAL, SHM):
                beside = with_suffix(path, suffix)
                self._files[beside] = file_identity(beside)
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
        """Return True if the path of the database itself leads to the open one."""
        path, opened = next(iter(self._files.items()))
        return opened is not None and file_identity(path) == opened

    @property
    def journals(self) -> list[Path]:
        """Return the paths beside the database's that lead to its own WAL and WAL index."""
        _, *others = self._files.items()
        return [
            path for path, opened in others if opened is not None and file_identity(path) == opened
        ]

    @property
    def in_place(self) -> bool:
        """Return True if the paths of the database, its WAL and the WAL's index lead to the open files.

        SQLite goes on writing to a file that was removed or renamed, and reports nothing.
        """
        return all(
            opened is not None and file_identity(path) == opened
            for path, opened in self._files.items()
        )

    def _one(self, query: str, *values: Any) -> Any:  # noqa: ANN401 (a column of SQLite's)
        return self._connection.execute(query, values).fetchone()[0]

    def _prepare(self) -> None:
        """Set the connection's options, and create the table in an empty file."""
        run = self._connection.execute
        ours = is_spool(self._connection)
        if not ours:
            # Both have an effect only before there is a table.
            run(f"PRAGMA page_size = {_PAGE_BYTES}")
            run("PRAGMA auto_vacuum = INCREMENTAL")
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

    def insert(self, callbacks: Sequence[EncodedCallback]) -> None:
        """Insert callbacks."""
        first = self.number_next
        self.number_next += len(callbacks)
        self._connection.executemany(
            _INSERT, [(number, *one[1:], 0) for number, one in enumerate(callbacks, first)]
        )

    def copy_from(self, former: "SpoolStore", *, below: int) -> int:
        """Copy the rows of another file whose numbers are ``below`` a number; return how many."""
        query = f"SELECT {_COLUMNS} FROM callbacks WHERE number < ? ORDER BY number"  # noqa: S608 (our own)
        with contextlib.closing(former._connection.execute(query, (below,))) as rows:  # noqa: SLF001 (the same class)
            return self._connection.executemany(_INSERT, rows).rowcount

    def read_page(
        self, after: int, *, callbacks_max: int, bytes_max: int, parked: bool = False
    ) -> list[EncodedCallback]:
        """Return the callbacks after a number, oldest first; at least one, if there is one.

        ``parked`` includes the parked ones. ``bytes_max`` bounds their size after decoding.
        """
        page: list[EncodedCallback] = []
        size = 0
        query = (
            f"SELECT {COLUMNS} FROM callbacks WHERE number > ? AND parked <= ?"  # noqa: S608 (our own)
            " ORDER BY number LIMIT ?"
        )
        rows = self._connection.execute(query, (after, parked, callbacks_max))
        with contextlib.closing(rows):
            for row in rows:
                one = EncodedCallback._make(row)
                size += one.decoded_bytes
                if page and size > bytes_max:
                    break
                page.append(one)
        return page

    def remove(self, numbers: Iterable[int]) -> None:
        """Delete callbacks. One that is gone already is no error."""
        self._connection.executemany(
            "DELETE FROM callbacks WHERE number BETWEEN ? AND ?", _find_runs(numbers)
        )

    def remove_from(self, number: int) -> None:
        """Delete everything from a number on."""
        self._connection.execute("DELETE FROM callbacks WHERE number >= ?", (number,))

    def set_tries(self, number: int, tries: int, *, parked: bool = False) -> None:
        """Store how often a callback was tried, and whether it is parked."""
        self._connection.execute(
            "UPDATE callbacks SET tries = ?, parked = ? WHERE number = ?",
            (tries, parked, number),
        )

    def unpark_all(self) -> None:
        """Make all parked callbacks pending again."""
        self._connection.execute("UPDATE callbacks SET parked = 0 WHERE parked = 1")

    def count(self) -> SpoolCounts:
        """Return the counts of the file's callbacks."""
        counts = SpoolCounts()
        # Summed up here: GROUP BY would sort in a temporary file, with every key in it.
        query = f"SELECT key, records, parked, {SIZE} FROM callbacks"  # noqa: S608 (our own)
        for key, records, parked, size in self._connection.execute(query):
            counts.callbacks += 1
            counts.records += records
            counts.size_bytes += size
            counts.parked += parked
            if not parked:
                counts.keys[key] += 1
        return counts

    def oldest_at_ms(self) -> int | None:
        """Return when the callback at the head of the queue was spooled."""
        row = self._connection.execute(
            "SELECT spooled_at_ms FROM callbacks WHERE parked = 0 ORDER BY number LIMIT 1"
        ).fetchone()
        return row[0] if row else None

    def is_empty(self) -> bool:
        """Return True if the file has no callbacks."""
        return not self._one("SELECT EXISTS (SELECT 1 FROM callbacks)")

    def callback_numbers(self) -> set[int]:
        """Return the numbers of all callbacks."""
        return {row[0] for row in self._connection.execute("SELECT number FROM callbacks")}

    def verify_writable(self, number_next: int) -> None:
        """Write to the file; raise if that does not work.

        A failed commit may have left its rows in the WAL. So nothing is written behind them: the WAL is
        checkpointed and starts again. Those rows were refused, so they are deleted: ``number_next`` is
        the number that follows the last successful commit.
        """
        self.checkpoint()
        with self.transaction():
            self.remove_from(number_next)
            self._connection.execute(f"PRAGMA user_version = {VERSION}")  # dirties the first page

    def checkpoint(self) -> None:
        """Move the WAL into the database and truncate it, unless another process reads an old state."""
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")

    def reclaim_space(self) -> bool:
        """Return some free pages to the file system; return True if there are more to return.

        Does so once more than half of the file is free.
        """
        free = self._one("PRAGMA freelist_count")
        if free > _RECLAIM_PAGES and 2 * free > self._one("PRAGMA page_count"):
            # execute() would stop the pragma after its first page; a script runs it to its end.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_RECLAIM_PAGES})")
            return True
        if self.wal_bytes > _RECLAIM_BYTES and self.is_empty():
            self.checkpoint()
        return False

    @property
    def wal_bytes(self) -> int:
        """Return the size of the WAL."""
        try:
            return os.stat(self._wal).st_size  # noqa: PTH116 (Path.stat is slower)
        except OSError:
            return 0

    def live_bytes(self) -> int:
        """Return the size of the database's pages that are in use."""
        pages = self._one("PRAGMA page_count") - self._one("PRAGMA freelist_count")
        return int(pages * self._one("PRAGMA page_size"))

    def close(self) -> None:
        """Close the file; SQLite checkpoints the WAL if it can."""
        self._connection.close()


def _find_runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and the last number of every run of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs
