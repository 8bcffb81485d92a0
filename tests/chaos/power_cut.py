"""Power cuts: ``python -m tests.chaos.power_cut``, which ``make chaos`` runs. Needs ``cc``.

1. The interposer's log has every change to the spool's files in its order, and the acknowledgements
   among them. A power cut can come after any number of changes.
2. What was fsynced before the cut is on the disk: the content of a file by an fsync of the file, its
   name by one of the directory.
3. Of later writes, any of the 512-byte sectors may be on the disk, in any combination: none, all, those
   up to some moment, or a random choice. Other sectors have their old content, or zeros. Of later
   creations and removals of names, those up to some moment are on the disk.
4. A bridge that starts with the remains must find every callback that was acknowledged before the cut
   and was not being removed.
"""

import asyncio
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated, Final

import typer

from bridge.spool.locking import spool_files
from bridge.telemetry import logs
from tests.chaos.interposed import compiled, work
from tests.support.spool import held_names, opened
from tests.support.waiting import until

SECTOR_BYTES: Final = 512
_HEAD: Final = struct.Struct("=qQ")
_SKIPPED: Final = ("-shm", ".lock")


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the interposer's log."""

    op: str
    path: str
    offset: int
    data: bytes


def changes_in(log: bytes) -> Iterator[Change]:
    """Yield the changes of a log."""
    at = 0
    while at < len(log):
        op, length = chr(log[at]), int.from_bytes(log[at + 1 : at + 5], "little")
        path = log[at + 5 : at + 5 + length].decode()
        at += 5 + length
        offset, size = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        yield Change(op, path, offset, log[at : at + size])
        at += size


@dataclass(slots=True)
class _File:
    """A file: what is certainly on the disk, and what was done to it since."""

    durable: bytes = b""
    pending: list[Change] = field(default_factory=list)

    def sync(self) -> None:
        content = bytearray(self.durable)
        for change in self.pending:
            _apply(content, change, 0, len(change.data))
        self.durable, self.pending = bytes(content), []


@dataclass(slots=True)
class Machine:
    """A disk with a cache that a power cut empties."""

    files: dict[str, _File] = field(default_factory=dict)  # as a process sees them
    durable: dict[str, _File] = field(default_factory=dict)  # the names on the disk
    pending: list[tuple[Change, _File | None]] = field(default_factory=list)  # of names
    acknowledged: set[str] = field(default_factory=set)

    def do(self, change: Change) -> None:
        """Take a change: rules 1 and 2."""
        if change.path.endswith("/acks"):
            for line in change.data.decode().split():
                (self.acknowledged.add if line[0] == "+" else self.acknowledged.discard)(line[1:])
        elif change.op == "C":
            self.files[change.path] = _File()
            self.pending.append((change, self.files[change.path]))
        elif change.op == "U":
            self.files.pop(change.path, None)
            self.pending.append((change, None))
        elif change.op == "R":
            moved = self.files.pop(change.path, None) or _File()
            self.files[change.data.decode()] = moved
            self.pending.append((change, moved))
        elif change.op == "S" and change.path not in self.files:  # a directory
            for one, file in self.pending:
                _rename(self.durable, one, file)
            self.pending.clear()
        elif change.path in self.files:
            file = self.files[change.path]
            if change.op == "S":
                file.sync()
            else:
                file.pending.append(change)

    def after_cut(self, chance: Random) -> dict[str, bytes]:
        """Return the files that a cut leaves: rule 3."""
        names = dict(self.durable)
        for one, file in self.pending[: chance.randint(0, len(self.pending))]:
            _rename(names, one, file)
        return {path: _torn(file, chance) for path, file in names.items()}


def _rename(names: dict[str, _File], change: Change, file: _File | None) -> None:
    names.pop(change.path, None)
    if file is not None:
        names[change.data.decode() if change.op == "R" else change.path] = file


def _torn(file: _File, chance: Random) -> bytes:
    content = bytearray(file.durable)
    share = chance.choice((0.0, 1.0, chance.random(), chance.random()))
    until = chance.choice((len(file.pending), chance.randint(0, len(file.pending))))
    for change in file.pending[:until]:
        if change.op == "T":
            if chance.random() < share:
                _apply(content, change, 0, 0)
            continue
        first = -(change.offset % SECTOR_BYTES)
        for begin in range(first, len(change.data), SECTOR_BYTES):
            if chance.random() < share:
                _apply(content, change, max(0, begin), begin + SECTOR_BYTES)
    return bytes(content)


def _apply(content: bytearray, change: Change, begin: int, end: int) -> None:
    if change.op == "T":
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
        return
    data, at = change.data[begin:end], change.offset + begin
    content.extend(bytes(max(0, at - len(content))))
    content[at : at + len(data)] = data


async def lost_after(files: dict[str, bytes], acknowledged: set[str], folder: Path) -> set[str]:
    """Return the callbacks that a bridge does not find in what a cut left: rule 4."""
    for path, content in files.items():
        if not path.endswith(_SKIPPED):
            (folder / Path(path).name).write_bytes(content)
    async with opened(folder, bytes_max=10**9, records_max=10**7, scan_s=0.01) as spool:
        await until(lambda: len(spool_files(folder)) == 1)  # a second file is adopted
        names = set(await held_names(spool))
    return acknowledged - names


def cut_often(log: bytes, *, cuts: int, seed: int) -> tuple[int, int]:
    """Return how many acknowledged callbacks were looked for after all cuts, and how many were lost."""
    chance = Random(seed)
    changes = list(changes_in(log))
    moments = sorted(chance.randrange(1, len(changes) + 1) for _ in range(cuts))
    machine, done, looked_for, lost = Machine(), 0, 0, 0
    for moment in moments:
        for change in changes[done:moment]:
            machine.do(change)
        done = moment
        with tempfile.TemporaryDirectory(prefix="power-cut-") as folder:
            files = machine.after_cut(chance)
            missing = asyncio.run(lost_after(files, set(machine.acknowledged), Path(folder)))
        looked_for += len(machine.acknowledged)
        lost += len(missing)
    return looked_for, lost


def main(
    *,
    runs: Annotated[int, typer.Option(min=1, help="Processes that are logged.")] = 5,
    cuts: Annotated[int, typer.Option(min=1, help="Power cuts of each.")] = 200,
    callbacks: Annotated[int, typer.Option(min=4, help="Callbacks of each.")] = 400,
) -> None:
    """Cut the power of logged runs at random moments, have random calls fail, and look for losses."""
    logs.configure("console", "error")
    total_lost = 0
    with tempfile.TemporaryDirectory(prefix="power-cut-") as name:
        folder = Path(name)
        library = compiled(folder)
        for run in range(1, runs + 1):
            log = folder / f"{run}.log"
            work(library, folder / str(run), callbacks=callbacks, seed=run, log=log)
            looked_for, lost = cut_often(log.read_bytes(), cuts=cuts, seed=run)
            total_lost += lost
            typer.echo(f"power cut {cuts} times, seed {run}: {looked_for} looked for, {lost} lost")
            for error in ("EIO", "ENOSPC"):
                failing = folder / f"{run}-{error}"
                work(library, failing, callbacks=callbacks, seed=run, error=error)
                looked_for, lost = after_errors(failing)
                total_lost += lost
                typer.echo(f"random {error}, seed {run}: {looked_for} looked for, {lost} lost")
    if total_lost:
        raise typer.Exit(1)


def after_errors(folder: Path) -> tuple[int, int]:
    """Return how many callbacks were acknowledged although calls failed, and how many are lost."""
    machine = Machine()
    machine.do(Change("W", "/acks", 0, (folder / "acks").read_bytes()))
    lost = asyncio.run(lost_after({}, machine.acknowledged, folder / "spool"))
    return len(machine.acknowledged), len(lost)


if __name__ == "__main__":
    typer.run(main)
