"""``callback-bridge trigger``: one emulated call, one message, or one callback of any type."""

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Annotated, Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

import httpx
import typer
from typer.core import TyperGroup

from bridge.cli import output
from bridge.cli.emulate.run import (
    AuthId,
    AuthToken,
    Speed,
    TimeZone,
    draw_seed,
    make_account,
    run_and_report,
    to_bridge_urls,
)
from bridge.cli.exit_codes import EXIT_CANNOT_CONNECT, EXIT_DIFFERS
from bridge.cli.options import check_url
from bridge.cli.output import JsonOption
from bridge.core import catalogue
from bridge.core.catalogue import SHARED_PATH
from bridge.derived.samples import AUTH_ID as SAMPLE_AUTH_ID
from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.leg import Account
from bridge.emulator.samples import move_times, parse_sample, renew_ids
from bridge.emulator.scenarios.files import load_scenario
from bridge.emulator.sign import sign_headers

_DEV: Final = "http://127.0.0.1:8080"
_SPEED: Final = 20.0
_LISTED: Final = "`callback-bridge callbacks list`"

To = Annotated[str, typer.Option(help="URL of the bridge.")]


class _TypesAsCommands(TyperGroup):
    """A group that takes the name of a callback type for ``type NAME``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 (typer's own types are private)
        """Return the command that is named."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["type", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    add_completion=False,
    cls=_TypesAsCommands,
    help="Send the callbacks of one call or message, or one callback of any type, to `dev`.",
    epilog="""callback-bridge trigger call --busy

callback-bridge trigger message

callback-bridge trigger voice.call.hangup --set From=14155550188 --now""",
    no_args_is_help=True,
)


@app.callback()
def trigger() -> None:
    """Send the callbacks of one call or message, or one callback of any type, to `dev`."""


@app.command("call")
def trigger_call(  # noqa: PLR0913 (options)
    *,
    answered: Annotated[bool, typer.Option("--answered", help="It is answered (default).")] = False,
    busy: Annotated[bool, typer.Option("--busy", help="The line is busy.")] = False,
    no_answer: Annotated[bool, typer.Option("--no-answer", help="Nobody answers.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="It is rejected.")] = False,
    machine: Annotated[bool, typer.Option("--machine", help="A machine answers.")] = False,
    no_hangup: Annotated[
        bool, typer.Option("--no-hangup", help="Plivo never reports the end.")
    ] = False,
    speed: Speed = _SPEED,
    to: To = _DEV,
    auth_id: AuthId = AUTH_ID,
    auth_token: AuthToken = AUTH_TOKEN,
    zone: TimeZone = TIMEZONE,
    json: JsonOption = False,
) -> None:
    """Place one emulated call, faster than a real one.

    Exit code 1 if a callback got no 2xx.
    """
    flags = {
        "answered": answered,
        "busy": busy,
        "no-answer": no_answer,
        "rejected": rejected,
        "machine": machine,
        "no-hangup": no_hangup,
    }
    chosen = [name for name, given in flags.items() if given]
    if len(chosen) > 1:
        message = f"choose one of {' and '.join(f'--{name}' for name in chosen)}"
        raise typer.BadParameter(message, param_hint=f"--{chosen[1]}")
    account = make_account(auth_id, auth_token, zone)
    _run_scenario(chosen[0] if chosen else "answered", to, account, speed, json=json)


@app.command("message")
def trigger_message(  # noqa: PLR0913 (options)
    *,
    sent: Annotated[
        bool, typer.Option("--sent", help="You send it: three delivery reports.")
    ] = False,
    to: To = _DEV,
    auth_id: AuthId = AUTH_ID,
    auth_token: AuthToken = AUTH_TOKEN,
    zone: TimeZone = TIMEZONE,
    json: JsonOption = False,
) -> None:
    """Receive one emulated message, or send one.

    Exit code 1 if a callback got no 2xx.
    """
    name = "message-sent" if sent else "message-received"
    _run_scenario(name, to, make_account(auth_id, auth_token, zone), _SPEED, json=json)


def complete_type(incomplete: str) -> list[tuple[str, str]]:
    """Return the callback types that begin so, with their meanings, for a shell."""
    kinds = catalogue.load_catalogue().by_name.items()
    return [(name, kind.meaning) for name, kind in kinds if name.startswith(incomplete)]


@app.command("type")
def trigger_type(  # noqa: PLR0913 (options)
    name: Annotated[
        str,
        typer.Argument(
            help="A callback type, as voice.call.hangup.",
            metavar="TYPE",
            autocompletion=complete_type,
        ),
    ],
    *,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter, as From=14155550188.", metavar="NAME=VALUE"),
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help="The sample to send. Default: the first.")
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="It has just happened: move the sample's times.")
    ] = False,
    get: Annotated[bool, typer.Option("--get", help="Send it by GET.")] = False,
    to: To = _DEV,
    auth_id: AuthId = AUTH_ID,
    auth_token: AuthToken = AUTH_TOKEN,
    zone: TimeZone = TIMEZONE,
) -> None:
    """Send one callback of a type: the sample of its declaration, with new ids.

    `trigger NAME` is short for `trigger type NAME`. The callback goes to the path of its type, or to the
    path in --to if it has one. Exit code 1 if the answer is no 2xx.
    """
    check_url(to, "--to")
    account = make_account(auth_id, auth_token, zone)
    kind = output.lookup(name, catalogue.load_catalogue().by_name, "type", _LISTED)
    chosen = sample or next(iter(kind.samples))
    output.lookup(chosen, kind.samples, "sample", f"`callback-bridge callbacks show {kind.name}`")
    form = kind.samples[chosen].replace(SAMPLE_AUTH_ID, auth_id)
    parameters = renew_ids(parse_sample(form), Random())  # noqa: S311 (not a secret)
    if now:
        parameters = move_times(parameters, datetime.now(UTC), account.zone)  # noqa: TID251 (a command reads the clock)
    parameters |= _parse_values(values or [])
    # A type of no path of its own goes to the shared one. A URL with a path is called as it is.
    path = kind.path or SHARED_PATH
    url = to if urlsplit(to).path.strip("/") else urljoin(to, path)
    url = url.partition("#")[0]  # the settings of retries are neither sent nor signed
    _send(url, parameters, auth_token, get=get)


def _run_scenario(name: str, to: str, account: Account, speed: float, *, json: bool) -> None:
    emulator = Emulator.of_account(account, speed=speed, seed=draw_seed())
    urls = to_bridge_urls(to, "--to")
    run_and_report(load_scenario(name), emulator, account, urls, as_json=output.wants_json(json))


def _parse_values(values: list[str]) -> Parameters:
    parsed: Parameters = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not name or not equals:
            message = f"{text!r} is not NAME=VALUE"
            raise typer.BadParameter(message, param_hint="--set")
        parsed[name] = value
    return parsed


def _send(url: str, parameters: Mapping[str, str], token: str, *, get: bool) -> None:
    """Send one callback, and print the answer."""
    form = urlencode(parameters)
    try:
        if get:
            url = f"{url}{'&' if '?' in url else '?'}{form}"
            headers = sign_headers("GET", url, "", token)
            answer = httpx.get(url, headers=headers, trust_env=False)
        else:
            headers = sign_headers("POST", url, form, token)
            headers["content-type"] = "application/x-www-form-urlencoded"
            # A proxy could not reach a bridge on loopback.
            answer = httpx.post(url, content=form, headers=headers, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        output.print_stderr(f"no answer from {url.partition('?')[0]}: {error}", style="red")
        raise typer.Exit(EXIT_CANNOT_CONNECT) from None
    output.print_stderr(f"{answer.status_code} {answer.reason_phrase}")
    if answer.text:
        output.print_plain(answer.text)
    if not answer.is_success:
        raise typer.Exit(EXIT_DIFFERS)
