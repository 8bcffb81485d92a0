"""``callback-bridge call``: end, transfer and record a call that goes on, and send digits to it.

1. A command sends one request to Plivo's API. The callbacks tell what happens then.
2. The callback of a recording goes to this bridge, if its own URL is known; other URLs are the user's.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Final, TypeVar

import typer

from bridge.cli import output
from bridge.cli.api_account import choose_account, connect
from bridge.cli.options import AccountOption, BridgeUrl, SettingsFile, check_url
from bridge.cli.output import JsonOption
from bridge.core import catalogue
from bridge.originate.actions import RecordOptions, Transfer
from bridge.originate.client import PlivoCalls
from bridge.originate.wiring import RETRIES
from bridge.settings.load import Settings, load

app = typer.Typer(add_completion=False, help="End, transfer and record a call that goes on.")

T = TypeVar("T")
_DAY_S: Final = 86_400
_DIGITS: Final = re.compile(r"[0-9A-Da-d*#wW]+", re.ASCII)


class Method(StrEnum):
    """Method of a request that Plivo sends."""

    GET = "GET"
    POST = "POST"


class FileFormat(StrEnum):
    """Format of a recording."""

    MP3 = "mp3"
    WAV = "wav"


class Leg(StrEnum):
    """A leg of a call."""

    A = "aleg"
    B = "bleg"


CallId = Annotated[str, typer.Argument(metavar="UUID", help="Id of the call (`CallUUID`).")]


@app.command("hangup", epilog="callback-bridge call hangup 5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01")
def hang_up(
    call: CallId, *, account: AccountOption = None, settings_file: SettingsFile = None
) -> None:
    """End a call, or take it out of Plivo's queue."""
    _ask(load(settings_file), account, lambda plivo: plivo.hang_up(call))
    output.print_stderr(f"Plivo ends {call}; `callback-bridge call show {call}` shows its hangup")


@app.command(
    "transfer",
    epilog="callback-bridge call transfer 5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01 --aleg-url "
    "https://example.com/menu",
)
def transfer(  # noqa: PLR0913 (options)
    call: CallId,
    *,
    aleg_url: Annotated[
        str | None, typer.Option(help="URL of the Plivo XML that the first leg executes next.")
    ] = None,
    aleg_method: Annotated[Method, typer.Option(help="Its method.")] = Method.POST,
    bleg_url: Annotated[
        str | None, typer.Option(help="URL of the Plivo XML that the dialled leg executes next.")
    ] = None,
    bleg_method: Annotated[Method, typer.Option(help="Its method.")] = Method.POST,
    account: AccountOption = None,
    settings_file: SettingsFile = None,
) -> None:
    """Transfer one leg of a call, or both, to another document."""
    if not (aleg_url or bleg_url):
        message = "is needed, or --bleg-url: where does the call go on?"
        raise typer.BadParameter(message, param_hint="--aleg-url")
    for option, url in (("--aleg-url", aleg_url), ("--bleg-url", bleg_url)):
        if url:
            check_url(url, option)
    wanted = Transfer(aleg_url or "", aleg_method.value, bleg_url or "", bleg_method.value)
    _ask(load(settings_file), account, lambda plivo: plivo.transfer(call, wanted))
    output.print_stderr(f"Plivo transfers {call}")


@app.command("record", epilog="callback-bridge call record 5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01")
def record(  # noqa: PLR0913 (options)
    call: CallId,
    *,
    stop: Annotated[bool, typer.Option("--stop", help="Stop all its recordings.")] = False,
    url: Annotated[
        str | None, typer.Option(help="With --stop: only the recording with this URL.")
    ] = None,
    time_limit: Annotated[
        int | None,
        typer.Option(min=1, max=_DAY_S, help="Seconds to record at most. Plivo's default: 60."),
    ] = None,
    file_format: Annotated[FileFormat, typer.Option(help="Format of the file.")] = FileFormat.MP3,
    callback_url: Annotated[
        str | None,
        typer.Option(
            help="URL that Plivo notifies when the file is ready. Default: this bridge; empty: none."
        ),
    ] = None,
    bridge_url: BridgeUrl = None,
    account: AccountOption = None,
    settings_file: SettingsFile = None,
    json: JsonOption = False,
) -> None:
    """Record a call, or stop recording it."""
    settings = load(settings_file)
    if stop:
        _ask(settings, account, lambda plivo: plivo.stop_recording(call, url or ""))
        output.print_stderr(f"Plivo stops recording {call}")
        return
    if url is not None:
        message = "needs --stop: a new recording gets its URL from Plivo"
        raise typer.BadParameter(message, param_hint="--url")
    own = bridge_url or settings.public_url
    if callback_url is None and own is not None:
        kind = catalogue.load_catalogue().by_name["voice.recording_api.completed"]
        callback_url = f"{own.rstrip('/')}{kind.path}{RETRIES}"
    if callback_url:
        check_url(callback_url, "--callback-url")
    options = RecordOptions(
        time_limit_s=time_limit,
        file_format=file_format.value,
        callback_url=callback_url or "",
    )
    recording = _ask(settings, account, lambda plivo: plivo.record(call, options))
    if output.wants_json(json):
        output.emit_json_lines(
            [{"call_uuid": call, "recording_id": recording.recording_id, "url": recording.url}]
        )
    else:
        output.show(
            output.key_values([("recording", recording.recording_id), ("url", recording.url)])
        )


@app.command(
    "digits", epilog="callback-bridge call digits 5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01 1w2"
)
def send_digits(
    call: CallId,
    digits: Annotated[
        str,
        typer.Argument(
            help="0 to 9, A to D, * and #; w waits 0.5 s, W waits 1 s.", metavar="DIGITS"
        ),
    ],
    *,
    leg: Annotated[Leg, typer.Option(help="The leg that hears them.")] = Leg.A,
    account: AccountOption = None,
    settings_file: SettingsFile = None,
) -> None:
    """Send DTMF digits to a call."""
    if _DIGITS.fullmatch(digits) is None:
        message = f"{digits!r} has other characters than 0 to 9, A to D, *, #, w and W: remove them"
        raise typer.BadParameter(message, param_hint="DIGITS")
    _ask(
        load(settings_file),
        account,
        lambda plivo: plivo.play_digits(call, digits, leg=leg.value),
    )
    output.print_stderr(f"Plivo sends {digits} to {call}")


def _ask(settings: Settings, account: str | None, ask: Callable[[PlivoCalls], Awaitable[T]]) -> T:
    """Return the answer to one request of an account. Raises PlivoError."""

    async def run() -> T:
        async with connect(settings, choose_account(settings, account)) as plivo:
            return await ask(plivo)

    return asyncio.run(run())
