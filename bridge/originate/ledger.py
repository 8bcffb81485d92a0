"""The ledger of requests that dial: what was asked of Plivo, on our disk, before Plivo is asked.

1. A request is written before its first part is sent, and each part again immediately before it is
   sent. Its outcome is written afterwards. So a part without an outcome was sent, or was about to be
   sent, by a process that died or still waits for the answer: its outcome is unknown.
2. A part that was never begun was not sent.
3. An idempotency key belongs to one request for ever, whatever its outcome.
4. The records for Kafka are written in the same transaction as the outcome, and removed when Kafka has
   acknowledged them. So no outcome is lost that a process saw; a record can be published twice.
5. The first outcome of a part stays. It may have been published.
6. In WAL mode with ``synchronous=FULL`` a commit ends with an fsync. Several processes may use the file
   at once; a lock lets one at a time create it.
7. ``application_id`` says that the file is a ledger, and ``user_version`` which version of one.
"""

import base64
import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

import orjson

from bridge.core.record import Record
from bridge.originate.entry import (
    AlreadyRequested,
    LedgerEntry,
    LedgerUnusable,
    NewRequest,
    PartEntry,
    UnpublishedRecord,
)
from bridge.originate.placement import Placement, PlacementOutcome
from bridge.spool.directory import make_directory
from bridge.spool.store import connect

FILE: Final = "requests.ledger"
APPLICATION_ID: Final = 0x4342524C  # "CBRL"
VERSION: Final = 1
# A commit takes milliseconds; a disk can be slow for much longer.
_BUSY_TIMEOUT_MS: Final = 10_000
_TABLES: Final = """
CREATE TABLE requests (
    reference TEXT PRIMARY KEY,
    idempotency_key TEXT UNIQUE,
    account TEXT NOT NULL,
    client TEXT NOT NULL,
    body TEXT NOT NULL,
    requested_at_ms INTEGER NOT NULL
);
CREATE TABLE parts (
    reference TEXT NOT NULL REFERENCES requests,
    part INTEGER NOT NULL,
    destinations TEXT NOT NULL,
    begun_at_ms INTEGER,
    outcome TEXT,
    placement TEXT,
    PRIMARY KEY (reference, part)
);
CREATE INDEX open_parts ON parts (begun_at_ms) WHERE outcome IS NULL;
CREATE TABLE calls (request_uuid TEXT PRIMARY KEY, reference TEXT NOT NULL);
CREATE TABLE records (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    headers TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL
);
"""


class RequestLedger:
    """An open ledger in a directory, which is made if need be. Use it as a context manager.

    Threads may share it. Its methods raise LedgerUnusable if the disk or the file is not usable.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self._lock = threading.Lock()
        with self._translated():
            make_directory(directory)
            with _locked(directory / (FILE + ".lock")):
                # It contains numbers of people, so nobody else may read it.
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
                self._connection = connect(self.path, "mode=rw")
                try:
                    _prepare(self._connection)
                except BaseException:
                    self._connection.close()
                    raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._translated():
            self._connection.close()

    # Requests

    def begin(self, request: NewRequest) -> None:
        """Write a request, none of whose parts is begun.

        Raises AlreadyRequested if its idempotency key or its reference is known: rule 3.
        """
        with self._transaction() as run:
            known = self._find(
                "reference = ? OR idempotency_key = ?", request.reference, request.idempotency_key
            )
            if known is not None:
                raise AlreadyRequested(known)
            run(
                "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)",
                (
                    request.reference,
                    request.idempotency_key,
                    request.account,
                    request.client,
                    orjson.dumps(request.body).decode(),
                    _to_ms(request.requested_at),
                ),
            )
            for part, destinations in enumerate(request.parts, 1):
                text = orjson.dumps(destinations).decode()
                run(
                    "INSERT INTO parts (reference, part, destinations) VALUES (?, ?, ?)",
                    (request.reference, part, text),
                )

    def begin_part(self, reference: str, part: int, at: datetime) -> None:
        """Write that a part (from 1) is about to be sent."""
        with self._transaction() as run:
            run(
                "UPDATE parts SET begun_at_ms = ? WHERE reference = ? AND part = ?",
                (_to_ms(at), reference, part),
            )

    def end_part(self, part: int, placement: Placement, records: Sequence[Record] = ()) -> bool:
        """Write the outcome of a part, with its records for Kafka: rule 4.

        Return False, and write nothing, if it has one already: rule 5.
        """
        with self._transaction() as run:
            changed = run(
                "UPDATE parts SET outcome = ?, placement = ?"
                " WHERE reference = ? AND part = ? AND outcome IS NULL",
                (placement.outcome, _encode_placement(placement), placement.reference, part),
            )
            if not changed.rowcount:
                return False
            for uuid in placement.request_uuids:
                run("INSERT OR IGNORE INTO calls VALUES (?, ?)", (uuid, placement.reference))
            for record in records:
                run(
                    "INSERT INTO records (topic, key, value, headers, timestamp_ms)"
                    " VALUES (?, ?, ?, ?, ?)",
                    _to_row(record),
                )
        return True

    def find(self, reference: str) -> LedgerEntry | None:
        """Return the request with a reference; None if there is none."""
        with self._reading():
            return self._find("reference = ?", reference)

    def find_by_key(self, idempotency_key: str) -> LedgerEntry | None:
        """Return the request with an idempotency key; None if there is none."""
        with self._reading():
            return self._find("idempotency_key = ?", idempotency_key)

    def find_by_request_uuid(self, request_uuid: str) -> LedgerEntry | None:
        """Return the request that got one of Plivo's ids; None if there is none."""
        with self._reading():
            return self._find(
                "reference = (SELECT reference FROM calls WHERE request_uuid = ?)", request_uuid
            )

    def find_open_parts(self, begun_before: datetime) -> list[tuple[LedgerEntry, PartEntry]]:
        """Return parts that were begun before an instant and have no outcome, oldest first."""
        with self._reading():
            rows = self._connection.execute(
                "SELECT reference, part FROM parts WHERE outcome IS NULL AND begun_at_ms < ?"
                " ORDER BY begun_at_ms, reference, part",
                (_to_ms(begun_before),),
            ).fetchall()
            found = [(self._find("reference = ?", reference), part) for reference, part in rows]
        return [(entry, entry.parts[part - 1]) for entry, part in found if entry is not None]

    # Records

    def list_unpublished(self, records_max: int, *, after: int = 0) -> list[UnpublishedRecord]:
        """Return records that Kafka has not acknowledged, oldest first, after a number."""
        with self._reading():
            rows = self._connection.execute(
                "SELECT number, topic, key, value, headers, timestamp_ms FROM records"
                " WHERE number > ? ORDER BY number LIMIT ?",
                (after, records_max),
            ).fetchall()
        return [UnpublishedRecord(number, _from_row(row)) for number, *row in rows]

    def count_unpublished(self) -> int:
        """Return how many records Kafka has not acknowledged."""
        with self._reading():
            (count,) = self._connection.execute("SELECT count(*) FROM records").fetchone()
        return cast("int", count)

    def remove_published(self, numbers: Sequence[int]) -> None:
        """Remove records that Kafka has acknowledged. One that is gone already is no error."""
        with self._transaction():
            self._connection.executemany(
                "DELETE FROM records WHERE number = ?", [(number,) for number in numbers]
            )

    # The file

    def _find(self, where: str, *values: str | None) -> LedgerEntry | None:
        row = self._connection.execute(
            "SELECT reference, idempotency_key, account, client, body, requested_at_ms"  # noqa: S608 (our own)
            f" FROM requests WHERE {where}",
            values,
        ).fetchone()
        if row is None:
            return None
        reference, key, account, client, body, requested_at_ms = row
        parts = self._connection.execute(
            "SELECT part, destinations, begun_at_ms, placement FROM parts"
            " WHERE reference = ? ORDER BY part",
            (reference,),
        ).fetchall()
        return LedgerEntry(
            reference=reference,
            idempotency_key=key,
            account=account,
            client=client,
            body=orjson.loads(body),
            requested_at=_from_ms(requested_at_ms),
            parts=tuple(_to_part(one) for one in parts),
        )

    @contextlib.contextmanager
    def _reading(self) -> Generator[None]:
        with self._lock, self._translated():
            yield

    @contextlib.contextmanager
    def _transaction(self) -> Generator[Any]:
        """Commit what is done inside, or nothing of it: rule 6."""
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection.execute
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            message = f"the ledger {self.path} is not usable: {error}: {self._find_remedy()}"
            raise LedgerUnusable(message) from error

    def _find_remedy(self) -> str:
        """Return what to do. A new ledger would not know the keys of one that is there: rule 3."""
        try:
            is_there = self.path.stat().st_size > 0
        except OSError:
            is_there = False
        if is_there:
            return (
                "correct that first; in another directory (BRIDGE_LEDGER_DIRECTORY for commands) its "
                "idempotency keys do not hold, so that calls could be placed twice"
            )
        return (
            "name a directory on a local disk that can be written to (BRIDGE_LEDGER_DIRECTORY for "
            "commands)"
        )


@contextlib.contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold the lock of a file, which is made if need be: rule 6."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _prepare(connection: sqlite3.Connection) -> None:
    """Set the options of a connection, and make the tables in an empty file: rules 6 and 7."""
    run = connection.execute
    run(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    (application,) = run("PRAGMA application_id").fetchone()
    (version,) = run("PRAGMA user_version").fetchone()
    (tables,) = run("SELECT count(*) FROM sqlite_master").fetchone()
    is_new = not (application or version or tables)
    if not is_new and (application, version) != (APPLICATION_ID, VERSION):
        is_ledger = application == APPLICATION_ID
        what = f"it has version {version}, not {VERSION}" if is_ledger else "it is no ledger"
        raise sqlite3.DatabaseError(what)
    (mode,) = run("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        message = "no WAL mode on this file system"
        raise sqlite3.OperationalError(message)
    run("PRAGMA synchronous = FULL")
    if is_new:
        # A script would commit by itself, and a crash could leave half of it.
        run("BEGIN IMMEDIATE")
        for statement in _TABLES.split(";"):
            run(statement)
        run(f"PRAGMA application_id = {APPLICATION_ID}")
        run(f"PRAGMA user_version = {VERSION}")
        run("COMMIT")


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def _to_ms(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND


def _from_ms(at_ms: int) -> datetime:
    return _EPOCH + at_ms * _MILLISECOND


def _to_part(row: tuple[int, str, int | None, str | None]) -> PartEntry:
    part, destinations, begun_at_ms, placement = row
    return PartEntry(
        part=part,
        destinations=tuple(orjson.loads(destinations)),
        begun_at=None if begun_at_ms is None else _from_ms(begun_at_ms),
        placement=None if placement is None else _decode_placement(placement),
    )


def _encode_placement(placement: Placement) -> str:
    return orjson.dumps(placement._asdict()).decode()


def _decode_placement(text: str) -> Placement:
    fields = orjson.loads(text)
    return Placement(
        **fields
        | {
            "destinations": tuple(fields["destinations"]),
            "request_uuids": tuple(fields["request_uuids"]),
            "outcome": PlacementOutcome(fields["outcome"]),
            "sent_at": datetime.fromisoformat(fields["sent_at"]),
        }
    )


def _to_row(record: Record) -> tuple[str, bytes, bytes, str, int]:
    headers = [(name, base64.b64encode(value).decode()) for name, value in record.headers]
    text = orjson.dumps(headers).decode()
    return record.topic, record.key, record.value, text, record.timestamp_ms


def _from_row(row: list[Any]) -> Record:
    topic, key, value, headers, timestamp_ms = row
    decoded = ((name, base64.b64decode(text)) for name, text in orjson.loads(headers))
    return Record(topic, key, value, tuple(decoded), timestamp_ms)
