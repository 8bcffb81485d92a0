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
from bridge.cli.hints import SuggestingGroup
from bridge.cli.replay import commands
from bridge.derived.pack import NotAPack
from bridge.derived.validation import ValidatorNotInstalled
from bridge.dev.broker import BrokerNotStarted
from bridge.ingress.server import CannotListen
from bridge.publish.topics import ProvisioningRefused
from bridge.reader.topic_reader import CannotRead, RecordsMissing
from bridge.replay import CannotWrite, TargetExists
from bridge.replay.plan import NotAPlan
from bridge.replay.progress import InUse, NotAProgressFile
from bridge.replay.targets.parquet import ParquetUnavailable
from bridge.reply.document import BadDocument
from bridge.settings.load import SettingsRefused
from bridge.spool.inspect import SpoolUnreadable
from bridge.telemetry import logs

app = typer.Typer(
    name="callback-bridge",
    cls=SuggestingGroup,
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


def _print_version(*, value: bool) -> None:
    if value:
        output.print_plain(__version__)
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Publish Plivo's callbacks to Kafka: verified, normalised, nothing lost."""
    del version
    logs.silence_library_loggers()  # `serve` and `dev` configure logs of their own


EXIT_MISSING = 1
EXIT_USAGE = 2
EXIT_CANNOT_CONNECT = 3

_USAGE_ERRORS = (
    SettingsRefused,
    BadDocument,
    NotAPack,
    NotAPlan,
    NotAProgressFile,
    InUse,
    TargetExists,
)
_CONNECTION_ERRORS = (
    CannotListen,
    SpoolUnreadable,
    CannotRead,
    CannotWrite,
    BrokerNotStarted,
    ParquetUnavailable,
    ValidatorNotInstalled,
    ProvisioningRefused,
)


def run() -> None:
    """Run the command; what stops it is one line each on standard error, and the exit code."""
    try:
        code = app(standalone_mode=False)
    except _USAGE_ERRORS as error:
        output.print_stderr(*str(error).split("\n"), style="red")
        sys.exit(EXIT_USAGE)
    except _CONNECTION_ERRORS as error:
        output.print_stderr(str(error), style="red")
        sys.exit(EXIT_CANNOT_CONNECT)
    except RecordsMissing as error:
        output.print_stderr(str(error), style="red")
        sys.exit(EXIT_MISSING)
    except KeyboardInterrupt:
        sys.exit(130)
    except typer.Abort:
        output.print_stderr("Aborted.", style="red")
        sys.exit(1)
    except typer.TyperException as error:
        sys.exit(output.print_usage_error(error))
    except Exception as error:  # noqa: BLE001 (Python would print its text as it is)
        output.print_traceback(error)
        sys.exit(1)
    sys.exit(code)
