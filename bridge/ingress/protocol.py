"""HTTP/1.1 on the wire, with bounds on what a client may have of us: uvicorn's own has few.

1. A connection over the limit is closed as soon as it is accepted.
2. The head of a request has a time to arrive in, and so has its body. A timer is set only where
   something is missing after a read, so the usual request pays nothing for it. While we keep a
   client waiting, for the answer to an earlier request, its time does not run out.
3. A head is bounded in bytes and in lines, and so are all unfinished heads together, and the requests
   that come ahead of answers.
4. A client that does not read its answers is given as much time.
5. A request that is answered before it is whole ends its connection: what follows is not read.
6. What is not HTTP is answered a problem document, as all else that is refused.

What this needs of uvicorn's class, beside what asyncio and httptools call, is in a test:
``tests/ingress/test_protocol.py`` fails when a new version lacks it.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bridge.ingress.deadline import LOOK_S, Deadline
from bridge.ingress.problem import CONTENT_TYPE, RETRY_AFTER_S, problem
from bridge.ingress.request import CUT_OFF
from bridge.metrics import Metrics
from bridge.outcome import RefusalCause

Cause = Literal["connections", "oversize", "slow_answer", "slow_body", "slow_head"]

_HEADERS_MAX: Final = 256
_HEADERS_BYTES_MAX: Final = 16_384
_AHEAD_MAX: Final = 16
# What all unfinished heads may cost. A head seldom comes in pieces, so only an attack comes near.
_HEADS_BYTES_MAX: Final = 33_554_432
# What a header costs beside its bytes, as two byte strings in a pair in a list.
_HEADER_COST_BYTES: Final = 128


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most a client may have of us, and how long it may take for its request's head and body."""

    connections_max: int
    url_bytes_max: int
    read_timeout_s: float


class Clients:
    """What all connections of a listening socket share."""

    def __init__(self, bounds: Bounds, metrics: Metrics) -> None:
        self.bounds = bounds
        self.metrics = metrics
        # Set at the end of a process: every answer is then the last of its connection.
        self.leaving = False
        self.heads_bytes = 0  # what the unfinished heads cost

    def protocol(self) -> type[asyncio.Protocol]:
        """Return the class of which uvicorn makes one for each connection."""

        class Bounded(_Bounded):
            clients = self

        return Bounded


class _TooMuch(Exception):
    """Stops the parser; the client is cut off already."""


class _Bounded(HttpToolsProtocol):
    clients: Clients

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = self.clients.bounds
        self._head_bytes_max = self._bounds.url_bytes_max + _HEADERS_BYTES_MAX
        self._whole = False  # whether a request's end is the last we read
        self._head_bytes = 0  # of an unfinished head
        self._head_cost_bytes = 0  # of the same, as counted among all
        self._keep_alive = True  # what the client asked for, while its body is missing
        self._reading: Deadline | None = None
        self._writing: Deadline | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections_max:
            self._cut_off("connections")
        else:
            self._start_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_reading()
        self._hold_head(0)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._whole = False
        super().data_received(data)
        if not self._whole and not self.transport.is_closing():
            self._wait_for_rest(len(data))

    def on_message_begin(self) -> None:
        self._whole = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_reading()
        if self._head_bytes:
            self._hold_head(0)
        if len(self.headers) > _HEADERS_MAX or len(self.pipeline) == _AHEAD_MAX:
            self._refuse("oversize", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            raise _TooMuch
        super().on_headers_complete()
        if self.clients.leaving:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._whole = True
        if self._reading is not None:
            self._stop_reading()
            self.cycle.keep_alive = self._keep_alive and not self.clients.leaving
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser did not take, in our words instead of uvicorn's ``msg``."""
        del msg
        if not self.transport.is_closing():
            self._answer(HTTPStatus.BAD_REQUEST)
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing = Deadline(
            self.loop, self._bounds.read_timeout_s, self._cut_off, "slow_answer"
        )

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, unless its next request is here and was not read yet."""
        self.timeout_keep_alive_task = self.loop.call_later(
            LOOK_S, super().timeout_keep_alive_handler
        )

    @property
    def _lacks_body(self) -> bool:
        # A new connection has no cycle, which uvicorn's annotation does not say.
        return bool(self.cycle) and self.cycle.more_body

    @property
    def _waits_for_us(self) -> bool:
        """Say whether the client waits for the answer to a request before the one we read."""
        under_way = bool(self.cycle) and not self.cycle.response_complete
        return bool(self.pipeline) or (under_way and not self._lacks_body)

    @property
    def _header_count(self) -> int:
        return len(self.headers or ())  # it is None before the first request

    def _hold_head(self, size: int) -> None:
        """Count that ``size`` bytes of an unfinished head are held, here and among all."""
        self._head_bytes = size
        cost_bytes = size + self._header_count * _HEADER_COST_BYTES if size else 0
        self.clients.heads_bytes += cost_bytes - self._head_cost_bytes
        self._head_cost_bytes = cost_bytes

    def _start_reading(self) -> None:
        self._reading = Deadline(self.loop, self._bounds.read_timeout_s, self._too_slow)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _wait_for_rest(self, size: int) -> None:
        """Give the client its time for what is missing, within bounds: rules 2, 3 and 5."""
        if not self._lacks_body:
            self._hold_head(self._head_bytes + size)
            if self._head_bytes > self._head_bytes_max or self._header_count > _HEADERS_MAX:
                self._refuse("oversize", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
            if self.clients.heads_bytes > _HEADS_BYTES_MAX:
                self._refuse("oversize", HTTPStatus.SERVICE_UNAVAILABLE)
                return
        elif self._reading is None:
            # Until the body is here an answer is the connection's last: rule 5.
            self._keep_alive = self.cycle.keep_alive
            self.cycle.keep_alive = False
        if self._reading is None:
            self._start_reading()

    def _too_slow(self) -> None:
        self._reading = None
        if self._waits_for_us:
            self._start_reading()
        elif self._lacks_body:
            self.scope.setdefault("state", {})[CUT_OFF] = RefusalCause.SLOW_BODY
            self._refuse("slow_body", HTTPStatus.REQUEST_TIMEOUT)
        elif self._head_bytes:
            self._refuse("slow_head", HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._cut_off("slow_head")  # it asked for nothing

    def _refuse(self, cause: Cause, status: HTTPStatus) -> None:
        self._answer(status)
        self._cut_off(cause)

    def _cut_off(self, cause: Cause) -> None:
        self.clients.metrics.count("cut_off_total", cause)
        if self.flow.write_paused or cause == "connections":
            self.transport.abort()  # it would wait for a client that does not read
        else:
            self.transport.close()

    def _answer(self, status: HTTPStatus) -> None:
        """Send a problem document, unless the client waits for another answer."""
        if self._waits_for_us or self.flow.write_paused:
            return
        body = problem(status, *_PROBLEMS[status])
        unavailable = status is HTTPStatus.SERVICE_UNAVAILABLE
        retry = f"retry-after: {RETRY_AFTER_S}\r\n" if unavailable else ""
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            f"content-type: {CONTENT_TYPE.decode()}\r\n"
            f"content-length: {len(body)}\r\n"
            f"{retry}"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)


_PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: ("malformed-request", "The bytes are no request of HTTP/1.1."),
    HTTPStatus.REQUEST_TIMEOUT: ("too-slow", "The request did not arrive in time."),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "head-too-large",
        "Request line and headers are longer than is taken.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "overloaded",
        "Too many requests are unfinished. Send the callback again later.",
    ),
}
