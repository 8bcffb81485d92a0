"""A receiver that costs little: ``python -m tests.bench.answering`` prints its port.

It ends with its stdin. It answers every request with the same document.
"""

import asyncio
import sys
from typing import Final

DOCUMENT: Final = (
    b'<Response><GetDigits action="%s" numDigits="1"><Speak>Press one</Speak></GetDigits>'
    b'<Wait length="3600"/></Response>'
)
_END: Final = b"\r\n\r\n"


class Answering(asyncio.Protocol):
    """One connection."""

    def __init__(self, url: bytes) -> None:
        document = DOCUMENT % url
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n"
        self._answer = head % len(document) + document
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(_END)) >= 0:
            head = self._received[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(self._received) < end + len(_END) + length:
                return
            self._received = self._received[end + len(_END) + length :]
            self._transport.write(self._answer)


async def main() -> None:
    """Answer until stdin is closed."""
    loop = asyncio.get_running_loop()
    url = b"http://127.0.0.1:%d/digits"
    server = await loop.create_server(lambda: Answering(url % port), "127.0.0.1", 0, backlog=2_048)
    port: int = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
