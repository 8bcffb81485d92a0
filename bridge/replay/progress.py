"""The progress file of a replay.

1. The file is written beside its final name, fsynced and renamed: after a crash there is either the
   previous file or the new one.
2. It is written only after the target was flushed. So what it counts is durable; records after it are
   replayed again.
"""

import contextlib
import os
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from bridge.reader.merged_reader import OffsetRange
from bridge.replay import ReplayRun, TargetState
from bridge.replay.atomic_file import translate_os_errors, try_lock, write_durably
from bridge.replay.plan import NotAPlan, Plan, parse_plan, read_format
from bridge.telemetry.masking import mask_url

DestinationKind = Literal["new-topic", "live", "jsonl", "csv", "parquet", "url"]
IN_FILES: Final = frozenset[DestinationKind]({"jsonl", "csv", "parquet"})

FORMAT: Final = 1


class InUse(Exception):
    """Another process is running this replay; the text names its file."""


class NotAProgressFile(Exception):
    """The file is not a progress file of this version; the text says why."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where records go: ``location`` is a path or a URL, empty for topics."""

    kind: DestinationKind
    location: str = ""

    @property
    def display_text(self) -> str:
        """Return the location for messages: a URL without its user and password."""
        return mask_url(self.location) if self.kind == "url" else self.location


@dataclass(frozen=True, slots=True)
class Progress:
    """A replay, and how much of it is durable. ``next`` has the offset to continue at, per plan part.

    ``records`` and ``bytes`` count what was replayed; ``skipped`` lists positions to leave out.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    format: int
    run: ReplayRun
    destination: Destination
    plan: Plan
    next: tuple[int, ...]
    records: int = 0
    bytes: int = 0
    skipped: tuple[str, ...] = ()
    state: TargetState | None = None
    finished_at: str | None = None

    @property
    def remaining(self) -> list[OffsetRange]:
        """Return the offset ranges that are not read yet."""
        moved = [
            replace(one, begin=begin)
            for one, begin in zip(self.plan.ranges, self.next, strict=True)
        ]
        return [one for one in moved if one.begin < one.end]


def new_progress(plan: Plan, destination: Destination, run: ReplayRun) -> Progress:
    """Return the progress of a new replay."""
    begins = tuple(one.begin for one in plan.ranges)
    return Progress(FORMAT, run, destination, plan, begins)


_READER: Final = TypeAdapter(Progress)


def load_progress(file: Path) -> Progress | None:
    """Return the progress in a file, None if there is no file; raises NotAProgressFile."""
    try:
        value: Any = orjson.loads(file.read_bytes())
        found = read_format(value)
        if found is not None and found != FORMAT:
            message = f"{file}: progress of format {found}, and this version reads format {FORMAT}"
            raise NotAProgressFile(message)
        progress = _READER.validate_python(value)
        parse_plan(value["plan"])
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{file}: {error.strerror}"
        raise NotAProgressFile(message) from error
    except (orjson.JSONDecodeError, ValidationError) as error:
        message = f"{file}: not a replay's progress"
        raise NotAProgressFile(message) from error
    except NotAPlan as error:
        message = f"{file}: {error}"
        raise NotAProgressFile(message) from error
    if not _is_within_plan(progress):
        message = f"{file}: not a replay's progress: next: not within the plan"
        raise NotAProgressFile(message)
    return progress


def _is_within_plan(progress: Progress) -> bool:
    ranges = progress.plan.ranges
    return len(progress.next) == len(ranges) and all(
        0 <= one.begin <= at <= one.end for one, at in zip(ranges, progress.next, strict=True)
    )


@contextlib.contextmanager
def lock_progress(file: Path) -> Generator[None]:
    """Keep other processes from running the replay whose progress is in ``file``.

    Raises InUse, and CannotWrite if the lock file cannot be created.
    """
    lock_file = file.with_name(f"{file.name}.lock")
    with translate_os_errors(lock_file):
        number = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not try_lock(number, lock_file):
            message = f"{file}: another process is running this replay"
            raise InUse(message)
        try:
            yield
        finally:
            # Removed while locked: a process that opened the old file notices (see ``try_lock``).
            lock_file.unlink(missing_ok=True)
    finally:
        os.close(number)  # this unlocks it


def save_progress(file: Path, progress: Progress) -> None:
    """Write the progress to disk: rule 1. Raises CannotWrite."""
    with translate_os_errors(file):
        write_durably(file, [orjson.dumps(progress)])
