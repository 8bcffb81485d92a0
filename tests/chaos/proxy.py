"""A TCP proxy that can drop traffic silently, so that only one end knows that a connection is dead.

1. It closes and refuses nothing, like a firewall that has forgotten a connection.
2. A connection that lost traffic stays dead, whatever happens later. New connections work again.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

_CHUNK_BYTES: Final = 65_536


@dataclass(slots=True)
class _Link:
    """One connection through the proxy: both its ends."""

    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    dead: bool


class Proxy:
    """Forwards connections to ``target``, a ``host:port``, which may be set after the start."""

    def __init__(self) -> None:
        self.target = ""
        self.address = ""
        self.swallowed_bytes = 0
        self._swallowing = False
        self._server: asyncio.Server | None = None
        self._links: list[_Link] = []
        self._pipes: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        for link in self._links:
            for writer in link.writers:
                writer.transport.abort()
        await asyncio.sleep(0)  # the loop closes them in its next round

    def swallow(self) -> None:
        """Swallow what comes, of the connections there are and of new ones."""
        self._swallowing = True
        for link in self._links:
            link.dead = True

    def heal(self) -> None:
        """Let new connections pass: rule 2."""
        self._swallowing = False

    async def _connected(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        host, _, port = self.target.partition(":")
        try:
            server, ask = await asyncio.open_connection(host, int(port))
        except OSError:
            answer.close()
            return
        link = _Link((ask, answer), dead=self._swallowing)
        self._links.append(link)
        for reader, writer in ((client, ask), (server, answer)):
            pipe = asyncio.create_task(self._pass_on(reader, writer, link))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link
    ) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                while chunk := await reader.read(_CHUNK_BYTES):
                    if link.dead:
                        self.swallowed_bytes += len(chunk)
                    else:
                        writer.write(chunk)
                        await writer.drain()
        finally:
            if not link.dead:  # rule 1: the other end is not told
                writer.close()
