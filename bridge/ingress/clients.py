"""What the connections of a listening socket share: limits, timers, and which one is closed first.

The timers do not punish a client for a pause of this process.

1. A process can be frozen (SIGSTOP, a paused virtual machine, a blocked loop). When it continues, the
   loop runs due timers before it reads any socket, so a client would be cut off although its bytes
   arrived long ago. Therefore a timer that fires more than FROZEN_S late starts again.
2. Any other timer acts RECHECK_S after it fires. In between the loop reads all sockets once more; if the
   missing bytes were there, the connection cancels the timer.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from bridge.ingress.framing import HEADERS_BYTES_MAX
from bridge.intake.rate_limit import RateLimiter
from bridge.telemetry.metrics import Metrics

FROZEN_S: Final = 0.5
RECHECK_S: Final = 0.01

CutOffCause = Literal[
    "connections", "malformed", "overloaded", "oversize", "slow_answer", "slow_body", "slow_head"
]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of the connections, and the time a client has to send the head or the body of a request.

    ``body_bytes_max`` None: the application limits bodies itself.
    """

    connections_max: int
    url_bytes_max: int
    read_timeout_s: float
    body_bytes_max: int | None = None
    headers_bytes_max: int = HEADERS_BYTES_MAX
    log_lines_per_minute_max: int = 60


class Client(Protocol):
    """A connection, as other connections see it."""

    def make_room(self) -> None:
        """Close at once, to make room for another connection."""
        ...

    def free_bytes(self) -> None:
        """Drop the bytes that no request in progress needs."""
        ...


ClientQueue = dict[Client, None]


class Clients:
    """State shared by all connections of a listening socket."""

    def __init__(
        self,
        limits: ConnectionLimits,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.metrics = metrics
        self.log_limiter = RateLimiter(limits.log_lines_per_minute_max, clock)
        # Set when the process stops: each answer is then the last on its connection.
        self.stopping = False
        self.held_bytes = 0
        # Connections that wait for their client, the longest waiting first: rule 6 of ``protocol``.
        self.lingering: ClientQueue = {}
        self.idle: ClientQueue = {}
        self.unfinished: ClientQueue = {}

    def make_room(self) -> bool:
        """Close a waiting connection to make room; return False if there is none."""
        for waiting in (self.lingering, self.idle, self.unfinished):
            if waiting:
                next(iter(waiting)).make_room()
                return True
        return False


class ClientTimer:
    """Calls ``call(*given)`` after ``delay_s``, unless it is cancelled before: rules 1 and 2."""

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
