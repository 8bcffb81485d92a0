"""The proxy: it passes bytes on, or swallows them when the test says so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.chaos.proxy import Proxy
from tests.support.waiting import until


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """A proxy to a server that sends back what it gets."""
    connected: set[asyncio.StreamWriter] = set()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.add(writer)
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(1024):
                writer.write(chunk)
        writer.transport.abort()
        await asyncio.sleep(0)
        connected.discard(writer)

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = Proxy()
    host, port = server.sockets[0].getsockname()
    proxy.target = f"{host}:{port}"
    await proxy.start()
    yield proxy
    await proxy.stop()
    await until(lambda: not connected)
    server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answers(self, text: bytes) -> bool:
        """Say whether what is sent comes back; a wait is cut short, not measured."""
        self.writer.write(text)
        try:
            async with asyncio.timeout(0.3):
                return await self.reader.readexactly(len(text)) == text
        except TimeoutError:
            return False


async def connect(proxy: Proxy) -> Client:
    host, _, port = proxy.address.partition(":")
    return Client(*await asyncio.open_connection(host, int(port)))


async def test_bytes_pass_both_ways(proxy: Proxy) -> None:
    client = await connect(proxy)
    assert await client.answers(b"hello")
    client.writer.close()


async def test_what_is_swallowed_is_neither_answered_nor_closed(proxy: Proxy) -> None:
    client = await connect(proxy)
    assert await client.answers(b"hello")
    proxy.swallow()
    assert not await client.answers(b"again")
    assert not client.reader.at_eof()
    assert proxy.swallowed_bytes == len(b"again")
    client.writer.close()


async def test_a_dead_connection_stays_dead_and_a_new_one_passes(proxy: Proxy) -> None:
    client = await connect(proxy)
    assert await client.answers(b"hello")
    proxy.swallow()
    new_while_swallowing = await connect(proxy)
    assert not await new_while_swallowing.answers(b"hello")
    proxy.heal()
    assert not await client.answers(b"again")
    assert not await new_while_swallowing.answers(b"again")
    new = await connect(proxy)
    assert await new.answers(b"hello")
    for one in (client, new_while_swallowing, new):
        one.writer.close()


async def test_an_end_that_closes_is_passed_on(proxy: Proxy) -> None:
    client = await connect(proxy)
    assert await client.answers(b"hello")
    client.writer.write_eof()
    await until(client.reader.at_eof)
    client.writer.close()


async def test_a_target_that_is_away_closes_the_connection(proxy: Proxy) -> None:
    proxy.target = "127.0.0.1:1"
    client = await connect(proxy)
    assert await client.reader.read() == b""
    client.writer.close()
