"""One request and its answer, as the ASGI application sees them."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, Protocol

import structlog
from starlette.types import ASGIApp, Message, Scope

from bridge.core.outcome import RefusalCause
from bridge.ingress.answers import CONTENT_TYPE, answer_bytes, problem
from bridge.ingress.framing import Head
from bridge.telemetry.logs import describe_fault

log = structlog.get_logger()

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
# Key of the exchange in a scope's ``state``. Through it the application can shed the request.
EXCHANGE: Final = "exchange"


class ClientConnection(Protocol):
    """The part of a connection that an exchange uses."""

    drain_waiter: asyncio.Future[None] | None
    """Set while the client does not read; done when it has read most of what was sent."""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def resume_reading(self) -> None:
        """Read more of the body: there is room again."""
        ...

    def may_keep_alive(self, exchange: "Exchange") -> bool:
        """Return whether another request may follow the answer that is about to be sent."""
        ...

    def on_answered(self, exchange: "Exchange", *, keep_alive: bool) -> None:
        """Continue after an answer was sent."""
        ...

    def shed_request(self) -> None:
        """Answer the unfinished request 429 and end the connection."""
        ...


class Exchange:
    """One request, whose body may still be arriving, and its one answer.

    The scope refers to its exchange, so an exchange does not keep its scope: in a cycle, a request would
    stay in memory until the next collection of garbage.
    """

    __slots__ = (
        "_answer",
        "_answer_body",
        "_body",
        "_connection",
        "_expects_continue",
        "_is_end_seen",
        "_is_for_head",
        "_loop",
        "_waiting",
        "cut_off",
        "is_answered",
        "is_complete",
        "is_gone",
        "keep_alive",
    )

    def __init__(
        self,
        connection: ClientConnection,
        loop: asyncio.AbstractEventLoop,
        head: Head,
    ) -> None:
        self.keep_alive = head.keep_alive
        self.is_complete = False  # whether all of the body is here
        self.is_answered = False
        self.is_gone = False  # whether the answer would reach nobody
        self.cut_off: RefusalCause | None = None  # why we ended it, if we did
        self._connection = connection
        self._loop = loop
        self._is_for_head = head.method == "HEAD"
        self._expects_continue = head.expects_continue
        self._body = b""
        self._is_end_seen = False  # by the application
        self._waiting: asyncio.Future[None] | None = None
        self._answer: tuple[int, Iterable[tuple[bytes, bytes]]] | None = None
        self._answer_body = b""

    async def run(
        self, app: ASGIApp, scope: Scope, requests: dict[object, asyncio.Task[None]]
    ) -> None:
        """Run the application, and answer 500 if it fails or gives no answer.

        ``requests`` are those in progress; this one is removed when it ends.
        """
        try:
            await app(scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 (the connection needs an answer whatever it was)
            # Not ``log.exception``: a traceback may quote the content of a callback.
            log.error("request_failed", **describe_fault(error))  # noqa: TRY400
        except BaseException:
            self.keep_alive = False
            self._connection.on_answered(self, keep_alive=False)
            raise
        finally:
            del requests[self]
        if not self.is_answered and not self.is_gone:
            self._fail()

    def feed(self, data: bytes, *, is_last: bool) -> int:
        """Add a piece of the body; return how many bytes the application has not read yet."""
        self._body += data
        self.is_complete = is_last
        self._wake()
        return len(self._body)

    def disconnect(self, cause: RefusalCause | None = None) -> None:
        """Tell the application that nobody will read its answer; ``cause`` if we ended the request."""
        self.is_gone = True
        self.cut_off = cause
        self._wake()

    def shed(self) -> bool:
        """Refuse the request to free its bytes for another; return False if its body is complete."""
        if self.is_complete or self.is_gone or self.is_answered:
            return False
        self._connection.shed_request()
        return True

    async def receive(self) -> Message:
        """Return the next piece of the body (ASGI's ``receive``)."""
        # Sent only when the application asks for the body: it may refuse the request before.
        if self._expects_continue and not self.is_complete and not self.is_gone:
            self._connection.write(_CONTINUE)
        self._expects_continue = False
        # ASGI wants a last, perhaps empty, message that says that the body is complete.
        while not (self.is_gone or self.is_answered or self._body or self._is_end_unseen):
            self._connection.resume_reading()
            self._waiting = self._loop.create_future()
            await self._waiting
        if self.is_gone or self.is_answered:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        self._is_end_seen = self.is_complete
        return {"type": "http.request", "body": body, "more_body": not self.is_complete}

    async def send(self, message: Message) -> None:
        """Collect the answer (ASGI's ``send``), and send it once it is complete."""
        if self.is_gone:
            return
        if message["type"] == "http.response.start":
            self._answer = message["status"], message.get("headers", ())
            return
        piece: bytes = message.get("body", b"")
        if message.get("more_body", False):
            self._answer_body += piece
            return
        while (waiter := self._connection.drain_waiter) is not None:
            await asyncio.shield(waiter)
        if self._answer is not None and not self.is_gone:
            status, headers = self._answer
            self._send(status, headers, self._answer_body + piece if self._answer_body else piece)

    @property
    def _is_end_unseen(self) -> bool:
        return self.is_complete and not self._is_end_seen

    def _wake(self) -> None:
        if self._waiting is not None:
            if not self._waiting.done():
                self._waiting.set_result(None)
            self._waiting = None

    def _send(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        if self._is_for_head:
            body = b""
        keep_alive = self._connection.may_keep_alive(self)
        self._connection.write(answer_bytes(status, headers, body, keep_alive=keep_alive))
        self.is_answered = True
        self._wake()
        self._connection.on_answered(self, keep_alive=keep_alive)

    def _fail(self) -> None:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        document = problem(status, "internal-error", "The request could not be answered.")
        self.keep_alive = False
        self._send(status, [(b"content-type", CONTENT_TYPE)], document)
