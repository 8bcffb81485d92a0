"""``callback-bridge call``: everything about one call or message."""

import asyncio
import contextlib
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console

from bridge import catalogue
from bridge.cli import showing
from bridge.cli.build import connection, naming
from bridge.cli.call_document import document
from bridge.cli.call_shown import show_found
from bridge.cli.options import SettingsFile
from bridge.cli.replay_asked import instant_of
from bridge.cli.replay_shown import Counting
from bridge.event import JOURNAL_TOPIC
from bridge.parse import Parser
from bridge.replay.call import Found, Sources, find
from bridge.replay.derive import Deriver
from bridge.replay.keyed import Keyed
from bridge.replay.selection import id_from
from bridge.replay.window import Window, window
from bridge.settings import Settings, for_kafka, load

app = typer.Typer(help="Show everything about one call or message.", no_args_is_help=True)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOOK_BACK: Final = timedelta(hours=24)
_NOTHING: Final = 1
# Paragraphs, because lines of one are joined.
_EXAMPLES: Final = """
callback-bridge call show 5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01

callback-bridge call show 5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01 --around 2026-03-03 --json
"""


_Identity = Annotated[
    str, typer.Argument(metavar="UUID", help="A call's, a leg's or a message's id.")
]
_Since = Annotated[
    str | None,
    typer.Option(
        help="Look from then on: 2h, 30m, 3d ago, or 2026-03-07T14:00+01:00; UTC without an "
        "offset. A call that began before is found whole. Default: 24h.",
        metavar="TIME",
    ),
]
_Until = Annotated[
    str | None,
    typer.Option(help="Leave out what came then or later; the same forms.", metavar="TIME"),
]
_Around = Annotated[
    str | None,
    typer.Option(
        help="About when it was, such as 2026-03-07: look from a day before on.", metavar="TIME"
    ),
]
_Everything = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Look through all there is, in every partition: that reads the whole journal, and "
        "takes minutes for millions of callbacks.",
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@app.callback()
def call() -> None:
    """Show everything about one call or message."""


@app.command("show", epilog=_EXAMPLES)
def show_call(  # noqa: PLR0913 (a command's options)
    identity: _Identity,
    *,
    since: _Since = None,
    until: _Until = None,
    around: _Around = None,
    everything: _Everything = False,
    json: _Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Show a call as a time line: callbacks, legs, replies, who hung up, cost, gaps, duplicates.

    Legs and parent call are followed. Without a hint it looks back 24 hours, in one partition.

    Exit codes: 0 found; 1 not found; 2 wrong usage; 3 Kafka cannot be had.
    """
    try:
        identity = id_from(identity)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="UUID") from error
    now = datetime.now(UTC)  # noqa: TID251 (the doorway's clock)
    within = _within(now, since=since, until=until, around=around, everything=everything)
    settings = for_kafka(load(settings_file))
    as_document = json or not showing.on_terminal()
    found = asyncio.run(
        _found(settings, identity, within, everything=everything, silent=as_document)
    )
    if as_document:
        typer.echo(orjson.dumps(document(found, now)))
    elif found.entries:
        show_found(found, now)
    if not found.entries:
        _complain(identity, everything=everything)
        raise typer.Exit(_NOTHING)


def _within(
    now: datetime, *, since: str | None, until: str | None, around: str | None, everything: bool
) -> Window:
    """Return when to look; raises BadParameter."""
    given = [name for name, of in (("--since", since), ("--around", around)) if of]
    given += ["--all"] if everything else []
    if len(given) > 1:
        message = f"{' and '.join(given)} say where to begin: choose one"
        raise typer.BadParameter(message)
    begin: datetime | None = now - _LOOK_BACK
    if everything:
        begin = None
    elif since is not None:
        begin = instant_of(since, now, "--since")
    elif around is not None:
        begin = max(instant_of(around, now, "--around"), _EPOCH) - timedelta(days=1)
    end = instant_of(until, now, "--until") if until else None
    if begin is not None and end is not None and end <= begin:
        message = "is not after where it begins"
        raise typer.BadParameter(message, param_hint="--until")
    return window(begin, end)


async def _found(
    settings: Settings, identity: str, within: Window, *, everything: bool, silent: bool
) -> Found:
    """Return what there is; raises CannotRead."""
    types = catalogue.load()
    prefix = settings.topic_prefix
    return await find(
        identity,
        within,
        keyed=Keyed(connection(settings), _silent if silent else _bar, everywhere=everything),
        sources=Sources(
            journal=prefix + JOURNAL_TOPIC,
            events=frozenset(prefix + kind.topic for kind in types.all),
        ),
        deriver=Deriver(Parser(types, settings.context_parameters), naming(settings)),
    )


@contextlib.contextmanager
def _silent(_doing: str, _of: int) -> Generator[Callable[[int], None]]:
    yield lambda _: None


@contextlib.contextmanager
def _bar(doing: str, of: int) -> Generator[Callable[[int], None]]:
    read = 0
    with Counting(doing, of) as counting:

        def count(records: int) -> None:
            nonlocal read
            read += records
            counting.at(read)

        yield count


def _complain(identity: str, *, everything: bool) -> None:
    further = (
        "`callback-bridge replay plan --from journal --call` counts what only mentions it"
        if everything
        else "--around, --since or --all looks further back"
    )
    text = f"no callback of {identity} was found: {further}"
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)
