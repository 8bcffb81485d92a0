"""Send the requests of a call machine over HTTP, signed as Plivo signs them.

1. The read timeout is for the first byte and for each pause between bytes; the total timeout for the
   whole try.
2. What is read of an answer is bounded. Plivo refuses a document over its limit, so a little more than
   the limit is enough to see that.
3. Cookies are not kept, and redirects are not followed: no page and no capture says that Plivo does.
4. What cannot be sent at all, such as an invalid URL, counts as ``broken``: no retry helps.
5. A faulty request breaks off in the middle of its body, or its body arrives in pieces. A GET has none.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, NamedTuple
from urllib.parse import urlencode

import httpx

from bridge.emulator.machine.commands import Failure, Fault, Outcome, Request, Response
from bridge.emulator.machine.leg import Account
from bridge.emulator.sign import sign_headers
from bridge.reply.urls import is_absolute

# Plivo documents a limit of 100 KB: rule 2.
_BODY_BYTES_MAX: Final = 200_000
# More than the concurrent calls that one emulator is made for.
_CONNECTIONS_MAX: Final = 2_000
# Shorter than servers keep idle connections (5 s is usual), so that we do not send on a closed one.
_KEEP_ALIVE_S: Final = 2.0
# Of a slow request: rule 5.
_PIECES: Final = 8
_PIECE_PAUSE_S: Final = 0.1
_FORM: Final = "application/x-www-form-urlencoded"


class _CutOff(Exception):
    """The request was broken off on purpose: rule 5."""


# The first class that fits decides.
_FAILURES: Final[tuple[tuple[type[Exception], Failure], ...]] = (
    (httpx.ConnectTimeout, Failure("ct", "connect timeout")),
    (httpx.ConnectError, Failure("refused")),
    (httpx.TimeoutException, Failure("rt", "read timeout")),
    (TimeoutError, Failure("rt", "total timeout")),
    (_CutOff, Failure("broken", "cut off")),
)


class WireRequest(NamedTuple):
    """A request as it goes over the wire. A GET has no body."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


def make_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return an HTTP client for a sender. ``transport`` None: the network."""
    return httpx.AsyncClient(
        transport=transport,
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        headers={"user-agent": "callback-bridge-emulator"},
        follow_redirects=False,
        trust_env=False,  # a proxy could not reach a receiver on loopback
        limits=httpx.Limits(
            max_connections=_CONNECTIONS_MAX,
            max_keepalive_connections=_CONNECTIONS_MAX,
            keepalive_expiry=_KEEP_ALIVE_S,
        ),
    )


class Sender:
    """An HTTP client that plays Plivo. ``accounts`` are by auth id."""

    def __init__(self, client: httpx.AsyncClient, accounts: Mapping[str, Account]) -> None:
        self._client = client
        self._accounts = accounts

    async def send(self, request: Request) -> Outcome:
        """Send one request; return its answer, or why there is none."""
        if not is_absolute(request.url):  # rule 4, before the network library meets a port of 99999
            return Failure("broken", "the URL cannot be called")
        account = self._accounts[request.auth_id]
        limits = httpx.Timeout(request.read_timeout_s, connect=request.connect_timeout_s)
        try:
            wire = to_wire(request, account, self._accounts[account.main_auth_id])
            async with asyncio.timeout(request.total_timeout_s):
                return await self._exchange(wire, _feed(wire.body, request.fault), limits)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError, _CutOff) as error:
            return _to_failure(error)

    async def _exchange(
        self, wire: WireRequest, content: bytes | AsyncIterator[bytes], limits: httpx.Timeout
    ) -> Response:
        async with self._client.stream(
            wire.method, wire.url, content=content, headers=wire.headers, timeout=limits
        ) as answer:
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _BODY_BYTES_MAX:
                    break
            content_type = answer.headers.get("content-type", "")
            return Response(answer.status_code, content_type, bytes(body))


def _to_failure(error: Exception) -> Failure:
    failures = (failure for kind, failure in _FAILURES if isinstance(error, kind))
    failure = next(failures, Failure("broken"))
    return failure if failure.detail else failure._replace(detail=str(error) or repr(error))


def _feed(body: bytes, fault: Fault) -> bytes | AsyncIterator[bytes]:
    """Return a body as it is handed to the connection: rule 5."""
    if fault is Fault.NONE or not body:
        return body
    return _cut(body) if fault is Fault.CUT else _drip(body)


async def _cut(body: bytes) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    raise _CutOff


async def _drip(body: bytes) -> AsyncIterator[bytes]:
    size = -(-len(body) // _PIECES)
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(_PIECE_PAUSE_S)


def to_wire(request: Request, account: Account, main: Account) -> WireRequest:
    """Return a request signed as Plivo signs it. ``main`` is the main account of a subaccount."""
    form = urlencode(request.parameters)
    url, body = request.url, form
    if request.method == "GET":
        url, body = _add_query(url, form), ""
    headers = sign_headers(
        request.method, url, body, account.auth_tokens, main.auth_tokens, nonces=request.nonces
    )
    if request.method != "GET":
        # Said here, because a body in pieces would be sent without its length.
        headers |= {"content-type": _FORM, "content-length": str(len(body))}
    return WireRequest(request.method, url, headers, body.encode())


def _add_query(url: str, form: str) -> str:
    if not form:
        return url
    return f"{url}{'&' if '?' in url else '?'}{form}"
