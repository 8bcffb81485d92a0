"""The circuit breaker before Kafka, or before a part of it: a state machine without a clock of its own.

1. Closed: records go to Kafka. One failure opens it: with every in-sync replica asked for, one record
   that is not acknowledged in seconds means that others wait as well.
2. Open: nothing goes to Kafka but one probe at a time, the first after ``PROBE_FIRST_S``, and each
   that fails puts the next off twice as long, up to ``PROBE_MAX_S``. A probe is a real record, so
   brokers that answer questions and take nothing do not close the breaker.
3. An acknowledgement closes it, whoever waited for it: a late one as well as a probe's.
4. A failure of something sent before the breaker opened tells nothing new, and puts nothing off.
5. A probe is under way until whoever made it says how it ended, whatever else happens meanwhile.
"""

from collections.abc import Callable
from typing import Final

PROBE_FIRST_S: Final = 0.5
PROBE_MAX_S: Final = 5.0


class CircuitBreaker:
    """Whether Kafka is known to be away. ``clock`` gives seconds that only grow."""

    def __init__(
        self, clock: Callable[[], float], on_change: Callable[[bool], None] = lambda _: None
    ) -> None:
        self._clock = clock
        self._on_change = on_change
        self._closed = True
        self._probing = False
        self._pause_s = PROBE_FIRST_S
        self._probe_at = 0.0

    @property
    def closed(self) -> bool:
        """Say whether records are to go to Kafka."""
        return self._closed

    @property
    def may_send(self) -> bool:
        """Say whether a record sent now might be acknowledged: closed, or a probe is due."""
        return self._closed or (not self._probing and self._clock() >= self._probe_at)

    def record_success(self) -> None:
        """Take note of an acknowledgement: rule 3."""
        if not self._closed:
            self._closed = True
            self._on_change(self._closed)

    def record_failure(self) -> None:
        """Take note of a failure: rules 1 and 4."""
        if self._closed:
            self._closed = False
            self._pause_s = PROBE_FIRST_S
            self._probe_at = self._clock() + self._pause_s
            self._on_change(self._closed)

    def start_probe(self, *, at_once: bool = False) -> bool:
        """Say whether the caller is to probe now; True obliges it to say how that ended: rule 5.

        ``at_once`` does not wait until a probe is due: for what would be lost otherwise.
        """
        due = not self._probing if at_once else self.may_send
        if self._closed or not due:
            return False
        self._probing = True
        return True

    def end_probe(self, *, acknowledged: bool) -> None:
        """Take note of how a probe ended: rules 2 and 3. No answer about Kafka is none."""
        self._probing = False
        if acknowledged:
            self.record_success()
        elif not self._closed:
            self._pause_s = min(2 * self._pause_s, PROBE_MAX_S)
            self._probe_at = self._clock() + self._pause_s
