"""Send the requests of a call machine over HTTP, signed as Plivo signs them."""

from collections.abc import Mapping
from urllib.parse import urlencode

import httpx

from bridge.emulator.machine.commands import Failure, Outcome, Request, Response
from bridge.emulator.machine.leg import Account
from bridge.emulator.sign import sign_headers

# Plivo documents a limit of 100 KB; a little more shows that a document is over it.
_BODY_BYTES_MAX = 200_000
# More than the concurrent calls that one emulator is made for.
_CONNECTIONS_MAX = 2_000


def make_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return an HTTP client for a sender. ``transport`` None: the network."""
    return httpx.AsyncClient(
        transport=transport,
        follow_redirects=False,
        trust_env=False,  # a proxy could not reach a receiver on loopback
        limits=httpx.Limits(max_connections=_CONNECTIONS_MAX, max_keepalive_connections=100),
    )


class Sender:
    """An HTTP client that plays Plivo. ``accounts`` are by auth id."""

    def __init__(self, client: httpx.AsyncClient, accounts: Mapping[str, Account]) -> None:
        self._client = client
        self._accounts = accounts

    async def send(self, request: Request) -> Outcome:
        """Send one request; return its answer, or why there is none."""
        form = urlencode(request.parameters)
        url, body = request.url, form
        if request.method == "GET":
            url, body = f"{url}{'&' if '?' in url else '?'}{form}", ""
        headers = self._sign(request, url, body)
        if body:
            headers["content-type"] = "application/x-www-form-urlencoded"
        timeout = httpx.Timeout(request.read_timeout_s, connect=request.connect_timeout_s)
        try:
            async with self._client.stream(
                request.method, url, content=body or None, headers=headers, timeout=timeout
            ) as answer:
                content = bytearray()
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > _BODY_BYTES_MAX:
                        break
                content_type = answer.headers.get("content-type", "")
                return Response(answer.status_code, content_type, bytes(content))
        except httpx.ConnectTimeout:
            return Failure("ct", "connect timeout")
        except httpx.ConnectError as error:
            return Failure("refused", str(error))
        except httpx.TimeoutException:
            return Failure("rt", "read timeout")
        except httpx.HTTPError as error:
            return Failure("broken", str(error) or type(error).__name__)

    def _sign(self, request: Request, url: str, body: str) -> dict[str, str]:
        account = self._accounts[request.auth_id]
        main = self._accounts[account.main_auth_id]
        return sign_headers(
            request.method,
            url,
            body,
            account.auth_tokens[0],
            main.auth_tokens[0],
            nonces=request.nonces,
        )
