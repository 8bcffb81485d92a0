"""Making records durable: acknowledged by all in-sync replicas, or an error that says what to do."""

from collections.abc import Sequence
from typing import Protocol

from bridge.record import Record


class Unavailable(Exception):
    """The records may not be durable. Try again, or keep them elsewhere."""


class TopicUnavailable(Unavailable):
    """One topic is missing or closed to us; it says nothing of the others."""

    def __init__(self, topic: str, fault: str) -> None:
        super().__init__(f"topic {topic} is {fault}")
        self.topic = topic


class RecordRefused(Exception):
    """Kafka does not take this very record; others are not concerned.

    ``reason`` is a stable code, ``topic`` the record's, blank where nobody can tell which it was.
    """

    def __init__(self, reason: str, message: str, *, topic: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.topic = topic


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

    async def publish(self, records: Sequence[Record], *, deadline_s: float | None = None) -> None:
        """Return when every record is acknowledged, within ``deadline_s``, else the publisher's own.

        Raises Unavailable, TopicUnavailable or RecordRefused. Afterwards some of the records may be
        on Kafka all the same, now or later.
        """
        ...
