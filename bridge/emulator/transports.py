"""Call a web application directly, without a server: for tests.

An application that raises is answered for with 500, and its traceback goes to standard error, as a
server would do.
"""

import asyncio
import traceback
from collections.abc import Callable, Iterable

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

WsgiApplication = Callable[..., Iterable[bytes]]


class WsgiTransport(httpx.AsyncBaseTransport):
    """Calls a WSGI application, such as one of Flask or Django, in threads."""

    def __init__(self, app: WsgiApplication) -> None:
        self._transport = httpx.WSGITransport(app, raise_app_exceptions=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer of the application."""
        content = await request.aread()
        return await asyncio.to_thread(self._respond, request, content)

    def _respond(self, request: httpx.Request, content: bytes) -> httpx.Response:
        given = httpx.Request(request.method, request.url, headers=request.headers, content=content)
        try:
            answer = self._transport.handle_request(given)
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())
        except Exception:  # noqa: BLE001 (whatever the application raises)
            traceback.print_exc()
            return httpx.Response(500)


def make_asgi_transport(app: ASGIApp) -> httpx.AsyncBaseTransport:
    """Return what calls an ASGI application, such as one of Starlette or FastAPI."""

    async def print_faults(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception:
            traceback.print_exc()
            raise

    return httpx.ASGITransport(print_faults, raise_app_exceptions=False)
