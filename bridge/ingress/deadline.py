"""Timers for slow clients that do not punish a client for a pause of this process.

1. A process can be frozen (SIGSTOP, a paused virtual machine, a blocked loop). When it continues, the
   loop runs due timers before it reads any socket, so a client would be cut off although its bytes
   arrived long ago. Therefore a timer that fires more than FROZEN_S late starts again.
2. Any other timer acts RECHECK_S after it fires. In between the loop reads all sockets once more; if the
   missing bytes were there, the connection cancels the timer.
"""

import asyncio
from collections.abc import Callable
from typing import Final

FROZEN_S: Final = 0.5
RECHECK_S: Final = 0.01


class ClientTimer:
    """Calls ``call(*given)`` after ``delay_s``, unless it is cancelled before."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        delay_s: float,
        call: Callable[..., object],
        *given: object,
    ) -> None:
        self._loop = loop
        self._delay_s = delay_s
        self._call = call
        self._start(*given)

    def cancel(self) -> None:
        """Cancel the call."""
        self._handle.cancel()

    def _start(self, *given: object) -> None:
        self._due_at_s = self._loop.time() + self._delay_s
        self._handle = self._loop.call_later(self._delay_s, self._on_due, *given)

    def _on_due(self, *given: object) -> None:
        if self._loop.time() - self._due_at_s > FROZEN_S:
            self._start(*given)  # rule 1
        else:
            self._handle = self._loop.call_later(RECHECK_S, self._call, *given)  # rule 2
