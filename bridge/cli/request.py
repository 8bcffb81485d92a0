"""``callback-bridge request``: what became of a request that dials."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, ClassVar, Final

import typer

from bridge.app.parts import make_naming, make_replay_connection
from bridge.audit.derive import Deriver
from bridge.calls.request import RequestState
from bridge.calls.request_document import build_destination, build_request_document
from bridge.calls.request_reader import RequestReader, RequestTopics
from bridge.cli import output
from bridge.cli.call import parse_search_window, show_nothing, show_progress_bar
from bridge.cli.exit_codes import EXIT_DIFFERS
from bridge.cli.lazy import Deferred, LazyGroup
from bridge.cli.ledger import open_existing_ledger
from bridge.cli.options import SettingsFile
from bridge.cli.request_output import print_request, render_progress
from bridge.core import catalogue
from bridge.core.journal import JOURNAL_TOPIC
from bridge.core.parse import Parser
from bridge.core.requested import REQUESTED
from bridge.originate.entry import LedgerEntry, LedgerUnusable
from bridge.originate.ledger import RequestLedger
from bridge.reader.by_key import KeyReader
from bridge.reader.selection import parse_id
from bridge.reader.topic_reader import CannotRead
from bridge.reader.window import Window, format_utc_ms
from bridge.settings.load import Need, Settings, load


class _RequestCommands(LazyGroup):
    deferred: ClassVar[Mapping[str, Deferred]] = {
        "resolve": Deferred(
            "bridge.cli.request_resolve",
            "Search Plivo's list of calls for the calls of a request whose outcome is unknown.",
        ),
        "cancel": Deferred(
            "bridge.cli.request_cancel",
            "Cancel the calls of a request that nobody has answered yet.",
        ),
    }


app = typer.Typer(
    add_completion=False,
    cls=_RequestCommands,
    help="Show what became of a request that dials, resolve an unknown outcome, and cancel it.",
    no_args_is_help=True,
)

FindEntry = Callable[[], LedgerEntry | None]
_POLL_S: Final = 1.0
# Paragraphs, because typer joins the lines of one.
_EXAMPLES: Final = """
callback-bridge request show 0c7f6a52d1e84b6f9b1d3a2c5e4f7081

callback-bridge request show 5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01 --follow --timeout 600
"""

_Identity = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The reference of a request, one of Plivo's request UUIDs, or one of its calls.",
    ),
]
_Follow = Annotated[
    bool,
    typer.Option("--follow", help="Wait until all its calls have ended, and show what happens."),
]
_Timeout = Annotated[
    float,
    typer.Option(help="Stop following after this many seconds.", metavar="SECONDS", min=1),
]
_Since = Annotated[
    str | None,
    typer.Option(
        help="Search for the request from then on: 2h, 30m or 3d ago, or 2026-03-07T14:00+01:00; UTC "
        "without an offset. Default: 24h.",
        metavar="TIME",
    ),
]
_All = Annotated[bool, typer.Option("--all", help="Search the whole journal, in every partition.")]
_Json = Annotated[
    bool,
    typer.Option("--json", help="One JSON document; with --follow, a JSON line for each change."),
]


@app.callback()
def request() -> None:
    """Show what became of a request that dials, resolve an unknown outcome, and cancel it."""


@app.command("show", epilog=_EXAMPLES)
def show_request(  # noqa: PLR0913 (a command's options)
    identity: _Identity,
    *,
    follow: _Follow = False,
    timeout: _Timeout = 3600.0,
    since: _Since = None,
    everything: _All = False,
    json: _Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Show each destination: whether Plivo took it, its state, answer, duration, hangup cause and cost.

    Destinations that Kafka has no record of are shown from the ledger in BRIDGE_LEDGER_DIRECTORY.

    A callback counts as missing only if the request has a URL with its reference for it. If Plivo's
    answer was lost, the callbacks that arrived show the outcome. If none arrived, `request resolve` asks
    Plivo. --follow shows a table on a terminal, and JSON lines in a pipe: one for each destination that
    changes, the whole document at the end. It continues while Kafka is away, until --timeout.

    Exit codes: 0 found, and with --follow all ended; 1 not found, or not ended in time; 2 wrong usage;
    3 cannot connect to Kafka.
    """
    try:
        identity = parse_id(identity)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ID") from error
    now = datetime.now(UTC)  # noqa: TID251 (a command reads the clock)
    within = parse_search_window(now, since=since, until=None, around=None, everything=everything)
    settings = load(settings_file, Need.KAFKA)
    as_json = output.wants_json(json)
    reader = make_reader(settings, within, everything=everything, silent=as_json)
    with contextlib.ExitStack() as stack:
        ledger = _open_ledger(settings, stack)
        find_entry = partial(_find_entry, ledger, identity)
        if follow:
            shown = asyncio.run(
                _follow(reader, identity, find_entry, timeout_s=timeout, as_json=as_json)
            )
        else:
            shown = asyncio.run(_find(reader, identity, find_entry()))
    if shown is None:
        when = "" if within.since_ms is None else f" since {format_utc_ms(within.since_ms)}"
        advice = "" if everything else ": search further back with --since or --all"
        output.print_stderr(f"no request {identity} was found{when}{advice}")
        raise typer.Exit(EXIT_DIFFERS)
    if as_json:
        output.emit_json_lines([build_request_document(shown)])
    else:
        print_request(shown)
    if follow and not shown.has_ended:
        output.print_stderr(f"not every call had ended after {timeout:g} s")
        raise typer.Exit(EXIT_DIFFERS)


def make_reader(
    settings: Settings, within: Window, *, everything: bool, silent: bool
) -> RequestReader:
    """Return a reader of requests; ``silent`` shows no progress."""
    progress = show_nothing if silent else show_progress_bar
    prefix = settings.topic_prefix
    parser = Parser(catalogue.load_catalogue(), settings.context_parameters)
    return RequestReader(
        KeyReader(make_replay_connection(settings), progress, all_partitions=everything),
        RequestTopics(prefix + JOURNAL_TOPIC, prefix + REQUESTED.topic),
        Deriver(parser, make_naming(settings)),
        within,
    )


def _open_ledger(settings: Settings, stack: contextlib.ExitStack) -> RequestLedger | None:
    """Return the local ledger, None if there is none. Says why if it cannot be used."""
    try:
        return stack.enter_context(open_existing_ledger(settings))
    except LedgerUnusable as error:
        output.print_stderr(str(error), style="yellow")
        return None


def _find_entry(ledger: RequestLedger | None, identity: str) -> LedgerEntry | None:
    if ledger is None:
        return None
    return ledger.find(identity) or ledger.find_by_request_uuid(identity)


async def _find(
    reader: RequestReader, identity: str, entry: LedgerEntry | None
) -> RequestState | None:
    """Return the request as it is stored now, None if it is not found. Raises CannotRead."""
    records = await reader.find(identity, entry)
    return None if records is None else records.build_state(_now())


async def _follow(
    reader: RequestReader,
    identity: str,
    find_entry: FindEntry,
    *,
    timeout_s: float,
    as_json: bool,
) -> RequestState | None:
    """Show a request until its calls have ended or the time is over; return its last state.

    Raises CannotRead.
    """
    state: RequestState | None = None
    show = ChangeLines().show if as_json else None
    live = None if as_json else output.make_live()
    with live or contextlib.nullcontext():
        async for state in watch_request(reader, identity, find_entry, timeout_s=timeout_s):
            if show is not None:
                show(state)
            elif live is not None:
                live.update(render_progress(state))
    return state


async def watch_request(  # noqa: PLR0913 (the last two are for tests)
    reader: RequestReader,
    identity: str,
    find_entry: FindEntry = lambda: None,
    *,
    timeout_s: float,
    clock_s: Callable[[], float] = time.monotonic,
    poll_s: float = _POLL_S,
) -> AsyncIterator[RequestState]:
    """Yield the states of a request until all its calls have ended or the time is over.

    ``find_entry`` reads the local ledger. A state is yielded at first, whenever there is a new record or
    the ledger changed, and at the end; none if the request is not found. Raises CannotRead if Kafka is
    away at first; if it goes away later, the function tries again until the time is over.
    """
    ends_s = clock_s() + timeout_s
    entry = find_entry()
    records = await reader.find(identity, entry)
    if records is None:
        return
    is_new, is_away = True, False
    while True:
        left_s = ends_s - clock_s()
        if is_new or left_s <= 0:
            state = records.build_state(_now())
            yield state
            if state.has_ended or left_s <= 0:
                return
        await asyncio.sleep(min(poll_s, left_s))
        try:
            # A broker that does not answer must not take longer than what is left.
            async with asyncio.timeout(ends_s - clock_s()):
                is_new = await reader.read_new(records)
        except (CannotRead, TimeoutError) as error:
            # The next attempt reads these records again, from the same offset.
            is_new = False
            if not is_away and clock_s() < ends_s:
                is_away = True
                output.print_stderr(f"Kafka is away, trying again: {error}", style="yellow")
        else:
            if is_away:
                is_away = False
                output.print_stderr("Kafka is back")
        latest = find_entry()
        if latest is not None and latest != entry:
            records.set_ledger(entry := latest)
            is_new = True


class ChangeLines:
    """Prints a JSON line for each destination that changed since the last state."""

    def __init__(self) -> None:
        self._shown: dict[str, dict[str, object]] = {}

    def show(self, state: RequestState) -> None:
        """Print what changed."""
        for one in state.destinations:
            document = build_destination(one)
            if self._shown.get(one.destination.number) != document:
                self._shown[one.destination.number] = document
                output.emit_json_lines([{"reference": state.reference, **document}])


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (a command reads the clock)
