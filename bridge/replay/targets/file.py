"""Replay into one file of lines: JSON lines or CSV.

1. The file grows as ``NAME.{replay id}.partial`` and is renamed when it is complete. So nobody takes
   half a file for the whole one, and no replay continues another's. It is locked while it is written,
   and never replaces another file. A manifest beside it describes it.
2. A flush is an fsync. When a replay resumes, bytes behind the flushed length are cut off.
3. The order of the records depends on the plan alone (see ``reader.merged_reader``). So the same plan
   gives the same bytes, interrupted or not.
4. In CSV every cell is in quotes; a missing value is an empty cell without quotes. A cell that a
   spreadsheet would take for a formula gets an apostrophe in front. So does a cell that begins with
   one: remove the first apostrophe of every cell that begins with one, and you have the text.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from bridge.core.record import json_field
from bridge.reader.window import format_utc_ms
from bridge.replay import CannotWrite, CheckpointPolicy, FileRecord, TargetExists, TargetState
from bridge.replay.atomic_file import rename_noreplace, translate_os_errors, try_lock
from bridge.replay.manifest import Manifest
from bridge.replay.progress import InUse
from bridge.replay.targets.columns import Cell, Table, encode_headers

_CHECKPOINT_POLICY: Final = CheckpointPolicy(records=10_000, interval_s=1.0)
# What a spreadsheet takes for the start of a formula (OWASP, CSV injection), also in full-width forms,
# and the apostrophe of rule 4.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")  # noqa: RUF001 (meant)

LineEncoder = Callable[[Sequence[FileRecord]], bytes]


class LineFile:
    """Writes records to a file of lines: rules 1 to 3. ``head`` is written before them."""

    checkpoint_policy = _CHECKPOINT_POLICY

    def __init__(self, path: Path, lines: LineEncoder, *, head: bytes, manifest: Manifest) -> None:
        self._path = path
        self._partial = path.with_name(f"{path.name}.{manifest.run.id}.partial")
        self._lines = lines
        self._head = head
        self._manifest = manifest
        self._bytes = 0
        self._records = 0
        self._stream: BinaryIO | None = None

    def open(self, state: TargetState | None) -> None:
        """Create the file, or continue at the flushed ``state``.

        Raises TargetExists, InUse and CannotWrite; close the file in these cases, too.
        """
        if state is not None:
            self._bytes, self._records = int(state["bytes"]), int(state["records"])
        with translate_os_errors(self._path):
            if state is not None and self._is_renamed:
                return  # only the manifest may be missing, and finish() writes it
            if self._path.exists():
                message = f"{self._path} already exists"
                raise TargetExists(message)
            if state is None:
                self._manifest.ensure_absent(self._path)
            elif not self._partial.exists():
                message = f"{self._partial} is gone"
                raise CannotWrite(message)
            self._stream = self._create_partial() if state is None else self._partial.open("r+b")
            if not try_lock(self._stream.fileno(), self._partial):
                message = f"{self._partial}: another process writes to it"
                raise InUse(message)
            if self._stream.seek(0, os.SEEK_END) < self._bytes:
                message = f"{self._partial} is shorter than it was when the replay stopped"
                raise CannotWrite(message)
            self._stream.truncate(self._bytes)
            self._stream.seek(self._bytes)
            if state is None:
                self._stream.write(self._head)

    @property
    def _is_renamed(self) -> bool:
        """Return True if the file has its final name, and lacks at most its manifest."""
        if not self._path.exists():
            return False
        if self._partial.exists():  # killed after link() and before unlink()
            return self._path.samefile(self._partial)
        return self._path.stat().st_size == self._bytes

    def is_complete(self, state: TargetState) -> bool:
        """Return True if the file of a finished replay exists and still has its size."""
        return self._path.is_file() and self._path.stat().st_size == state["bytes"]

    def _create_partial(self) -> BinaryIO:
        """Return a new file, or this replay's own if it was killed before its first flush."""
        with contextlib.suppress(FileExistsError):
            number = os.open(self._partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            return os.fdopen(number, "r+b")
        return self._partial.open("r+b")

    def close(self) -> None:
        """Close the file; bytes behind the last flush may remain."""
        if self._stream is not None:
            # Closing writes buffered lines. If that fails, an earlier flush has reported it.
            with contextlib.suppress(OSError):
                self._stream.close()

    def discard(self) -> None:
        """Close the file, and delete it if it is incomplete and nobody will resume it."""
        self.close()
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)

    async def write(self, records: Sequence[FileRecord]) -> None:
        """Add a line for each record."""
        with translate_os_errors(self._path):
            if self._stream is None:
                message = "closed"
                raise OSError(message)
            self._stream.write(self._lines(records))
        self._records += len(records)

    async def flush(self) -> TargetState:
        """Return when the disk has all lines."""
        if self._stream is not None:
            with translate_os_errors(self._path):
                self._stream.flush()
                await asyncio.to_thread(os.fsync, self._stream.fileno())
                self._bytes = self._stream.tell()
        return {"bytes": self._bytes, "records": self._records}

    async def finish(self) -> None:
        """Rename the file and write the manifest; raises TargetExists and CannotWrite."""
        with translate_os_errors(self._path):
            try:
                if self._stream is not None:
                    rename_noreplace(self._partial, self._path)
                    self.close()
            except FileExistsError as error:
                message = (
                    f"{self._path} was created by another process; {self._partial} is complete"
                )
                raise TargetExists(message) from error
            self._partial.unlink(missing_ok=True)
            await asyncio.to_thread(
                self._manifest.write, self._path, [self._path], records=self._records
            )


def encode_json_lines(records: Sequence[FileRecord]) -> bytes:
    """Return one line per record. A value that is JSON on one line is kept byte for byte."""
    return b"".join([_encode_json_line(record) for record in records])


def _encode_json_line(record: FileRecord) -> bytes:
    line: dict[str, object] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": format_utc_ms(record.timestamp),
        "timestamp_ms": record.timestamp,
        **json_field("key", record.key),
        "headers": encode_headers(record),
    }
    if record.value is not None and _is_json_on_one_line(record.value):
        line["value"] = orjson.Fragment(record.value)
    else:
        line |= json_field("value_text", record.value)
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _is_json_on_one_line(value: bytes) -> bool:
    if b"\n" in value or b"\r" in value:
        return False
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True


def encode_csv_header(table: Table) -> bytes:
    """Return the line of column names."""
    return _encode_csv_line(table.names)


def make_csv_encoder(table: Table) -> LineEncoder:
    """Return an encoder of CSV rows (RFC 4180, UTF-8): rule 4."""

    def lines(records: Sequence[FileRecord]) -> bytes:
        return b"".join([_encode_csv_line(table.row(record)) for record in records])

    return lines


def _encode_csv_line(cells: Sequence[Cell]) -> bytes:
    return (",".join(map(_encode_csv_cell, cells)) + "\r\n").encode()


def _encode_csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    guarded = f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
    return '"' + guarded.replace('"', '""') + '"'
