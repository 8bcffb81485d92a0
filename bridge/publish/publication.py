"""Publications: the records of one caller, their deadline, and the consequences of a missed one.

1. A record that misses its deadline stalls its partition, unless Kafka as a whole is away (``health``).
2. A producer without any acknowledgement for REPLACE_AFTER_S, or without one from a stalled partition
   for REPLACE_STALLED_AFTER_S, may hold old credentials or addresses. It is replaced.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.core.record import Record
from bridge.publish import PartitionStalled, RecordRefused, TopicUnavailable, Unavailable
from bridge.publish.health import CircuitBreaker, KafkaHealth, TopicPartition
from bridge.publish.producers import Producers

REPLACE_AFTER_S: Final = 15.0
REPLACE_STALLED_AFTER_S: Final = 60.0


@dataclass(slots=True, eq=False)
class Publication:
    """One caller's records, and the future of their result.

    ``results_missing`` counts the records that have no result yet. ``partitions`` are those of the
    records, in their order; there are none before the records are sent.
    """

    records: Sequence[Record]
    result: "asyncio.Future[None]"
    deadlines: "Deadlines"
    started_at: float
    probing: bool
    results_missing: int
    acknowledged: list[Record]
    partitions: Sequence[TopicPartition] = ()
    probes: Sequence[CircuitBreaker] = ()
    error: Exception | None = None

    @property
    def seconds_left(self) -> float:
        """Return how long the caller still waits."""
        return self.started_at + self.deadlines.timeout_s - time.monotonic()

    def record_acknowledgement(self, record: Record) -> None:
        """Record that a record is durable; the last result ends the publication."""
        self.acknowledged.append(record)
        self.results_missing -= 1
        if not self.results_missing:
            self.end()

    def record_failure(self, error: Exception, *, records: int = 1) -> None:
        """Record that so many records are not durable; the last result ends the publication."""
        if self.result.done():
            return
        if self.error is None or _precedence(error) < _precedence(self.error):
            self.error = error
        self.results_missing -= records
        if not self.results_missing:
            self.end()

    def end(self) -> None:
        """End the publication, with its error if it has one."""
        self.deadlines.waiting.pop(self, None)  # it may expire in this turn of the event loop
        if self.error is None:
            self.result.set_result(None)
            return
        if isinstance(self.error, RecordRefused):
            self.error.acknowledged = self.acknowledged
        self.result.set_exception(self.error)


def _precedence(error: Exception) -> int:
    """Order the errors of one caller's records: the caller gets the one with the lowest number."""
    return (
        0 if isinstance(error, TopicUnavailable) else 1 if isinstance(error, RecordRefused) else 2
    )


class Deadlines:
    """Publications that wait equally long, in the order of their deadlines, with one timer for all."""

    def __init__(self, timeout_s: float, on_expired: Callable[[Publication], None]) -> None:
        self.timeout_s = timeout_s
        self.loop = asyncio.get_running_loop()
        self.waiting: dict[Publication, None] = {}
        self._on_expired = on_expired
        self._timer: asyncio.TimerHandle | None = None

    def start_publication(self, records: Sequence[Record], *, probing: bool) -> Publication:
        """Return a new publication; ``on_expired`` gets it if it still waits at its deadline."""
        publication = Publication(
            records, self.loop.create_future(), self, time.monotonic(), probing, len(records), []
        )
        self.waiting[publication] = None
        if self._timer is None:
            self._start_timer(self.timeout_s)
        return publication

    def _start_timer(self, delay_s: float) -> None:
        self._timer = self.loop.call_later(delay_s, self._expire)

    def _expire(self) -> None:
        self._timer = None
        expired: list[Publication] = []
        for publication in self.waiting:
            seconds_left = publication.seconds_left
            if seconds_left > 0:
                self._start_timer(seconds_left)
                break
            expired.append(publication)
        for publication in expired:
            del self.waiting[publication]
            # Each in a call of its own, so that a fault with one leaves no other waiting for ever.
            self.loop.call_soon(self._on_expired, publication)


class MissedDeadlines:
    """The time since when deadlines are missed."""

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
        """Record a caller's missed deadline; return the error for the caller: rules 1 and 2."""
        producer = self._producers.producer
        if producer is not None:
            for record in records:
                if record.topic not in producer.partitions:
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
