"""Replaying into one file of lines: JSON lines, or CSV.

1. The file grows under its name with ``.partial`` and gets its own when it is complete, so nobody takes
   half a file for a whole one. A manifest beside it says what it is.
2. It settles by being synced. What lies behind the settled length is cut off before a replay goes on.
3. The order of the records follows from the plan alone (see ``reading``), so the same plan makes the
   same bytes, interrupted or not.
4. In CSV every cell is in quotes, and an absent one is nothing, not even quotes. A cell that a
   spreadsheet would take for a formula has an apostrophe in front. So has one that begins with one:
   take an apostrophe away from the front of every cell that has it, and you have the text.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import orjson
from aiokafka.structs import ConsumerRecord

from bridge.replay import Cadence, CannotWrite, State, TargetExists
from bridge.replay.columns import Cell, Table, headers_of, text_or_base64, utc_from_ms
from bridge.replay.manifest import Manifest
from bridge.replay.progress import sync_folder

_CADENCE: Final = Cadence(records=10_000, seconds=1.0)
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), with the wide forms;
# and the mark of rule 4 itself.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")  # noqa: RUF001 (meant)

Lines = Callable[[Sequence[ConsumerRecord]], bytes]


class File:
    """Writes records to a file of lines: rules 1 to 3. ``head`` stands before them."""

    cadence = _CADENCE

    def __init__(self, path: Path, lines: Lines, *, head: bytes, manifest: Manifest) -> None:
        self._path = path
        self._partial = path.with_name(f"{path.name}.partial")
        self._lines = lines
        self._head = head
        self._manifest = manifest
        self._records = 0
        self._stream: BinaryIO | None = None

    def open(self, state: State | None) -> None:
        """Begin the file, or go on where ``state`` was settled; raises TargetExists or CannotWrite."""
        if self._path.exists():
            if state is not None and not self._partial.exists():
                self._records = state["records"]  # complete but for what finishing adds
                return
            message = f"{self._path} is there already"
            raise TargetExists(message)
        try:
            number = os.open(self._partial, os.O_RDWR | os.O_CREAT, 0o600)
            self._stream = os.fdopen(number, "r+b")
            settled = 0 if state is None else int(state["bytes"])
            if self._stream.seek(0, os.SEEK_END) < settled:
                message = f"{self._partial} is shorter than it was when the replay stopped"
                raise CannotWrite(message)
            self._stream.truncate(settled)
            self._stream.seek(settled)
            if state is None:
                self._stream.write(self._head)
            else:
                self._records = state["records"]
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Let go of the file; what was not settled may stay behind its end."""
        if self._stream is not None:
            self._stream.close()

    async def put(self, records: Sequence[ConsumerRecord]) -> None:
        """Add a line, or what CSV makes of one, for each record."""
        if self._stream is None:
            raise self._failed(OSError("closed"))
        try:
            self._stream.write(self._lines(records))
        except OSError as error:
            raise self._failed(error) from error
        self._records += len(records)

    async def settle(self) -> State:
        """Return when the disk has all lines."""
        size = 0
        if self._stream is not None:
            try:
                self._stream.flush()
                await asyncio.to_thread(os.fsync, self._stream.fileno())
                size = self._stream.tell()
            except OSError as error:
                raise self._failed(error) from error
        return {"bytes": size, "records": self._records}

    async def finish(self) -> None:
        """Give the file its name, and write the manifest."""
        self.close()
        try:
            if self._stream is not None:
                self._partial.rename(self._path)
                sync_folder(self._path.parent)
            await asyncio.to_thread(
                self._manifest.write, self._path, [self._path], records=self._records
            )
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> CannotWrite:
        return CannotWrite(f"{self._path}: {error.strerror or error}")


def json_lines(records: Sequence[ConsumerRecord]) -> bytes:
    """Return a line a record. A value that is JSON on one line stands in it byte for byte."""
    return b"".join([_json_line(record) for record in records])


def _json_line(record: ConsumerRecord) -> bytes:
    line: dict[str, object] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": utc_from_ms(record.timestamp),
        "timestamp_ms": record.timestamp,
        **_named("key", record.key),
        "headers": headers_of(record),
    }
    if record.value is not None and _is_json_on_one_line(record.value):
        line["value"] = orjson.Fragment(record.value)
    else:
        line |= _named("value_text", record.value)
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _named(name: str, value: bytes | None) -> dict[str, Cell]:
    text, encoded = text_or_base64(value)
    return {name: text} if encoded is None else {f"{name}_base64": encoded}


def _is_json_on_one_line(value: bytes) -> bool:
    if b"\n" in value or b"\r" in value:
        return False
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True


def csv_head(table: Table) -> bytes:
    """Return the line of column names."""
    return _csv_line(table.names)


def csv_lines(table: Table) -> Lines:
    """Return what makes rows of CSV (RFC 4180, UTF-8): rule 4."""

    def lines(records: Sequence[ConsumerRecord]) -> bytes:
        return b"".join([_csv_line(table.row(record)) for record in records])

    return lines


def _csv_line(cells: Sequence[Cell]) -> bytes:
    return (",".join(map(_csv_cell, cells)) + "\r\n").encode()


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    guarded = f"'{cell}" if cell.startswith(_FORMULA) else cell
    return '"' + guarded.replace('"', '""') + '"'
