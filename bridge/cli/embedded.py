"""A whole bridge on the embedded broker, for ``dev`` and ``demo``."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.app.parts import make_connection, make_sizing
from bridge.app.process import Bridge
from bridge.app.startup import run_bridge
from bridge.cli.kafka import wait_until_available
from bridge.core import catalogue
from bridge.derived.topics import plan
from bridge.dev.broker import embedded_broker
from bridge.ingress import server
from bridge.publish.topics import Provisioner
from bridge.settings.load import Settings, load


@dataclass(frozen=True, slots=True)
class EmbeddedBridge:
    """A running bridge and its URL."""

    bridge: Bridge
    settings: Settings
    url: str


@contextlib.asynccontextmanager
async def _temporary_spool() -> AsyncGenerator[str]:
    """Make a spool folder that lasts as long as the broker, which keeps its records in memory."""
    with tempfile.TemporaryDirectory(prefix="callback-bridge-") as folder:
        yield folder


@contextlib.asynccontextmanager
async def embedded_bridge(
    settings_file: Path | None,
    port: int,
    accounts: list[dict[str, object]] | None,
    *,
    kafka_port: int = 0,
    write_rules: Callable[[str], Path] | None = None,
) -> AsyncGenerator[EmbeddedBridge]:
    """Run a broker with all topics, and the bridge on ``port``. Stop both at the end.

    Port 0 takes any free one. ``accounts`` None takes those of the settings. ``write_rules`` gets the
    bridge's URL, and returns the file of rules that say how Plivo is answered.
    """
    async with embedded_broker(kafka_port) as broker, _temporary_spool() as spool:
        listeners = server.Listeners(
            server.listen("127.0.0.1", port), server.listen("127.0.0.1", 0)
        )
        url = f"http://127.0.0.1:{listeners.callbacks.getsockname()[1]}"
        given: dict[str, object] = {
            "kafka": {
                "bootstrap_servers": broker,
                "security_protocol": "PLAINTEXT",
                "idempotence": False,
            },
            "spool": {"directory": spool},
            "topics": {"partitions": 1, "replication_factor": 1, "min_insync_replicas": 1},
        }
        if accounts is not None:
            given |= {"accounts": accounts, "accounts_file": None, "public_url": url}
        if write_rules is not None:
            given["replies_file"] = write_rules(url)
        settings = load(settings_file, **given)
        async with Provisioner(make_connection(settings)) as provisioner:
            await provisioner.apply(
                plan(catalogue.load_catalogue(), settings.topic_prefix, make_sizing(settings))
            )
        bridge = Bridge(settings, single_records=True)
        stop = server.StopRequest()
        running = asyncio.create_task(run_bridge(bridge, listeners, settings, stop))
        await wait_until_available(bridge.publisher)
        try:
            yield EmbeddedBridge(bridge, settings, url)
        finally:
            stop.request()
            await running
