"""Write derived events to files: JSON lines, CSV or Parquet, as a replay does.

1. A line or row has the event's topic, key, timestamp and headers, and the added headers of
   ``publish``: ``replay_source`` is the journal record's topic:partition:offset. Partition and offset
   are null, because the record is on no topic.
2. The order is the journal's: by timestamp, over all partitions.
3. A run is not resumed. If it stops early, its output is deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.audit.publish import SourcedEvent, add_replay_headers
from bridge.core.record import Record
from bridge.replay import ReplayRun
from bridge.replay.targets.file import LineFile
from bridge.replay.targets.parquet import ParquetFolder


@dataclass(frozen=True, slots=True)
class DerivedRecord:
    """A derived event as a file has it: rule 1."""

    topic: str
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    partition: int | None = None
    offset: int | None = None


class DerivedFile:
    """Writes derived events to an open file, or to an open folder of files."""

    def __init__(self, file: LineFile | ParquetFolder, run: ReplayRun, place: str) -> None:
        self._file = file
        self._run = run
        self._room = file.checkpoint_policy.records
        self.targets = [place]
        self.written = 0

    async def write(self, events: Sequence[SourcedEvent]) -> None:
        """Add events, in their order; raises CannotWrite."""
        rows = [
            _to_row(add_replay_headers(event.record, source, self._run)) for event, source in events
        ]
        while rows:
            part, rows = rows[: self._room], rows[self._room :]
            await self._file.write(part)
            self.written += len(part)
            self._room -= len(part)
            if not self._room:
                await self._file.flush()
                self._room = self._file.checkpoint_policy.records

    async def finish(self) -> None:
        """Complete the file and write its manifest; raises CannotWrite and TargetExists."""
        await self._file.flush()
        await self._file.finish()


def _to_row(record: Record) -> DerivedRecord:
    return DerivedRecord(
        topic=record.topic,
        timestamp=record.timestamp_ms,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )
