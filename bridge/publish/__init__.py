"""Making records durable: acknowledged by all in-sync replicas, or an error that says what to do."""

from collections.abc import Sequence
from typing import Protocol

from bridge.core.record import Record


class Unavailable(Exception):
    """The records may not be durable. Try again, or keep them elsewhere."""


class PartlyUnavailable(Unavailable):
    """Some part of Kafka takes nothing now; it says nothing of the others."""


class TopicUnavailable(PartlyUnavailable):
    """One topic is missing or closed to us."""

    def __init__(self, topic: str, fault: str) -> None:
        super().__init__(f"topic {topic} is {fault}")
        self.topic = topic
        self.fault = fault


class PartitionStalled(PartlyUnavailable):
    """One partition does not acknowledge in time, while others do."""

    def __init__(self, topic: str, partition: int) -> None:
        super().__init__(f"partition {partition} of {topic} does not acknowledge in time")


class RecordRefused(Exception):
    """Kafka does not take this very record; others are not concerned.

    ``reason`` is a stable code, ``topic`` the record's, blank where nobody can tell which it was.
    ``acknowledged`` are those of the caller's records that are on Kafka all the same.
    """

    def __init__(self, reason: str, message: str, *, topic: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.topic = topic
        self.acknowledged: Sequence[Record] = ()


class RecordTooLarge(RecordRefused):
    """Kafka will never take this record, for its size. Trying again does not help."""

    def __init__(self, message: str, *, topic: str = "") -> None:
        super().__init__("record_too_large", message, topic=topic)


class Publisher(Protocol):
    """The doorway to Kafka."""

    @property
    def available(self) -> bool:
        """Say whether publishing can be expected to work now."""
        ...

    async def publish(
        self,
        records: Sequence[Record],
        *,
        deadline_s: float | None = None,
        probing: bool = False,
    ) -> None:
        """Return when every record is acknowledged, within ``deadline_s``, else the publisher's own.

        Nothing waits for a partition that is late; ``probing`` lets one publication at a time find
        out whether it still is. Raises Unavailable, one of its kinds, or RecordRefused. Afterwards
        some of the records may be on Kafka all the same, now or later.
        """
        ...
