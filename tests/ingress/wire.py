"""What a test does with a connection of its own, and what it makes of what comes back."""

import contextlib
import select
import socket
import time
from collections.abc import Iterable, Sequence

import httpx

from tests.support.bridge import Running, eventually
from tests.support.plivo import status_of


def cut_off(bridge: Running, cause: str) -> float:
    return bridge.metrics.value("cut_off_total", cause=cause)


def all_that_comes(connection: socket.socket) -> bytes:
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            answer += piece
    return answer


def trickle(connection: socket.socket, pieces: Iterable[bytes]) -> None:
    """Send a piece every few milliseconds until the other side has had enough."""
    with contextlib.suppress(OSError):
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.005)


def assert_problem_and_the_end(answer: bytes, status: int, name: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == status
    assert b"\r\nconnection: close" in head
    assert b"\r\ncontent-type: application/problem+json" in head
    assert f"\r\ncontent-length: {len(body)}".encode() in head
    assert httpx.Response(status, content=body).json()["type"].endswith(f":{name}")


def ended(connections: Sequence[socket.socket], count: int) -> list[socket.socket]:
    """Return the connections that have an answer, or their end, once there are ``count`` of them."""
    eventually(lambda: len(_readable(connections, 0)) >= count)
    return _readable(connections, 0)


def goes_on(connection: socket.socket) -> bool:
    """Say whether a connection stays without an answer for a moment."""
    return not _readable([connection], 0.2)


def _readable(connections: Sequence[socket.socket], timeout_s: float) -> list[socket.socket]:
    return select.select(connections, [], [], timeout_s)[0]
