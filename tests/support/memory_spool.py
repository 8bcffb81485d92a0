"""A spool in memory: the fake behind the doorway, held to the same contract as the one on disk."""

from collections.abc import Sequence

from bridge.core.record import Record
from bridge.spool import SpoolFull, SpoolUnwritable


class MemorySpool:
    """Keeps callbacks in a list; a test says when it is full or cannot be written."""

    def __init__(self, *, records_max: int = 1_000_000) -> None:
        self.callbacks: list[tuple[Record, ...]] = []
        self.writable = True
        self._records_max = records_max

    def has_pending(self, key: bytes) -> bool:
        return any(records[0].key == key for records in self.callbacks)

    async def append(self, records: Sequence[Record]) -> None:
        if not self.writable:
            message = "switched off"
            raise SpoolUnwritable(message)
        if sum(map(len, self.callbacks)) + len(records) > self._records_max:
            message = f"over {self._records_max} records"
            raise SpoolFull(message)
        self.callbacks.append(tuple(records))
