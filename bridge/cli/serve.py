"""``callback-bridge serve``: the bridge itself."""

import asyncio
import signal

import structlog
import uvloop

from bridge import __version__, logs
from bridge.cli.build import Bridge, build
from bridge.cli.options import SettingsFile
from bridge.ingress import server
from bridge.settings import Settings, for_serving, load, unknown_variables

log = structlog.get_logger()


def serve(settings_file: SettingsFile = None) -> None:
    """Answer Plivo's callbacks and publish them to Kafka, until SIGTERM.

    A 2xx means that event and journal record are acknowledged by all in-sync replicas. While Kafka
    is away callbacks are answered 503, and /readyz on the management port says so.
    """
    settings = for_serving(load(settings_file))
    logs.configure(settings.log_format, settings.log_level)
    for name in unknown_variables():
        log.warning("setting_unknown", name=name)
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    doors = server.Doors(
        callbacks=server.listen(settings.host, settings.port),
        management=server.listen(settings.host, settings.management_port),
    )
    await run_bridge(build(settings), doors, settings, stopping)


async def run_bridge(
    bridge: Bridge, doors: server.Doors, settings: Settings, stopping: asyncio.Event
) -> None:
    """Run a bridge until ``stopping`` is set."""
    bridge.publisher.start()
    log.info(
        "bridge_started",
        version=__version__,
        port=doors.callbacks.getsockname()[1],
        management_port=doors.management.getsockname()[1],
        verification=settings.verification,
    )

    async def flush() -> None:
        await bridge.publisher.stop(settings.kafka.flush_timeout_s)

    await server.serve(
        bridge.app,
        bridge.management_app,
        doors,
        stopping=stopping,
        shutdown_timeout_s=settings.shutdown_timeout_s,
        before_end=flush,
    )
    log.info("bridge_stopped")
