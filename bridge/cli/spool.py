"""``callback-bridge spool``: what waits on the disk, and getting it to Kafka."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import Progress

from bridge.app.build import connection, naming
from bridge.cli.options import SettingsFile
from bridge.cli.output import (
    Json,
    complain,
    json_lines,
    json_text,
    on_terminal,
    progress,
    show,
    table,
)
from bridge.core.dead_letter import to_publish_dead_letter
from bridge.normalise.time import rfc3339
from bridge.publish.breaker import Breaker
from bridge.publish.publisher import KafkaPublisher
from bridge.settings.load import Need, Settings, SettingsRefused, load
from bridge.spool.drain import Drain
from bridge.spool.inspect import SpoolFile, export, look
from bridge.spool.spool import DiskSpool
from bridge.telemetry import logs

app = typer.Typer(
    help="What waits on the disk for Kafka: show it, publish it, write it out.",
    no_args_is_help=True,
)

Directory = Annotated[
    Path | None,
    typer.Option("--directory", help="The spool's directory. Default: BRIDGE_SPOOL_DIRECTORY."),
]
_LOOK_S = 0.2
_END_S = 5.0


def _directory(settings: Settings, given: Path | None) -> Path:
    directory = given or settings.spool.directory
    if directory is None:
        message = "BRIDGE_SPOOL_DIRECTORY is not set; set it, or say --directory"
        raise SettingsRefused(message)
    return directory


def _instant(epoch_ms: int | None) -> str:
    return rfc3339(datetime.fromtimestamp(epoch_ms / 1000, UTC)) if epoch_ms is not None else ""


def _as_object(file: SpoolFile) -> dict[str, Any]:
    return {
        "file": str(file.path),
        "standing": file.standing,
        "owner": file.owner,
        "callbacks": file.callbacks,
        "records": file.records,
        "bytes": file.bytes,
        "oldest_at": _instant(file.oldest_at_ms) or None,
        "parked": file.parked,
        "topics": dict(file.topics),
        "fault": file.fault,
    }


@app.command()
def status(
    directory: Directory = None, settings_file: SettingsFile = None, *, json: Json = False
) -> None:
    """Show every spool file: who holds it, what waits in it, since when, for which topics.

    Works beside a running bridge. Exit code 1 if a file that nobody holds, or that is damaged, has
    records: no bridge will bring them to Kafka by itself unless one starts on this directory.
    """
    seen = look(_directory(load(settings_file), directory))
    if json or not on_terminal():
        json_lines(map(_as_object, seen))
    elif not seen:
        show("no spool files: nothing waits")
    else:
        head = ("file", "standing", "callbacks", "records", "bytes", "oldest", "parked", "topics")
        show(table(head, map(_row, seen)))
    if any(file.standing != "live" and (file.records or file.fault) for file in seen):
        raise typer.Exit(1)


def _row(file: SpoolFile) -> tuple[str, ...]:
    if file.fault is not None:
        return file.path.name, file.standing, "?", "?", "?", "", "?", file.fault
    return (
        file.path.name,
        f"{file.standing} ({file.owner})" if file.owner else file.standing,
        f"{file.callbacks:,}",
        f"{file.records:,}",
        f"{file.bytes:,}",
        _instant(file.oldest_at_ms),
        f"{file.parked:,}",
        ", ".join(f"{topic} {records:,}" for topic, records in file.topics),
    )


@app.command("export")
def write_out(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Spool files. Default: all of the directory.")
    ] = None,
    *,
    directory: Directory = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file, not to the pipe.")] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Write every record as a line of JSON, in order: from live files, and what damaged ones give.

    Changes nothing. Values that are no text are base64.
    """
    paths = files or [file.path for file in look(_directory(load(settings_file), directory))]
    count = 0
    with out.open("wb") if out is not None else nullcontext() as target:
        for path in paths:
            for record in export(path):
                line = orjson.dumps({"file": path.name, **record})
                count += 1
                if target is None:
                    json_text(line.decode())
                else:
                    target.write(line + b"\n")
    complain(f"{count:,} records of {len(paths)} files")


@app.command()
def drain(
    directory: Directory = None,
    *,
    timeout_s: Annotated[
        float, typer.Option("--timeout", min=1, help="Give up after so many seconds.")
    ] = 3600.0,
    settings_file: SettingsFile = None,
) -> None:
    """Publish what was left behind, in order, and wait until live files are drained too.

    A file that a running bridge holds is drained by that bridge; one that nobody holds is drained
    here. Doing this beside a bridge on the same directory is safe. Exit code 1 if anything is left.
    """
    settings = load(settings_file, Need.KAFKA)
    where = _directory(settings, directory)
    logs.configure("console", "warning")
    logs.leave_out_libraries()
    left = asyncio.run(_drain(settings, where, time.monotonic() + timeout_s))
    waiting = sum(file.callbacks for file in left)
    show(f"{waiting:,} callbacks left" if waiting else "everything is on Kafka")
    if waiting:
        raise typer.Exit(1)


async def _drain(settings: Settings, directory: Path, until_s: float) -> Sequence[SpoolFile]:
    """Return what the files hold in the end."""
    total = sum(file.callbacks for file in look(directory) if file.standing != "damaged")
    with progress() as bar:
        task = bar.add_task("callbacks to Kafka", total=total)
        if any(file.standing == "left behind" for file in look(directory)):
            await _drain_left_behind(
                settings, directory, until_s, lambda: _advance(bar, task, total, directory)
            )
        while _advance(bar, task, total, directory) and time.monotonic() < until_s:  # noqa: ASYNC110 (another process drains)
            await asyncio.sleep(_LOOK_S)
    return [file for file in look(directory) if file.standing != "damaged"]


def _advance(bar: Progress, task: Any, total: int, directory: Path) -> int:  # noqa: ANN401 (rich's id)
    """Show how far it is, and return how many callbacks wait that are not parked."""
    seen = [file for file in look(directory) if file.standing != "damaged"]
    bar.update(task, completed=max(0, total - sum(file.callbacks for file in seen)))
    return sum(file.callbacks - file.parked for file in seen)


async def _drain_left_behind(
    settings: Settings,
    directory: Path,
    until_s: float,
    advance: Any,  # noqa: ANN401 (a callable)
) -> None:
    """Take the files nobody holds, as a bridge that starts would, and publish what is in them."""
    publisher = KafkaPublisher(
        connection(settings),
        idempotence=settings.kafka.idempotence,
        ack_timeout_s=settings.kafka.ack_timeout_s,
    )
    breaker = Breaker(time.monotonic)
    spool = DiskSpool(
        directory,
        bytes_max=settings.spool.bytes_max,
        records_max=settings.spool.records_max,
        append_timeout_s=settings.spool.append_timeout_s,
    )
    drain = Drain(
        spool,
        publisher,
        breaker=breaker,
        dead_letter=partial(to_publish_dead_letter, naming=naming(settings)),
    )
    await spool.open()
    publisher.start()
    drain.start()
    try:
        while time.monotonic() < until_s:
            advance()
            state = spool.state
            behind = any(file.standing == "left behind" for file in look(directory))
            if state.callbacks == state.parked and not behind:
                break
            await asyncio.sleep(_LOOK_S)
    finally:
        await drain.stop(_END_S)
        await publisher.stop(settings.kafka.flush_timeout_s)
        await spool.close()
