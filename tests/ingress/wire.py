"""What a test does with a connection of its own, and what it makes of what comes back."""

import contextlib
import socket
import time
from collections.abc import Iterable

import httpx

from tests.ingress.plivo import status_of
from tests.ingress.running import Running


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
            time.sleep(0.02)


def assert_problem_and_the_end(answer: bytes, status: int, name: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == status
    assert b"\r\nconnection: close" in head
    assert b"\r\ncontent-type: application/problem+json" in head
    assert f"\r\ncontent-length: {len(body)}".encode() in head
    assert httpx.Response(status, content=body).json()["type"].endswith(f":{name}")


def ended(connection: socket.socket) -> bool:
    connection.settimeout(0.2)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return False
    finally:
        connection.settimeout(10)
    return True
