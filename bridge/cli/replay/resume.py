"""Decide from the progress file whether to start, resume or refuse a replay."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import typer

from bridge.cli import output
from bridge.cli.replay.options import RunRequest, resolve_window
from bridge.reader.selection import Query, parse_position
from bridge.replay import ReplayRun
from bridge.replay.plan import load_plan
from bridge.replay.progress import IN_FILES, Progress
from bridge.replay.targets.choose import is_output_intact

_NOT_REPEATABLE: Final = {"live": "--to-live", "url": "--to-url"}


def choose_progress_file(request: RunRequest, run: ReplayRun) -> Path:
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


def refuse_other_replay(request: RunRequest, progress: Progress, file: Path) -> None:
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


def add_skipped(progress: Progress, skipped: tuple[str, ...]) -> Progress:
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


def refuse_finished(request: RunRequest, progress: Progress, file: Path) -> None:
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
