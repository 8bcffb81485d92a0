"""``callback-bridge deadletters``: list, show and redrive dead letters."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
import typer

from bridge.app.parts import make_connection, make_naming
from bridge.audit.redrive import (
    DeadLetter,
    LetterFilter,
    Redriver,
    RedriveResult,
    read_letters,
    redrive_all,
)
from bridge.cli import output
from bridge.cli.exit_codes import EXIT_CANNOT_CONNECT
from bridge.cli.kafka import open_publisher
from bridge.cli.options import SettingsFile, parse_time
from bridge.cli.output import JsonOption
from bridge.core import catalogue
from bridge.core.dead_letter import find_meaning
from bridge.core.parameters import Pair
from bridge.core.parse import Parser, escape_non_utf8
from bridge.publish import Publisher, PublishRules, Unavailable
from bridge.reader.journal import NotAJournalRecord, parse_journal_record
from bridge.reader.topic_reader import CannotRead
from bridge.reply.applications import Applications, NoApplications
from bridge.settings.load import Need, Settings, load
from bridge.telemetry import logs

app = typer.Typer(
    add_completion=False,
    help="List and show dead letters, and process them again with today's code.",
    no_args_is_help=True,
)

Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help="Only this reason. Repeatable.")
]
Since = Annotated[
    str | None,
    typer.Option(help="Only those received since: 2h, 30m or 1d ago, or 2026-03-07T14:00Z."),
]
Kind = Annotated[
    str | None, typer.Option("--type", help="Only this callback type, if it is known.")
]

_PAIRS: Final = ("callback.headers", "parameters.query", "parameters.body")


def _parse_filter(
    *,
    ids: list[str] | None = None,
    reasons: list[str] | None = None,
    kind: str | None = None,
    since: str | None = None,
) -> LetterFilter:
    begin = parse_time(since, _now(), "--since") if since else None
    return LetterFilter(frozenset(ids or ()), frozenset(reasons or ()), kind, begin)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (a command reads the clock)


async def _find_letters(settings: Settings, letter_filter: LetterFilter) -> list[DeadLetter]:
    return [
        one
        async for one in read_letters(
            make_connection(settings), make_naming(settings), letter_filter
        )
    ]


@app.command("list")
def list_letters(
    settings_file: SettingsFile = None,
    *,
    reason: Reasons = None,
    kind: Kind = None,
    since: Since = None,
    json: JsonOption = False,
) -> None:
    """List the dead letters: the reason, the stage, and the topics that lack their record."""
    settings = load(settings_file, Need.KAFKA)
    found = asyncio.run(
        _find_letters(settings, _parse_filter(reasons=reason, kind=kind, since=since))
    )
    if output.wants_json(json):
        output.emit_json_lines(letter.summary for letter in found)
        return
    head = ("id", "received", "stage", "reason", "tries", "type", "missing in")
    names = ("id", "received_at", "stage", "reason", "tries", "callback_type")
    rows = [
        (*(str(letter.summary[name]) for name in names), ", ".join(letter.topics) or "-")
        for letter in found
    ]
    output.show(
        output.make_table(head, rows),
        f"dead letters: {len(rows)}; `callback-bridge deadletters show ID` shows one",
    )


@app.command("show")
def show_letter(
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="An id that `deadletters list` prints.")
    ],
    settings_file: SettingsFile = None,
    *,
    json: JsonOption = False,
) -> None:
    """Show one dead letter: its reason, its headers, and the callback, raw and decoded."""
    settings = load(settings_file, Need.KAFKA)
    found = asyncio.run(_find_letters(settings, _parse_filter(ids=[identity])))
    if not found:
        output.print_stderr(f"no dead letter has the id {identity}")
        raise typer.Exit(1)
    for letter in found:
        if output.wants_json(json):
            output.emit_json_lines([_full_letter(letter)])
        else:
            output.show(output.key_values(_flatten(_full_letter(letter))))


def _full_letter(letter: DeadLetter) -> dict[str, Any]:
    """Return everything that is known about a letter."""
    details: dict[str, Any] = {
        **letter.summary,
        "meaning": find_meaning(str(letter.summary["stage"]), str(letter.summary["reason"])),
        "headers": {name: letter.header(name) for name in letter.stored.headers},
    }
    try:
        parameters = parse_journal_record(letter.stored.value).verdict.parameters
    except NotAJournalRecord as error:
        return {**details, "fault": f"its value is not a journal record: {error}"}
    details["callback"] = orjson.loads(letter.stored.value)
    details["parameters"] = {
        "query": _printable(parameters.query),
        "body": _printable(parameters.body),
    }
    return details


def _printable(pairs: tuple[Pair, ...]) -> list[tuple[str, str]]:
    return [(escape_non_utf8(name), escape_non_utf8(value)) for name, value in pairs]


def _flatten(letter: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Return a letter as pairs of names and texts. Nested names are joined with dots."""
    lines: list[tuple[str, str]] = []
    for name, value in letter.items():
        if isinstance(value, dict):
            lines += _flatten(value, f"{above}{name}.")  # pyright: ignore[reportUnknownArgumentType] (JSON)
        elif above + name in _PAIRS:
            lines += [(f"{above}{name}.{key}", text) for key, text in value]
        else:
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            lines.append((f"{above}{name}", text))
    return lines


@app.command("redrive")
def redrive_letters(  # noqa: PLR0913 (a command's options)
    settings_file: SettingsFile = None,
    *,
    reason: Reasons = None,
    identity: Annotated[
        list[str] | None, typer.Option("--id", help="Only this letter. Repeatable.")
    ] = None,
    kind: Kind = None,
    since: Since = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the result of each, publish nothing.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Process dead letters again with today's code, and publish the events.

    A letter of stage forward is sent to its application again, at the origin that BRIDGE_REPLIES_FILE
    says.

    The letters stay on their topic. Running it twice publishes duplicates with the same ids. Exit
    code 1 if a letter is still dead, or if an --id is not found.
    """
    logs.configure("console", "error")
    settings = load(settings_file, Need.KAFKA)
    letter_filter = _parse_filter(ids=identity, reasons=reason, kind=kind, since=since)
    results: list[RedriveResult] = []
    as_json = output.wants_json(json)
    try:
        asyncio.run(_redrive(settings, letter_filter, results, dry_run=dry_run, as_json=as_json))
    except (CannotRead, Unavailable) as error:
        if results:
            _print_results(results, as_json=as_json)
        output.print_stderr(f"{error}; the remaining letters were not tried")
        raise typer.Exit(EXIT_CANNOT_CONNECT) from None
    except KeyboardInterrupt:
        if results:
            _print_results(results, as_json=as_json)
        output.print_stderr(
            "stopped: the letter in progress may be published or forwarded all the same; the remaining "
            "letters were not tried"
        )
        raise
    _print_results(results, as_json=as_json)
    absent = letter_filter.ids - {result.letter.id for result in results}
    for one in sorted(absent):
        output.print_stderr(f"no dead letter has the id {one}")
    if absent or any(result.outcome == "still_dead" for result in results):
        raise typer.Exit(1)


async def _redrive(
    settings: Settings,
    letter_filter: LetterFilter,
    results: list[RedriveResult],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    names = make_naming(settings)
    redriver = Redriver(Parser(catalogue.load_catalogue(), settings.context_parameters), names)
    letters = read_letters(make_connection(settings), names, letter_filter)
    async with contextlib.aclosing(letters) as found:
        first = await anext(found, None)  # a Kafka that cannot be reached is noticed at once
        if first is None:
            return
        async with (
            _open_publisher(settings, dry_run=dry_run) as publisher,
            _open_applications(settings) as applications,
        ):
            redriven = redrive_all(_prepend(first, found), redriver, publisher, _now, applications)
            async for result in redriven:
                results.append(result)
                if as_json:
                    output.emit_json_lines([_result_line(result)])


@contextlib.asynccontextmanager
async def _open_applications(settings: Settings) -> AsyncGenerator[Applications]:
    """Yield the applications that the rules declare; none if the rules cannot be used."""
    # They import the whole server, which no other command here needs.
    from bridge.app.applications import LateApplications  # noqa: PLC0415
    from bridge.app.rules_file import RulesRefused, load_replies  # noqa: PLC0415

    try:
        loaded = load_replies(settings.replies_file, catalogue.load_catalogue())
    except RulesRefused as error:
        output.print_stderr(f"{error}\nno application is called, because the rules cannot be used")
        yield NoApplications()
        return
    applications = LateApplications(settings, loaded.replies)
    try:
        yield applications
    finally:
        await applications.close()


async def _prepend(
    first: DeadLetter, others: AsyncIterator[DeadLetter]
) -> AsyncIterator[DeadLetter]:
    yield first
    async for letter in others:
        yield letter


@contextlib.asynccontextmanager
async def _open_publisher(settings: Settings, *, dry_run: bool) -> AsyncGenerator[Publisher | None]:
    """Run a publisher; None for a dry run. Raises Unavailable if Kafka cannot be reached."""
    if dry_run:
        yield None
        return
    opened = open_publisher(
        make_connection(settings),
        PublishRules(settings.kafka.idempotence, settings.kafka.ack_timeout_s),
        flush_timeout_s=settings.kafka.flush_timeout_s,
    )
    async with opened as publisher:
        yield publisher


def _result_line(result: RedriveResult) -> dict[str, object]:
    """Return the result of one letter as JSON."""
    redriven = result.rebuilt
    event = redriven.event if redriven else None
    return {
        "id": result.letter.id,
        "reason": result.letter.summary["reason"],
        "position": result.letter.position,
        "result": result.outcome,
        "reason_now": result.reason,
        "event_id": event.id if event else None,
        "callback_type": event.type.name if event else None,
        "topics": [record.topic for record in redriven.records] if redriven else [],
    }


def _print_results(results: list[RedriveResult], *, as_json: bool) -> None:
    """Print all results: a table on a terminal, and totals on standard error."""
    if not as_json:
        head = ("id", "was", "result", "event", "type", "published to")
        lines = [_result_line(result) for result in results]
        rows = [
            (
                str(line["id"]),
                str(line["reason"]),
                str(line["result"]) + (f": {result.reason}" if result.reason else ""),
                str(line["event_id"] or "-"),
                str(line["callback_type"] or "-"),
                ", ".join(record.topic for record in result.rebuilt.records)
                if result.rebuilt
                else "-",
            )
            for result, line in zip(results, lines, strict=True)
        ]
        output.show(output.make_table(head, rows))
    sums = Counter(result.outcome.replace("_", " ") for result in results)
    output.print_stderr(
        ", ".join(f"{count} {result}" for result, count in sums.items()) or "no dead letters"
    )
