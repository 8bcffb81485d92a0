"""HTTP/1.1 connection of a client, with limits on time and memory. ``framing`` defines a valid request.

1. Requests are read one by one: the next head is parsed after the previous answer was sent. So answers
   have the order of their requests, and pipelined requests wait as bytes.
2. The head and the body of a request must each arrive in time. No time runs while the client waits for
   an answer.
3. Bytes that no request in progress needs (incomplete heads, heads without their body, pipelined
   requests) are limited, for each connection and for all together.
4. A client that does not read its answers has the same time, also while its connection is closed.
5. A request that is answered before it is complete ends its connection, and so does a refused one: the
   bytes that follow are discarded, never parsed. The bridge closes its side at once and the socket a
   little later: closing a socket with unread bytes resets the connection, and the client could lose the
   answer.
6. At the limit of connections one is closed for the new one: the oldest that only waits to be closed,
   else the longest idle, else the one with the oldest incomplete request. At the limit of bytes (rule
   3) the oldest incomplete request is refused.
7. A client that has closed its side still gets all answers that are due.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Final, cast
from urllib.parse import unquote

from starlette.types import ASGIApp, Scope

from bridge.core.outcome import RefusalCause
from bridge.ingress.answers import refusal_bytes
from bridge.ingress.clients import ClientQueue, Clients, CutOffCause
from bridge.ingress.deadline import ClientTimer
from bridge.ingress.exchange import EXCHANGE, Exchange
from bridge.ingress.framing import (
    BodyDecoder,
    ChunksTooLarge,
    FieldsTooLarge,
    Head,
    MalformedRequest,
    check_partial_head,
    parse_head,
)

_HEAD_END: Final = b"\r\n\r\n"
# Limit of all connections together: rule 3. Heads rarely arrive in pieces, so only an attack comes near.
_HELD_BYTES_MAX: Final = 33_554_432
# Memory of a header beside its bytes: two byte strings, a tuple, and its place in a list.
_HEADER_COST_BYTES: Final = 128
# A connection with more unprocessed bytes than this is not read from.
_READ_AHEAD_BYTES_MAX: Final = 65_536
# Longer than load balancers keep idle connections (60 s is common), so that they close first. If we
# closed while one sends a callback, it would answer Plivo 502, and Plivo does not retry that.
_KEEP_ALIVE_S: Final = 75
_LINGER_S: Final = 2.0
_LINGER_BYTES_MAX: Final = 1_048_576


class HttpConnection(asyncio.Protocol):
    """Reads requests, runs the application for each, and sends the answers."""

    transport: asyncio.Transport

    def __init__(self, app: ASGIApp, clients: Clients) -> None:
        self.app = app
        self.clients = clients
        self.loop = asyncio.get_running_loop()
        self._limits = clients.limits
        self._head_bytes_max = self._limits.url_bytes_max + self._limits.headers_bytes_max
        self._server: tuple[str, int] | None = None
        self._client: tuple[str, int] | None = None
        self._buffer = b""  # bytes that are not parsed yet
        self._checked = 0  # bytes of an incomplete head that were checked
        self._exchange: Exchange | None = None  # the request in progress
        self._body: BodyDecoder | None = None  # decoder of the rest of its body
        self._head_cost_bytes = 0  # of the request whose body is incomplete
        self._held_bytes = 0  # our part of ``clients.held_bytes``
        self._has_client_closed = False  # whether the client has closed its side
        # Set while we wait for the client to close: rule 5.
        self._left_to_discard: int | None = None
        self._queue: ClientQueue | None = None
        self._is_reading_paused = False
        self.drain_waiter: asyncio.Future[None] | None = None  # set while the client does not read
        self._write_timer: ClientTimer | None = None

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start reading, unless there is no room for the connection."""
        self.transport = cast("asyncio.Transport", transport)
        self._timer = ClientTimer(self.loop)  # for reading, lingering, or idling
        self._server = _address(transport.get_extra_info("sockname"))
        self._client = _address(transport.get_extra_info("peername"))
        connections = self.clients.connections
        has_room = len(connections) < self._limits.connections_max or self.clients.make_room()
        connections.add(self)
        if not has_room:
            self._cut_off("connections")
            return
        self._wait_in(self.clients.idle, self._limits.read_timeout_s, self._time_out)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything."""
        del exc
        self.clients.connections.discard(self)
        self._buffer = b""
        self._body = None
        self._set_held_bytes(0)
        self._stop_waiting()
        self._timer.close()
        self.resume_writing()  # wakes an exchange that waits to send its answer
        if self._exchange is not None:
            self._exchange.disconnect(self._exchange.cut_off)

    def data_received(self, data: bytes) -> None:
        """Buffer the bytes and parse them."""
        if self._left_to_discard is not None:
            self._left_to_discard -= len(data)
            if self._left_to_discard < 0:
                self.transport.abort()  # the client has its answer and still sends
            return
        if self.transport.is_closing():
            return
        self._buffer += data
        self._parse_buffered()

    def eof_received(self) -> bool:
        """Note that the client has closed its side; return True to keep ours open: rule 7."""
        self._has_client_closed = True
        if self._left_to_discard is not None or self.transport.is_closing():
            return False
        if self._exchange is not None and self._body is None:
            return True
        self._end_unfinished()
        return False

    def pause_writing(self) -> None:
        """Start the time of a client that does not read its answers: rule 4."""
        if self.drain_waiter is None:
            self.drain_waiter = self.loop.create_future()
            self._write_timer = ClientTimer(self.loop)
            self._write_timer.start(
                self._limits.read_timeout_s, partial(self._cut_off, "slow_answer")
            )

    def resume_writing(self) -> None:
        """Continue sending."""
        if self._write_timer is not None:
            self._write_timer.close()
            self._write_timer = None
        if self.drain_waiter is not None:
            if not self.drain_waiter.done():
                self.drain_waiter.set_result(None)
            self.drain_waiter = None

    # Called by the server

    def shut_down(self) -> None:
        """Close after the request in progress is answered."""
        if self._exchange is not None:
            self._exchange.keep_alive = False
        elif self._left_to_discard is None:  # otherwise it ends by itself: rule 5
            self.transport.close()

    # Called by an exchange

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def resume_reading(self) -> None:
        """Continue reading."""
        if self._is_reading_paused and not self.transport.is_closing():
            self._is_reading_paused = False
            self.transport.resume_reading()

    def may_keep_alive(self, exchange: Exchange) -> bool:
        """Return whether another request may follow: rule 5."""
        return exchange.keep_alive and exchange.is_complete and not self.clients.stopping

    def on_answered(self, exchange: Exchange, *, keep_alive: bool) -> None:
        """Continue after an answer: with the next request, or by closing."""
        if exchange is not self._exchange:
            return
        self._exchange = None
        if self.transport.is_closing():
            return
        if not keep_alive:
            self._end(linger=not exchange.is_complete or bool(self._buffer))
            return
        self.resume_reading()
        if self._buffer:
            self._parse_buffered()
        elif self._has_client_closed:
            self._close()
        else:
            self._wait_in(self.clients.idle, _KEEP_ALIVE_S, self._close)

    def shed_request(self) -> None:
        """Answer the incomplete request 429 and end the connection, to free its bytes for others."""
        if self._body is not None:
            self._refuse("overloaded", HTTPStatus.TOO_MANY_REQUESTS, RefusalCause.OVERLOADED)

    # Called by other connections

    def make_room(self) -> None:
        """Close at once, to make room for another connection: rule 6."""
        self.clients.count_cut_off("connections")
        # An idle connection gets no answer: the client would take it for that of its next request.
        if self._buffer or self._exchange is not None:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE)
        self._drop_exchange(RefusalCause.OVERLOADED)
        self._close(at_once=True)

    def free_bytes(self) -> None:
        """Drop the bytes that no request in progress needs: rules 3 and 6."""
        if self._exchange is None or self._body is not None:
            self._refuse("oversize", HTTPStatus.SERVICE_UNAVAILABLE, RefusalCause.OVERLOADED)
        else:
            # The request in progress is complete and gets its answer; pipelined ones are dropped.
            self._exchange.keep_alive = False
            self._discard()

    # Reading

    def _parse_buffered(self) -> None:
        """Parse the buffer as far as rule 1 allows, then wait for the rest."""
        try:
            if self._exchange is None and self._buffer:
                self._read_head()
            if self._exchange is not None and self._body is not None:
                self._read_body(self._exchange, self._body)
        except MalformedRequest as fault:
            self.clients.log_cut_off("malformed", str(fault))
            self._refuse("malformed", HTTPStatus.BAD_REQUEST, RefusalCause.MALFORMED_BODY)
        except FieldsTooLarge as fault:
            self.clients.log_cut_off("oversize", str(fault))
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self._refuse("oversize", status, RefusalCause.MALFORMED_BODY)
        except ChunksTooLarge as fault:
            self.clients.log_cut_off("oversize", str(fault))
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            self._refuse("oversize", status, RefusalCause.MALFORMED_BODY)
        else:
            self._wait_for_rest()

    def _read_head(self) -> None:
        """Parse the next head, and start its exchange, if all of it is there."""
        buffer = self._buffer
        # The empty line may have come in two pieces, so search the end of the checked bytes again.
        end = buffer.find(_HEAD_END, max(0, self._checked - len(_HEAD_END) + 1))
        if end > self._head_bytes_max or (
            end < 0 and len(buffer) >= self._head_bytes_max + len(_HEAD_END)
        ):
            message = "head"
            raise FieldsTooLarge(message)
        if end < 0:
            check_partial_head(buffer, self._checked)
            self._checked = len(buffer)
            return
        head = parse_head(buffer[:end])
        self._buffer = buffer[end + len(_HEAD_END) :]
        self._checked = 0
        self._stop_waiting()
        self._start_exchange(head, end)

    def _start_exchange(self, head: Head, head_bytes: int) -> None:
        bytes_max = self._limits.body_bytes_max
        if bytes_max is not None and (
            head.content_length is None or head.content_length > bytes_max
        ):
            message = "body"
            raise ChunksTooLarge(message)  # answered 413, as for a body in chunks
        self._exchange = exchange = Exchange(self, self.loop, head)
        if head.has_body:
            self._body = BodyDecoder(head.content_length)
            self._head_cost_bytes = head_bytes + len(head.headers) * _HEADER_COST_BYTES
        else:
            exchange.is_complete = True
        requests = self.clients.requests
        running = exchange.run(self.app, self._scope(head, exchange), requests)
        requests[exchange] = self.loop.create_task(running)

    def _scope(self, head: Head, exchange: Exchange) -> Scope:
        path = head.path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": head.version,
            "server": self._server,
            "client": self._client,
            "scheme": "http",
            "method": head.method,
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": head.path,
            "query_string": head.query,
            "headers": head.headers,
            "state": {EXCHANGE: exchange},
        }

    def _read_body(self, exchange: Exchange, body: BodyDecoder) -> None:
        """Decode buffered bytes of the body."""
        data, self._buffer = body.decode(self._buffer)
        if body.is_complete:
            self._body = None
            self._head_cost_bytes = 0
            self._stop_waiting()
        if exchange.feed(data, is_last=body.is_complete) > _READ_AHEAD_BYTES_MAX:
            self._pause_reading()

    def _wait_for_rest(self) -> None:
        """Wait for the missing bytes, within rules 2 and 3."""
        self._set_held_bytes(len(self._buffer) + self._head_cost_bytes)
        if self._exchange is not None and self._body is None:
            if len(self._buffer) > _READ_AHEAD_BYTES_MAX:
                self._pause_reading()
        elif self._has_client_closed:
            self._end_unfinished()
            return
        elif self._queue is not self.clients.unfinished:
            self._wait_in(self.clients.unfinished, self._limits.read_timeout_s, self._time_out)
        while self.clients.held_bytes > _HELD_BYTES_MAX and self._held_bytes:
            next(iter(self.clients.unfinished), self).free_bytes()

    # Ending

    def _time_out(self) -> None:
        if self._body is not None:
            self._refuse("slow_body", HTTPStatus.REQUEST_TIMEOUT, RefusalCause.SLOW_BODY)
        elif self._buffer:
            self._refuse("slow_head", HTTPStatus.REQUEST_TIMEOUT, None)
        else:
            self._cut_off("slow_head")  # the client sent nothing, so there is nothing to answer

    def _end_unfinished(self) -> None:
        """End the connection of a client that has closed its side but may still read."""
        if self._exchange is not None or self._buffer:
            self._answer(HTTPStatus.BAD_REQUEST)
        self._drop_exchange(None)
        self._close()

    def _refuse(self, cause: CutOffCause, status: HTTPStatus, refusal: RefusalCause | None) -> None:
        """Answer the request that is being read with an error, and end the connection."""
        self.clients.count_cut_off(cause)
        self._answer(status)
        self._drop_exchange(refusal)
        self._end(linger=True)

    def _cut_off(self, cause: CutOffCause) -> None:
        """End the connection without an answer."""
        self.clients.count_cut_off(cause)
        self._drop_exchange(None)
        if cause in ("connections", "slow_answer"):
            self.transport.abort()  # ``close`` would wait until the client reads
        else:
            self._close()

    def _drop_exchange(self, refusal: RefusalCause | None) -> None:
        if self._exchange is not None:
            self._exchange.disconnect(refusal)
            self._exchange = None

    def _answer(self, status: HTTPStatus) -> None:
        """Send a problem document as the connection's last answer."""
        if self.drain_waiter is None:
            self.write(refusal_bytes(status))

    def _end(self, *, linger: bool) -> None:
        """Close the connection; only our side at first if the client may still be sending: rule 5."""
        self._discard()
        self._stop_waiting()
        if self.drain_waiter is not None:
            self.transport.abort()
        elif linger and not self._has_client_closed and not self.transport.is_closing():
            self._left_to_discard = _LINGER_BYTES_MAX
            self.transport.write_eof()
            self.resume_reading()
            self._wait_in(self.clients.lingering, _LINGER_S, self._close)
        else:
            self._close()

    def _discard(self) -> None:
        self._buffer = b""
        self._body = None
        self._head_cost_bytes = 0
        self._set_held_bytes(0)

    def _close(self, *, at_once: bool = False) -> None:
        """Close after the client has read its answers, within rule 4; or ``at_once``."""
        self._discard()
        self._stop_waiting()
        self.transport.close()
        if self.transport.get_write_buffer_size():
            if not at_once:
                # ``close`` waits until the client reads, which may be never.
                time_out = partial(self._cut_off, "slow_answer")
                self._wait_in(self.clients.lingering, self._limits.read_timeout_s, time_out)
                return
            self.transport.abort()
        self._timer.close()
        self.clients.connections.discard(self)  # frees its place now, not at ``connection_lost``

    # Bookkeeping

    def _set_held_bytes(self, size: int) -> None:
        self.clients.held_bytes += size - self._held_bytes
        self._held_bytes = size

    def _wait_in(self, queue: ClientQueue, delay_s: float, call: Callable[[], None]) -> None:
        """Wait for the client as the last in ``queue``, and call ``call`` after ``delay_s``."""
        self._stop_waiting()
        self._queue = queue
        queue[self] = None
        self._timer.start(delay_s, call)

    def _stop_waiting(self) -> None:
        if self._queue is not None:
            del self._queue[self]
            self._queue = None
            self._timer.stop()

    def _pause_reading(self) -> None:
        if not self._is_reading_paused and not self.transport.is_closing():
            self._is_reading_paused = True
            self.transport.pause_reading()


def _address(name: tuple[str, int] | str | None) -> tuple[str, int] | None:
    """Return host and port of a socket's address; None for a Unix socket."""
    return (name[0], name[1]) if isinstance(name, tuple) else None
