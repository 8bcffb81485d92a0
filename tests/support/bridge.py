"""A whole bridge on free loopback ports, on uvloop in a thread of its own, as in production.

Only Kafka is missing: its place is taken by a publisher the test chooses.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import orjson
import uvloop
from structlog.testing import capture_logs

from bridge.app.build import make_application, make_connection_limits
from bridge.core.record import Record
from bridge.ingress import server
from bridge.ingress.health import make_management_app
from bridge.publish import Publisher
from bridge.publish.memory import MemoryPublisher
from bridge.settings.load import load
from bridge.telemetry.metrics import Metrics
from tests.support.delivery import without_spool
from tests.support.futures import settled, started
from tests.support.waiting import PATIENCE_S

AUTH_ID = "MA0000000000TEST0001"
TOKEN = "a-token-only-these-tests-know"
ACCOUNTS = [{"auth_id": AUTH_ID, "auth_tokens": [TOKEN], "timezone": "America/New_York"}]
VERSION = "0.0.0.test"


class Broken:
    """A publisher with a fault nobody foresaw; its text quotes what must not be logged."""

    available = True

    def __init__(self, text: str) -> None:
        self.text = text

    @settled
    def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> None:
        raise ArithmeticError(self.text)


class Gated(MemoryPublisher):
    """A publisher whose acknowledgements wait until the test opens the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Event()
        self.gate = threading.Event()

    @started
    async def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> None:
        self.waiting.set()
        while not self.gate.is_set():  # noqa: ASYNC110 (the gate is another thread's)
            await asyncio.sleep(0.005)
        await super().publish(records, deadline_s=deadline_s)


@dataclass
class Running:
    """A bridge that answers, and what a test wants to know of it."""

    port: int
    management_port: int
    publisher: Any
    recorded: Metrics
    thread: threading.Thread
    stop_soon: Callable[[], object]
    loop: asyncio.AbstractEventLoop | None = None
    flushed_at: float | None = None

    @property
    def metrics(self) -> Metrics:
        """Return the metrics, once whatever was answered is counted."""
        self._wait_for_turn()
        return self.recorded

    @contextlib.contextmanager
    def captured_logs(self) -> Generator[list[Any]]:
        """Capture the log until whatever was answered is logged."""
        with capture_logs() as lines:
            yield lines
            self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        """Return after the turn of the event loop in which the last answer was sent."""
        turn = threading.Event()
        if self.loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(turn.set)
                while self.thread.is_alive() and not turn.wait(0.01):
                    pass

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def management_url(self) -> str:
        return f"http://127.0.0.1:{self.management_port}"

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def values(self, call_uuid: str) -> dict[str, list[dict[str, Any]]]:
        """Return the record values that hold ``call_uuid``, by topic, in the order they came."""
        found: dict[str, list[dict[str, Any]]] = {}
        for record in self.publisher.records:
            if call_uuid.encode() in record.value or record.key == call_uuid.encode():
                found.setdefault(record.topic, []).append(orjson.loads(record.value))
        return found

    def event(self, call_uuid: str) -> dict[str, Any]:
        """Return the one event of a call that had one callback."""
        values = self.values(call_uuid)
        journal = values.pop("plivo.journal.v1")
        (events,) = values.values()
        assert len(events) == len(journal) == 1
        return events[0]

    def topics(self, call_uuid: str) -> list[str]:
        return sorted(self.values(call_uuid))

    def counted(self, **labels: str) -> float:
        """Return how many callbacks were counted with these labels."""
        return self.metrics.value("callbacks_total", **labels)


async def nothing() -> None:
    """Have nothing to do."""


@contextlib.contextmanager
def running_bridge(
    publisher: Publisher | None = None,
    before_begin: Callable[[], Awaitable[None]] = nothing,
    **settings: object,
) -> Generator[Running]:
    """Run a bridge with ``settings`` on top of a test account's, and end it in order."""
    kept = publisher or MemoryPublisher()
    metrics = Metrics(VERSION)
    given: dict[str, object] = {
        "accounts": ACCOUNTS,
        # Without a sample of what is rejected, the records are those of what was taken.
        "rejected_per_minute_max": 0,
        # No test's client is too slow on a busy machine, unless the test is about that.
        "read_timeout_s": 2 * PATIENCE_S,
        **settings,
    }
    chosen = load(None, **given)
    durable = without_spool(kept, metrics)
    app = make_application(chosen, durable, metrics)
    stopping = threading.Event()
    management = make_management_app(
        ready=lambda: "stopping" if stopping.is_set() else durable.fault, metrics=metrics
    )
    listeners = server.Listeners(server.listen("127.0.0.1", 0), server.listen("127.0.0.1", 0))
    ready: list[Any] = []

    async def serve() -> None:
        stop = server.StopRequest()
        bridge.loop = loop = asyncio.get_running_loop()
        ready.append(lambda: loop.call_soon_threadsafe(stop.request))

        async def flushed() -> None:
            bridge.flushed_at = time.monotonic()

        await server.serve(
            app,
            management,
            listeners,
            server.Lifecycle(
                stop=stop,
                start_up=before_begin,
                on_stopping=stopping.set,
                shut_down=flushed,
                shutdown_delay_s=chosen.shutdown_delay_s,
                shutdown_timeout_s=chosen.shutdown_timeout_s,
            ),
            limits=make_connection_limits(chosen),
            metrics=metrics,
        )

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())

    ports = [listener.getsockname()[1] for listener in (listeners.callbacks, listeners.management)]
    thread = threading.Thread(target=run, name="bridge")
    bridge = Running(*ports, kept, metrics, thread, lambda: ready[0]())  # type: ignore[call-arg]  # noqa: PLW0108 (not yet there)
    with patch.object(server, "_POLL_S", 0.005):  # tests stop hundreds of bridges
        thread.start()
        eventually(lambda: ready)
        for port in ports:
            wait_for_port(port)
        try:
            yield bridge
        finally:
            if isinstance(kept, Gated):
                kept.gate.set()
            if thread.is_alive():
                bridge.stop_soon()
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "the bridge did not end"


def wait_for_port(port: int, patience_s: float = PATIENCE_S) -> None:
    """Return when something listens on the loopback port."""
    end = time.monotonic() + patience_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end, f"nothing listens on {port}"
            time.sleep(0.02)
        else:
            return


def eventually(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Return when ``condition()`` holds; fail when it does not come true in time."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)
