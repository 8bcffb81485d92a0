"""Which replay is begun and which is gone on with: what the progress file decides."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import typer

from bridge.cli import output
from bridge.cli.replay import request
from bridge.cli.replay.request import RunRequest
from bridge.reader.selection import Query, parse_position
from bridge.replay import ReplayRun
from bridge.replay.plan import load_plan
from bridge.replay.progress import IN_FILES, Progress
from bridge.replay.targets.choose import is_output_intact

_NOT_REPEATABLE: Final = {"live": "--to-live", "url": "--to-url"}


def choose_progress_file(asked: RunRequest, run: ReplayRun) -> Path:
    """Return where progress is kept; raises BadParameter where nobody could say it again.

    A Job that is tried again says the same as the first time, and a file that is named after the replay
    is another one then: what must not be there twice would be sent again from the start.
    """
    if asked.progress_file is not None:
        return asked.progress_file
    kind = asked.destination.kind if asked.destination is not None else None
    if asked.destination is not None and kind in IN_FILES:
        return Path(f"{asked.destination.location}.progress.json")
    if kind in _NOT_REPEATABLE and asked.plan_file is None and not output.on_terminal():
        message = (
            "without a terminal say --progress FILE or --plan FILE too: tried again, it would begin "
            "again, and send again what was sent"
        )
        raise typer.BadParameter(message, param_hint=_NOT_REPEATABLE[kind])
    return Path(f"{asked.plan_file or f'replay-{run.id}'}.progress.json")


def refuse_other_replay(asked: RunRequest, progress: Progress, file: Path) -> None:
    """Refuse to go on with a replay that is not the one that was asked for."""
    fault = None
    if asked.destination not in {None, progress.destination}:
        place = f" {progress.destination.display_text}".rstrip()
        fault = f"of a replay to another place ({progress.destination.kind}{place})"
    elif asked.plan_file is not None:
        if load_plan(asked.plan_file).id != progress.plan.id:
            fault = f"of another plan ({progress.plan.id})"
    elif asked.query not in {Query(), progress.plan.query}:
        fault = "of a replay of something else"
    if fault is not None:
        message = f"{file} is {fault}: name another file, or delete it"
        raise typer.BadParameter(message, param_hint="--progress")
    if progress.destination.kind == "live" and asked.destination is None:
        message = f"{file} is of a replay into the live topics: say that again"
        raise typer.BadParameter(message, param_hint="--to-live")


def add_skipped(progress: Progress, skipped: tuple[str, ...]) -> Progress:
    """Return the progress of a replay that leaves these records out too; raises BadParameter."""
    for text in skipped:
        topic, partition, offset = parse_position(text)
        if not any(
            (one.topic, one.partition) == (topic, partition) and one.begin <= offset < one.end
            for one in progress.plan.ranges
        ):
            message = f"{text} is not in the plan"
            raise typer.BadParameter(message, param_hint="--skip")
    return replace(progress, skipped=tuple(dict.fromkeys([*progress.skipped, *skipped])))


def refuse_finished(asked: RunRequest, progress: Progress, file: Path) -> None:
    """Refuse to take a finished replay for the one that was asked for, where it is not that any more."""
    fault = None
    if not is_output_intact(progress):
        fault = f"and {progress.destination.display_text} is no longer as it was then"
    elif asked.query != Query() and request.resolve_window(asked.query) != progress.plan.window:
        fault = "and its times, counted from now, are others"
    if fault is not None:
        message = (
            f"{file} says that this was finished at {progress.finished_at}, {fault}: delete that file, "
            "or name another one, to replay it again"
        )
        raise typer.BadParameter(message, param_hint="--progress")
