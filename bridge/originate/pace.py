"""Rate limiter for requests to Plivo's API.

1. Plivo admits 300 requests of an account in any 5 seconds, and refuses more with 429. The network may
   bring two requests closer together than they were sent, so the window is a little longer here.
2. Plivo starts 2 calls a second of an account (more by agreement), and lets others wait. A request that
   dials may be sent when all calls of the earlier ones can have started: ``n`` destinations keep the
   next request waiting ``n / calls_per_s`` seconds. Other requests do not wait for that.
3. Each process counts for itself. Plivo counts all of an account.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

REQUESTS_MAX: Final = 300
WINDOW_S: Final = 5.25
CALLS_PER_S: Final = 2.0


class Pace:
    """The pure rule. Instants are seconds of one clock that does not go back."""

    def __init__(
        self,
        *,
        calls_per_s: float = CALLS_PER_S,
        requests_max: int = REQUESTS_MAX,
        window_s: float = WINDOW_S,
    ) -> None:
        if calls_per_s <= 0:
            message = f"calls_per_s must be more than 0, not {calls_per_s}"
            raise ValueError(message)
        self._calls_per_s = calls_per_s
        self._window_s = window_s
        self._sent_s: deque[float] = deque(maxlen=requests_max)
        self._calls_free_s = float("-inf")

    def admit(self, now_s: float, calls: int = 0) -> float:
        """Return 0 if a request may be sent now, and count it; else how many seconds to wait.

        ``calls`` is the number of its destinations; 0: it does not dial.
        """
        wait_s = self._calls_free_s - now_s if calls else 0.0
        if len(self._sent_s) == self._sent_s.maxlen:
            wait_s = max(wait_s, self._sent_s[0] + self._window_s - now_s)
        if wait_s > 0:
            return wait_s
        self._sent_s.append(now_s)
        if calls:
            self._calls_free_s = now_s + calls / self._calls_per_s
        return 0.0


class Pacer:
    """Lets requests wait for their turn. Those that dial keep their order."""

    def __init__(
        self,
        pace: Pace | None = None,
        *,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._pace = pace or Pace()
        self._now_s, self._sleep = now_s, sleep
        self._dialling = asyncio.Lock()

    async def wait(self) -> None:
        """Return when a request that does not dial may be sent."""
        await self._wait(0)

    async def wait_to_dial(self, calls: int) -> None:
        """Return when a request with so many destinations may be sent."""
        async with self._dialling:
            await self._wait(calls)

    async def pause(self, pause_s: float) -> None:
        """Return after a pause in seconds."""
        await self._sleep(pause_s)

    async def _wait(self, calls: int) -> None:
        while (wait_s := self._pace.admit(self._now_s(), calls)) > 0:
            await self._sleep(wait_s)
