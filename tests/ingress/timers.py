"""Time for the connections of a bridge that runs: it passes when the test says so, and only then.

With a real clock a busy machine is a slow client: it may need longer than a short limit to send what
the test is about. So the timers that a connection sets wait for the test.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest

from bridge.ingress import protocol
from bridge.ingress.deadline import RECHECK_S
from tests.support.bridge import eventually
from tests.support.waiting import PATIENCE_S

READ_TIMEOUT_S: Final = 10.0


class _Timer:
    """What ``call_later`` returns."""

    def __init__(
        self,
        connection: Any,
        due_s: float,
        call: Callable[[], object],
    ) -> None:
        self.connection = connection
        self.due_s = due_s
        self.call = call
        self.is_pending = True

    def cancel(self) -> None:
        self.is_pending = False


class _Loop:
    """The loop a connection sees: the real one but for its clock and ``call_later``."""

    def __init__(self, connection: Any, timers: "Timers") -> None:
        self._real = connection.loop
        self.call_later = partial(timers.call_later, connection)
        self.time = timers.time

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Timers:
    """The timers of all connections, and how much has been received from their clients."""

    def __init__(self) -> None:
        self.received_bytes = 0
        self._now_s = 0.0
        self._timers: list[_Timer] = []
        self._real: asyncio.AbstractEventLoop | None = None

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give all connections that are made from now on these timers."""
        made, received = protocol.HttpConnection.__init__, protocol.HttpConnection.data_received

        def make(connection: Any, *given: Any, **named: Any) -> None:
            made(connection, *given, **named)
            self._real = connection.loop
            connection.loop = _Loop(connection, self)

        def receive(connection: Any, data: bytes) -> None:
            received(connection, data)
            self.received_bytes += len(data)

        monkeypatch.setattr(protocol.HttpConnection, "__init__", make)
        monkeypatch.setattr(protocol.HttpConnection, "data_received", receive)

    def time(self) -> float:
        return self._now_s

    def call_later(self, connection: Any, delay_s: float, call: Callable[[], object]) -> _Timer:
        timer = _Timer(connection, self._now_s + delay_s, call)
        self._timers.append(timer)
        return timer

    def pending(self) -> list[_Timer]:
        """Return the timers that are set."""
        return [one for one in self._timers if one.is_pending]

    def wait_for_timer_of(self, client: socket.socket) -> None:
        """Return when the bridge has set a timer for this client.

        Other connections have timers too, such as the one that found the port open.
        """
        address = client.getsockname()
        eventually(lambda: any(one.connection._client == address for one in self.pending()))

    def wait_for_unread_answer(self) -> None:
        """Return when the bridge has set a timer for a client that does not read its answers."""
        eventually(lambda: any(one.connection._write_timer is not None for one in self.pending()))

    def pass_s(self, seconds: float) -> None:
        """Let time pass for the connections, and return when it has."""
        assert self._real is not None
        passed = threading.Event()
        until_s = self._now_s + seconds + RECHECK_S  # sockets are read once more
        self._real.call_soon_threadsafe(self._pass, until_s, passed)
        assert passed.wait(PATIENCE_S)

    def _pass(self, until_s: float, passed: threading.Event) -> None:
        while due := [one for one in self.pending() if one.due_s <= until_s]:
            timer = min(due, key=lambda one: one.due_s)
            self._now_s = timer.due_s
            timer.cancel()
            timer.call()
        self._now_s = until_s
        passed.set()

    def send(self, connection: socket.socket, data: bytes) -> None:
        """Send bytes, and return when the bridge has received them."""
        expected = self.received_bytes + len(data)
        connection.sendall(data)
        eventually(lambda: self.received_bytes >= expected)
