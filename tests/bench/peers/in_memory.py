"""Our bridge with its records in memory: ``python -m tests.bench.peers.in_memory PORT MANAGEMENT_PORT``.

Beside the whole bridge it says what Kafka costs. Log lines are made as in production.
"""

import asyncio
import signal
import sys

import uvloop

from bridge import __version__
from bridge.app.build import make_application, make_connection_limits
from bridge.dev.account import ACCOUNTS
from bridge.ingress import server
from bridge.ingress.health import make_management_app
from bridge.publish.memory import MemoryPublisher
from bridge.settings.load import load
from bridge.telemetry import logs
from bridge.telemetry.metrics import Metrics
from tests.bench.callbacks import PUBLIC_URL
from tests.support.delivery import without_spool


async def _nothing() -> None:
    pass


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
    await server.serve(
        make_application(
            settings, without_spool(MemoryPublisher(records_max=64), metrics), metrics
        ),
        make_management_app(ready=lambda: None, metrics=metrics),
        server.Listeners(
            server.listen("127.0.0.1", port), server.listen("127.0.0.1", management_port)
        ),
        server.Lifecycle(
            stop=stop,
            start_up=_nothing,
            on_stopping=lambda: None,
            shut_down=_nothing,
            shutdown_delay_s=0,
            shutdown_timeout_s=5.0,
        ),
        limits=make_connection_limits(settings),
        metrics=metrics,
    )


if __name__ == "__main__":
    logs.configure_queued("json", "info")
    uvloop.run(_serve(*map(int, sys.argv[1:])))
