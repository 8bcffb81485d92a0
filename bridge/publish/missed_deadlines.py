"""What it means that records missed their deadline, and what follows from it.

1. What missed its deadline stalls its partition, or means that Kafka as a whole is away (``health``).
2. A producer without any acknowledgement for REPLACE_AFTER_S, or without one from a stalled partition
   for REPLACE_STALLED_AFTER_S, may hold old credentials or addresses. It is replaced.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Final

from bridge.core.record import Record
from bridge.publish import PartitionStalled, TopicUnavailable, Unavailable
from bridge.publish.health import KafkaHealth, TopicPartition
from bridge.publish.producers import Producers

REPLACE_AFTER_S: Final = 15.0
REPLACE_STALLED_AFTER_S: Final = 60.0


class MissedDeadlines:
    """Since when deadlines are missed."""

    def __init__(self, producers: Producers, health: KafkaHealth) -> None:
        self._producers = producers
        self._health = health
        self._failing_since: float | None = None
        self._replaced_at = time.monotonic()

    def record_acknowledgement(self) -> None:
        """Record that the producer works: rule 2."""
        self._failing_since = None

    def record(
        self,
        why: str,
        records: Iterable[Record],
        partitions: Sequence[TopicPartition],
        *,
        started_at: float,
    ) -> Unavailable:
        """Record that a caller's records were not acknowledged; return what he gets: rules 1 and 2."""
        producer = self._producers.producer
        if producer is not None:
            for record in records:
                if not producer.partitions(record.topic):
                    return TopicUnavailable(record.topic, "missing")
            now = time.monotonic()
            if self._failing_since is None:
                self._failing_since = now
            elif now - self._failing_since > REPLACE_AFTER_S:
                self._failing_since = None
                self._producers.replace(producer)
        stalled = self._health.record_timeout(partitions, started_at=started_at)
        if stalled is None:
            return Unavailable(why)
        self._replace_for_stalled(stalled)
        return PartitionStalled(*stalled)

    def _replace_for_stalled(self, stalled: TopicPartition) -> None:
        """Replace the producer now and then while a partition is stalled: rule 2."""
        now, producer = time.monotonic(), self._producers.producer
        since = max(self._health.stalled_since(stalled), self._replaced_at)
        if producer is not None and now - since > REPLACE_STALLED_AFTER_S:
            self._replaced_at = now
            self._producers.replace(producer)
