"""The ``callback-bridge`` command."""

import sys
from typing import Annotated

import typer

from bridge import __version__
from bridge.cli import (
    call,
    callbacks,
    deadletters,
    demo,
    dev,
    output,
    replies,
    schemas,
    serve,
    spool,
    tail,
    topics,
)
from bridge.cli.hints import Commands
from bridge.cli.replay import commands
from bridge.derived.pack import NotAPack
from bridge.derived.validation import NoValidator
from bridge.dev.broker import NoBroker
from bridge.ingress.server import CannotListen
from bridge.publish.topics import ProvisioningRefused
from bridge.reader.merged_reader import RecordsMissing
from bridge.reader.topic_reader import CannotRead
from bridge.replay import CannotWrite, TargetExists
from bridge.replay.plan import NotAPlan
from bridge.replay.progress import InUse, NotProgress
from bridge.replay.targets.parquet import NoParquet
from bridge.reply.document import BadDocument
from bridge.settings.load import SettingsRefused
from bridge.spool.inspect import CannotLook
from bridge.telemetry import logs

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
app.add_typer(commands.app, name="replay")
app.add_typer(call.app, name="call")
app.add_typer(spool.app, name="spool")
app.add_typer(deadletters.app, name="deadletters")
app.add_typer(callbacks.app, name="callbacks")
app.add_typer(replies.app, name="replies")
app.add_typer(schemas.app, name="schemas")


def _version(*, value: bool) -> None:
    if value:
        output.plain(__version__)
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
    try:
        code = app(standalone_mode=False)
    except _REFUSALS as error:
        output.complain(*str(error).split("\n"), style="red")
        sys.exit(REFUSED)
    except _UNREACHABLE as error:
        output.complain(str(error), style="red")
        sys.exit(UNREACHABLE)
    except RecordsMissing as error:
        output.complain(str(error), style="red")
        sys.exit(MISSING)
    except KeyboardInterrupt:
        sys.exit(130)
    except typer.Abort:
        output.complain("Aborted.", style="red")
        sys.exit(1)
    except typer.TyperException as error:
        sys.exit(output.usage_error(error))
    except Exception as error:  # noqa: BLE001 (Python would print its text as it is)
        output.failure(error)
        sys.exit(1)
    sys.exit(code)
