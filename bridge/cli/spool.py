"""``callback-bridge spool``: show, publish and export the callbacks in the spool."""

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
import typer
from rich.progress import Progress

from bridge.app.parts import make_connection, make_naming
from bridge.cli.exit_codes import EXIT_CANNOT_CONNECT
from bridge.cli.options import SettingsFile
from bridge.cli.output import (
    JsonOption,
    emit_json_lines,
    emit_json_text,
    make_progress,
    make_table,
    print_stderr,
    show,
    wants_json,
)
from bridge.core.dead_letter import to_publish_dead_letter
from bridge.normalise.time import to_rfc3339
from bridge.publish import PublishRules
from bridge.publish.health import KafkaHealth
from bridge.publish.publisher import KafkaPublisher
from bridge.settings.load import Need, Settings, SettingsRefused, load
from bridge.spool.drain import Drain
from bridge.spool.inspect import SpoolFile, SpoolUnreadable, list_files, read_records
from bridge.spool.spool import DiskSpool, SpoolLimits
from bridge.telemetry import logs

app = typer.Typer(
    add_completion=False,
    help="Show, publish and export the callbacks that wait on disk for Kafka.",
    no_args_is_help=True,
)

Directory = Annotated[
    Path | None,
    typer.Option("--directory", help="The spool's directory. Default: BRIDGE_SPOOL_DIRECTORY."),
]
_POLL_INTERVAL_S = 0.2
_DRAIN_STOP_TIMEOUT_S = 5.0


def _directory(settings: Settings, given: Path | None) -> Path:
    directory = given or settings.spool.directory
    if directory is None:
        message = "BRIDGE_SPOOL_DIRECTORY is not set; set it, or pass --directory"
        raise SettingsRefused(message)
    return directory


def _format_time(epoch_ms: int | None) -> str:
    return to_rfc3339(datetime.fromtimestamp(epoch_ms / 1000, UTC)) if epoch_ms is not None else ""


def _as_json(file: SpoolFile) -> dict[str, Any]:
    return {
        "file": str(file.path),
        "status": file.status,
        "owner": file.owner,
        "callbacks": file.callbacks,
        "records": file.records,
        "bytes": file.bytes,
        "oldest_at": _format_time(file.oldest_at_ms) or None,
        "parked": file.parked,
        "topics": dict(file.topics),
        "fault": file.fault,
    }


@app.command()
def status(
    directory: Directory = None, settings_file: SettingsFile = None, *, json: JsonOption = False
) -> None:
    """Show every spool file: its owner, its callbacks, the oldest one, and the topics.

    A bridge may run meanwhile. Exit code 1 if a file without an owner has records, which a bridge
    publishes when it starts on this directory, or if a file is damaged: no bridge publishes it.
    """
    seen = list_files(_directory(load(settings_file), directory))
    if wants_json(json):
        emit_json_lines(map(_as_json, seen))
    elif not seen:
        show("no spool files: nothing waits for Kafka")
    else:
        head = ("file", "status", "callbacks", "records", "bytes", "oldest", "parked", "topics")
        show(make_table(head, map(_row, seen)))
    if any(file.status != "live" and (file.records or file.fault) for file in seen):
        raise typer.Exit(1)


def _row(file: SpoolFile) -> tuple[str, ...]:
    if file.fault is not None:
        return file.path.name, file.status, "?", "?", "?", "", "?", file.fault
    return (
        file.path.name,
        f"{file.status} ({file.owner})" if file.owner else file.status,
        f"{file.callbacks:,}",
        f"{file.records:,}",
        f"{file.bytes:,}",
        _format_time(file.oldest_at_ms),
        f"{file.parked:,}",
        ", ".join(f"{topic} {records:,}" for topic, records in file.topics),
    )


@app.command("export")
def export_records(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Spool files. Default: all in the directory.")
    ] = None,
    *,
    directory: Directory = None,
    out: Annotated[
        Path | None, typer.Option(help="Write to this file instead of standard output.")
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Write every record as a line of JSON, in order. Of a damaged file, the readable ones.

    Changes nothing. A value that is not text is written in base64. Exit code 3 if a file cannot be read;
    the other files are written all the same.
    """
    paths = files or [file.path for file in list_files(_directory(load(settings_file), directory))]
    count = 0
    unreadable: list[SpoolUnreadable] = []
    with _open_out(out) if out is not None else nullcontext() as target:
        for path in paths:
            try:
                for record in read_records(path):
                    line = orjson.dumps({"file": path.name, **record})
                    count += 1
                    if target is None:
                        emit_json_text(line.decode())
                    else:
                        target.write(line + b"\n")
            except SpoolUnreadable as error:
                print_stderr(str(error), style="red")
                unreadable.append(error)
    print_stderr(f"{count:,} records of {len(paths) - len(unreadable)} files")
    if unreadable:
        raise typer.Exit(EXIT_CANNOT_CONNECT)


@contextmanager
def _open_out(path: Path) -> Generator[BinaryIO]:
    """Open the file of ``--out``. Raises BadParameter if it cannot be written."""
    try:
        with path.open("wb") as file:
            yield file
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise typer.BadParameter(message, param_hint="--out") from error


@app.command()
def drain(
    directory: Directory = None,
    *,
    timeout_s: Annotated[
        float, typer.Option("--timeout", min=1, help="Give up after this many seconds.")
    ] = 3600.0,
    settings_file: SettingsFile = None,
) -> None:
    """Publish the files that have no owner, in order, and wait until all files are empty.

    The bridge that owns a file publishes it; this command publishes files without an owner. It is safe
    to run it while a bridge uses the directory. Exit code 1 if any callback or damaged file is left.
    """
    settings = load(settings_file, Need.KAFKA)
    where = _directory(settings, directory)
    logs.configure("console", "warning")
    logs.silence_library_loggers()
    left = asyncio.run(_drain(settings, where, time.monotonic() + timeout_s))
    waiting = sum(file.callbacks for file in left if file.status != "damaged")
    unpublished = [file for file in left if _cannot_be_published(file)]
    for file in unpublished:
        print_stderr(file.fault or f"{file.path}: {file.status}", style="red")
    if waiting:
        show(f"{waiting:,} callbacks left")
    if unpublished:
        files = f"{len(unpublished):,} files left that cannot be published"
        show(f"{files}: see `callback-bridge spool export`")
    if waiting or unpublished:
        raise typer.Exit(1)
    show("the spool is empty: everything is on Kafka")


def _cannot_be_published(file: SpoolFile) -> bool:
    """Return True for a damaged or unreadable file that may have callbacks."""
    if file.status == "damaged":
        return bool(file.records or file.fault)
    return file.status == "left behind" and file.fault is not None


async def _drain(settings: Settings, directory: Path, until_s: float) -> Sequence[SpoolFile]:
    """Drain, and return the state of the files afterwards."""
    total = sum(file.callbacks for file in list_files(directory) if file.status != "damaged")
    with make_progress() as bar:
        task = bar.add_task("callbacks to Kafka", total=total)
        if any(file.status == "left behind" for file in list_files(directory)):
            await _drain_orphaned(
                settings, directory, until_s, lambda: _update_progress(bar, task, total, directory)
            )
        while _update_progress(bar, task, total, directory) and time.monotonic() < until_s:  # noqa: ASYNC110 (another process drains)
            await asyncio.sleep(_POLL_INTERVAL_S)
    return list_files(directory)


def _update_progress(bar: Progress, task: Any, total: int, directory: Path) -> int:  # noqa: ANN401 (rich's id)
    """Show the progress, and return the number of callbacks that wait and are not parked."""
    seen = [file for file in list_files(directory) if file.status != "damaged"]
    bar.update(task, completed=max(0, total - sum(file.callbacks for file in seen)))
    return sum(file.callbacks - file.parked for file in seen)


async def _drain_orphaned(
    settings: Settings,
    directory: Path,
    until_s: float,
    show_progress: Callable[[], object],
) -> None:
    """Adopt the files without an owner, as a bridge does when it starts, and publish them."""
    health = KafkaHealth()
    publisher = KafkaPublisher(
        make_connection(settings),
        PublishRules(settings.kafka.idempotence, settings.kafka.ack_timeout_s),
        health=health,
    )
    limits = SpoolLimits(
        bytes_max=settings.spool.bytes_max,
        records_max=settings.spool.records_max,
        append_timeout_s=settings.spool.append_timeout_s,
    )
    spool = DiskSpool(directory, limits)
    drain = Drain(
        spool,
        publisher,
        health=health,
        dead_letter=partial(to_publish_dead_letter, naming=make_naming(settings)),
    )
    await spool.open()
    publisher.start()
    drain.start()
    try:
        while time.monotonic() < until_s:
            show_progress()
            state = spool.state
            behind = any(file.status == "left behind" for file in list_files(directory))
            if state.callbacks == state.parked and not behind:
                break
            await asyncio.sleep(_POLL_INTERVAL_S)
    finally:
        await drain.stop(_DRAIN_STOP_TIMEOUT_S)
        await publisher.stop(settings.kafka.flush_timeout_s)
        await spool.close()
