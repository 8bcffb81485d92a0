"""Report records that Kafka has already deleted, with the command that gets them from the journal.

The journal keeps every callback, by default for ever.
"""

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bridge.cli import output
from bridge.core import catalogue
from bridge.core.journal import JOURNAL_TOPIC
from bridge.publish.connection import KafkaConnection
from bridge.reader.selection import Query, parse_offsets
from bridge.reader.topic_reader import CannotRead, RecordsMissing
from bridge.reader.window import format_utc_ms
from bridge.replay.plan import Plan
from bridge.replay.progress import Destination
from bridge.replay.retention import (
    IncompleteTopic,
    find_incomplete_topics,
    find_shortened,
    read_retention_ms,
)

_TOPICS_SHOWN_MAX: Final = 3
_PROGRAM: Final = ("callback-bridge", "replay")


@dataclass(frozen=True, slots=True)
class RetentionLoss:
    """What the topics no longer hold, and the command that gets it from the journal."""

    topics: Sequence[IncompleteTopic]
    since_ms: int | None
    command: str | None
    journal: Sequence[IncompleteTopic] | None
    """What the journal no longer holds either; None if the journal cannot be read."""

    def as_json(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "topics": [
                {"topic": one.topic, "deleted": one.deleted, "oldest": _oldest(one)}
                for one in self.topics
            ],
            "journal_holds_it": None if self.journal is None else not self.journal,
            "command": self.command,
        }


async def find_retention_loss(
    connection: KafkaConnection, plan: Plan, topics: Sequence[str], *, prefix: str, command: str
) -> RetentionLoss | None:
    """Return what the topics no longer hold of a plan's window, None if nothing is known to be gone.

    Raises CannotRead.
    """
    if plan.query.offsets:
        return None
    since_ms, now_ms = plan.window.since_ms, int(time.time() * 1000)  # noqa: TID251 (a command reads the clock)
    parts = await find_shortened(connection, topics)
    kept = await read_retention_ms(connection, parts)
    found = find_incomplete_topics(parts, since_ms, retention_ms=kept, now_ms=now_ms)
    if not found and (plan.query.types or not plan.records):
        # Retention explains most deletions, but a person may have deleted records too. Report that if
        # the user named a topic's type, or if nothing was found.
        found = find_incomplete_topics(parts, since_ms, retention_ms={}, now_ms=now_ms)
    if not found:
        return None
    if plan.query.source == "journal":
        return RetentionLoss(found, since_ms, command=None, journal=found)
    try:
        lost = await find_journal_retention_loss(connection, prefix + JOURNAL_TOPIC, since_ms)
    except CannotRead:  # it does not exist, or we have no permission
        return RetentionLoss(found, since_ms, command, journal=None)
    return RetentionLoss(found, since_ms, command, journal=[] if lost is None else lost.topics)


async def find_journal_retention_loss(
    connection: KafkaConnection, journal: str, since_ms: int | None
) -> RetentionLoss | None:
    """Return what the journal no longer holds, None if it is complete. Raises CannotRead."""
    now_ms = int(time.time() * 1000)  # noqa: TID251 (a command reads the clock)
    parts = await find_shortened(connection, [journal])
    kept = await read_retention_ms(connection, parts)
    found = find_incomplete_topics(parts, since_ms, retention_ms=kept, now_ms=now_ms)
    return RetentionLoss(found, since_ms, command=None, journal=found) if found else None


def show_retention_loss(loss: RetentionLoss | None) -> None:
    """Print the loss and the command on standard error."""
    if loss is None:
        return
    since = "everything" if loss.since_ms is None else f"all since {format_utc_ms(loss.since_ms)}"
    lines = [f"The topics no longer hold {since}. Kafka deletes what is older than a topic keeps:"]
    lines += [f"  {_sentence(one)}" for one in loss.topics[:_TOPICS_SHOWN_MAX]]
    if len(loss.topics) > _TOPICS_SHOWN_MAX:
        lines.append(f"  and {len(loss.topics) - _TOPICS_SHOWN_MAX} more topics")
    if loss.command is not None:
        lines += [_journal_sentence(loss.journal), f"  {loss.command}"]
    output.print_stderr(*lines)


def _journal_sentence(lost: Sequence[IncompleteTopic] | None) -> str:
    if lost is None:
        return "The journal may hold these callbacks. To get them from there:"
    if not lost:
        return "The journal holds these callbacks. To get them from there:"
    return (
        f"The journal no longer holds all of them either ({_sentence(lost[0])}). To get the rest:"
    )


def add_journal_command(error: RecordsMissing, query: Query, command: str) -> RecordsMissing:
    """Add the command to the error, if it is about event topics."""
    if query.source == "journal":
        return error
    return RecordsMissing(f"{error}\nTo get them from the journal:\n  {command}")


def journal_plan_command(
    query: Query, *, prefix: str, out: Path | None, settings_file: Path | None
) -> str:
    """Return the command that plans the same replay from the journal."""
    more = [] if out is None else ["--out", _insert_in_name(out, "journal")]
    words = [*_PROGRAM, "plan", "--from", "journal", *_filter_options(query, prefix), *more]
    return shlex.join([*words, *_settings_option(settings_file)])


def journal_derive_command(
    query: Query, destination: Destination | None, *, prefix: str, settings_file: Path | None
) -> str:
    """Return the command that derives the same events from the journal, into the same target."""
    words = [*_PROGRAM, "derive", *_filter_options(query, prefix), *_target_options(destination)]
    return shlex.join([*words, *_settings_option(settings_file)])


def with_fixed_times(plan: Plan) -> Query:
    """Return a plan's query with absolute times, because ``2h`` means another time by now."""
    since, until = plan.window.since_ms, plan.window.until_ms
    return replace(
        plan.query,
        since=None if since is None else format_utc_ms(since),
        until=None if until is None else format_utc_ms(until),
    )


def _filter_options(query: Query, prefix: str) -> list[str]:
    """Return the filters for the journal. Offsets become the types of their topics."""
    words: list[str] = []
    for option, value in (("--since", query.since), ("--until", query.until)):
        words += [option, value] if value is not None else []
    types = list(query.types) or _types_of_offsets(query, prefix)
    for option, values in (
        ("--type", types),
        ("--call", query.calls),
        ("--message", query.messages),
        ("--account", query.accounts),
    ):
        for value in values:
            words += [option, value]
    return words


def _types_of_offsets(query: Query, prefix: str) -> list[str]:
    topics = {parse_offsets(text).topic for text in query.offsets}
    return [
        kind.name for kind in catalogue.load_catalogue().all_types if prefix + kind.topic in topics
    ]


def _target_options(destination: Destination | None) -> list[str]:
    if destination is None or destination.kind == "new-topic":
        return ["--write", "--all"]
    if destination.kind == "live":
        return ["--write", "--all", "--to-live"]
    return [f"--to-{destination.kind}", _insert_in_name(Path(destination.location), "derived")]


def _insert_in_name(file: Path, word: str) -> str:
    """Insert a word into a file's name: the original name is taken by the first command."""
    return str(file.with_name(f"{file.stem}.{word}{file.suffix}"))


def _settings_option(file: Path | None) -> list[str]:
    return [] if file is None else ["--settings", str(file)]


def _sentence(one: IncompleteTopic) -> str:
    oldest = _oldest(one)
    left = "no record is left" if oldest is None else f"the oldest record left is of {oldest}"
    return f"{one.topic}: {one.deleted:,} records were deleted, {left}"


def _oldest(one: IncompleteTopic) -> str | None:
    return None if one.oldest_ms is None else format_utc_ms(one.oldest_ms)
