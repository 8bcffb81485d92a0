"""What the connections of a listening socket share: bounds, and who gives way to whom."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from bridge.ingress.framing import HEADERS_BYTES_MAX
from bridge.intake.rate_limit import RateLimiter
from bridge.telemetry.metrics import Metrics

CutOffCause = Literal[
    "connections", "malformed", "overloaded", "oversize", "slow_answer", "slow_body", "slow_head"
]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The most a client may take, and how long it may take for its request's head and body.

    ``body_bytes_max`` None: the application bounds bodies itself.
    """

    connections_max: int
    url_bytes_max: int
    read_timeout_s: float
    body_bytes_max: int | None = None
    headers_bytes_max: int = HEADERS_BYTES_MAX
    log_lines_per_minute_max: int = 60


class Client(Protocol):
    """A connection, as another one sees it."""

    def make_room(self) -> None:
        """End at once, for another connection."""
        ...

    def free_bytes(self) -> None:
        """Let go of what is held and not worked on."""
        ...


ClientQueue = dict[Client, None]


class Clients:
    """What all connections of a listening socket share."""

    def __init__(
        self,
        limits: ConnectionLimits,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.metrics = metrics
        self.log_limiter = RateLimiter(limits.log_lines_per_minute_max, clock)
        # Set at the end of a process: every answer is then the last of its connection.
        self.stopping = False
        self.held_bytes = 0
        # Connections that wait for their client, the longest waiting first: rule 6.
        self.lingering: ClientQueue = {}
        self.idle: ClientQueue = {}
        self.unfinished: ClientQueue = {}

    def make_room(self) -> bool:
        """Close a connection for another; return whether there was one that could be closed."""
        for waiting in (self.lingering, self.idle, self.unfinished):
            if waiting:
                next(iter(waiting)).make_room()
                return True
        return False
