"""Serve callbacks and the management port on two sockets, and shut down in order."""

import asyncio
import contextlib
import gc
import resource
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import structlog
from starlette.types import ASGIApp

from bridge.ingress.clients import Clients, ConnectionLimits
from bridge.ingress.protocol import HttpConnection
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

_BACKLOG: Final = 2048
_MANAGEMENT_END_S: Final = 1.0
_POLL_S: Final = 0.05  # how often a stop looks whether connections have ended
# Open files for everything but clients: Kafka, the spool, the management port.
_OTHER_FILES: Final = 256
_KEPT_BYTES_MAX: Final = 8_388_608
# Requests to the management port are short; the only body is the name of a log level.
MANAGEMENT_LIMITS: Final = ConnectionLimits(
    connections_max=64,
    url_bytes_max=1_024,
    read_timeout_s=5.0,
    body_bytes_max=1_024,
    headers_bytes_max=8_192,
)


class CannotListen(Exception):
    """The process cannot listen on an address; the text says which and why."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port`` (0 for any); raises CannotListen."""
    is_ipv6 = ":" in host
    try:
        listener = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET)
        try:
            # Lets a restarted bridge bind while connections of the last one are in TIME_WAIT.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        address = f"[{host}]:{port}" if is_ipv6 else f"{host}:{port}"
        message = f"cannot listen on {address}: {error.strerror}"
        raise CannotListen(message) from error
    return listener


class StopRequest:
    """Stop request: the first is graceful, a second one skips the shutdown delay."""

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        self.repeated = asyncio.Event()

    def request(self) -> None:
        """Request a stop, for the first time or again."""
        (self.repeated if self.requested.is_set() else self.requested).set()


def fit_connections_max(connections_max: int) -> int:
    """Raise the limit of open files as far as allowed; return how many connections fit into it.

    If clients could use up all files, the bridge could neither reconnect to Kafka nor open its spool.
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


async def _accept(app: ASGIApp, clients: Clients, listener: socket.socket) -> asyncio.Server:
    """Accept connections from now on."""
    loop = asyncio.get_running_loop()
    connect = partial(HttpConnection, app, clients)
    return await loop.create_server(connect, sock=listener, backlog=_BACKLOG)


async def _end(accepting: asyncio.Server, clients: Clients, timeout_s: float) -> None:
    """Accept no more, and return when the requests in progress are answered.

    Those that are not answered in ``timeout_s`` are cancelled.
    """
    accepting.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while True:
                # Each time, because a socket that was accepted just before is not yet among them.
                for connection in [*clients.connections]:
                    connection.shut_down()
                await asyncio.sleep(_POLL_S)  # at least once: answers may be on their way
                if not (clients.connections or clients.requests):
                    break
    if clients.requests:
        log.warning("shutdown_timed_out", requests=len(clients.requests))
        for request in clients.requests.values():
            request.cancel()


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listening sockets of a process."""

    callbacks: socket.socket
    management: socket.socket


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """How a process starts and stops.

    During ``start_up`` (it may open a large spool) only the management port answers, so that liveness
    probes pass. The shutdown: 1. ``on_stopping`` makes the readiness probe fail. 2. For
    ``shutdown_delay_s``, or until a second stop request, callbacks are still accepted, and each answer
    is the last on its connection. 3. The socket for callbacks is closed. 4. Callbacks in flight end,
    within ``shutdown_timeout_s``. 5. ``shut_down`` flushes to Kafka. 6. The management port is closed.
    """

    stop: StopRequest
    start_up: Callable[[], Awaitable[None]]
    on_stopping: Callable[[], None]
    shut_down: Callable[[], Awaitable[None]]
    shutdown_delay_s: float
    shutdown_timeout_s: float


async def serve(  # noqa: PLR0913 (wired once, by name)
    app: ASGIApp,
    management_app: ASGIApp,
    listeners: Listeners,
    lifecycle: Lifecycle,
    *,
    limits: ConnectionLimits,
    metrics: Metrics,
) -> None:
    """Serve both sockets until a stop is requested, then shut down in order."""
    stop = lifecycle.stop
    fitting = fit_connections_max(limits.connections_max)
    clients = Clients(replace(limits, connections_max=fitting), metrics)
    # Not counted: an alert takes ``cut_off_total`` for callbacks that are lost.
    management_clients = Clients(MANAGEMENT_LIMITS, None)
    management = await _accept(management_app, management_clients, listeners.management)
    stop_requested = asyncio.create_task(stop.requested.wait())
    try:
        if await _start_unless_stopped(lifecycle.start_up, stop_requested):
            callbacks = await _accept(app, clients, listeners.callbacks)
            _freeze_gc()
            keep_freed_memory()
            await stop_requested
            lifecycle.on_stopping()
            clients.stopping = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.repeated.wait(), lifecycle.shutdown_delay_s)
            await _end(callbacks, clients, lifecycle.shutdown_timeout_s)
        await lifecycle.shut_down()
    finally:
        listeners.callbacks.close()  # if it never accepted, nothing else closes it
        stop_requested.cancel()
        await _end(management, management_clients, _MANAGEMENT_END_S)


def _freeze_gc() -> None:
    """Exclude the objects of the start from garbage collection, and collect less often.

    They live as long as the process, and a full collection of them would pause all callbacks.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def keep_freed_memory() -> None:
    """Make the allocator keep freed memory, at most ``_KEPT_BYTES_MAX``, instead of returning it.

    A request to Kafka needs several blocks of some hundred KiB for a moment. If they were returned each
    time, the kernel would clear new pages for every request. glibc keeps up to twice the size of the
    largest block that was freed (``M_MMAP_THRESHOLD`` in mallopt(3)); others have rules of their own.
    """
    bytearray(_KEPT_BYTES_MAX // 2)  # freed at once


async def _start_unless_stopped(
    start_up: Callable[[], Awaitable[None]], stop_requested: "asyncio.Task[bool]"
) -> bool:
    """Run ``start_up``; return False if a stop request cancelled it."""
    starting = asyncio.ensure_future(start_up())
    await asyncio.wait([starting, stop_requested], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait([starting])
        return False
    starting.result()
    return True
