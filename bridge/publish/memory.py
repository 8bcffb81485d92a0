"""A publisher that stores records in memory: for benchmarks and tests, never for real calls."""

import asyncio
from collections.abc import Sequence

from bridge.core.record import Record
from bridge.publish import RecordTooLarge, Unavailable


class MemoryPublisher:
    """Stores the newest ``records_max`` records."""

    def __init__(self, *, record_bytes_max: int = 1_048_576, records_max: int = 1_000_000) -> None:
        self.records: list[Record] = []
        self.available = True
        self._record_bytes_max = record_bytes_max
        self._records_max = records_max

    def publish(
        self,
        records: Sequence[Record],
        *,
        deadline_s: float | None = None,  # noqa: ARG002 (the doorway's)
        probing: bool = False,  # noqa: ARG002 (the same)
    ) -> "asyncio.Future[None]":
        """Store the records, all or none."""
        result: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        error = self._error(records)
        if error is None:
            self.records.extend(records)
            del self.records[: -self._records_max]
            result.set_result(None)
        else:
            result.set_exception(error)
        return result

    def _error(self, records: Sequence[Record]) -> Unavailable | RecordTooLarge | None:
        if not self.available:
            return Unavailable("switched off")
        for record in records:
            if len(record.value) > self._record_bytes_max:
                message = f"over {self._record_bytes_max} bytes"
                return RecordTooLarge(message, topic=record.topic)
        return None
