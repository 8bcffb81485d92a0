"""Limit the API requests of an account, as Plivo documents.

1. There may be 300 requests in any 5 seconds, and 20 for lists of messages in any minute.
2. A subaccount counts as its main account.
"""

from collections import deque
from datetime import datetime, timedelta


class RequestLimit:
    """Counts the admitted requests of each account. ``window_s`` is the machine's time."""

    def __init__(self, requests_max: int, window_s: float) -> None:
        self._requests_max = requests_max
        self._window = timedelta(seconds=window_s)
        self._admitted: dict[str, deque[datetime]] = {}

    def admit(self, auth_id: str, now: datetime) -> bool:
        """Return whether one more request is admitted now."""
        admitted = self._admitted.setdefault(auth_id, deque(maxlen=self._requests_max))
        if len(admitted) == self._requests_max and now - admitted[0] < self._window:
            return False
        admitted.append(now)
        return True

    def clear(self) -> None:
        """Forget all requests."""
        self._admitted.clear()
