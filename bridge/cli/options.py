"""Options that several commands have."""

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from bridge.normalise.time import load_zone

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        envvar="BRIDGE_SETTINGS_FILE",
        help="TOML file with settings. BRIDGE_… variables override it.",
        dir_okay=False,
    ),
]

AccountOption = Annotated[
    str | None,
    typer.Option(
        "--account",
        help="Auth id of the account or subaccount. Needed if the settings have several.",
        metavar="AUTH_ID",
    ),
]
BridgeUrl = Annotated[
    str | None,
    typer.Option(
        "--bridge-url",
        help="URL that Plivo calls this bridge by. Default: BRIDGE_PUBLIC_URL.",
        metavar="URL",
    ),
]

_AGO: Final = re.compile(r"(\d+)\s*([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_time(text: str, now: datetime, option: str) -> datetime:
    """Parse ``2h`` (s, m, h or d ago) or a timestamp, which is UTC if it has no offset.

    Raises BadParameter for this option.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago is not None:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        instant = datetime.fromisoformat(text)
    except OverflowError as error:
        message = f"{text!r} is before the calendar begins"
        raise typer.BadParameter(message, param_hint=option) from error
    except ValueError as error:
        message = f"{text!r} is neither a duration such as 2h nor a time such as 2026-03-07T14:00Z"
        raise typer.BadParameter(message, param_hint=option) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def parse_zone(name: str) -> ZoneInfo:
    """Return a time zone. Raises BadParameter for ``--timezone``."""
    try:
        return load_zone(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timezone") from error


def check_url(url: str, option: str) -> None:
    """Raise BadParameter unless ``url`` can be called."""
    from bridge.reply.urls import is_absolute  # noqa: PLC0415 (few commands take a URL)

    if not is_absolute(url):
        message = f"{url!r} is not a URL such as http://127.0.0.1:8080"
        raise typer.BadParameter(message, param_hint=option)


def confirm_on_terminal(question: str, option: str, *, instead: str) -> None:
    """Ask before something that cannot be undone.

    Raises Abort without a yes, and BadParameter for this option, which names the option to pass
    ``instead``, if there is no terminal.
    """
    from bridge.cli import output  # noqa: PLC0415 (rich, which `serve` does not need)

    if not (output.on_terminal() and sys.stdin.isatty()):
        message = f"cannot ask for confirmation without a terminal: pass {instead}"
        raise typer.BadParameter(message, param_hint=option)
    output.confirm(question)
