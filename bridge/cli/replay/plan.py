"""``callback-bridge replay plan``: count what a replay would read, and fix where it ends."""

import asyncio
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from bridge.app.parts import make_replay_connection
from bridge.cli.exit_codes import EXIT_DIFFERS
from bridge.cli.kafka import existing_topics
from bridge.cli.options import SettingsFile
from bridge.cli.output import JsonOption
from bridge.cli.replay import options
from bridge.cli.replay.options import Filters, query_topics, resolve_window, take_filters
from bridge.cli.replay.output import ProgressBar, show_plan
from bridge.cli.replay.retention import (
    RetentionLoss,
    add_journal_command,
    find_retention_loss,
    journal_plan_command,
)
from bridge.normalise.time import to_rfc3339
from bridge.reader.merged_reader import count_offsets
from bridge.reader.selection import Query, find_query_ranges
from bridge.reader.topic_reader import RecordsMissing
from bridge.replay import CannotWrite, TargetExists
from bridge.replay.atomic_file import write_durably
from bridge.replay.plan import Plan, PlanContext, dump_plan, make_plan
from bridge.settings.load import Need, Settings, load

# Paragraphs, because typer joins the lines of one.
_EXAMPLES: Final = """
callback-bridge replay plan --from journal --since 2026-03-03 --until 2026-03-04 --out tuesday.plan

callback-bridge replay plan --type voice.call.hangup --account MAXXXXXXXXXXXXXXXXXX --since 2h
"""

app = typer.Typer(add_completion=False)


@app.command(epilog=_EXAMPLES)
@take_filters
def plan(
    *,
    source: options.From = "events",
    filters: Filters,
    out: options.Out = None,
    json: JsonOption = False,
    settings_file: SettingsFile = None,
) -> None:
    """Count what a replay would read, and fix where it ends. Writes nothing to Kafka.

    If the topics no longer hold all records of that time, it prints the command that gets them from the
    journal; with --json in `no_longer_held`.

    Exit codes: 0 records found; 1 no records, or offsets are missing; 2 wrong usage, or the file already
    exists; 3 cannot connect to Kafka.
    """
    query = filters.make_query(source)
    if out is not None:  # check before reading, which may take long
        if out.exists():
            raise _already_exists(out)
        if not out.parent.is_dir():
            message = f"{out.parent}: no such folder"
            raise typer.BadParameter(message, param_hint="--out")
    settings = load(settings_file, Need.KAFKA)
    command = journal_plan_command(
        query, prefix=settings.topic_prefix, out=out, settings_file=settings_file
    )
    found, loss = asyncio.run(plan_replay(settings, query, command))
    if out is not None:
        try:
            write_durably(out, [dump_plan(found)], exclusive=True)
        except FileExistsError as error:
            raise _already_exists(out) from error
        except OSError as error:
            message = f"{out}: {error.strerror}"
            raise CannotWrite(message) from error
    show_plan(found, loss, as_json=json)
    if not found.records:
        raise typer.Exit(EXIT_DIFFERS)


def _already_exists(out: Path) -> TargetExists:
    return TargetExists(f"{out} already exists")


async def plan_replay(
    settings: Settings, query: Query, command: str
) -> tuple[Plan, RetentionLoss | None]:
    """Read everything that a query may select; return its plan, and what the topics no longer hold.

    ``command`` is the command that gets the same from the journal. Raises CannotRead and RecordsMissing.
    """
    kafka = make_replay_connection(settings)
    topics = query_topics(query, settings.topic_prefix)
    within = resolve_window(query)
    if query.source == "events" and not query.types and not query.offsets:
        topics = await existing_topics(kafka, topics)
    try:
        ranges = await find_query_ranges(kafka, topics, query, within)
    except RecordsMissing as error:
        raise add_journal_command(error, query, command) from error
    created_at = to_rfc3339(datetime.now(UTC))  # noqa: TID251 (a command reads the clock)
    with ProgressBar("planning", count_offsets(ranges)) as bar:
        context = PlanContext(secrets.token_hex(4), created_at, time.monotonic, on_read=bar.add)
        found = await make_plan(kafka, ranges, query, within=within, context=context)
    loss = await find_retention_loss(
        kafka, found, topics, prefix=settings.topic_prefix, command=command
    )
    return found, loss
