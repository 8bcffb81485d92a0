"""Making records durable: acknowledged by all in-sync replicas, or an error that says what to do."""

from collections.abc import Sequence
from typing import Protocol

from bridge.record import Record


class Unavailable(Exception):
    """The records may not be durable. Try again, or keep them elsewhere."""


class RecordTooLarge(Exception):
    """Kafka will never take this record. Trying again does not help."""


class Publisher(Protocol):
    """The doorway to Kafka."""

    @property
    def available(self) -> bool:
        """Say whether publishing can be expected to work now."""
        ...

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when every record is acknowledged; raises Unavailable or RecordTooLarge.

        After Unavailable some of the records may be on Kafka all the same, now or later.
        """
        ...
