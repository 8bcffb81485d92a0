"""``callback-bridge demo``: three calls, as Plivo sees them and as they are stored."""

import asyncio
import contextlib
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import typer
import uvloop
from rich.console import Console
from rich.text import Text

from bridge.calls.found import FoundCall
from bridge.cli import output
from bridge.cli.call import CallFinder
from bridge.cli.call_output import print_legs
from bridge.cli.embedded import EmbeddedBridge, embedded_bridge
from bridge.cli.emulate.run import to_bridge_urls
from bridge.core.catalogue import SHARED_PATH
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.emulator import Emulator
from bridge.emulator.history import Match
from bridge.emulator.machine.leg import Account
from bridge.emulator.scenarios.begin import begin_call
from bridge.emulator.scenarios.files import load_scenario
from bridge.emulator.scenarios.model import CallModel
from bridge.emulator.scenarios.run import Tally
from bridge.emulator.stories import tell_calls
from bridge.normalise.time import load_zone
from bridge.reader.window import build_window
from bridge.settings.load import Settings
from bridge.telemetry import logs

app = typer.Typer(add_completion=False)

_SPEED: Final = 30.0
_SCENARIOS: Final = ("second-leg", "busy", "machine")
_READ_S: Final = 20.0
_PAUSE_S: Final = 0.2
_COLLEAGUE: Final = "14155550177"

# The documents that answer Plivo, by callback type. ``{url}`` is the bridge's.
_DOCUMENTS: Final = {
    "voice.call.answer": """
<Response>
  <GetDigits action="{url}/plivo/voice/getdigits/action" numDigits="1" timeout="5">
    <Speak>Hello. Press 1 to talk to a colleague.</Speak>
  </GetDigits>
  <Speak>Goodbye.</Speak>
</Response>
""",
    "voice.getdigits.action": """
<Response>
  <Dial action="{url}/plivo/voice/dial/action" callbackUrl="{url}{shared}">
    <Number>{colleague}</Number>
  </Dial>
</Response>
""",
    "voice.dial.action": """
<Response>
  <Speak>Thank you. Goodbye.</Speak>
</Response>
""",
}


@app.command()
def demo() -> None:
    """Place three emulated calls, and show what happened and what is stored.

    It starts an embedded broker that speaks Kafka's protocol, the bridge, and an emulated Plivo, all on
    free loopback ports. One call is answered: the person chooses from a menu, and a second leg is
    dialled. One is busy. A machine answers the last. Every callback is signed and every answer is
    executed, as at Plivo; the calls are thirty times faster.

    For each call you see what Plivo did, with seconds since the call was placed, and then its legs, read
    back from the topics. Exit code 1 if anything is missing.
    """
    logs.configure("console", "error")
    if not uvloop.run(_run_demo(output.make_console(soft_wrap=True))):
        raise typer.Exit(1)


async def _run_demo(console: Console) -> bool:
    with tempfile.TemporaryDirectory(prefix="callback-bridge-demo-") as folder:

        def write(url: str) -> Mapping[str, Path]:
            return _write_documents(Path(folder), url)

        async with embedded_bridge(None, 0, ACCOUNTS, write_replies=write) as embedded:
            servers = embedded.settings.kafka.bootstrap_servers
            console.print(f"bridge on {embedded.url}, kafka on {servers}")
            console.print(f"account {AUTH_ID} in {TIMEZONE}")
            return await _show_calls(console, embedded)


def _write_documents(folder: Path, url: str) -> Mapping[str, Path]:
    """Write the answers for Plivo; return their paths by callback type."""
    paths: dict[str, Path] = {}
    for name, text in _DOCUMENTS.items():
        paths[name] = folder / f"{name}.xml"
        filled = text.format(url=url, shared=SHARED_PATH, colleague=_COLLEAGUE)
        paths[name].write_text(filled.lstrip(), encoding="utf-8")
    return paths


async def _show_calls(console: Console, embedded: EmbeddedBridge) -> bool:
    """Place the calls, and tell the story of each. Return whether everything is stored."""
    account = Account(AUTH_ID, (AUTH_TOKEN,), load_zone(TIMEZONE))
    urls = to_bridge_urls(embedded.url, "--against")
    titles: dict[str, str] = {}
    async with Emulator.of_account(account, speed=_SPEED) as emulator:
        tally = Tally.watch(emulator)
        for name in _SCENARIOS:
            scenario = load_scenario(name)
            call = scenario.call or CallModel()
            uuid = emulator.do(partial(begin_call, account=account, call=call, urls=urls))
            titles[uuid] = scenario.title
        await emulator.wait_until_idle()
        history = emulator.history
        stories = tell_calls(history, emulator.world.legs.values())
    stored = 0
    for uuid, title in titles.items():
        found = await _find(embedded.settings, uuid, len(history.sent(Match(call=uuid))))
        stored += len(found.entries)
        console.print(Text(f"\n{title}", style="bold"))
        for line in stories[uuid][1:]:
            console.print(line, style="dim")
        print_legs(found)
    sent = tally.sent.total()
    console.print(
        f"\ndemo: {len(titles)} calls, {sent} callbacks, {stored} stored, {sent - stored} lost"
    )
    return sent == stored and not tally.undelivered


async def _find(settings: Settings, call: str, expected: int) -> FoundCall:
    """Read a call back from the topics, until its callbacks are there or time runs out."""
    since = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251 (a command reads the clock)
    finder = CallFinder(settings, build_window(since, None), everything=False, silent=True)
    found = await finder.find(call)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_READ_S):
            while len(found.entries) < expected:
                await asyncio.sleep(_PAUSE_S)
                found = await finder.find(call)
    return found
