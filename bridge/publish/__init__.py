"""Publish records: Kafka acknowledges them with all in-sync replicas, or an error says what to do.

The room knows aiokafka. It must not know what a callback is, the spool, or settings.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.core.record import Record


class Unavailable(Exception):
    """Kafka may not have the records. Try again, or store them elsewhere."""


class PartlyUnavailable(Unavailable):
    """A part of Kafka takes no records now; the other parts may."""


class TopicUnavailable(PartlyUnavailable):
    """One topic is missing, or closed to us."""

    def __init__(self, topic: str, fault: str) -> None:
        super().__init__(f"topic {topic} is {fault}")
        self.topic = topic
        self.fault = fault


class PartitionStalled(PartlyUnavailable):
    """One partition does not acknowledge in time, while others do."""

    def __init__(self, topic: str, partition: int) -> None:
        super().__init__(f"partition {partition} of {topic} does not acknowledge in time")


class RecordRefused(Exception):
    """Kafka refuses this record; it may take others.

    ``reason`` is a stable code. ``topic`` is the record's topic, empty if it is unknown which record was
    refused. ``acknowledged`` are those of the caller's records that are on Kafka already.
    """

    def __init__(self, reason: str, message: str, *, topic: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.topic = topic
        self.acknowledged: Sequence[Record] = ()


class RecordTooLarge(RecordRefused):
    """Kafka will never take this record, because of its size. Trying again does not help."""

    def __init__(self, message: str, *, topic: str = "") -> None:
        super().__init__("record_too_large", message, topic=topic)


@dataclass(frozen=True, slots=True)
class PublishRules:
    """How records are published.

    ``ack_timeout_s`` is how long callers wait that name no deadline. Records wait ``linger_s`` for those
    of other callers. ``topics`` are known in advance, so that their first record need not wait. With
    ``single_records`` every record is a batch of its own: the embedded broker says that a topic ends
    after the first record of its last batch, so that its readers miss the others.
    """

    idempotence: bool
    ack_timeout_s: float
    linger_s: float = 0.0
    topics: Sequence[str] = ()
    single_records: bool = False


class Publisher(Protocol):
    """The doorway to Kafka."""

    @property
    def available(self) -> bool:
        """Return True if publishing can be expected to work now."""
        ...

    def publish(
        self,
        records: Sequence[Record],
        *,
        deadline_s: float | None = None,
        probing: bool = False,
    ) -> "asyncio.Future[None]":
        """Send the records; the future is done when every record is acknowledged.

        Records of one key are sent in the order of the calls. The future ends by ``deadline_s``, or by
        the publisher's own deadline. It does not wait for a stalled partition; ``probing`` lets one
        publication at a time find out whether it still is stalled. Its exception is Unavailable, one of
        its subclasses, or RecordRefused. After an error, or when the future is cancelled, some of the
        records may be on Kafka, now or later.
        """
        ...
