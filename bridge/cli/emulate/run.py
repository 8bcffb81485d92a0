"""``callback-bridge emulate run``: run a scenario against a receiver."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer
import uvloop
from rich.table import Table

from bridge.cli import output
from bridge.cli.emulate.commands import complete_scenario
from bridge.cli.exit_codes import EXIT_DIFFERS, EXIT_STOPPED
from bridge.cli.options import check_url, parse_time, parse_zone
from bridge.cli.output import JsonOption
from bridge.core import catalogue
from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.chaos.clock_change import find_clock_change
from bridge.emulator.chaos.options import SOME_OF_EVERYTHING
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.leg import Account
from bridge.emulator.scenarios.begin import ReceiverUrls
from bridge.emulator.scenarios.files import load_scenario
from bridge.emulator.scenarios.model import Scenario
from bridge.emulator.scenarios.run import Tally, run_scenario

app = typer.Typer(add_completion=False)

_EXAMPLES: Final = """callback-bridge emulate run answered-menu --against http://127.0.0.1:8080

callback-bridge emulate run mixed-load --against http://127.0.0.1:8080

callback-bridge emulate run mine.yaml --answer-url http://127.0.0.1:5000"""

# Short enough to be typed again.
_SEED_BITS: Final = 24
_BEFORE_CHANGE: Final = timedelta(minutes=10)
# The URLs of a call and of messages, by the callback type whose path the bridge has for each.
_TYPES: Final = {
    "answer": "voice.call.answer",
    "ring": "voice.call.ring",
    "hangup": "voice.call.hangup",
    "fallback": "voice.call.fallback",
    "machine_detection": "voice.call.machine_detection",
    "message": "messaging.message.inbound",
    "message_status": "messaging.message.status",
}

AuthId = Annotated[str, typer.Option(help="Auth id of the account.")]
AuthToken = Annotated[
    str,
    typer.Option(
        help="Its auth token: it signs callbacks.", envvar="PLIVO_AUTH_TOKEN", show_default=False
    ),
]
Speed = Annotated[
    float, typer.Option(help="Emulated seconds in a real second.", min=0.01, max=10_000)
]
TimeZone = Annotated[str, typer.Option("--timezone", help="Its time zone.")]


@app.command(epilog=_EXAMPLES)
def run(  # noqa: PLR0913 (options)
    scenario: Annotated[
        str,
        typer.Argument(
            help="A shipped scenario (`emulate list`) or a YAML file.",
            metavar="SCENARIO",
            autocompletion=complete_scenario,
        ),
    ],
    *,
    against: Annotated[
        str | None, typer.Option(help="URL of a bridge. Its paths for each type are called.")
    ] = None,
    answer_url: Annotated[
        str | None, typer.Option(help="URL of your application's answer document.")
    ] = None,
    hangup_url: Annotated[
        str | None, typer.Option(help="URL of your application for hangups.")
    ] = None,
    message_url: Annotated[
        str | None, typer.Option(help="URL of your application for messages.")
    ] = None,
    speed: Speed = 1.0,
    seed: Annotated[
        int | None, typer.Option(help="Repeats a run. Default: a new one, which is printed.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Start of its clock: 2026-03-08T06:59Z, or clock-change. Default: now."),
    ] = None,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Some callbacks are late, lost, repeated or strange.")
    ] = False,
    auth_id: AuthId = AUTH_ID,
    auth_token: AuthToken = AUTH_TOKEN,
    zone: TimeZone = TIMEZONE,
    json: JsonOption = False,
) -> None:
    """Run a scenario: emulated calls, signed callbacks, and your documents executed.

    Exit code 1 if a callback got no 2xx, even after Plivo's own retries. Ctrl-C ends the run, and shows
    the counts so far.
    """
    urls = _to_urls(against, answer_url, hangup_url, message_url)
    account = make_account(auth_id, auth_token, zone)
    begin = _parse_start(start, account) if start is not None else None
    loaded = load_scenario(scenario)
    disorder = SOME_OF_EVERYTHING if chaos else loaded.chaos
    chosen = draw_seed() if seed is None else seed
    emulator = Emulator.of_account(account, seed=chosen, speed=speed, start=begin, chaos=disorder)
    as_json = output.wants_json(json)
    run_and_report(loaded, emulator, account, urls, as_json=as_json, seed=chosen)


def draw_seed() -> int:
    """Return a new seed: with one seed for all runs, different calls would have the same ids."""
    return Random().getrandbits(_SEED_BITS)  # noqa: S311 (not a secret)


def _parse_start(text: str, account: Account) -> datetime:
    """Return when the emulated clock starts. Raises BadParameter."""
    now = datetime.now(UTC)  # noqa: TID251 (a command reads the clock)
    if text != "clock-change":
        return parse_time(text, now, "--start")
    try:
        return find_clock_change(account.zone, now, back=True) - _BEFORE_CHANGE
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--start") from error


def make_account(auth_id: str, auth_token: str, zone: str) -> Account:
    """Return the account that the options name."""
    return Account(auth_id, (auth_token,), parse_zone(zone))


def run_and_report(  # noqa: PLR0913 (each by its name)
    scenario: Scenario,
    emulator: Emulator,
    account: Account,
    urls: ReceiverUrls,
    *,
    as_json: bool,
    seed: int | None = None,
) -> None:
    """Run a scenario and print what came of it, also after Ctrl-C.

    ``seed`` is printed for those who can give it again. Exits with 1 if a callback got no 2xx.
    """
    found, was_stopped = uvloop.run(_run(scenario, emulator, account, urls))
    if as_json:
        repeat = {} if seed is None else {"seed": seed}
        output.emit_json_lines([found.to_json() | {"stopped": was_stopped} | repeat])
    else:
        lines = [] if seed is None else [f"--seed {seed} repeats this run"]
        output.show(_to_table(found), *_summary(found), *lines)
    if was_stopped:
        output.print_stderr("Stopped before the end: these are the counts so far.", style="red")
        raise typer.Exit(EXIT_STOPPED)
    if found.undelivered or not found.sent:
        raise typer.Exit(EXIT_DIFFERS)


async def _run(
    scenario: Scenario, emulated: Emulator, account: Account, urls: ReceiverUrls
) -> tuple[Tally, bool]:
    """Return what a run counted, and whether Ctrl-C ended it."""
    live = output.make_live()
    async with emulated as emulator:
        tally = Tally.watch(emulator)
        work = run_scenario(
            emulator,
            scenario,
            account,
            urls,
            tally=tally,
            on_progress=lambda: live.update(_to_table(tally)) if live else None,
        )
        # At Ctrl-C the runner cancels its task, and raises KeyboardInterrupt unless the task goes on.
        try:
            with live or contextlib.nullcontext():
                await work
        except asyncio.CancelledError:
            return tally, True
    return tally, False


def _to_urls(
    against: str | None, answer: str | None, hangup: str | None, message: str | None
) -> ReceiverUrls:
    if against is None and answer is None and message is None:
        problem = "name the receiver: --against for a bridge, or --answer-url or --message-url"
        raise typer.BadParameter(problem, param_hint="--against")
    urls = to_bridge_urls(against, "--against") if against is not None else ReceiverUrls("")
    found: dict[str, str] = {}
    for name, url in (("answer", answer), ("hangup", hangup), ("message", message)):
        if url is not None:
            check_url(url, f"--{name}-url")
            found[name] = url
    return urls._replace(**found)


def to_bridge_urls(base: str, option: str) -> ReceiverUrls:
    """Return the URLs of a bridge: the path of each type, below that of ``base``, as at Plivo.

    Raises BadParameter for the option.
    """
    check_url(base, option)
    below = urlsplit(base)._replace(query="", fragment="").geturl().rstrip("/")
    types = catalogue.load_catalogue().by_name
    return ReceiverUrls(**{name: below + types[kind].path for name, kind in _TYPES.items()})


def _to_table(tally: Tally) -> Table:
    rows = [
        (kind, str(count), str(tally.delivered[kind]), str(count - tally.delivered[kind] or ""))
        for kind, count in sorted(tally.sent.items())
    ]
    return output.make_table(("callback", "sent", "delivered", "without a 2xx"), rows)


def _summary(tally: Tally) -> Iterator[str]:
    ended = ", ".join(f"{count} {name}" for name, count in tally.ended.most_common())
    yield f"{tally.begun} begun; legs ended: {ended or 'none'}"
    yield (
        f"{tally.sent.total()} callbacks in {tally.tries} requests, "
        f"{tally.undelivered} without a 2xx"
    )
    for fault, count in tally.faults.most_common():
        yield f"  {count} times {fault}"
    if tally.stretched:
        yield (
            f"answers too slow for this speed: {tally.stretched}, up to {tally.answer_s_max:.0f} s of "
            "emulated time; people do less than at --speed 1"
        )
    for note, count in tally.notes.most_common(10):
        yield f"note: {note}" + (f" ({count} times)" if count > 1 else "")
