"""Serve an emulator over HTTP: Plivo's API and the control, on one port."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from bridge.emulator.api.application import build_api
from bridge.emulator.control.routes import PREFIX, make_control
from bridge.emulator.emulator import Emulator

_BACKLOG: Final = 256
_CONCURRENCY_MAX: Final = 1_000
_STOP_S: Final = 1


class CannotListen(Exception):
    """The emulator cannot listen on an address; the text says which and why."""


class ServerNotInstalled(Exception):
    """The emulator cannot serve, because the package of its HTTP server is not there."""


def make_app(emulator: Emulator, *, control_from_anywhere: bool = False) -> Starlette:
    """Return the application of an emulator: Plivo's API, and the control."""
    control = make_control(emulator, from_anywhere=control_from_anywhere)
    return Starlette(
        routes=[
            Route(PREFIX, _redirect_to_control),
            Mount(PREFIX, control),
            Mount("/", build_api(emulator)),
        ]
    )


async def _redirect_to_control(_request: Request) -> RedirectResponse:
    return RedirectResponse(PREFIX + "/")


@asynccontextmanager
async def serve(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str]:
    """Serve an application on ``port`` (0: any free one) as long as the context lasts; yield its URL.

    Raises CannotListen and ServerNotInstalled. No signal handlers are installed.
    """
    try:
        import uvicorn  # noqa: PLC0415 (an extra: absent where only `serve` of the bridge is installed)
    except ImportError as error:
        message = "uvicorn is not installed: run pip install '.[dev]' in a checkout of the project"
        raise ServerNotInstalled(message) from error
    listener = _listen(host, port)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            limit_concurrency=_CONCURRENCY_MAX,
            timeout_graceful_shutdown=_STOP_S,
        )
    )
    # ``Server.serve`` would install signal handlers, and look only every 0.1 s whether to stop.
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[listener])
    try:
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listener.getsockname()[1]}"
    finally:
        await server.shutdown(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    # Lets a restarted emulator bind while connections of the last one are in TIME_WAIT.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        message = f"cannot listen on {host}:{port}: {error.strerror}"
        raise CannotListen(message) from error
    return listener
