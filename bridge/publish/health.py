"""Health of Kafka: a circuit breaker for the cluster, for each failing topic and each stalled partition.

1. A closed circuit lets records pass. One failure opens it: every in-sync replica has to
   acknowledge a record, so one record that is not acknowledged within seconds means that others
   wait as well.
2. An open circuit lets one probe at a time pass. The first probe is due after the first pause of
   the back-off, and each probe that fails doubles the pause, up to a maximum. A probe is a real
   record: brokers that answer metadata requests and store nothing do not close the circuit.
3. An acknowledgement closes the circuit, also a late one, and also one of a record that was no
   probe.
4. The failure of a record that was sent before the circuit opened changes nothing.
5. A probe is in progress until its sender reports the result, whatever happens in between.
6. A record that misses its deadline opens the circuit of its partition, not the cluster's.
   Exception: no partition answered in the second half of the time that the record waited. Then the
   cluster as a whole does not answer, and nothing is known about single partitions.
7. A topic that is missing or closed to us opens the circuit of the topic. It answers at once, so
   nobody waits for it: after each pause all records may try it, and the first failure counts as the
   probe.
8. A record that meets an open circuit is spooled, and the drain probes. If the spool cannot take
   the record, its sender probes. So a recovery is always detected.

The publisher asks and reports for topics and partitions; delivery and the drain do so for the cluster.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from bridge.publish import PartitionStalled, TopicUnavailable
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

Clock = Callable[[], float]
"""Seconds that only grow."""

TopicPartition = tuple[str, int]
"""A topic and the number of one of its partitions."""

_DOUBLINGS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts: each failure doubles the pause, up to a maximum."""

    first_s: float
    max_s: float

    def delay_s(self, failures: int) -> float:
        """Return the pause after so many failures in a row."""
        return min(self.first_s * 2.0 ** min(failures - 1, _DOUBLINGS_MAX), self.max_s)


PROBE_PAUSE: Final = Backoff(first_s=0.5, max_s=5.0)
TOPIC_PAUSE: Final = Backoff(first_s=1.0, max_s=10.0)


class CircuitBreaker:
    """State of one circuit: rules 1 to 5."""

    def __init__(self, clock: Clock, pause: Backoff = PROBE_PAUSE) -> None:
        self._clock = clock
        self._pause = pause
        self._listeners: list[Callable[[bool], None]] = []
        self._closed = True
        self._probing = False
        self._failures = 0
        self._probe_at = 0.0

    def subscribe(self, on_change: Callable[[bool], None]) -> None:
        """Call ``on_change`` with True when the circuit closes, and with False when it opens."""
        self._listeners.append(on_change)

    @property
    def closed(self) -> bool:
        """Return True if records may pass."""
        return self._closed

    @property
    def may_send(self) -> bool:
        """Return True if a record sent now may be acknowledged: closed, or a probe is due."""
        return self._closed or (not self._probing and self._clock() >= self._probe_at)

    @property
    def pause_s(self) -> float:
        """Return the seconds until the next probe is due; 0 if it is due, or the circuit is closed."""
        return 0.0 if self._closed else max(0.0, self._probe_at - self._clock())

    def record_success(self) -> None:
        """Record an acknowledgement: rule 3."""
        if not self._closed:
            self._set_closed(closed=True)

    def record_failure(self) -> None:
        """Record a failure: rules 1 and 4."""
        if self._closed:
            self._failures = 0
            self._delay_probe()
            self._set_closed(closed=False)

    def start_probe(self, *, at_once: bool = False) -> bool:
        """Return True if the caller has to probe now, and to report the result: rule 5.

        ``at_once`` does not wait until a probe is due: for a record that would be lost otherwise.
        """
        due = not self._probing if at_once else self.may_send
        if self._closed or not due:
            return False
        self._probing = True
        return True

    def end_probe(self, *, acknowledged: bool) -> None:
        """Record the result of a probe: rules 2 and 3. No result at all counts as a failure."""
        self._probing = False
        if acknowledged:
            self.record_success()
        elif not self._closed:
            self._delay_probe()

    def _delay_probe(self) -> None:
        self._failures += 1
        self._probe_at = self._clock() + self._pause.delay_s(self._failures)

    def _set_closed(self, *, closed: bool) -> None:
        self._closed = closed
        for on_change in self._listeners:
            on_change(closed)


class _FailingTopic(NamedTuple):
    fault: str
    circuit: CircuitBreaker


class _StalledPartition(NamedTuple):
    circuit: CircuitBreaker
    since: float


class KafkaHealth:
    """Circuits of one Kafka cluster. Topics and partitions have one only while they fail."""

    def __init__(
        self,
        clock: Clock = time.monotonic,
        *,
        topic_pause: Backoff = TOPIC_PAUSE,
        metrics: Metrics | None = None,
    ) -> None:
        self.cluster = CircuitBreaker(clock)
        self._clock = clock
        self._topic_pause = topic_pause
        self._metrics = metrics
        self._topics: dict[str, _FailingTopic] = {}
        self._partitions: dict[TopicPartition, _StalledPartition] = {}
        self._answered_at = clock()
        self.cluster.subscribe(self._report)

    def _report(self, closed: bool) -> None:  # noqa: FBT001 (a listener)
        if self._metrics is not None:
            self._metrics.set(Metric.BREAKER_OPEN, int(not closed))
        if closed:
            log.info("breaker_closed")
        else:
            log.warning(
                "breaker_open", meaning="callbacks go to the spool until Kafka acknowledges"
            )

    def topic_fault(self, topic: str) -> str | None:
        """Return why no record is to be sent to a topic now; None if records may try: rule 7."""
        failing = self._topics.get(topic) if self._topics else None
        return failing.fault if failing is not None and not failing.circuit.may_send else None

    def topic_pause_s(self, topic: str) -> float:
        """Return the seconds until records may try a topic again."""
        failing = self._topics.get(topic)
        return failing.circuit.pause_s if failing is not None else 0.0

    def record_topic_failure(self, error: TopicUnavailable) -> None:
        """Record that a topic takes nothing. It may be reported twice: rules 4 and 7."""
        failing = self._topics.get(error.topic)
        if failing is None:
            failing = _FailingTopic(error.fault, CircuitBreaker(self._clock, self._topic_pause))
            failing.circuit.record_failure()
        elif failing.circuit.start_probe():
            failing.circuit.end_probe(acknowledged=False)
        self._topics[error.topic] = failing._replace(fault=error.fault)

    def record_acknowledgement(self, partition: TopicPartition) -> None:
        """Record that a partition, and so its topic, takes records: rule 3."""
        self.record_answer(partition)
        if self._topics:
            self._topics.pop(partition[0], None)

    def record_answer(self, partition: TopicPartition) -> None:
        """Record that a partition answered in time or late, if only by refusing a record."""
        self._answered_at = self._clock()
        if self._partitions:
            self._partitions.pop(partition, None)

    def record_timeout(
        self, partitions: Iterable[TopicPartition], *, started_at: float
    ) -> TopicPartition | None:
        """Record that records missed their deadline; return one of the stalled partitions.

        Returns None if the cluster as a whole does not answer: rule 6. ``started_at`` is when the
        wait for the records started.
        """
        if self._answered_at <= (started_at + self._clock()) / 2:
            return None
        stalled = None
        for stalled in partitions:
            if stalled not in self._partitions:
                circuit = CircuitBreaker(self._clock)
                self._partitions[stalled] = _StalledPartition(circuit, since=self._clock())
            self._partitions[stalled].circuit.record_failure()
        return stalled

    def stalled_since(self, partition: TopicPartition) -> float:
        """Return when a partition stalled. The partition has to be a stalled one."""
        return self._partitions[partition].since

    def start_probes(
        self, partitions: Iterable[TopicPartition], *, probing: bool
    ) -> list[CircuitBreaker]:
        """Return the circuits that records for these partitions now probe, often none.

        The caller has to report the result to each of them. Raises PartitionStalled if one of the
        partitions is stalled, and ``probing`` is False or its probe is not due.
        """
        if not self._partitions:
            return []
        stalled = {
            partition: self._partitions[partition].circuit
            for partition in partitions
            if partition in self._partitions
        }
        for partition, circuit in stalled.items():
            if not (probing and circuit.may_send):
                raise PartitionStalled(*partition)
        return [circuit for circuit in stalled.values() if circuit.start_probe()]
