"""A transport between a client and an emulated Plivo that lets things go wrong."""

from collections.abc import AsyncIterator, Iterator
from enum import Enum, auto

import httpx
import orjson


class Fault(Enum):
    """What goes wrong with one request that dials."""

    NONE = auto()
    NO_CONNECTION = auto()
    CONNECT_TIMEOUT = auto()
    NO_FREE_CONNECTION = auto()
    PROXY_REFUSES = auto()
    FORBIDDEN = auto()
    TOO_MANY = auto()
    READ_ERROR = auto()
    READ_TIMEOUT = auto()
    WRITE_ERROR = auto()
    DISCONNECTED = auto()
    SERVER_ERROR = auto()
    BAD_GATEWAY = auto()
    GAVE_UP = auto()
    REDIRECTED = auto()
    GARBAGE = auto()
    NO_OBJECT = auto()
    CUT = auto()
    WRONG_ENCODING = auto()


_BEFORE: dict[Fault, type[httpx.TransportError]] = {
    Fault.NO_CONNECTION: httpx.ConnectError,
    Fault.CONNECT_TIMEOUT: httpx.ConnectTimeout,
    Fault.NO_FREE_CONNECTION: httpx.PoolTimeout,
    Fault.PROXY_REFUSES: httpx.ProxyError,
}
_AFTER: dict[Fault, type[httpx.TransportError]] = {
    Fault.READ_ERROR: httpx.ReadError,
    Fault.READ_TIMEOUT: httpx.ReadTimeout,
    Fault.WRITE_ERROR: httpx.WriteError,
    Fault.DISCONNECTED: httpx.RemoteProtocolError,
}
_STATUSES = {
    Fault.SERVER_ERROR: 500,
    Fault.BAD_GATEWAY: 502,
    Fault.GAVE_UP: 408,
    Fault.REDIRECTED: 307,
}
_REFUSALS = {
    Fault.FORBIDDEN: (403, b'{"error": "calls to this country are not enabled"}'),
    Fault.TOO_MANY: (429, b'{"error": "too many requests"}'),
}
NOT_DIALLED = frozenset((*_BEFORE, *_REFUSALS))
"""Faults with which the request never reaches Plivo."""


class _Cut(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content[: len(self._content) // 2]
        message = "cut"
        raise httpx.RemoteProtocolError(message)


class FaultyTransport(httpx.AsyncBaseTransport):
    """Lets each request that dials meet the next fault. ``swallows``: none reaches Plivo."""

    def __init__(self, transport: httpx.AsyncBaseTransport, faults: Iterator[Fault]) -> None:
        self._transport, self._faults = transport, faults
        self.attempts: list[list[str]] = []
        self.swallows = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST" or not request.url.path.endswith("/Call/"):
            return await self._transport.handle_async_request(request)
        destinations = str(orjson.loads(await request.aread())["to"]).split("<")
        self.attempts.append(destinations)
        fault = next(self._faults, Fault.NONE)
        if fault in _BEFORE:
            raise _BEFORE[fault](fault.name, request=request)
        if fault in _REFUSALS:
            status, content = _REFUSALS[fault]
            return httpx.Response(status, content=content)
        if not self.swallows:
            answer = await self._transport.handle_async_request(request)
            content = await answer.aread()
        if fault in _AFTER:
            raise _AFTER[fault](fault.name, request=request)
        return _spoil(fault, answer.status_code, content)

    async def aclose(self) -> None:
        await self._transport.aclose()


def _spoil(fault: Fault, status: int, content: bytes) -> httpx.Response:
    if fault in _STATUSES:
        elsewhere = {"location": "http://plivo.test/v1/Account/elsewhere/Call/"}
        return httpx.Response(_STATUSES[fault], headers=elsewhere, content=b"<html>oops</html>")
    match fault:
        case Fault.GARBAGE:
            return httpx.Response(status, content=content[3:])
        case Fault.NO_OBJECT:
            return httpx.Response(status, content=b'["call fired"]')
        case Fault.CUT:
            return httpx.Response(status, stream=_Cut(content))
        case Fault.WRONG_ENCODING:
            return httpx.Response(
                status, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(content)
            )
        case _:
            return httpx.Response(status, content=content)
