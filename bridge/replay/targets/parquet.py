"""Replay into a folder of Parquet files.

1. A Parquet file cannot be continued after its writer is gone. So there are many: each has the rows
   between two flushes, and a flush closes, fsyncs and renames it.
2. A row group has exactly _GROUP_ROWS rows; the last one of a file has the rest. So the same plan
   gives the same bytes, however Kafka splits its answers.
3. Files of this replay that were written after the last flush are made again. A folder with other
   files is refused.
4. Columns have types (see ``column_types``). Timestamps are microseconds in UTC.
"""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from bridge.replay import CannotWrite, CheckpointPolicy, FileRecord, TargetExists, TargetState
from bridge.replay.atomic_file import translate_os_errors
from bridge.replay.manifest import Manifest
from bridge.replay.targets.column_types import (
    DECIMAL_DIGITS,
    DECIMAL_SCALE,
    ColumnType,
    SqlType,
    Value,
)
from bridge.replay.targets.columns import MISFITS_AT, Table
from bridge.spool.directory import fsync_directory

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

_FILE_ROWS: Final = 100_000
_GROUP_ROWS: Final = 2_000


class ParquetUnavailable(Exception):
    """Parquet cannot be written here; the text says what to install."""


class ParquetFolder:
    """Writes records to Parquet files: rules 1 to 4."""

    checkpoint_policy = CheckpointPolicy(records=_FILE_ROWS, interval_s=None)

    def __init__(self, folder: Path, table: Table, manifest: Manifest) -> None:
        if find_spec("pyarrow") is None:  # an extra, because it is larger than all the rest
            message = (
                "pyarrow is not installed: run pip install '.[export]' in a checkout of the project"
            )
            raise ParquetUnavailable(message)
        self._folder = folder
        self._table = table
        self._manifest = manifest
        self._prefix = f"{manifest.run.id}-"
        self._rows: list[list[Value]] = []
        self._files = 0
        self._records = 0
        self._misfits = 0
        self._made_folder = False
        self._writer: ParquetWriter | None = None
        self._stream: BinaryIO | None = None

    def open(self, state: TargetState | None) -> None:
        """Create the folder, or continue at the flushed ``state``; raises TargetExists, CannotWrite."""
        if state is not None:
            self._files = state["files"]
            self._records = state["records"]
            self._misfits = state["misfits"]
        else:
            self._manifest.ensure_absent(self._folder)
        flushed = {self._file_name(number) for number in range(self._files)}
        with translate_os_errors(self._folder):
            self._made_folder = not self._folder.exists()
            self._folder.mkdir(mode=0o700, exist_ok=True)
            found = {file.name for file in self._folder.iterdir()}
            if any(not name.startswith(self._prefix) for name in found):
                message = f"{self._folder} already exists and is not empty"
                raise TargetExists(message)
            if flushed - found:
                message = f"{self._folder}: {', '.join(sorted(flushed - found))} is gone"
                raise CannotWrite(message)
            for name in found - flushed:
                (self._folder / name).unlink()

    def is_complete(self, state: TargetState) -> bool:
        """Return True if all files of a finished replay exist."""
        names = map(self._file_name, range(state["files"]))
        return self._folder.is_dir() and all((self._folder / name).is_file() for name in names)

    def close(self) -> None:
        """Close the unfinished file; it is made again when the replay resumes."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                # Otherwise pyarrow closes it when it is collected, on a closed stream.
                self._writer.close()
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()

    def discard(self) -> None:
        """Delete the files of this replay, and the folder if this replay created it."""
        self.close()
        with contextlib.suppress(OSError):
            for file in self._folder.glob(f"{self._prefix}*"):
                file.unlink()
            if self._made_folder:
                self._folder.rmdir()

    async def write(self, records: Sequence[FileRecord]) -> None:
        """Add a row for each record."""
        rows = [self._table.typed_row(record) for record in records]
        self._misfits += sum(row[MISFITS_AT] is not None for row in rows)
        self._rows += rows
        self._records += len(records)
        while len(self._rows) >= _GROUP_ROWS:
            with translate_os_errors(self._folder):
                await asyncio.to_thread(self._write_row_group)

    async def flush(self) -> TargetState:
        """Close the current file, if it has rows, and return when the disk has it."""
        with translate_os_errors(self._folder):
            if self._rows:
                await asyncio.to_thread(self._write_row_group)
            if self._writer is not None:
                await asyncio.to_thread(self._close_file)
        return {"files": self._files, "records": self._records, "misfits": self._misfits}

    async def finish(self) -> None:
        """Write the manifest; a replay without records gets one file without rows."""
        with translate_os_errors(self._folder):
            if self._files == 0:
                await asyncio.to_thread(self._write_row_group)
                await asyncio.to_thread(self._close_file)
            files = [self._folder / self._file_name(number) for number in range(self._files)]
            await asyncio.to_thread(
                self._manifest.write,
                self._folder,
                files,
                records=self._records,
                misfits=self._misfits,
            )

    def _file_name(self, number: int) -> str:
        return f"{self._prefix}{number:05}.parquet"

    def _write_row_group(self) -> None:
        """Write one row group of the buffered rows: rule 2."""
        import pyarrow as pa  # noqa: PLC0415 (an extra)
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 (an extra)

        columns = self._table.typed_columns
        types = [_to_arrow_type(one.type) for one in columns]
        schema = pa.schema([(one.name, kind) for one, kind in zip(columns, types, strict=True)])
        if self._writer is None:
            partial = self._folder / f"{self._file_name(self._files)}.partial"
            self._stream = os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT, 0o600), "wb")
            self._writer = ParquetWriter(self._stream, schema, compression="zstd")
        rows, self._rows = self._rows[:_GROUP_ROWS], self._rows[_GROUP_ROWS:]
        # Without rows zip() yields no columns, but the file needs them all.
        cells = list(zip(*rows, strict=True)) or [()] * len(columns)
        arrays = [pa.array(column, type=kind) for column, kind in zip(cells, types, strict=True)]
        self._writer.write_batch(pa.record_batch(arrays, schema=schema))

    def _close_file(self) -> None:
        if self._writer is None or self._stream is None:
            return
        self._writer.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        name = self._file_name(self._files)
        (self._folder / f"{name}.partial").rename(self._folder / name)
        fsync_directory(self._folder)
        self._writer = self._stream = None
        self._files += 1


def _to_arrow_type(column: ColumnType) -> "pa.DataType":
    """Return the type that Parquet files are written with: rule 4."""
    import pyarrow as pa  # noqa: PLC0415 (an extra)

    types = {
        SqlType.TEXT: pa.string(),
        SqlType.JSON: pa.string(),
        SqlType.INTEGER: pa.int64(),
        SqlType.NUMBER: pa.float64(),
        SqlType.BOOLEAN: pa.bool_(),
        SqlType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
        SqlType.DECIMAL: pa.decimal128(DECIMAL_DIGITS, DECIMAL_SCALE),
    }
    found = types[column.kind]
    return pa.list_(found) if column.is_list else found
