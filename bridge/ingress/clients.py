"""State shared by all connections of a listening socket: limits, and which one is closed first."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from bridge.ingress.framing import HEADERS_BYTES_MAX
from bridge.intake.rate_limit import RateLimiter
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

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
    """A connection, as the server and other connections see it."""

    def shut_down(self) -> None:
        """Close after the request in progress is answered."""
        ...

    def make_room(self) -> None:
        """Close at once, to make room for another connection."""
        ...

    def free_bytes(self) -> None:
        """Drop the bytes that no request in progress needs."""
        ...


ClientQueue = dict[Client, None]


class Clients:
    """State shared by all connections of a listening socket.

    ``metrics`` None: the connections that the bridge closes are not counted.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        metrics: Metrics | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._metrics = metrics
        self._log_limiter = RateLimiter(limits.log_lines_per_minute_max, clock)
        self._suppressed = 0
        self.connections: set[Client] = set()  # those that take up a place
        # Those in progress, by their exchanges, which remove them.
        self.requests: dict[object, asyncio.Task[None]] = {}
        # Set when the process stops: each answer is then the last on its connection.
        self.stopping = False
        self.held_bytes = 0
        # Connections that wait for their client, the longest waiting first: rule 6 of ``protocol``.
        self.lingering: ClientQueue = {}
        self.idle: ClientQueue = {}
        self.unfinished: ClientQueue = {}

    def count_cut_off(self, cause: CutOffCause) -> None:
        """Count a connection that the bridge closes."""
        if self._metrics is not None:
            self._metrics.count(Metric.CUT_OFF_TOTAL, cause)

    def log_cut_off(self, cause: CutOffCause, fault: str) -> None:
        """Log why a request was cut off, within the limit; the next line counts the suppressed ones."""
        if not self._log_limiter.allow():
            self._suppressed += 1
            return
        line: dict[str, object] = {"cause": cause, "fault": fault}
        if self._suppressed:
            line["suppressed_before"], self._suppressed = self._suppressed, 0
        log.warning("request_cut_off", **line)

    def make_room(self) -> bool:
        """Close a waiting connection to make room; return False if there is none."""
        for waiting in (self.lingering, self.idle, self.unfinished):
            if waiting:
                next(iter(waiting)).make_room()
                return True
        return False
