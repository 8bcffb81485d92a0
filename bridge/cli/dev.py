"""``callback-bridge dev``: a bridge to develop against, without Kafka and without Plivo."""

import asyncio
import signal
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer
import uvloop
from rich.console import Console

from bridge import catalogue, logs
from bridge.cli.callbacks import curl
from bridge.cli.embedded import Embedded, embedded_bridge
from bridge.cli.options import SettingsFile
from bridge.cli.tail import print_records
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.dev.emulator.call import Call, answered_call
from bridge.ingress.app import SHARED_PATH
from bridge.normalise.time import zone_named
from bridge.settings import load


def dev(
    *,
    port: Annotated[int, typer.Option(help="Port for callbacks, on 127.0.0.1; 0 for any.")] = 8080,
    settings_file: SettingsFile = None,
) -> None:
    """Run the bridge on an embedded broker and show events as they arrive, until Ctrl-C.

    Needs neither Kafka nor an account: without BRIDGE_ACCOUNTS it uses an emulated one and prints a
    signed curl for it. With your own, and BRIDGE_PUBLIC_URL set to your tunnel, Plivo can call it.
    """
    settings = load(settings_file)
    logs.configure("console", "warning")
    own_accounts = bool(settings.accounts)
    uvloop.run(_dev(settings_file, port, own_accounts=own_accounts))


async def _dev(settings_file: SettingsFile, port: int, *, own_accounts: bool) -> None:
    console = Console(highlight=False, soft_wrap=True, stderr=True)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with embedded_bridge(settings_file, port, None if own_accounts else ACCOUNTS) as embedded:
        _introduce(console, embedded, own_accounts=own_accounts)
        prefix = embedded.settings.topic_prefix
        topics = [prefix + kind.topic for kind in catalogue.load().all]
        printing = asyncio.create_task(
            print_records(embedded.settings, topics, None, follow=True), name="tail"
        )
        await asyncio.wait(
            [printing, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        printing.cancel()
        await asyncio.wait([printing])


def _introduce(console: Console, embedded: Embedded, *, own_accounts: bool) -> None:
    """Print where everything is, and something to try."""
    base = embedded.settings.public_url or embedded.url
    console.print("[bold]URLs to set at Plivo[/]  (the fragment asks Plivo to try again)")
    calls = [kind for kind in catalogue.load().types if kind.name.startswith("voice.call.")]
    paths = {kind.name: kind.path for kind in calls} | {"any type": SHARED_PATH}
    width = max(map(len, paths)) + 2
    for name, path in paths.items():
        console.print(f"  {name:<{width}}{base}{path}#rp=all&rc=5")
    console.print("  every other type: `callback-bridge callbacks list`")
    console.print(f"\n[bold]Kafka[/]  {embedded.settings.kafka.bootstrap_servers}")
    if not own_accounts:
        console.print(f"[bold]Account[/]  {AUTH_ID} in {TIMEZONE} (emulated)")
        console.print(f"\n[bold]Try[/]\n{example_curl(base)}")
    console.print("\nEvents appear below. Ctrl-C ends it all.\n")


def example_curl(base: str) -> str:
    """Return a curl that delivers one signed ring callback of the emulated account."""
    call = Call(uuid4(), AUTH_ID, zone_named(TIMEZONE), datetime.now(UTC))  # noqa: TID251 (the doorway's clock)
    ring = next(answered_call(call))
    return curl(base + ring.path, ring.form, AUTH_TOKEN)
