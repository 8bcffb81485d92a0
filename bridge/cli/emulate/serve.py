"""The server of ``callback-bridge emulate``, and its list of behaviours."""

import asyncio
import errno
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import ParamSpec

import typer
import uvloop
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from bridge.cli import output
from bridge.cli.emulate.run import draw_seed, make_account
from bridge.cli.options import check_url
from bridge.cli.signals import STOP_SIGNALS
from bridge.dev.account import AUTH_TOKEN
from bridge.emulator.behaviours import BEHAVIOURS
from bridge.emulator.directory import Application, Directory, Number
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.commands import Command, LegEnded, Note, Outcome, Request, Response
from bridge.emulator.machine.leg import Account, CallUrls
from bridge.emulator.machine.world import Conditions, FindPerson, answer_everybody
from bridge.emulator.scenarios.begin import people_of
from bridge.emulator.scenarios.files import load_scenario
from bridge.emulator.server import CannotListen, make_app, serve
from bridge.emulator.stories import tell_outcome

P = ParamSpec("P")
_APP_ID = "emulated-application"
_AUTH_ID = re.compile(r"MA\w{18}", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9]{3,15}", re.ASCII)
# An answer is called slow from so many real seconds on: a caller hears the silence.
_SLOW_S = 1.0


@dataclass(frozen=True, slots=True)
class Served:
    """Options of the server. ``account`` is auth id, token and time zone."""

    address: tuple[str, int]
    control_from_anywhere: bool
    account: tuple[str, str, str]
    number: str
    urls: dict[str, str | None]
    people: str | None
    speed: float
    seed: int | None
    calls_per_s: int


def explain(*, as_json: bool) -> None:
    """Print what is emulated, and how certain it is."""
    if output.wants_json(as_json):
        output.emit_json_lines(one._asdict() for one in BEHAVIOURS)
        return
    console = output.make_console()
    for subject, behaviours in groupby(BEHAVIOURS, lambda one: one.subject):
        console.print(Text(f"\n{subject}", "bold"))
        for one in behaviours:
            known = f"{one.confidence}: {one.source}" if one.source else one.confidence
            console.print(Padding(Text(one.text), (0, 0, 0, 2), expand=False))
            console.print(Padding(Text(known, "dim"), (0, 0, 0, 4), expand=False))


def serve_emulator(served: Served, *, as_json: bool) -> None:
    """Serve until a signal comes."""
    # Not the logging of the bridge, which takes a fifth of the start: the emulator logs nothing.
    logging.basicConfig(level=logging.ERROR)
    account = make_account(*served.account)
    find_person = _find_people(served.people)
    emulator = Emulator(
        _make_directory(served, account),
        seed=draw_seed() if served.seed is None else served.seed,
        speed=served.speed,
        find_person=find_person,
        rests=True,
        conditions=Conditions(calls_per_s=served.calls_per_s),
    )
    try:
        uvloop.run(_serve(served, emulator, as_json=output.wants_json(as_json)))
    except CannotListen as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in {errno.EADDRINUSE, errno.EACCES}:
            remedy = "choose another port with --port, 0 for any free one"
        else:
            remedy = "choose an address of this machine with --host"
        message = f"{error}; {remedy}"
        raise CannotListen(message) from error


def _make_directory(served: Served, account: Account) -> Directory:
    """Return the account with its number, whose application has the given URLs."""
    if not _AUTH_ID.fullmatch(account.auth_id):
        message = f"{account.auth_id!r} is not MA and 18 more characters: Plivo's SDKs refuse it"
        raise typer.BadParameter(message, param_hint="--auth-id")
    if not _NUMBER.fullmatch(served.number):
        message = f"{served.number!r} is not a number such as 14155550100"
        raise typer.BadParameter(message, param_hint="--number")
    for name, url in served.urls.items():
        if url is not None:
            check_url(url, f"--{name}-url")
    answer, hangup, message = (served.urls[name] or "" for name in ("answer", "hangup", "message"))
    application = Application(
        _APP_ID,
        account.auth_id,
        CallUrls((answer, "POST"), hangup=(hangup, "POST")),
        (message, "POST"),
    )
    number = Number(served.number.removeprefix("+"), account.auth_id, _APP_ID)
    return Directory([account], [application], [number])


def _find_people(scenario: str | None) -> FindPerson:
    return answer_everybody if scenario is None else people_of(load_scenario(scenario))


async def _serve(served: Served, emulator: Emulator, *, as_json: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    faults: list[OSError] = []

    def guard(show: Callable[P, None]) -> Callable[P, None]:
        """Return ``show``, which stops the server if nothing can be printed, as in ``| head``.

        An error that left it would end the call that it shows, silently, and the server would go on.
        """

        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                show(*args, **kwargs)
            except OSError as error:
                faults.append(error)
                stopping.set()

        return guarded

    async with emulator:
        app = make_app(emulator, control_from_anywhere=served.control_from_anywhere)
        async with serve(app, *served.address) as url:
            _print_introduction(served, url, emulator.seed)
            if as_json:
                emulator.observe_answers(guard(_show_json))
                emulator.observe(guard(_show_command_json))
            else:
                lines = _Lines(output.make_console(soft_wrap=True))
                emulator.observe_answers(guard(lines.show))
                emulator.observe(guard(lines.show_command))
            await stopping.wait()
    if faults:
        raise faults[0]


def _print_introduction(served: Served, url: str, seed: int) -> None:
    auth_id, token, _ = served.account
    # Another token may be a real one, from PLIVO_AUTH_TOKEN: curl then asks for it.
    is_ours = token == AUTH_TOKEN
    user = f"{auth_id}:{token}" if is_ours else auth_id
    console = output.make_console(stderr=True, soft_wrap=True)
    console.print(Text("Emulated Plivo", style="bold"))
    console.print(f"  API        {url}/v1/Account/{auth_id}/")
    console.print(f"  auth id    {auth_id}")
    console.print(f"  auth token {token if is_ours else 'the one that you gave'}")
    console.print(f"  number     {served.number}")
    console.print(f"  control    {url}/_emulator/")
    console.print(f"  seed       {seed}")
    console.print(Text("\nPlace a call", style="bold"))
    console.print(f"curl -u {user} {url}/v1/Account/{auth_id}/Call/ \\")
    console.print("  -H 'content-type: application/json' \\")
    call = f'{{"from":"{served.number}","to":"14155550123","answer_url":"http://127.0.0.1:5000/"}}'
    console.print(f"  -d '{call}'")
    console.print("\nCallbacks appear below. Ctrl-C stops everything.\n")


class _Lines:
    """Prints what happens, a line for each callback."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._clock = asyncio.get_running_loop().time
        self._sent_at_s: dict[int, float] = {}

    def show(self, request: Request, outcome: Outcome) -> None:
        """Print one request and its answer."""
        is_good = isinstance(outcome, Response) and outcome.is_success
        line = Text(f"{request.subject[:8]}  ", style="dim")
        line.append(request.type, style="cyan")
        line.append(f"  {request.method} {request.url.partition('?')[0]}  ")
        line.append(tell_outcome(outcome), style="green" if is_good else "red")
        took_s = self._clock() - self._sent_at_s.pop(request.id, self._clock())
        if took_s >= _SLOW_S:
            line.append(f" after {took_s:.1f} s", style="yellow")
        self._console.print(line)

    def show_command(self, command: Command) -> None:
        """Print the end of a leg, or a note."""
        match command:
            case Request():
                self._sent_at_s[command.id] = self._clock()
            case LegEnded():
                ended = f"ended: {command.code} {command.name} ({command.source})"
                self._console.print(Text(f"{command.call_uuid[:8]}  {ended}", style="dim"))
            case Note():
                self._console.print(Text(f"{command.subject[:8]}  note: {command.text}", "yellow"))
            case _:
                pass


def _show_json(request: Request, outcome: Outcome) -> None:
    output.emit_json_lines(
        [
            {
                "type": request.type,
                "subject": request.subject,
                "method": request.method,
                "url": request.url,
                "parameters": request.parameters,
                "attempt": request.attempt,
                "outcome": tell_outcome(outcome),
            }
        ]
    )


def _show_command_json(command: Command) -> None:
    """Print the end of a leg, or a note: each has its own key, and no ``type``."""
    match command:
        case LegEnded(call_uuid, cause, code, name, source):
            ended = {"cause": cause, "code": code, "name": name, "source": source}
            output.emit_json_lines([{"subject": call_uuid, "ended": ended}])
        case Note(subject, text):
            output.emit_json_lines([{"subject": subject, "note": text}])
        case _:
            pass
