"""A bound on how often something is done: what strangers cause must stay cheap."""

from collections.abc import Callable
from typing import Final

_MINUTE_S: Final = 60.0


class RateLimiter:
    """A bucket of tokens: ``per_minute_max`` at once, and as many again a minute.

    ``clock`` gives seconds that only grow.
    """

    def __init__(self, per_minute_max: int, clock: Callable[[], float]) -> None:
        self._per_minute_max = per_minute_max
        self._clock = clock
        self._tokens = float(per_minute_max)
        self._filled_at = clock()

    def allow(self) -> bool:
        """Say whether it may be done once more; then it counts as done."""
        now = self._clock()
        gained = (now - self._filled_at) * self._per_minute_max / _MINUTE_S
        self._tokens = min(self._tokens + gained, float(self._per_minute_max))
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
