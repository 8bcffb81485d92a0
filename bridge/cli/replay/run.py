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

from bridge.app.build import connection
from bridge.cli import output
from bridge.cli.replay import request
from bridge.cli.replay.output import Counting, show_begin, show_end, show_plan, there_of
from bridge.cli.replay.request import Asked
from bridge.cli.replay.resume import progress_file, refuse_another, refuse_finished, skipping
from bridge.cli.replay.retention import (
    Loss,
    at_fixed_times,
    find_loss,
    missing_with_command,
    run_command,
)
from bridge.normalise.time import rfc3339
from bridge.reader.merged_reader import RecordsMissing
from bridge.reader.selection import Query
from bridge.replay import Stamp
from bridge.replay.plan import Plan
from bridge.replay.plan import load as load_plan
from bridge.replay.planning import Making, make_plan, to_read
from bridge.replay.progress import Destination, Progress, held, new, save
from bridge.replay.progress import load as load_progress
from bridge.replay.recover import caught_up
from bridge.replay.run import Watch, run
from bridge.replay.targets.choose import opened, topic_names
from bridge.replay.targets.new_topic import shorter_kept
from bridge.settings.load import Settings

NOT_ALL = 1
_STOPPED = 130

_State = Literal["done", "done_before", "stopped"]


async def planned(settings: Settings, query: Query, command: str) -> tuple[Plan, Loss | None]:
    """Return the plan of a query, everything that may be wanted read, and what is no longer there.

    ``command`` gets the same from the journal. Raises CannotRead and RecordsMissing.
    """
    kafka = connection(settings)
    topics = request.topics_of(query, settings.topic_prefix)
    within = request.window_of(query)
    if query.source == "events" and not query.types and not query.offsets:
        topics = await there_of(kafka, topics)
    try:
        among = await to_read(kafka, topics, query, within)
    except RecordsMissing as error:
        raise missing_with_command(error, query, command) from error
    read = 0
    with Counting("planning", sum(one.end - one.begin for one in among)) as counting:

        def count(records: int) -> None:
            nonlocal read
            read += records
            counting.at(read)

        making = Making(secrets.token_hex(4), _now(), time.monotonic)
        made = await make_plan(kafka, among, query, within=within, making=making, on_read=count)
    loss = await find_loss(kafka, made, topics, prefix=settings.topic_prefix, command=command)
    return made, loss


async def replayed(settings: Settings, asked: Asked) -> int:
    """Return the exit code of a replay, begun or gone on with.

    Raises BadParameter, and what makes the command end with one line.
    """
    stamp = Stamp(secrets.token_hex(4), _now())
    file = progress_file(asked, stamp)
    with held(file):
        progress = load_progress(file)
        is_new = progress is None
        if progress is None:
            progress = await _begun(settings, asked, stamp)
        else:
            refuse_another(asked, progress, file)
            if progress.finished_at is not None:
                refuse_finished(asked, progress, file)
                return _end(progress, file, state="done_before")
        if not progress.plan.records:
            return _end(progress, file, state="done")
        progress = skipping(progress, asked.skipped)
        begun_s, before = time.monotonic(), progress.records
        try:
            progress = await _run(settings, asked, progress, file=file, is_new=is_new)
        except RecordsMissing as error:
            made = progress.plan
            command = run_command(
                at_fixed_times(made),
                progress.destination,
                prefix=settings.topic_prefix,
                settings_file=asked.settings_file,
            )
            raise missing_with_command(error, made.query, command) from error
        took_s = max(time.monotonic() - begun_s, 1e-9)
        state: _State = "stopped" if progress.finished_at is None else "done"
        return _end(progress, file, state=state, rate=(progress.records - before) / took_s)


async def _begun(settings: Settings, asked: Asked, stamp: Stamp) -> Progress:
    destination = asked.destination or Destination("new-topic")
    if asked.plan_file is not None:
        made = load_plan(asked.plan_file)
    else:
        command = run_command(
            asked.query,
            destination,
            prefix=settings.topic_prefix,
            settings_file=asked.settings_file,
        )
        made, loss = await planned(settings, asked.query, command)
        show_plan(made, loss, as_json=False)
    if destination.kind == "url" and made.query.source != "journal":
        message = "requests are in the journal alone: plan with --from journal"
        raise typer.BadParameter(message, param_hint="--to-url")
    if destination.kind == "live":
        await _warn_of_retention(settings, made)
        if asked.plan_file is None and not asked.yes:
            _ask(made)
    return new(made, destination, stamp)


def _ask(made: Plan) -> None:
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
        await shorter_kept(connection(settings), made.topics, age_ms=age_ms)
    ).items():
        days = kept_ms / 86_400_000
        output.complain(
            f"{name} keeps records for {days:g} days, and some of these are older: Kafka may delete "
            "them again at once"
        )


async def _run(
    settings: Settings, asked: Asked, progress: Progress, *, file: Path, is_new: bool
) -> Progress:
    kafka = connection(settings)
    stopping = asyncio.Event()
    _stop_on_signals(stopping)
    async with opened(
        kafka,
        progress,
        idempotence=settings.kafka.idempotence,
        at_once=asked.pace is not None,
    ) as target:
        if is_new:
            save(file, progress)
        elif progress.destination.kind == "new-topic":
            progress = await caught_up(kafka, progress, topic_names(progress))
        show_begin(progress.records, progress.plan.records, file)
        with Counting("replaying", progress.plan.records) as counting:
            counting.at(progress.records)
            watch = Watch(time.monotonic, _now, counting.at, stopping)
            return await run(kafka, progress, target, file=file, pace=asked.pace, watch=watch)


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


def _end(progress: Progress, file: Path, *, state: _State, rate: float | None = None) -> int:
    """Print the summary, and return the exit code."""
    made = progress.plan
    found = progress.state or {}
    statuses: dict[str, int] = found.get("statuses", {})
    more: dict[str, object] = {
        "statuses": statuses,
        "skipped": list(progress.skipped),
        "no_requests": found.get("no_requests", 0),
        "no_requests_at": found.get("no_requests_at", []),
        "misfits": found.get("misfits", 0),
        "records_per_s": None if rate is None else round(rate),
        "finished_at": progress.finished_at if state == "done_before" else None,
    }
    end: dict[str, object] = {
        "state": state,
        "replay_id": progress.stamp.id,
        "plan_id": made.id,
        "records": progress.records,
        "records_planned": made.records,
        "bytes": progress.bytes,
        "bytes_planned": made.bytes,
        "to": list(topic_names(progress).values()) or [progress.destination.shown],
        "progress": str(file),
    }
    show_end(end | {name: of for name, of in more.items() if of})
    if state == "stopped":
        return _STOPPED
    refused = any(not status.startswith("2") for status in statuses)
    return NOT_ALL if refused or more["no_requests"] or not _is_as_planned(progress) else 0


def _is_as_planned(progress: Progress) -> bool:
    """Say whether everything planned was replayed, and print it where it was something else.

    A topic that was deleted and made again has other records at the same offsets.
    """
    made = progress.plan
    if progress.records == made.records and progress.bytes != made.bytes:
        output.complain(
            f"{progress.bytes:,} bytes were replayed and {made.bytes:,} were planned: was a topic "
            "deleted and made again?"
        )
        return False
    return bool(made.records) and progress.records == made.records


def _now() -> str:
    return rfc3339(datetime.now(UTC))  # noqa: TID251 (the doorway's clock)
