"""Which keys and topics the drain leaves alone for a while, and until when."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.spool.codec import SpooledCallback

# Kafka did not answer about one key's partition; others may be well, and its own again soon.
STALLED_S: Final = 5.0
_DOUBLINGS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before trying again, doubled each time, up to a bound."""

    first_s: float
    max_s: float

    def delay_s(self, tries: int) -> float:
        """Return how long to wait after so many tries in a row."""
        return min(self.first_s * 2.0 ** min(tries - 1, _DOUBLINGS_MAX), self.max_s)


@dataclass(frozen=True, slots=True)
class _Wait:
    until: float
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class _Closed:
    until: float
    tries: int


class KeyBackoff:
    """Keys that are waiting, each with the reason's own time. ``clock`` gives seconds that only grow."""

    def __init__(
        self, clock: Callable[[], float], *, stalled_s: float, topic: Backoff, refused: Backoff
    ) -> None:
        self._clock = clock
        self._late_s = stalled_s
        self._topic = topic
        self._refused = refused
        self._keys: dict[bytes, _Wait] = {}
        self._topics: dict[str, _Closed] = {}

    def is_waiting(self, key: bytes) -> bool:
        """Say whether a key is to be left alone."""
        return key in self._keys

    def stalled_until(self, key: bytes) -> float | None:
        """Return until when a key is left alone because Kafka did not answer, if that is why."""
        wait = self._keys.get(key)
        return wait.until if wait is not None and wait.stalled else None

    def pause_stalled(self, key: bytes) -> None:
        """Leave a key alone about which Kafka did not answer."""
        self._keys[key] = _Wait(self._clock() + self._late_s, stalled=True)

    def pause_refused(self, key: bytes, tries: int) -> None:
        """Leave a key alone whose oldest callback was refused so many times."""
        self._keys[key] = _Wait(self._clock() + self._refused.delay_s(tries))

    def pause_for_topic(self, topic: str, key: bytes) -> bool:
        """Leave a key alone whose turn is at a topic that is away; say whether that is news."""
        now = self._clock()
        closed = self._topics.get(topic)
        if closed is None or closed.until <= now:
            tries = closed.tries + 1 if closed else 1
            self._topics[topic] = _Closed(now + self._topic.delay_s(tries), tries)
        self._keys[key] = _Wait(self._topics[topic].until)
        return closed is None

    def paused_topic(self, callback: SpooledCallback) -> str | None:
        """Return a topic of the callback's that is to be left alone, if there is one."""
        if self._topics:
            now = self._clock()
            for record in callback.records:
                closed = self._topics.get(record.topic)
                if closed is not None and closed.until > now:
                    return record.topic
        return None

    def record_success(self, callback: SpooledCallback) -> None:
        """Take note that the callback's topics are there."""
        if self._topics:
            for record in callback.records:
                self._topics.pop(record.topic, None)

    def release_due(self, *, stalled: bool) -> bool:
        """Say whether a wait is over, and have those keys wait no longer; ``late`` ones too, or not."""
        now = self._clock()
        due = [
            key for key, wait in self._keys.items() if wait.until <= now and wait.stalled <= stalled
        ]
        for key in due:
            del self._keys[key]
        return bool(due)

    def next_due_s(self) -> float | None:
        """Return in how many seconds the next wait is over, None without any."""
        if not self._keys:
            return None
        return max(0.0, min(wait.until for wait in self._keys.values()) - self._clock())
