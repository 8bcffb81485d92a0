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

from bridge.publish import PartitionLate
from bridge.publish.breaker import Breaker

Place = tuple[str, int]
"""A partition: its topic, and its number."""


class _Late(NamedTuple):
    breaker: Breaker
    since: float


class Lateness:
    """What is known of partitions that are late. ``clock`` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._late: dict[Place, _Late] = {}
        self._answered_at = clock()

    def answered(self, place: Place) -> None:
        """Take note that a partition acknowledged a record, or refused one."""
        self._answered_at = self._clock()
        if self._late:
            self._late.pop(place, None)

    def since(self, place: Place) -> float:
        """Return when a partition became late, which it has to be."""
        return self._late[place].since

    def enter(self, places: Iterable[Place], *, probing: bool) -> list[Breaker]:
        """Return the breakers of late partitions that records for these places now probe: rule 2.

        The caller has to say of each how that ended. Raises PartitionLate.
        """
        if not self._late:
            return []
        late = {place: self._late[place].breaker for place in places if place in self._late}
        for place, breaker in late.items():
            if not (probing and breaker.worth_trying):
                raise PartitionLate(*place)
        return [breaker for breaker in late.values() if breaker.may_probe()]

    def missed(self, places: Iterable[Place], *, begun: float) -> Place | None:
        """Take note of places that missed a deadline, and return one; None if it is Kafka: rule 1.

        ``begun`` is when the wait for them began.
        """
        if self._answered_at <= (begun + self._clock()) / 2:
            return None
        missed = None
        for missed in places:
            if missed not in self._late:
                self._late[missed] = _Late(Breaker(self._clock), since=self._clock())
            self._late[missed].breaker.failed()
        return missed
