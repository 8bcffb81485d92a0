"""A bridge whose Kafka does not acknowledge until SIGUSR1: ``python -m tests.bench.hanging``.

The first line on standard output is the two ports. Another SIGUSR1 has it hang again.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence

import uvloop

from bridge import __version__
from bridge.core.record import Record
from bridge.dev.account import ACCOUNTS
from bridge.ingress import server
from bridge.publish.memory import MemoryPublisher
from bridge.settings.load import Settings, load
from bridge.telemetry import logs
from bridge.telemetry.metrics import Metrics
from tests.bench import without_kafka
from tests.bench.callbacks import PUBLIC_URL
from tests.support.futures import started

READ_TIMEOUT_S = 3.0


def settings() -> Settings:
    """Return the default limits, with less time for slow clients, so that this has an end."""
    return load(
        None,
        accounts=ACCOUNTS,
        accounts_file=None,
        public_url=PUBLIC_URL,
        verification="report",
        read_timeout_s=READ_TIMEOUT_S,
    )


class Gate(MemoryPublisher):
    """A publisher that acknowledges nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__(records_max=64)
        self.opened = asyncio.Event()

    @started
    async def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> None:
        """Keep the records once the gate is open, however long that takes."""
        await self.opened.wait()
        await super().publish(records, deadline_s=deadline_s)

    def turn(self) -> None:
        """Open the gate, or close it."""
        (self.opened.clear if self.opened.is_set() else self.opened.set)()


async def _serve() -> None:
    stop, gate, metrics, chosen = server.StopRequest(), Gate(), Metrics(__version__), settings()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.request)
    loop.add_signal_handler(signal.SIGUSR1, gate.turn)
    listeners = server.Listeners(server.listen("127.0.0.1", 0), server.listen("127.0.0.1", 0))
    ports = [
        str(listener.getsockname()[1]) for listener in (listeners.callbacks, listeners.management)
    ]
    sys.stdout.write(" ".join(ports) + "\n")
    sys.stdout.flush()

    await without_kafka.serve(chosen, gate, metrics, listeners, stop)


if __name__ == "__main__":
    logs.configure("json", "error")
    uvloop.run(_serve())
