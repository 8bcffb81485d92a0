"""``callback-bridge call``: show everything about one call or message."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Final

import typer

from bridge.app.parts import make_naming, make_replay_connection
from bridge.audit.derive import Deriver
from bridge.calls.document import build_document
from bridge.calls.find import CANDIDATES_MAX, AmbiguousPrefix, CallTopics, find_call, find_id
from bridge.calls.found import FoundCall
from bridge.cli import output
from bridge.cli.call_output import print_call
from bridge.cli.exit_codes import EXIT_DIFFERS, EXIT_USAGE
from bridge.cli.lazy import Deferred, LazyGroup
from bridge.cli.options import SettingsFile, parse_time
from bridge.cli.replay.output import ProgressBar
from bridge.core import catalogue
from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC
from bridge.core.parse import Parser
from bridge.reader.by_key import KeyReader
from bridge.reader.selection import is_uuid
from bridge.reader.window import Window, build_window, format_utc_ms
from bridge.settings.load import Need, Settings, load


class _CallCommands(LazyGroup):
    deferred: ClassVar[Mapping[str, Deferred]] = {
        "place": Deferred("bridge.cli.call_place", "Place calls, to one destination or to many."),
        "hangup": Deferred(
            "bridge.cli.call_control",
            "End a call, or take it out of Plivo's queue.",
            is_member=True,
        ),
        "transfer": Deferred(
            "bridge.cli.call_control",
            "Transfer one leg of a call, or both, to another document.",
            is_member=True,
        ),
        "record": Deferred(
            "bridge.cli.call_control", "Record a call, or stop recording it.", is_member=True
        ),
        "digits": Deferred(
            "bridge.cli.call_control", "Send DTMF digits to a call.", is_member=True
        ),
    }


app = typer.Typer(
    add_completion=False,
    cls=_CallCommands,
    help="Place calls, show everything about one, and control it while it goes on.",
    no_args_is_help=True,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOOK_BACK: Final = timedelta(hours=24)
# Paragraphs, because typer joins the lines of one.
_EXAMPLES: Final = """
callback-bridge call show 5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01

callback-bridge call show 5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01 --around 2026-03-03 --json

callback-bridge call show 5d0c0f1e
"""
# Shorter prefixes match too many ids to be useful.
_PREFIX_MIN: Final = 4
_PREFIX: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_UUID_PREFIX: Final = re.compile(r"[0-9A-Fa-f]{1,8}|[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{0,26}", re.ASCII)
_LISTED_MAX: Final = 20


_Identity = Annotated[
    str,
    typer.Argument(
        metavar="UUID",
        help="Id of a call, a leg or a message, or its first characters.",
    ),
]
_Since = Annotated[
    str | None,
    typer.Option(
        help="Search from then on: 2h, 30m or 3d ago, or 2026-03-07T14:00+01:00; UTC without an "
        "offset. A call that started earlier is shown completely. Default: 24h.",
        metavar="TIME",
    ),
]
_Until = Annotated[
    str | None,
    typer.Option(help="Leave out callbacks received then or later; same forms.", metavar="TIME"),
]
_Around = Annotated[
    str | None,
    typer.Option(
        help="Approximate time, such as 2026-03-07: search from one day earlier on.", metavar="TIME"
    ),
]
_All = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Search the whole journal, in every partition. Takes minutes for millions of "
        "callbacks.",
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@app.callback()
def call() -> None:
    """Place calls, show everything about one, and control it while it goes on."""


@app.command("show", epilog=_EXAMPLES)
def show_call(  # noqa: PLR0913 (a command's options)
    identity: _Identity,
    *,
    since: _Since = None,
    until: _Until = None,
    around: _Around = None,
    everything: _All = False,
    json: _Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Show a call as a timeline: callbacks, legs, replies, who hung up, cost, gaps, duplicates.

    It includes other legs, the parent call, and dead letters with their reason. By default it searches
    the last 24 hours, in one partition. The first characters of an id are enough if no other id starts
    with them; that search reads every partition.

    Exit codes: 0 found; 1 not found; 2 wrong usage, or several ids match; 3 cannot connect to Kafka.
    """
    identity = _id_or_prefix(identity)
    now = datetime.now(UTC)  # noqa: TID251 (a command reads the clock)
    within = parse_search_window(
        now, since=since, until=until, around=around, everything=everything
    )
    settings = load(settings_file, Need.KAFKA)
    as_json = output.wants_json(json)
    finder = CallFinder(settings, within, everything=everything, silent=as_json)
    try:
        found = asyncio.run(finder.find(identity))
    except AmbiguousPrefix as error:
        _list_candidates(error)
        raise typer.Exit(EXIT_USAGE) from None
    if as_json:
        output.emit_json_lines([build_document(found, now)])
    elif found.entries:
        print_call(found, now)
    if not found.entries:
        _report_not_found(identity, within, is_prefix=not is_uuid(identity), everything=everything)
        raise typer.Exit(EXIT_DIFFERS)


def _id_or_prefix(text: str) -> str:
    """Return an id or a prefix of one, spelt as in records. Raises BadParameter."""
    if _PREFIX.fullmatch(text) is None:
        message = f"{text!r} is not an id, nor the first characters of one"
        raise typer.BadParameter(message, param_hint="UUID")
    if len(text) < _PREFIX_MIN:
        message = f"{text!r} is too short: give at least {_PREFIX_MIN} characters of the id"
        raise typer.BadParameter(message, param_hint="UUID")
    return text.lower() if is_uuid(text) or _UUID_PREFIX.fullmatch(text) else text


def parse_search_window(
    now: datetime, *, since: str | None, until: str | None, around: str | None, everything: bool
) -> Window:
    """Return the window to search. Raises BadParameter."""
    given = [name for name, value in (("--since", since), ("--around", around)) if value]
    given += ["--all"] if everything else []
    if len(given) > 1:
        message = f"{' and '.join(given)} cannot be combined: choose one"
        raise typer.BadParameter(message)
    begin: datetime | None = now - _LOOK_BACK
    if everything:
        begin = None
    elif since is not None:
        begin = parse_time(since, now, "--since")
    elif around is not None:
        begin = max(parse_time(around, now, "--around"), _EPOCH) - timedelta(days=1)
    end = parse_time(until, now, "--until") if until else None
    if begin is not None and end is not None and end <= begin:
        message = "is not after the start of the search"
        raise typer.BadParameter(message, param_hint="--until")
    return build_window(begin, end)


class CallFinder:
    """Finds everything that is stored about an id."""

    def __init__(
        self, settings: Settings, within: Window, *, everything: bool, silent: bool
    ) -> None:
        types = catalogue.load_catalogue()
        prefix = settings.topic_prefix
        show_progress = show_nothing if silent else show_progress_bar
        self._within = within
        self._reader = KeyReader(
            make_replay_connection(settings), show_progress, all_partitions=everything
        )
        self._topics = CallTopics(
            journal=prefix + JOURNAL_TOPIC,
            events=frozenset(prefix + kind.topic for kind in types.all_types),
            letters=prefix + DEAD_LETTER_TOPIC,
        )
        self._deriver = Deriver(Parser(types, settings.context_parameters), make_naming(settings))

    async def find(self, identity: str) -> FoundCall:
        """Find an id, or the only id that starts with this prefix.

        Raises AmbiguousPrefix if several do, and CannotRead.
        """
        # Text that cannot be the start of a UUID is probably a complete id of another form.
        if is_uuid(identity) or not _UUID_PREFIX.fullmatch(identity):
            found = await self._find_by_id(identity)
            if found.entries or is_uuid(identity):
                return found
        full_id = await find_id(
            identity, self._within, reader=self._reader, journal=self._topics.journal
        )
        if full_id is None:
            return FoundCall(identity, self._within)
        found = await self._find_by_id(full_id)
        if full_id != identity:
            found.prefix, found.prefix_within = identity, self._within
        return found

    async def _find_by_id(self, identity: str) -> FoundCall:
        return await find_call(
            identity,
            self._within,
            reader=self._reader,
            topics=self._topics,
            deriver=self._deriver,
        )


@contextlib.contextmanager
def show_nothing(_activity: str, _total: int) -> Generator[Callable[[int], None]]:
    """Show no progress, for output that a program reads."""
    yield lambda _: None


@contextlib.contextmanager
def show_progress_bar(activity: str, total: int) -> Generator[Callable[[int], None]]:
    """Show a bar on the terminal that disappears at the end."""
    with ProgressBar(activity, total, transient=True) as bar:
        yield bar.add


def _report_not_found(identity: str, within: Window, *, is_prefix: bool, everything: bool) -> None:
    wanted = f"{identity}, or of an id that starts with it," if is_prefix else identity
    when = "" if within.since_ms is None else f" since {format_utc_ms(within.since_ms)}"
    when += "" if within.until_ms is None else f" until {format_utc_ms(within.until_ms)}"
    advice = (
        "`callback-bridge replay plan --from journal --call` counts callbacks that mention it"
        if everything
        else "search further back with --around, --since or --all"
    )
    output.print_stderr(f"no callback of {wanted} was found{when}: {advice}")


def _list_candidates(error: AmbiguousPrefix) -> None:
    listed = sorted(error.candidates, key=lambda one: one.first_ms)[:_LISTED_MAX]
    more = len(error.candidates) - len(listed)
    many = "more than " if len(error.candidates) == CANDIDATES_MAX else ""
    output.print_stderr(
        f"{many}{len(error.candidates):,} ids start with {error.prefix}; "
        f"{error.distinct_characters} characters distinguish them:"
    )
    for one in listed:
        output.print_stderr(f"{one.id}  {format_utc_ms(one.first_ms)}  callbacks: {one.callbacks}")
    if more:
        output.print_stderr(f"and {more:,} more")
