"""``callback-bridge serve``: the bridge itself."""

import bridge.telemetry.without_rich  # noqa: F401  # pyright: ignore[reportUnusedImport]  # before all that imports structlog

# isort: split
from typing import Annotated

import typer
import uvloop

from bridge.app import startup
from bridge.app.process import Bridge
from bridge.cli.options import SettingsFile
from bridge.cli.signals import stop_on_signals
from bridge.ingress import server
from bridge.settings.load import Settings
from bridge.telemetry import logs
from bridge.telemetry.log_writer import LineQueue
from bridge.telemetry.metric_defs import Metric

app = typer.Typer(add_completion=False)

Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Check everything that a start needs, print every fault, and exit. Does not connect to "
        "Kafka.",
    ),
]


@app.command()
def serve(settings_file: SettingsFile = None, *, check: Check = False) -> None:
    """Answer Plivo's callbacks and publish them to Kafka, until SIGTERM.

    A 2xx means: all in-sync replicas have acknowledged the event and its journal record, or both are
    fsynced in the spool, which publishes them in order when Kafka is back. If neither Kafka nor the
    spool can take a callback, the answer is 503, and /readyz on the management port fails.
    """
    settings, listeners = startup.prepare(settings_file)
    if check:
        listeners.callbacks.close()
        listeners.management.close()
        from bridge.cli import output  # noqa: PLC0415 (rich, which a running bridge does not need)

        output.print_plain("the settings are valid; the connection to Kafka was not tested")
        return
    lines = logs.configure_queued(settings.log_format, settings.log_level)
    try:
        uvloop.run(_serve(settings, listeners, lines))
    finally:
        lines.close()


async def _serve(settings: Settings, listeners: server.Listeners, lines: LineQueue) -> None:
    stop = server.StopRequest()
    stop_on_signals(stop)
    bridge = Bridge(settings)
    lines.set_on_lost(lambda count: bridge.metrics.count(Metric.LOG_LINES_LOST_TOTAL, by=count))
    await startup.run_bridge(bridge, listeners, settings, stop)
