"""Time limits for clients that do not run while the process itself does not.

1. A process can be frozen (SIGSTOP, a paused virtual machine, a loop that was busy). When it goes on,
   the loop runs the timers that are due before it reads any socket, so a client would be cut off for
   bytes that arrived long ago. A timer that runs more than FROZEN_S late therefore starts anew.
2. Any other timer takes effect LOOK_S later: the loop has read all sockets once more in between, and
   whoever reads what was missing cancels it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

FROZEN_S: Final = 0.5
RECHECK_S: Final = 0.01


class ClientTimer:
    """Calls ``call(*given)`` once ``delay_s`` have passed and nothing that came has cancelled it."""

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
        """Have nothing called any more."""
        self._handle.cancel()

    def _start(self, *given: object) -> None:
        self._due_at_s = self._loop.time() + self._delay_s
        self._handle = self._loop.call_later(self._delay_s, self._on_due, *given)

    def _on_due(self, *given: object) -> None:
        if self._loop.time() - self._due_at_s > FROZEN_S:
            self._start(*given)  # rule 1
        else:
            self._handle = self._loop.call_later(RECHECK_S, self._call, *given)  # rule 2
