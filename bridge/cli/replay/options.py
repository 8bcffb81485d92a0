"""The options of ``replay``: names, help and parsing."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.options import parse_time
from bridge.cli.output import lookup
from bridge.core import catalogue
from bridge.core.journal import JOURNAL_TOPIC
from bridge.derived.own_records import list_event_types
from bridge.reader.selection import Query, Source, parse_id, parse_offsets, parse_position
from bridge.reader.window import Window, build_window
from bridge.replay.pace import ReplayPace, parse_pace
from bridge.replay.progress import Destination

From = Annotated[
    Source,
    typer.Option(
        "--from",
        help="`events`: the topics of the types. `journal`: every callback as it was received.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Write the plan to this new file, for `run --plan`.",
        metavar="FILE",
    ),
]
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", help="A plan that `replay plan --out` wrote.", metavar="FILE"),
]
ToLive = Annotated[
    bool,
    typer.Option(
        "--to-live",
        help="Append to the live topics. Kafka deletes records there that are older than the topic's "
        "retention.",
    ),
]
ToJsonl = Annotated[
    Path | None,
    typer.Option(
        help="Write a file of JSON lines, with FILE.manifest.json beside it. It is named "
        "FILE.….partial until it is complete.",
        metavar="FILE",
    ),
]
ToCsv = Annotated[Path | None, typer.Option(help="Write a CSV file, likewise.", metavar="FILE")]
ToParquet = Annotated[
    Path | None,
    typer.Option(
        help="Write Parquet files to a folder, with FOLDER.manifest.json beside it. Needs "
        r"`pip install '.\[export]'` in a checkout of the project.",
        metavar="FOLDER",
    ),
]
ToUrl = Annotated[
    str | None,
    typer.Option(help="Send the requests to this URL. Needs `--from journal`.", metavar="URL"),
]
PaceOption = Annotated[
    str | None,
    typer.Option(
        "--pace",
        help="100/s, or 2x for twice the original speed. Default: as fast as possible.",
        metavar="PACE",
    ),
]
ProgressFile = Annotated[
    Path | None,
    typer.Option(
        "--progress",
        help="Progress file, from which an unfinished replay resumes. Default: the name of the file, "
        "the folder or the plan with `.progress.json` appended, else "
        "`replay-<replay id>.progress.json`. Without a terminal, --to-live and --to-url need "
        "this or --plan.",
        metavar="FILE",
    ),
]
Skipped = Annotated[
    list[str] | None,
    typer.Option(
        "--skip",
        help="Leave this record out, for example one that a URL always answers with 500. "
        "Repeatable. The exit code is then 1.",
        metavar="TOPIC:PARTITION:OFFSET",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation of `--to-live`.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show every change, field by field.")]
Verify = Annotated[bool, typer.Option("--verify", help="Check every stored signature again.")]
TokensFile = Annotated[
    Path | None,
    typer.Option(
        help="Old tokens for --verify, in the format of BRIDGE_ACCOUNTS_FILE.", metavar="FILE"
    ),
]
Write = Annotated[
    bool,
    typer.Option(
        "--write",
        help="Publish changed and new events to new topics, `<topic>.derived.<id>`. Delete them "
        "when you no longer need them.",
    ),
]
Everything = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Publish every event that can be derived, also unchanged and expired ones.",
    ),
]
WriteToLive = Annotated[
    bool,
    typer.Option(
        "--to-live",
        help="Publish to the live topics instead. Kafka deletes records there that are older than "
        "the topic's retention.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The options that select records: the same for ``plan``, ``run`` and ``derive``."""

    since: Annotated[
        str | None,
        typer.Option(
            help="Only received then or later: 2h, 30m or 1d ago, or 2026-03-07T14:00+01:00; UTC "
            "without an offset.",
            metavar="TIME",
        ),
    ] = None
    until: Annotated[
        str | None, typer.Option(help="Only received before then; same forms.", metavar="TIME")
    ] = None
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            help="Only this callback type, such as voice.call.hangup. Repeatable.",
            metavar="TYPE",
        ),
    ] = None
    calls: Annotated[
        list[str] | None,
        typer.Option(
            "--call",
            help="Only records of this call: its UUID. Repeatable. With --message: records of both.",
            metavar="UUID",
        ),
    ] = None
    messages: Annotated[
        list[str] | None,
        typer.Option(
            "--message",
            help="Only records of this message: its UUID. Repeatable.",
            metavar="UUID",
        ),
    ] = None
    accounts: Annotated[
        list[str] | None,
        typer.Option(
            "--account",
            help="Only this account or subaccount: its auth id. Repeatable.",
            metavar="AUTH_ID",
        ),
    ] = None
    offsets: Annotated[
        list[str] | None,
        typer.Option(
            "--offsets",
            help="Only these offsets, both included; to the end without TO. Repeatable.",
            metavar="TOPIC:PARTITION:FROM-TO",
        ),
    ] = None

    def make_query(self, source: Source) -> Query:
        """Return the query of the options. Raises BadParameter."""
        types = catalogue.load_catalogue()
        # The bridge's own events are derived from no callback, so the journal has none of their types.
        known = types.by_name if source == "journal" else list_event_types(types)
        for name in self.types or ():
            lookup(name, known, "type", "`callback-bridge callbacks list`")
        for text in self.offsets or ():
            try:
                parse_offsets(text)
            except ValueError as error:
                raise typer.BadParameter(str(error), param_hint="--offsets") from error
        return Query(
            source=source,
            since=self.since,
            until=self.until,
            types=tuple(self.types or ()),
            calls=_parse_ids("--call", self.calls),
            messages=_parse_ids("--message", self.messages),
            accounts=_parse_ids("--account", self.accounts),
            offsets=tuple(self.offsets or ()),
        )


def take_filters(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command: its parameter ``filters`` becomes one option for each field of Filters."""
    signature = inspect.signature(command, eval_str=True)
    fields = inspect.signature(Filters, eval_str=True).parameters
    parameters = [
        option
        for one in signature.parameters.values()
        for option in (fields.values() if one.name == "filters" else [one])
    ]

    @functools.wraps(command)
    def run(**options: Any) -> None:  # noqa: ANN401 (whatever the options are)
        filters = Filters(**{name: options.pop(name) for name in fields})
        command(filters=filters, **options)

    # typer reads both.
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The options of ``replay run``, parsed."""

    query: Query
    plan_file: Path | None
    destination: Destination | None
    pace: ReplayPace | None
    progress_file: Path | None
    skipped: tuple[str, ...]
    yes: bool
    settings_file: Path | None = None


def refuse_plan_with_filters(plan_file: Path | None, query: Query) -> None:
    """Raise BadParameter for a plan together with filters."""
    if plan_file is not None and query != Query():
        message = "cannot be combined with filters: the plan has its own"
        raise typer.BadParameter(message, param_hint="--plan")


def _parse_ids(option: str, texts: Sequence[str] | None) -> tuple[str, ...]:
    try:
        return tuple(map(parse_id, texts or ()))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def resolve_window(query: Query) -> Window:
    """Return the window that a query's times mean now. Raises BadParameter."""
    now = datetime.now(UTC)  # noqa: TID251 (a command reads the clock)
    since = parse_time(query.since, now, "--since") if query.since else None
    until = parse_time(query.until, now, "--until") if query.until else None
    if since is not None and until is not None and until <= since:
        message = "is not after --since"
        raise typer.BadParameter(message, param_hint="--until")
    return build_window(since, until)


def query_topics(query: Query, prefix: str) -> list[str]:
    """Return the topics that a query without offsets reads."""
    if query.source == "journal":
        return [prefix + JOURNAL_TOPIC]
    known = list_event_types(catalogue.load_catalogue())
    names = query.types or tuple(known)
    return [prefix + known[name].topic for name in names]


def parse_pace_option(text: str | None) -> ReplayPace | None:
    """Parse --pace. Raises BadParameter."""
    try:
        return parse_pace(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--pace") from error


def parse_skip_option(texts: Sequence[str] | None) -> tuple[str, ...]:
    """Check the positions of --skip, and return them. Raises BadParameter."""
    for text in texts or ():
        try:
            parse_position(text)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--skip") from error
    return tuple(texts or ())


def parse_destination(
    *, live: bool, jsonl: Path | None, csv: Path | None, parquet: Path | None, url: str | None
) -> Destination | None:
    """Return the target of the --to options, None without one. Raises BadParameter.

    Paths become absolute, so that the command can be resumed from any folder.
    """
    if url is not None:
        from bridge.replay.targets.http import is_base_url  # noqa: PLC0415 (an HTTP client takes long to import)

        if not is_base_url(url):
            message = "must be an absolute http or https URL without a query"
            raise typer.BadParameter(message, param_hint="--to-url")
    found = [Destination("live")] if live else []
    found += [Destination("jsonl", str(jsonl.resolve()))] if jsonl else []
    found += [Destination("csv", str(csv.resolve()))] if csv else []
    found += [Destination("parquet", str(parquet.resolve()))] if parquet else []
    found += [Destination("url", url)] if url else []
    if len(found) > 1:
        message = "the --to-… options cannot be combined: choose one"
        raise typer.BadParameter(message)
    return found[0] if found else None
