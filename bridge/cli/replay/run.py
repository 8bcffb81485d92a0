"""``callback-bridge replay run``: start or resume a replay, show its progress, report its result."""

import asyncio
import secrets
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import typer

from bridge.app.parts import make_replay_connection
from bridge.cli import output
from bridge.cli.exit_codes import EXIT_DIFFERS, EXIT_STOPPED
from bridge.cli.options import SettingsFile, confirm_on_terminal
from bridge.cli.replay import options
from bridge.cli.replay.options import (
    Filters,
    RunRequest,
    parse_destination,
    parse_pace_option,
    parse_skip_option,
    refuse_plan_with_filters,
    resolve_window,
    take_filters,
)
from bridge.cli.replay.output import ProgressBar, show_end, show_plan, show_start
from bridge.cli.replay.plan import plan_replay
from bridge.cli.replay.retention import (
    add_journal_command,
    journal_derive_command,
    with_fixed_times,
)
from bridge.normalise.time import to_rfc3339
from bridge.reader.selection import Query, parse_position
from bridge.reader.topic_reader import RecordsMissing
from bridge.replay import ReplayRun
from bridge.replay import run as replay_run
from bridge.replay.plan import Plan, load_plan
from bridge.replay.progress import (
    IN_FILES,
    Destination,
    Progress,
    load_progress,
    lock_progress,
    new_progress,
    save_progress,
)
from bridge.replay.run import RunHooks, recover_progress
from bridge.replay.targets.choose import is_output_intact, map_topics, open_target
from bridge.replay.targets.new_topic import find_shorter_retention
from bridge.settings.load import Need, Settings, load

_State = Literal["done", "already_done", "stopped"]

_NOT_REPEATABLE: Final = {"live": "--to-live", "url": "--to-url"}
_EPILOG: Final = (
    "Exit codes: 0 everything planned was replayed; 1 not everything, no records, or a URL answered "
    "other than 2xx; 2 wrong usage, or a file already exists; 3 cannot use Kafka, the disk or the URL: "
    "resume later; 130 stopped."
    """

callback-bridge replay run --plan tuesday.plan

callback-bridge replay run --from journal --since 2026-03-03 --to-jsonl tuesday.jsonl

callback-bridge replay run --type voice.call.hangup --since 2h --to-live --progress hangups.json

callback-bridge replay run --plan tuesday.plan --to-url http://localhost:8080 --pace 50/s
"""
)

app = typer.Typer(add_completion=False)


@app.command(epilog=_EPILOG)
@take_filters
def run(  # noqa: PLR0913 (a command's options)
    *,
    plan_file: options.PlanFile = None,
    source: options.From = "events",
    filters: Filters,
    to_live: options.ToLive = False,
    to_jsonl: options.ToJsonl = None,
    to_csv: options.ToCsv = None,
    to_parquet: options.ToParquet = None,
    to_url: options.ToUrl = None,
    pace: options.PaceOption = None,
    progress_file: options.ProgressFile = None,
    skipped: options.Skipped = None,
    yes: options.Yes = False,
    settings_file: SettingsFile = None,
) -> None:
    """Replay a plan, or the records that the options select; by default into new topics.

    A new topic is named `<topic>.replay.<replay id>` and keeps its records until you delete it.

    A progress file records what is durable. After a crash or Ctrl-C, run the same command with that
    file: it resumes where it stopped.
    """
    query = filters.make_query(source)
    refuse_plan_with_filters(plan_file, query)
    to = parse_destination(live=to_live, jsonl=to_jsonl, csv=to_csv, parquet=to_parquet, url=to_url)
    request = RunRequest(
        query=query,
        plan_file=plan_file,
        destination=to,
        pace=parse_pace_option(pace),
        progress_file=progress_file,
        skipped=parse_skip_option(skipped),
        yes=yes,
        settings_file=settings_file,
    )
    try:
        code = asyncio.run(start_or_resume(load(settings_file, Need.KAFKA), request))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    if code:
        raise typer.Exit(code)


async def start_or_resume(settings: Settings, request: RunRequest) -> int:
    """Start a replay, or resume it from its progress file. Return the exit code.

    Raises BadParameter, and errors that have an exit code.
    """
    replay = ReplayRun(secrets.token_hex(4), _now())
    file = _choose_progress_file(request, replay)
    with lock_progress(file):
        progress = load_progress(file)
        is_new = progress is None
        if progress is None:
            progress = await _start(settings, request, replay)
        else:
            _refuse_other_replay(request, progress, file)
            if progress.finished_at is not None:
                _refuse_finished(request, progress, file)
                return _report_end(progress, file, state="already_done")
        if not progress.plan.records:
            return _report_end(progress, file, state="done")
        progress = _add_skipped(progress, request.skipped)
        started_s, before = time.monotonic(), progress.records
        try:
            progress = await _replay(settings, request, progress, file=file, is_new=is_new)
        except RecordsMissing as error:
            plan = progress.plan
            command = journal_derive_command(
                with_fixed_times(plan),
                progress.destination,
                prefix=settings.topic_prefix,
                settings_file=request.settings_file,
            )
            raise add_journal_command(error, plan.query, command) from error
        took_s = max(time.monotonic() - started_s, 1e-9)
        state: _State = "stopped" if progress.finished_at is None else "done"
        return _report_end(progress, file, state=state, rate=(progress.records - before) / took_s)


async def _start(settings: Settings, request: RunRequest, replay: ReplayRun) -> Progress:
    destination = request.destination or Destination("new-topic")
    if request.plan_file is not None:
        plan = load_plan(request.plan_file)
    else:
        command = journal_derive_command(
            request.query,
            destination,
            prefix=settings.topic_prefix,
            settings_file=request.settings_file,
        )
        plan, loss = await plan_replay(settings, request.query, command)
        show_plan(plan, loss, as_json=False)
    if destination.kind == "url" and plan.query.source != "journal":
        message = "only the journal has the requests: plan with --from journal"
        raise typer.BadParameter(message, param_hint="--to-url")
    if destination.kind == "live":
        await _warn_of_retention(settings, plan)
        if request.plan_file is None and not request.yes:
            names = ", ".join(plan.topics)
            question = f"Replay {plan.records:,} records into {names}?"
            confirm_on_terminal(question, "--to-live", instead="--yes or --plan")
    return new_progress(plan, destination, replay)


async def _warn_of_retention(settings: Settings, plan: Plan) -> None:
    if plan.first_ms is None:
        return
    age_ms = int(time.time() * 1000) - plan.first_ms  # noqa: TID251 (a command reads the clock)
    for name, kept_ms in (
        await find_shorter_retention(make_replay_connection(settings), plan.topics, age_ms=age_ms)
    ).items():
        days = kept_ms / 86_400_000
        output.print_stderr(
            f"{name} keeps records for {days:g} days, and some of these are older: Kafka may delete "
            "them immediately"
        )


async def _replay(
    settings: Settings, request: RunRequest, progress: Progress, *, file: Path, is_new: bool
) -> Progress:
    kafka = make_replay_connection(settings)
    stopping = asyncio.Event()
    _stop_on_signals(stopping)
    async with open_target(
        kafka,
        progress,
        idempotence=settings.kafka.idempotence,
        at_once=request.pace is not None,
    ) as target:
        if is_new:
            save_progress(file, progress)
        elif progress.destination.kind == "new-topic":
            progress = await recover_progress(kafka, progress, map_topics(progress))
        show_start(progress.records, progress.plan.records, file)
        with ProgressBar("replaying", progress.plan.records) as bar:
            bar.update(progress.records)
            hooks = RunHooks(time.monotonic, _now, bar.update, stopping)
            return await replay_run.run_replay(
                kafka, progress, target, file=file, pace=request.pace, hooks=hooks
            )


def _stop_on_signals(stopping: asyncio.Event) -> None:
    """Set ``stopping`` on the first signal; cancel the command on the second."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def stop() -> None:
        if stopping.is_set() and task is not None:
            task.cancel()
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _report_end(progress: Progress, file: Path, *, state: _State, rate: float | None = None) -> int:
    """Print the result, and return the exit code."""
    plan = progress.plan
    found = progress.state or {}
    statuses: dict[str, int] = found.get("statuses", {})
    more: dict[str, object] = {
        "statuses": statuses,
        "skipped": list(progress.skipped),
        "not_requests": found.get("not_requests", 0),
        "not_requests_at": found.get("not_requests_at", []),
        "other_records": found.get("other_records", 0),
        "misfits": found.get("misfits", 0),
        "records_per_s": None if rate is None else round(rate),
        "finished_at": progress.finished_at if state == "already_done" else None,
    }
    end: dict[str, object] = {
        "state": state,
        "replay_id": progress.run.id,
        "plan_id": plan.id,
        "records": progress.records,
        "records_planned": plan.records,
        "bytes": progress.bytes,
        "bytes_planned": plan.bytes,
        "to": list(map_topics(progress).values()) or [progress.destination.display_text],
        "progress": str(file),
    }
    show_end(end | {name: value for name, value in more.items() if value})
    if state == "stopped":
        return EXIT_STOPPED
    refused = any(not status.startswith("2") for status in statuses)
    return EXIT_DIFFERS if refused or more["not_requests"] or not _is_complete(progress) else 0


def _is_complete(progress: Progress) -> bool:
    """Return True if everything planned was replayed. Print a warning if other records were.

    A topic that was deleted and created again has other records at the same offsets.
    """
    plan = progress.plan
    if progress.records == plan.records and progress.bytes != plan.bytes:
        output.print_stderr(
            f"{progress.bytes:,} bytes were replayed, but {plan.bytes:,} were planned: was a topic "
            "deleted and created again?"
        )
        return False
    return bool(plan.records) and progress.records == plan.records


def _now() -> str:
    return to_rfc3339(datetime.now(UTC))  # noqa: TID251 (a command reads the clock)


def _choose_progress_file(request: RunRequest, run: ReplayRun) -> Path:
    """Return the progress file. Raises BadParameter if a retry could not find it again.

    A Kubernetes Job retries with the same arguments. A progress file named after the replay id would be
    another one then, and the retry would send everything a second time.
    """
    if request.progress_file is not None:
        return request.progress_file
    kind = request.destination.kind if request.destination is not None else None
    if request.destination is not None and kind in IN_FILES:
        return Path(f"{request.destination.location}.progress.json")
    if kind in _NOT_REPEATABLE and request.plan_file is None and not output.on_terminal():
        message = (
            "without a terminal pass --progress FILE or --plan FILE too: otherwise a retry would start "
            "from the beginning and send everything again"
        )
        raise typer.BadParameter(message, param_hint=_NOT_REPEATABLE[kind])
    return Path(f"{request.plan_file or f'replay-{run.id}'}.progress.json")


def _refuse_other_replay(request: RunRequest, progress: Progress, file: Path) -> None:
    """Refuse to resume if the progress file is of another replay than the requested one."""
    fault = None
    if request.destination not in {None, progress.destination}:
        place = f" {progress.destination.display_text}".rstrip()
        fault = f"of a replay to another target ({progress.destination.kind}{place})"
    elif request.plan_file is not None:
        if load_plan(request.plan_file).id != progress.plan.id:
            fault = f"of another plan ({progress.plan.id})"
    elif request.query not in {Query(), progress.plan.query}:
        fault = "of a replay with other filters"
    if fault is not None:
        message = f"{file} is {fault}: pass another file, or delete it"
        raise typer.BadParameter(message, param_hint="--progress")
    if progress.destination.kind == "live" and request.destination is None:
        message = f"{file} is of a replay into the live topics: pass --to-live again"
        raise typer.BadParameter(message, param_hint="--to-live")


def _add_skipped(progress: Progress, skipped: tuple[str, ...]) -> Progress:
    """Add records to leave out. Raises BadParameter if the plan does not have one."""
    for text in skipped:
        topic, partition, offset = parse_position(text)
        if not any(
            (one.topic, one.partition) == (topic, partition) and one.begin <= offset < one.end
            for one in progress.plan.ranges
        ):
            message = f"{text} is not in the plan"
            raise typer.BadParameter(message, param_hint="--skip")
    return replace(progress, skipped=tuple(dict.fromkeys([*progress.skipped, *skipped])))


def _refuse_finished(request: RunRequest, progress: Progress, file: Path) -> None:
    """Refuse a finished replay whose output has changed, or whose relative times mean others now."""
    fault = None
    if not is_output_intact(progress):
        fault = f"but {progress.destination.display_text} has changed since"
    elif request.query != Query() and resolve_window(request.query) != progress.plan.window:
        fault = "but its relative times mean another window now"
    if fault is not None:
        message = (
            f"{file}: this replay finished at {progress.finished_at}, {fault}: to replay it again, "
            "delete that file or pass another one"
        )
        raise typer.BadParameter(message, param_hint="--progress")
