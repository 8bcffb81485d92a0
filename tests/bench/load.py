"""A closed loop of keep-alive connections: each sends its next request when it has its answer.

Plain sockets and as little work a request as possible, because the generator shares the machine
with what it measures. Every answer must be a 200: a benchmark of refusals would look splendid.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

_ANSWER_S = 30.0


class NotAnswered(Exception):
    """The server answered something else than 200, or went away; the text says what."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was done: answers, and the time they took."""

    answers: int
    elapsed_s: float


class _Visit:
    """What the connections of one visit share: the next request, and when to stop."""

    def __init__(self, requests: Iterator[bytes], *, until: float, answers_max: int) -> None:
        self.requests = requests
        self.until = until
        self.left = answers_max
        self.sent = 0
        self.answers = 0

    def next(self) -> bytes | None:
        # At least one is sent, or a short visit on a busy machine would have measured nothing.
        over = self.sent > 0 and time.monotonic() >= self.until
        if self.left <= 0 or over:
            return None
        self.left -= 1
        self.sent += 1
        return next(self.requests)


class _Connection(asyncio.Protocol):
    def __init__(self, visit: _Visit) -> None:
        self.visit = visit
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one but in name
        self._send()

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end or len(body) < (length := _length(head)):
            return
        if length < 0 or not head.startswith(b"HTTP/1.1 200 "):
            self._fail((head.partition(b"\r\n")[0] + b" " + body).decode("latin-1"))
            return
        self.received = b""
        self.visit.answers += 1
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._fail(f"the server closed a connection: {exc}")

    def _send(self) -> None:
        request = self.visit.next()
        if request is not None:
            self.transport.write(request)
            return
        self.done.set_result(None)
        self.transport.close()

    def _fail(self, text: str) -> None:
        if not self.done.done():
            self.done.set_exception(NotAnswered(text))
        self.transport.close()


def _length(head: bytes) -> int:
    """Return an answer's content-length, -1 where it does not say."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else -1


async def visit(
    port: int, requests: list[bytes], *, connections: int, seconds: float, answers_max: int
) -> Load:
    """Send requests to a loopback port for ``seconds``, or until ``answers_max``; NotAnswered."""
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    shared = _Visit(itertools.cycle(requests), until=started + seconds, answers_max=answers_max)
    opened = [
        await loop.create_connection(lambda: _Connection(shared), "127.0.0.1", port)
        for _ in range(connections)
    ]
    async with asyncio.timeout(seconds + _ANSWER_S):
        await asyncio.gather(*(connection.done for _, connection in opened))
    return Load(shared.answers, time.monotonic() - started)
