"""Timers for slow clients that do not punish a client for a pause of this process.

1. A process can be frozen (SIGSTOP, a paused virtual machine, a blocked loop). When it continues, the
   loop runs due timers before it reads any socket, so a client would be cut off although its bytes
   arrived long ago. Therefore a timer that fires more than FROZEN_S late starts again.
2. Any other timer acts RECHECK_S after it fires. In between the loop reads all sockets once more; if the
   missing bytes were there, the connection stops or restarts the timer.
3. A connection restarts its timer with each request, and almost never lets it run out. So to start and
   to stop only note when it is due. The timer of the loop is set if it would fire too late, and if it
   fires too early, again for the rest.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Final

FROZEN_S: Final = 0.5
RECHECK_S: Final = 0.01


class ClientTimer:
    """A timer that can be started, stopped and restarted at almost no cost. It is made stopped."""

    __slots__ = ("_call", "_delay_s", "_due_at_s", "_fires_at_s", "_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._delay_s = 0.0
        self._due_at_s = math.inf
        self._fires_at_s = math.inf
        self._handle: asyncio.TimerHandle | None = None
        self._call: Callable[[], object] | None = None

    def start(self, delay_s: float, call: Callable[[], object]) -> None:
        """Call ``call`` after ``delay_s``, in place of the call that it waits for."""
        self._delay_s = delay_s
        self._call = call
        self._due_at_s = self._loop.time() + delay_s
        if self._due_at_s < self._fires_at_s:
            self._set(delay_s, self._fire)

    def stop(self) -> None:
        """Call nothing, until it is started again."""
        self._due_at_s = math.inf

    def close(self) -> None:
        """Stop, and release the loop's timer and the call."""
        self.stop()
        self._call = None
        self._unset()

    def _set(self, delay_s: float, step: Callable[[], None]) -> None:
        self._unset()
        self._fires_at_s = self._loop.time() + delay_s
        self._handle = self._loop.call_later(delay_s, step)

    def _unset(self) -> None:
        self._fires_at_s = math.inf
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._unset()
        left_s = self._due_at_s - self._loop.time()
        if self._call is None or left_s == math.inf:
            return
        if left_s < -FROZEN_S:
            self.start(self._delay_s, self._call)  # rule 1
        elif left_s <= RECHECK_S:
            self._set(RECHECK_S, self._act)  # rule 2
        else:
            self._set(left_s, self._fire)  # rule 3

    def _act(self) -> None:
        call = self._call
        if call is None or self._due_at_s > self._loop.time():
            self._fire()  # it was stopped or restarted
        else:
            self.close()
            call()
