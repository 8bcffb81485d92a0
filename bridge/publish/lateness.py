"""Which partitions do not acknowledge in time, and when it is Kafka as a whole.

1. A record that misses its deadline makes its partition late, unless nothing at all was acknowledged
   in the second half of the time it waited: then it is Kafka as a whole, and nothing is known of
   partitions.
2. A partition is late until it acknowledges a record, in time or not. Meanwhile nothing waits for it
   but one probe at a time, by the rules of a breaker of its own.
3. Who is turned away is spooled, and the drain probes; or probes itself, if the spool cannot take it.
   So it is always found out when a partition is back.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bridge.publish import PartitionStalled
from bridge.publish.breaker import CircuitBreaker

TopicPartition = tuple[str, int]
"""A partition: its topic, and its number."""


class _Stalled(NamedTuple):
    breaker: CircuitBreaker
    since: float


class PartitionHealth:
    """What is known of partitions that are late. ``clock`` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._late: dict[TopicPartition, _Stalled] = {}
        self._answered_at = clock()

    def record_answer(self, place: TopicPartition) -> None:
        """Take note that a partition acknowledged a record, or refused one."""
        self._answered_at = self._clock()
        if self._late:
            self._late.pop(place, None)

    def stalled_since(self, place: TopicPartition) -> float:
        """Return when a partition became late, which it has to be."""
        return self._late[place].since

    def start_probes(
        self, places: Iterable[TopicPartition], *, probing: bool
    ) -> list[CircuitBreaker]:
        """Return the breakers of late partitions that records for these places now probe: rule 2.

        The caller has to say of each how that ended. Raises PartitionLate.
        """
        if not self._late:
            return []
        late = {place: self._late[place].breaker for place in places if place in self._late}
        for place, breaker in late.items():
            if not (probing and breaker.may_send):
                raise PartitionStalled(*place)
        return [breaker for breaker in late.values() if breaker.start_probe()]

    def record_timeout(
        self, places: Iterable[TopicPartition], *, started_at: float
    ) -> TopicPartition | None:
        """Take note of places that missed a deadline, and return one; None if it is Kafka: rule 1.

        ``begun`` is when the wait for them began.
        """
        if self._answered_at <= (started_at + self._clock()) / 2:
            return None
        missed = None
        for missed in places:
            if missed not in self._late:
                self._late[missed] = _Stalled(CircuitBreaker(self._clock), since=self._clock())
            self._late[missed].breaker.record_failure()
        return missed
