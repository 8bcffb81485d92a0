"""The ``callback-bridge`` command."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from bridge import __version__, logs
from bridge.cli import (
    call,
    callbacks,
    deadletters,
    demo,
    dev,
    replay,
    replies,
    schemas,
    serve,
    spool,
    tail,
    topics,
)
from bridge.cli.checking import NoValidator
from bridge.cli.hints import Commands
from bridge.derived.pack import NotAPack
from bridge.dev.broker import NoBroker
from bridge.ingress.server import CannotListen
from bridge.publish.provision import ProvisioningRefused
from bridge.replay import CannotWrite, TargetExists
from bridge.replay.plan import NotAPlan
from bridge.replay.progress import InUse, NotProgress
from bridge.replay.reading import RecordsMissing
from bridge.replay.source import CannotRead
from bridge.replay.to_parquet import NoParquet
from bridge.reply.document import BadDocument
from bridge.settings import SettingsRefused
from bridge.spool.looking import CannotLook

app = typer.Typer(
    name="callback-bridge",
    cls=Commands,
    help="Publish Plivo's callbacks to Kafka: verified, normalised, nothing lost.",
    epilog="Settings are BRIDGE_… variables or a TOML file. Exit codes: 0 done, 1 something is "
    "missing or differs, 2 wrong usage or settings, 3 Kafka or an address cannot be had.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(serve.serve)
app.command()(dev.dev)
app.command()(demo.demo)
app.command()(tail.tail)
app.add_typer(topics.app, name="topics")
app.add_typer(replay.app, name="replay")
app.add_typer(call.app, name="call")
app.add_typer(spool.app, name="spool")
app.add_typer(deadletters.app, name="deadletters")
app.add_typer(callbacks.app, name="callbacks")
app.add_typer(replies.app, name="replies")
app.add_typer(schemas.app, name="schemas")


def _version(*, value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Publish Plivo's callbacks to Kafka: verified, normalised, nothing lost."""
    del version
    logs.leave_out_libraries()  # `serve` and `dev` configure logs of their own


MISSING = 1
REFUSED = 2
UNREACHABLE = 3

_REFUSALS = (
    SettingsRefused,
    BadDocument,
    NotAPack,
    NotAPlan,
    NotProgress,
    InUse,
    TargetExists,
)
_UNREACHABLE = (
    CannotListen,
    CannotLook,
    CannotRead,
    CannotWrite,
    NoBroker,
    NoParquet,
    NoValidator,
    ProvisioningRefused,
)


def run() -> None:
    """Run the command; what stops it is one line each on standard error, and the exit code."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app()
    except _REFUSALS as error:
        for line in str(error).splitlines():
            console.print(line, style="red", markup=False)
        sys.exit(REFUSED)
    except _UNREACHABLE as error:
        console.print(str(error), style="red", markup=False)
        sys.exit(UNREACHABLE)
    except RecordsMissing as error:
        console.print(str(error), style="red", markup=False)
        sys.exit(MISSING)
    except KeyboardInterrupt:
        sys.exit(130)
