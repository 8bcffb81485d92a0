"""The process: two listening sockets, one loop, and an orderly end."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.types import ASGIApp

_BACKLOG: Final = 2048


class _Server(uvicorn.Server):
    """A server that leaves signals to the process: there are two of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class CannotListen(Exception):
    """An address cannot be listened on; the text says which and why."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port`` (0 for any); raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        message = f"cannot listen on {host}:{port}: {error.strerror}"
        raise CannotListen(message) from error
    return listener


def _server(app: ASGIApp, *, graceful_s: float) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=max(1, round(graceful_s)),
        )
    )


@dataclass(frozen=True, slots=True)
class Doors:
    """The bound sockets of a process."""

    callbacks: socket.socket
    management: socket.socket


async def serve(  # noqa: PLR0913 (wired once, by name)
    app: ASGIApp,
    management_app: ASGIApp,
    doors: Doors,
    *,
    stopping: asyncio.Event,
    shutdown_timeout_s: float,
    before_end: Callable[[], Awaitable[None]],
) -> None:
    """Answer on both sockets until ``stopping`` is set, then end in order.

    First no new callbacks, then those under way, then ``before_end`` (the flush to Kafka), and the
    management port last, so that a probe can see the end coming.
    """
    callbacks = _server(app, graceful_s=shutdown_timeout_s)
    management = _server(management_app, graceful_s=1)
    tasks = [
        asyncio.create_task(callbacks.serve([doors.callbacks]), name="callbacks"),
        asyncio.create_task(management.serve([doors.management]), name="management"),
    ]
    stop = asyncio.create_task(stopping.wait())
    # What start-up made lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    callbacks.should_exit = True
    await tasks[0]
    await before_end()
    management.should_exit = True
    await tasks[1]
