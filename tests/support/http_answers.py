"""Read all answers that come on a connection, as an HTTP/1.1 client would."""

import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from typing import Final

from tests.support.waiting import PATIENCE_S

_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True)
class Received:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def answers_in(data: bytes) -> list[Received]:
    """Return the answers that ``data`` consists of; fails for anything between or behind them."""
    received = []
    while data:
        head, separator, data = data.partition(_HEAD_END)
        assert separator, head
        line, _, fields = head.partition(b"\r\n")
        version, status = line.split(b" ", 2)[:2]
        assert version == b"HTTP/1.1", line
        headers = {name.lower(): of for name, of in BytesParser().parsebytes(fields).items()}
        if int(status) == 100:
            continue
        length = int(headers["content-length"])
        received.append(Received(int(status), headers, data[:length]))
        data = data[length:]
    return received


def replay(
    address: tuple[str, int], pieces: Sequence[bytes], *, half_close: bool = True
) -> list[Received]:
    """Send ``pieces``, a segment each, and return the answers that come before the end.

    With ``half_close`` the client says that it sends no more, so the end comes in any case.
    """
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # it may be refused before all of it is sent
            for piece in pieces:
                connection.sendall(piece)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        data = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65_536):
                data += piece
    return answers_in(data)
