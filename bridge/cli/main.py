"""The ``callback-bridge`` command. Its help and version import no command: see ``lazy``."""

import sys
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

import typer

from bridge import __version__
from bridge.cli.exit_codes import EXIT_STOPPED, exit_code
from bridge.cli.lazy import Deferred, LazyGroup

_HELP: Final = "Publish Plivo's callbacks to Kafka: verified, normalised, nothing lost."


class _RootCommands(LazyGroup):
    deferred: ClassVar[Mapping[str, Deferred]] = {
        "serve": Deferred(
            "bridge.cli.serve",
            "Answer Plivo's callbacks and publish them to Kafka, until SIGTERM.",
        ),
        "dev": Deferred(
            "bridge.cli.dev",
            "Run the bridge on an embedded broker and show events as they arrive, until Ctrl-C.",
        ),
        "demo": Deferred(
            "bridge.cli.demo",
            "Place three emulated calls, and show what happened and what is stored.",
        ),
        "emulate": Deferred(
            "bridge.cli.emulate.commands",
            "Emulate Plivo: place calls, execute the answers, send signed callbacks.",
        ),
        "trigger": Deferred(
            "bridge.cli.trigger",
            "Send the callbacks of one call or message, or one callback of any type, to `dev`.",
        ),
        "tail": Deferred(
            "bridge.cli.tail",
            "Show events as they arrive: a timeline on a terminal, JSON lines in a pipe.",
        ),
        "topics": Deferred(
            "bridge.cli.topics",
            "Show, create and check the topics, with partitions, retention and replicas.",
        ),
        "replay": Deferred(
            "bridge.cli.replay.commands",
            "Replay stored records: into topics, into files, or to a URL.",
        ),
        "call": Deferred(
            "bridge.cli.call",
            "Place calls, show everything about one, and control it while it goes on.",
        ),
        "request": Deferred(
            "bridge.cli.request",
            "Show what became of a request that dials, resolve an unknown outcome, and cancel it.",
        ),
        "spool": Deferred(
            "bridge.cli.spool",
            "Show, publish and export the callbacks that wait on disk for Kafka.",
        ),
        "deadletters": Deferred(
            "bridge.cli.deadletters",
            "List and show dead letters, and process them again with today's code.",
        ),
        "callbacks": Deferred(
            "bridge.cli.callbacks",
            "List and show every callback Plivo sends, its event, and a curl command to try it.",
        ),
        "replies": Deferred(
            "bridge.cli.replies",
            "Check reply rules and Plivo XML documents before a call gets one.",
        ),
        "schemas": Deferred(
            "bridge.cli.schemas",
            "List, show and compare the events' JSON Schemas, and check events against them.",
        ),
    }


app = typer.Typer(
    name="callback-bridge",
    cls=_RootCommands,
    help=_HELP,
    epilog="Settings are BRIDGE_… variables or a TOML file. Exit codes: 0 done; 1 something is "
    "missing or differs; 2 wrong usage or settings; 3 cannot use Kafka, an address or the disk; "
    "4 it is unknown whether Plivo did it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(*, value: bool) -> None:
    if value:
        from bridge.cli import output  # noqa: PLC0415 (rich)

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
    from bridge.telemetry import logs  # noqa: PLC0415 (structlog, which `--version` does not need)

    del version
    logs.silence_library_loggers()  # `serve` and `dev` configure logs of their own


def run() -> None:
    """Run the command. What stops it is printed on standard error, and decides the exit code."""
    try:
        code = app(standalone_mode=False, prog_name="callback-bridge")
    except KeyboardInterrupt:
        code = EXIT_STOPPED
    except Exception as error:  # noqa: BLE001 (Python would print its text as it is)
        code = _report(error)
    sys.exit(code)


def _report(error: Exception) -> int:
    """Print what stopped a command; return the exit code."""
    from bridge.cli import output  # noqa: PLC0415 (rich)

    if isinstance(error, typer.Abort):
        output.print_stderr("Aborted.", style="red")
        return 1
    if isinstance(error, typer.TyperException):
        return output.print_usage_error(error)
    code = exit_code(error)
    if code is None:
        output.print_traceback(error)
        return 1
    output.print_stderr(*str(error).split("\n"), style="red")
    return code
