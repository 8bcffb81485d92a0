"""What a replay reads and where it goes to, from the options of ``replay``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from bridge.cli.output import lookup
from bridge.cli.tail import parse_time
from bridge.core import catalogue
from bridge.core.event import JOURNAL_TOPIC
from bridge.reader.selection import Query, Source, parse_id, parse_offsets, parse_position
from bridge.reader.window import Window, build_window
from bridge.replay.pace import ReplayPace, parse_pace
from bridge.replay.progress import Destination
from bridge.replay.targets.http import is_base_url


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What ``replay run`` was asked for."""

    query: Query
    plan_file: Path | None
    destination: Destination | None
    pace: ReplayPace | None
    progress_file: Path | None
    skipped: tuple[str, ...]
    yes: bool
    settings_file: Path | None = None


def parse_query(  # noqa: PLR0913 (the options)
    *,
    source: Source,
    since: str | None,
    until: str | None,
    types: Sequence[str] | None,
    calls: Sequence[str] | None,
    messages: Sequence[str] | None,
    accounts: Sequence[str] | None,
    offsets: Sequence[str] | None,
) -> Query:
    """Return the query of the options; raises BadParameter."""
    known = catalogue.load_catalogue().by_name
    for name in types or ():
        lookup(name, known, "type", "`callback-bridge callbacks list`")
    for text in offsets or ():
        try:
            parse_offsets(text)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--offsets") from error
    return Query(
        source=source,
        since=since,
        until=until,
        types=tuple(types or ()),
        calls=_parse_ids("--call", calls),
        messages=_parse_ids("--message", messages),
        accounts=_parse_ids("--account", accounts),
        offsets=tuple(offsets or ()),
    )


def refuse_plan_with_filters(plan_file: Path | None, query: Query) -> None:
    """Refuse a plan with options that select beside it."""
    if plan_file is not None and query != Query():
        message = "a plan says what to read: leave the options that select out"
        raise typer.BadParameter(message, param_hint="--plan")


def _parse_ids(option: str, texts: Sequence[str] | None) -> tuple[str, ...]:
    try:
        return tuple(map(parse_id, texts or ()))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def resolve_window(query: Query) -> Window:
    """Return the instants a query's times mean now; raises BadParameter."""
    now = datetime.now(UTC)  # noqa: TID251 (the doorway's clock)
    since = parse_time_option(query.since, now, "--since") if query.since else None
    until = parse_time_option(query.until, now, "--until") if query.until else None
    if since is not None and until is not None and until <= since:
        message = "is not after --since"
        raise typer.BadParameter(message, param_hint="--until")
    return build_window(since, until)


def parse_time_option(text: str, now: datetime, option: str) -> datetime:
    """Return the instant an option's text means; raises BadParameter, which names the option."""
    try:
        return parse_time(text, now)
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=option) from error


def query_topics(query: Query, prefix: str) -> list[str]:
    """Return the topics a query without offsets reads."""
    if query.source == "journal":
        return [prefix + JOURNAL_TOPIC]
    known = catalogue.load_catalogue().by_name
    names = query.types or tuple(known)
    return [prefix + known[name].topic for name in names]


def parse_pace_option(text: str | None) -> ReplayPace | None:
    """Return the pace of the option; raises BadParameter."""
    try:
        return parse_pace(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--pace") from error


def parse_skip_option(texts: Sequence[str] | None) -> tuple[str, ...]:
    """Return the places of the option; raises BadParameter."""
    for text in texts or ():
        try:
            parse_position(text)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--skip") from error
    return tuple(texts or ())


def parse_destination(
    *, live: bool, jsonl: Path | None, csv: Path | None, parquet: Path | None, url: str | None
) -> Destination | None:
    """Return where the options say, None if they do not; raises BadParameter.

    A path is whole, so that it means the same wherever the command is said again.
    """
    if url is not None and not is_base_url(url):
        message = "must be an absolute http or https URL without a query"
        raise typer.BadParameter(message, param_hint="--to-url")
    found = [Destination("live")] if live else []
    found += [Destination("jsonl", str(jsonl.resolve()))] if jsonl else []
    found += [Destination("csv", str(csv.resolve()))] if csv else []
    found += [Destination("parquet", str(parquet.resolve()))] if parquet else []
    found += [Destination("url", url)] if url else []
    if len(found) > 1:
        message = "only one of the --to-… options can be had at a time"
        raise typer.BadParameter(message)
    return found[0] if found else None
