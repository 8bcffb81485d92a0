"""``callback-bridge demo``: three calls, as Plivo sees them and as they are stored."""

import asyncio
import contextlib
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import typer
import uvloop
from rich.console import Console
from rich.text import Text

from bridge.app.parts import make_naming
from bridge.calls.found import FoundCall
from bridge.cli import output
from bridge.cli.call import CallFinder
from bridge.cli.call_output import print_legs
from bridge.cli.embedded import EmbeddedBridge, embedded_bridge
from bridge.core.catalogue import SHARED_PATH
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.api.application import build_api
from bridge.emulator.directory import Directory
from bridge.emulator.emulator import Emulator
from bridge.emulator.history import Match
from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.world import Conditions
from bridge.emulator.scenarios.begin import to_person
from bridge.emulator.scenarios.files import load_scenario
from bridge.emulator.scenarios.model import CallModel
from bridge.emulator.scenarios.run import Tally
from bridge.emulator.server import serve
from bridge.emulator.stories import tell_calls
from bridge.normalise.time import load_zone
from bridge.originate.client import PlivoCalls
from bridge.originate.ledger import RequestLedger
from bridge.originate.originator import Originator, OriginatorRules
from bridge.originate.pace import Pace, Pacer
from bridge.originate.placement import Placement
from bridge.originate.request import CallRequest
from bridge.reader.window import build_window
from bridge.settings.load import Settings
from bridge.telemetry import logs

app = typer.Typer(add_completion=False)

_SPEED: Final = 30.0
# Scenarios, by the number that is called.
_SCENARIOS: Final = {
    "14155550123": "second-leg",
    "14155550124": "busy",
    "14155550125": "machine",
}
_CALLS_PER_S: Final = 1_000
_READ_S: Final = 20.0
_PAUSE_S: Final = 0.2
_COLLEAGUE: Final = "14155550177"

# The documents that answer Plivo, by callback type. ``{url}`` is the bridge's; the doubled braces are
# those of a placeholder.
_DOCUMENTS: Final = {
    "voice.call.answer": """
<Response>
  <GetDigits action="{url}/plivo/voice/getdigits/action" numDigits="1" timeout="5">
    <Speak>Hello {{{{CallerName|there}}}}. Press 1 to talk to a colleague.</Speak>
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
    free loopback ports, and places the calls as `call place` does. One call is answered: the person
    chooses from a menu, and a second leg is dialled. One is busy. A machine answers the last. Every
    callback is signed and every answer is executed, as at Plivo; the calls are thirty times faster.

    For each call you see what Plivo did, with seconds since the call was placed, and then its legs, read
    back from the topics. Exit code 1 if anything is missing.
    """
    logs.configure("console", "error")
    if not uvloop.run(_run_demo(output.make_console(soft_wrap=True))):
        raise typer.Exit(1)


async def _run_demo(console: Console) -> bool:
    with tempfile.TemporaryDirectory(prefix="callback-bridge-demo-") as folder:

        def write(url: str) -> Path:
            return _write_rules(Path(folder), url)

        async with embedded_bridge(None, 0, ACCOUNTS, write_rules=write) as embedded:
            servers = embedded.settings.kafka.bootstrap_servers
            console.print(f"bridge on {embedded.url}, kafka on {servers}")
            console.print(f"account {AUTH_ID} in {TIMEZONE}")
            return await _show_calls(console, embedded)


def _write_rules(folder: Path, url: str) -> Path:
    """Write the documents that answer Plivo, and the rules that name them. Return the file of rules."""
    rules: list[str] = []
    for name, text in _DOCUMENTS.items():
        filled = text.format(url=url, shared=SHARED_PATH, colleague=_COLLEAGUE)
        (folder / f"{name}.xml").write_text(filled.lstrip(), encoding="utf-8")
        rules.append(f'[[rules]]\nname = "{name}"\ntype = "{name}"\ndocument = "{name}.xml"\n')
    path = folder / "rules.toml"
    path.write_text("\n".join(rules), encoding="utf-8")
    return path


class _PlacedCall(NamedTuple):
    """A call that was placed: the title of its scenario, and the request that placed it."""

    title: str
    uuid: str
    placement: Placement


async def _show_calls(console: Console, embedded: EmbeddedBridge) -> bool:
    """Place the calls, and tell the story of each. Return whether everything is stored."""
    account = Account(AUTH_ID, (AUTH_TOKEN,), load_zone(TIMEZONE))
    conditions = Conditions(calls_per_s=_CALLS_PER_S)
    async with Emulator(Directory([account]), speed=_SPEED, conditions=conditions) as emulator:
        tally = Tally.watch(emulator)
        async with serve(build_api(emulator)) as api_url:
            placed = await _place_calls(embedded, emulator, api_url)
        await emulator.wait_until_idle()
        history = emulator.history
        stories = tell_calls(history, emulator.world.legs.values())
    stored = 0
    for call in placed:
        found = await _find(embedded.settings, call.uuid, len(history.sent(Match(call=call.uuid))))
        stored += len(found.entries)
        console.print(Text(f"\n{call.title}", style="bold"))
        reference, outcome = call.placement.reference, call.placement.outcome
        console.print(f"      request {reference}: {outcome}", style="dim")
        for line in stories[call.uuid][1:]:
            console.print(line, style="dim")
        print_legs(found)
    sent = tally.sent.total()
    console.print(
        f"\ndemo: {len(placed)} calls, {sent} callbacks, {stored} stored, {sent - stored} lost"
    )
    return sent == stored and not tally.undelivered


async def _place_calls(
    embedded: EmbeddedBridge, emulator: Emulator, api_url: str
) -> list[_PlacedCall]:
    """Place the calls through the emulator's API, as `call place` does."""
    settings = embedded.settings
    rules = OriginatorRules(
        embedded.url, make_naming(settings), ack_timeout_s=settings.kafka.ack_timeout_s
    )
    placed: list[_PlacedCall] = []
    with (
        tempfile.TemporaryDirectory(prefix="callback-bridge-demo-") as folder,
        RequestLedger(Path(folder)) as ledger,
    ):
        pacer = Pacer(Pace(calls_per_s=_CALLS_PER_S))
        async with PlivoCalls(AUTH_ID, AUTH_TOKEN, api_url=api_url, pacer=pacer) as plivo:
            originator = Originator(plivo, ledger, embedded.bridge.publisher, rules=rules)
            for number, name in _SCENARIOS.items():
                scenario = load_scenario(name)
                request = _to_request(scenario.call or CallModel(), number, emulator)
                (placement,) = (await originator.place(request)).placements
                ((_, uuid),) = placement.pair_destinations()
                placed.append(_PlacedCall(scenario.title, uuid or "", placement))
    return placed


def _to_request(call: CallModel, number: str, emulator: Emulator) -> CallRequest:
    """Return the request for a scenario's call to a number, where its person is reached."""
    for other, person in {**call.others, number: call.person}.items():
        emulator.set_person(other, to_person(person))
    detection = {"machine_detection": "true"} if call.machine_detection else {}
    return CallRequest.model_validate({"from": call.from_, "to": number, **detection})


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
