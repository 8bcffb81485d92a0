"""Look up the host of an application without holding up the lookups of others.

1. The event loop looks up names in a few threads, which all of the process shares: with uvloop two at a
   time. If the resolver does not answer, a lookup keeps its thread for half a minute, and cannot be
   cancelled. A few callbacks for one such host would make all other applications, and a reconnection to
   Kafka, wait.
2. So a host is looked up in a thread of its own first, one thread for each host. Callbacks that need the
   same host meanwhile wait for this lookup. Only after it has found the host, the event loop looks the
   host up, and connects.
3. The threads are daemons: a shutdown does not wait for them.
"""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterable

import httpcore


class SeparateLookups(httpcore.AsyncNetworkBackend):
    """Connects like ``connecting``, after a lookup of the host: rules 1 to 3."""

    def __init__(self, connecting: httpcore.AsyncNetworkBackend) -> None:
        self._connecting = connecting
        self._lookups: dict[str, asyncio.Future[Exception | None]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's own signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect. Raises httpcore's exceptions; ConnectError if the host is not found."""
        if not _is_ip_address(host):
            await self._look_up(host)
        return await self._connecting.connect_tcp(
            host, port, timeout, local_address, socket_options
        )

    async def _look_up(self, host: str) -> None:
        """Return when a host was found: rule 2."""
        lookup = self._lookups.get(host)
        if lookup is None:
            loop = asyncio.get_running_loop()
            work = (loop, host)
            threading.Thread(target=self._find, args=work, name="lookup", daemon=True).start()
            lookup = self._lookups[host] = loop.create_future()
        await asyncio.wait([lookup])  # not the future itself: others wait for it after a timeout
        fault = lookup.result()
        if fault is not None:
            raise httpcore.ConnectError(str(fault)) from fault

    def _find(self, loop: asyncio.AbstractEventLoop, host: str) -> None:
        """Look a host up, and pass on why it was not found, or None. Runs in a thread."""
        fault = None
        try:
            socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            fault = error
        with contextlib.suppress(RuntimeError):  # the loop ended before us
            loop.call_soon_threadsafe(self._finish, host, fault)

    def _finish(self, host: str, fault: Exception | None) -> None:
        self._lookups.pop(host).set_result(fault)


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
