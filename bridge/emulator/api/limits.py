"""Limit the API requests of an account: 300 in any 5 seconds, as Plivo documents."""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

REQUESTS_MAX: Final = 300
WINDOW_S: Final = 5.0


class RequestLimit:
    """Counts admitted requests by main account; a subaccount counts as its main account."""

    def __init__(self) -> None:
        self._admitted: dict[str, deque[datetime]] = {}

    def admit(self, auth_id: str, now: datetime) -> bool:
        """Return whether one more request is admitted now."""
        admitted = self._admitted.setdefault(auth_id, deque(maxlen=REQUESTS_MAX))
        if len(admitted) == REQUESTS_MAX and now - admitted[0] < timedelta(seconds=WINDOW_S):
            return False
        admitted.append(now)
        return True

    def clear(self) -> None:
        """Forget all requests."""
        self._admitted.clear()
