"""A replay as the command line runs it: planned, begun or gone on with, watched, summed up."""

import asyncio
import secrets
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import typer

from bridge.app.build import make_replay_connection
from bridge.cli import output
from bridge.cli.replay import request
from bridge.cli.replay.output import ProgressBar, existing_topics, show_end, show_plan, show_start
from bridge.cli.replay.request import RunRequest
from bridge.cli.replay.resume import (
    add_skipped,
    choose_progress_file,
    refuse_finished,
    refuse_other_replay,
)
from bridge.cli.replay.retention import (
    RetentionLoss,
    add_journal_command,
    find_retention_loss,
    journal_derive_command,
    with_fixed_times,
)
from bridge.normalise.time import to_rfc3339
from bridge.reader.merged_reader import count_offsets
from bridge.reader.selection import Query, find_query_ranges
from bridge.reader.topic_reader import RecordsMissing
from bridge.replay import ReplayRun
from bridge.replay.plan import Plan, PlanContext, load_plan, make_plan
from bridge.replay.progress import (
    Destination,
    Progress,
    load_progress,
    lock_progress,
    new_progress,
    save_progress,
)
from bridge.replay.recover import recover_progress
from bridge.replay.run import RunHooks, run_replay
from bridge.replay.targets.choose import map_topics, open_target
from bridge.replay.targets.new_topic import find_shorter_retention
from bridge.settings.load import Settings

EXIT_INCOMPLETE = 1
_EXIT_STOPPED = 130

_State = Literal["done", "already_done", "stopped"]


async def plan_replay(
    settings: Settings, query: Query, command: str
) -> tuple[Plan, RetentionLoss | None]:
    """Return the plan of a query, everything that may be wanted read, and what is no longer there.

    ``command`` gets the same from the journal. Raises CannotRead and RecordsMissing.
    """
    kafka = make_replay_connection(settings)
    topics = request.query_topics(query, settings.topic_prefix)
    within = request.resolve_window(query)
    if query.source == "events" and not query.types and not query.offsets:
        topics = await existing_topics(kafka, topics)
    try:
        among = await find_query_ranges(kafka, topics, query, within)
    except RecordsMissing as error:
        raise add_journal_command(error, query, command) from error
    read = 0
    with ProgressBar("planning", count_offsets(among)) as counting:

        def count(records: int) -> None:
            nonlocal read
            read += records
            counting.update(read)

        context = PlanContext(secrets.token_hex(4), _now(), time.monotonic, on_read=count)
        made = await make_plan(kafka, among, query, within=within, context=context)
    loss = await find_retention_loss(
        kafka, made, topics, prefix=settings.topic_prefix, command=command
    )
    return made, loss


async def start_or_resume(settings: Settings, asked: RunRequest) -> int:
    """Return the exit code of a replay, begun or gone on with.

    Raises BadParameter, and what makes the command end with one line.
    """
    stamp = ReplayRun(secrets.token_hex(4), _now())
    file = choose_progress_file(asked, stamp)
    with lock_progress(file):
        progress = load_progress(file)
        is_new = progress is None
        if progress is None:
            progress = await _start(settings, asked, stamp)
        else:
            refuse_other_replay(asked, progress, file)
            if progress.finished_at is not None:
                refuse_finished(asked, progress, file)
                return _report_end(progress, file, state="already_done")
        if not progress.plan.records:
            return _report_end(progress, file, state="done")
        progress = add_skipped(progress, asked.skipped)
        begun_s, before = time.monotonic(), progress.records
        try:
            progress = await _run(settings, asked, progress, file=file, is_new=is_new)
        except RecordsMissing as error:
            made = progress.plan
            command = journal_derive_command(
                with_fixed_times(made),
                progress.destination,
                prefix=settings.topic_prefix,
                settings_file=asked.settings_file,
            )
            raise add_journal_command(error, made.query, command) from error
        took_s = max(time.monotonic() - begun_s, 1e-9)
        state: _State = "stopped" if progress.finished_at is None else "done"
        return _report_end(progress, file, state=state, rate=(progress.records - before) / took_s)


async def _start(settings: Settings, asked: RunRequest, stamp: ReplayRun) -> Progress:
    destination = asked.destination or Destination("new-topic")
    if asked.plan_file is not None:
        made = load_plan(asked.plan_file)
    else:
        command = journal_derive_command(
            asked.query,
            destination,
            prefix=settings.topic_prefix,
            settings_file=asked.settings_file,
        )
        made, loss = await plan_replay(settings, asked.query, command)
        show_plan(made, loss, as_json=False)
    if destination.kind == "url" and made.query.source != "journal":
        message = "requests are in the journal alone: plan with --from journal"
        raise typer.BadParameter(message, param_hint="--to-url")
    if destination.kind == "live":
        await _warn_of_retention(settings, made)
        if asked.plan_file is None and not asked.yes:
            _confirm_live(made)
    return new_progress(made, destination, stamp)


def _confirm_live(made: Plan) -> None:
    if not (output.on_terminal() and sys.stdin.isatty()):
        message = (
            "there is nobody to ask whether this goes into the live topics: say --yes, or --plan"
        )
        raise typer.BadParameter(message, param_hint="--to-live")
    topics = ", ".join(made.topics)
    output.confirm(f"Replay {made.records:,} records into {topics}?")


async def _warn_of_retention(settings: Settings, made: Plan) -> None:
    if made.first_ms is None:
        return
    age_ms = int(time.time() * 1000) - made.first_ms  # noqa: TID251 (the doorway's clock)
    for name, kept_ms in (
        await find_shorter_retention(make_replay_connection(settings), made.topics, age_ms=age_ms)
    ).items():
        days = kept_ms / 86_400_000
        output.print_stderr(
            f"{name} keeps records for {days:g} days, and some of these are older: Kafka may delete "
            "them again at once"
        )


async def _run(
    settings: Settings, asked: RunRequest, progress: Progress, *, file: Path, is_new: bool
) -> Progress:
    kafka = make_replay_connection(settings)
    stopping = asyncio.Event()
    _stop_on_signals(stopping)
    async with open_target(
        kafka,
        progress,
        idempotence=settings.kafka.idempotence,
        at_once=asked.pace is not None,
    ) as target:
        if is_new:
            save_progress(file, progress)
        elif progress.destination.kind == "new-topic":
            progress = await recover_progress(kafka, progress, map_topics(progress))
        show_start(progress.records, progress.plan.records, file)
        with ProgressBar("replaying", progress.plan.records) as counting:
            counting.update(progress.records)
            watch = RunHooks(time.monotonic, _now, counting.update, stopping)
            return await run_replay(
                kafka, progress, target, file=file, pace=asked.pace, hooks=watch
            )


def _stop_on_signals(stopping: asyncio.Event) -> None:
    """Have the first signal set ``stopping``, and the next one end the command at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def stop() -> None:
        if stopping.is_set() and task is not None:
            task.cancel()
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _report_end(progress: Progress, file: Path, *, state: _State, rate: float | None = None) -> int:
    """Print the summary, and return the exit code."""
    made = progress.plan
    found = progress.state or {}
    statuses: dict[str, int] = found.get("statuses", {})
    more: dict[str, object] = {
        "statuses": statuses,
        "skipped": list(progress.skipped),
        "not_requests": found.get("not_requests", 0),
        "not_requests_at": found.get("not_requests_at", []),
        "misfits": found.get("misfits", 0),
        "records_per_s": None if rate is None else round(rate),
        "finished_at": progress.finished_at if state == "already_done" else None,
    }
    end: dict[str, object] = {
        "state": state,
        "replay_id": progress.run.id,
        "plan_id": made.id,
        "records": progress.records,
        "records_planned": made.records,
        "bytes": progress.bytes,
        "bytes_planned": made.bytes,
        "to": list(map_topics(progress).values()) or [progress.destination.display_text],
        "progress": str(file),
    }
    show_end(end | {name: of for name, of in more.items() if of})
    if state == "stopped":
        return _EXIT_STOPPED
    refused = any(not status.startswith("2") for status in statuses)
    return EXIT_INCOMPLETE if refused or more["not_requests"] or not _is_complete(progress) else 0


def _is_complete(progress: Progress) -> bool:
    """Say whether everything planned was replayed, and print it where it was something else.

    A topic that was deleted and made again has other records at the same offsets.
    """
    made = progress.plan
    if progress.records == made.records and progress.bytes != made.bytes:
        output.print_stderr(
            f"{progress.bytes:,} bytes were replayed and {made.bytes:,} were planned: was a topic "
            "deleted and made again?"
        )
        return False
    return bool(made.records) and progress.records == made.records


def _now() -> str:
    return to_rfc3339(datetime.now(UTC))  # noqa: TID251 (the doorway's clock)
