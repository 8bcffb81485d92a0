"""Which keys the drain pauses, and until when."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.publish.health import Backoff

# Kafka did not answer for a key's partition: others may work, and its own may work again soon.
STALLED_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Wait:
    until: float
    stalled: bool = False


class KeyBackoff:
    """The keys that wait. ``clock`` returns seconds that only grow."""

    def __init__(self, clock: Callable[[], float], *, stalled_s: float, refused: Backoff) -> None:
        self._clock = clock
        self._stalled_s = stalled_s
        self._refused = refused
        self._waits: dict[bytes, _Wait] = {}

    def is_waiting(self, key: bytes) -> bool:
        """Return True if a key is paused."""
        return key in self._waits

    def stalled_until(self, key: bytes) -> float | None:
        """Return until when a key is paused because Kafka did not answer; None for other reasons."""
        wait = self._waits.get(key)
        return wait.until if wait is not None and wait.stalled else None

    def pause_stalled(self, key: bytes) -> None:
        """Pause a key because Kafka did not answer."""
        self._waits[key] = _Wait(self._clock() + self._stalled_s, stalled=True)

    def pause_refused(self, key: bytes, tries: int) -> None:
        """Pause a key whose oldest callback was refused so many times."""
        self.pause(key, self._refused.delay_s(tries))

    def pause(self, key: bytes, pause_s: float) -> None:
        """Pause a key."""
        self._waits[key] = _Wait(self._clock() + pause_s)

    def release_due(self, *, stalled: bool) -> bool:
        """Release the keys whose pause is over, stalled ones only if asked; True if there were any."""
        now = self._clock()
        due = [
            key
            for key, wait in self._waits.items()
            if wait.until <= now and wait.stalled <= stalled
        ]
        for key in due:
            del self._waits[key]
        return bool(due)

    def next_due_s(self) -> float | None:
        """Return in how many seconds the next pause is over; None if no key waits."""
        if not self._waits:
            return None
        return max(0.0, min(wait.until for wait in self._waits.values()) - self._clock())
