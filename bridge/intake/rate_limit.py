"""Token-bucket rate limiter for work that unauthenticated clients can trigger."""

from collections.abc import Callable
from typing import Final

_MINUTE_S: Final = 60.0


class RateLimiter:
    """Token bucket: holds ``per_minute_max`` tokens, and gains as many a minute.

    ``clock`` returns monotonic seconds.
    """

    def __init__(self, per_minute_max: int, clock: Callable[[], float]) -> None:
        self._per_minute_max = per_minute_max
        self._clock = clock
        self._tokens = float(per_minute_max)
        self._filled_at = clock()

    def allow(self) -> bool:
        """Take one token; return False if none is left."""
        now = self._clock()
        gained = (now - self._filled_at) * self._per_minute_max / _MINUTE_S
        self._tokens = min(self._tokens + gained, float(self._per_minute_max))
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
