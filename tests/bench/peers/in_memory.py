"""Our bridge with its records in memory: ``python -m tests.bench.peers.in_memory PORT MANAGEMENT_PORT``.

Beside the whole bridge it says what Kafka costs. Log lines are made as in production.
"""

import asyncio
import signal
import sys

import uvloop

from bridge import __version__
from bridge.dev.account import ACCOUNTS
from bridge.ingress import server
from bridge.publish.memory import MemoryPublisher
from bridge.settings.load import load
from bridge.telemetry import logs
from bridge.telemetry.metrics import Metrics
from tests.bench import without_kafka
from tests.bench.callbacks import PUBLIC_URL


async def _serve(port: int, management_port: int) -> None:
    stop, metrics = server.StopRequest(), Metrics(__version__)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.request)
    settings = load(
        None,
        accounts=ACCOUNTS,
        accounts_file=None,
        public_url=PUBLIC_URL,
        spool={"enabled": False},
    )
    listeners = server.Listeners(
        server.listen("127.0.0.1", port), server.listen("127.0.0.1", management_port)
    )
    await without_kafka.serve(settings, MemoryPublisher(records_max=64), metrics, listeners, stop)


if __name__ == "__main__":
    logs.configure_queued("json", "info")
    uvloop.run(_serve(*map(int, sys.argv[1:])))
