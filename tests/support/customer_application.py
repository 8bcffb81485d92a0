"""A customer's application on a real socket, which answers as a test tells it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# A certificate of the loopback interface, and its key: until the year 2126.
CERTIFICATE: Final = Path(__file__).with_name("loopback.pem")
DOCUMENT = b"<Response><Speak>Hello</Speak></Response>"


def http_answer(body: bytes = DOCUMENT, status: str = "200 OK", **headers: str) -> bytes:
    """Return an answer as bytes of HTTP/1.1; names of headers are written with underscores."""
    lines = {"content_type": "text/xml", "content_length": str(len(body))} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@dataclass
class Received:
    """One request, as it came."""

    line: bytes
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for key, value in self.headers if key == name]


@dataclass
class CustomerApplication:
    """``answer`` is sent as it is; ``then`` says what follows it: ``keep``, ``close`` or ``hang``."""

    answer: bytes = field(default_factory=http_answer)
    then: str = "keep"
    origin: str = ""
    connections: int = 0
    received: list[Received] = field(default_factory=list[Received])

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
                headers = [
                    (name.lower(), text) for name, _, text in (f.partition(": ") for f in fields)
                ]
                length = int(dict(headers).get("content-length", "0"))
                body = await reader.readexactly(length)
                self.received.append(Received(line.encode("latin-1"), headers, body))
                writer.write(self.answer)
                await writer.drain()
                if self.then == "close":
                    break
                if self.then == "hang":
                    await reader.read()  # until the bridge gives up
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the bridge closed the connection
        finally:
            writer.close()


@asynccontextmanager
async def customer_application(
    answer: bytes | None = None, then: str = "keep", *, is_https: bool = False
) -> AsyncIterator[CustomerApplication]:
    """Run an application on a free port of the loopback interface; over TLS with ``CERTIFICATE``."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if is_https else None
    if tls is not None:
        tls.load_cert_chain(CERTIFICATE)
    application = CustomerApplication(http_answer() if answer is None else answer, then)
    server = await asyncio.start_server(application.take, "127.0.0.1", 0, ssl=tls)
    try:
        scheme, port = "https" if is_https else "http", server.sockets[0].getsockname()[1]
        application.origin = f"{scheme}://127.0.0.1:{port}"
        yield application
    finally:
        server.close()
