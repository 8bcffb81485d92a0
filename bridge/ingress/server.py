"""The process: two listening sockets, one loop, and an orderly end."""

import asyncio
import contextlib
import gc
import resource
import socket
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, replace
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from bridge.ingress.clients import Clients, ConnectionLimits
from bridge.ingress.protocol import make_protocol
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

_BACKLOG: Final = 2048
# Longer than load balancers keep an idle connection (60 s is common), so that it is they who close:
# one that sends a callback just as we close answers 502, and Plivo does not repeat that.
_KEEP_ALIVE_S: Final = 75
# For Kafka, the spool, the management port and whatever else is no client.
_OTHER_FILES: Final = 256
# The management port answers short questions. The one body is a log level's name.
MANAGEMENT_LIMITS: Final = ConnectionLimits(
    connections_max=64,
    url_bytes_max=1_024,
    read_timeout_s=5.0,
    body_bytes_max=1_024,
    headers_bytes_max=8_192,
)


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


class StopRequest:
    """Asks a process to end: in order, and when it is asked again without waiting to be left alone."""

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        self.repeated = asyncio.Event()

    def request(self) -> None:
        """Ask, for the first time or again."""
        (self.repeated if self.requested.is_set() else self.requested).set()


def fit_connections_max(connections_max: int) -> int:
    """Return how many connections there is room for, once as many files may be open as is allowed.

    Were clients to use them all, neither Kafka could be reached again nor the spool be opened.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections_max + _OTHER_FILES
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == needed:
        return connections_max
    fitting = max(1, allowed - _OTHER_FILES)
    log.warning("connections_limited", connections_max=fitting, open_files_max=hard)
    return fitting


def _server(app: ASGIApp, *, http: type[asyncio.Protocol], graceful_s: float) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http=http,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=max(1, round(graceful_s)),
        )
    )


@dataclass(frozen=True, slots=True)
class Listeners:
    """The bound sockets of a process."""

    callbacks: socket.socket
    management: socket.socket


async def serve(  # noqa: PLR0913 (wired once, by name)
    app: ASGIApp,
    management_app: ASGIApp,
    listeners: Listeners,
    *,
    stop: StopRequest,
    limits: ConnectionLimits,
    metrics: Metrics,
    shutdown_delay_s: float,
    shutdown_timeout_s: float,
    start_up: Callable[[], Awaitable[None]],
    on_stopping: Callable[[], None],
    shut_down: Callable[[], Awaitable[None]],
) -> None:
    """Answer on both sockets until ``stop`` is asked, then end in order.

    While ``before_begin`` lasts (a large spool is opened) the management port alone answers, so that
    nobody takes the process for dead. At the end first ``on_stopping``, which makes a probe see it
    coming, and as long as ``shutdown_delay_s``, or until ``stop`` is asked again, callbacks are still
    taken, each answer the last of its connection. Then no new callbacks, then those under way, then
    ``before_end`` (the flush to Kafka), and the management port last.
    """
    fitting = fit_connections_max(limits.connections_max)
    clients = Clients(replace(limits, connections_max=fitting), metrics)
    callbacks = _server(app, http=make_protocol(clients), graceful_s=shutdown_timeout_s)
    managers = Clients(MANAGEMENT_LIMITS, metrics)
    management = _server(management_app, http=make_protocol(managers), graceful_s=1)
    managing = asyncio.create_task(management.serve([listeners.management]), name="management")
    asked = asyncio.create_task(stop.requested.wait())
    try:
        if await _start_unless_stopped(start_up, asked):
            taking = asyncio.create_task(callbacks.serve([listeners.callbacks]), name="callbacks")
            _freeze_gc()
            await asyncio.wait([asked, managing, taking], return_when=asyncio.FIRST_COMPLETED)
            on_stopping()
            clients.stopping = True
            if asked.done():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.repeated.wait(), shutdown_delay_s)
            callbacks.should_exit = True
            await taking
        await shut_down()
    finally:
        listeners.callbacks.close()  # where nobody ever took from it
        asked.cancel()
        management.should_exit = True
        await managing


def _freeze_gc() -> None:
    """Have the collector leave alone what start-up made: it lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _start_unless_stopped(
    start_up: Callable[[], Awaitable[None]], stop_requested: "asyncio.Task[bool]"
) -> bool:
    """Say whether all that comes first was done, and not given up because a stop was asked for."""
    beginning = asyncio.ensure_future(start_up())
    await asyncio.wait([beginning, stop_requested], return_when=asyncio.FIRST_COMPLETED)
    if not beginning.done():
        beginning.cancel()
        await asyncio.wait([beginning])
        return False
    beginning.result()
    return True
