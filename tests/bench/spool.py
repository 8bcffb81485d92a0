"""What an fsynced callback costs in the spool, beside the same disk's raw writes, in one run.

Rounds of all variants follow each other in turn, so that a busy minute of the disk falls on all of
them. A callback is an event and a journal record of 1,400 bytes each.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.core.record import Record
from bridge.spool.spool import DiskSpool, SpoolLimits

ROUNDS: Final = 3
ROUND_S: Final = 1.5
VALUE: Final = b"x" * 1400
WAITERS: Final = (1, 20, 200)


@dataclass(frozen=True, slots=True)
class Measured:
    """One round: callbacks or writes a second, and CPU for each."""

    per_s: float
    cpu_us: float


def callback(number: int) -> tuple[Record, Record]:
    key = b"%036d" % number
    return Record("event", key, VALUE, (), 0), Record("journal", key, VALUE, (), 0)


async def spooling(folder: Path, waiters: int) -> Measured:
    spool = DiskSpool(folder, SpoolLimits(1 << 40, 1 << 40, append_timeout_s=30.0))
    await spool.open()
    done = 0
    until_s = time.perf_counter() + ROUND_S

    async def waiter(first: int) -> None:
        nonlocal done
        number = first
        while time.perf_counter() < until_s:
            await spool.append(callback(number))
            number += waiters
            done += 1

    measured = await timed(lambda: asyncio.gather(*map(waiter, range(waiters))), lambda: done)
    await spool.close()
    empty(folder)
    return measured


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


async def raw(folder: Path, group: int) -> Measured:
    """Write as many bytes as ``group`` callbacks have, and fdatasync, again and again."""
    path = folder / "raw"
    done = 0

    def write() -> None:
        nonlocal done
        until_s = time.perf_counter() + ROUND_S
        with path.open("wb", buffering=0) as file:
            while time.perf_counter() < until_s:
                file.write(VALUE * 2 * group)
                os.fdatasync(file.fileno())
                done += group

    measured = await timed(lambda: asyncio.to_thread(write), lambda: done)
    path.unlink()
    return measured


async def timed(work: Callable[[], Awaitable[object]], done: Callable[[], int]) -> Measured:
    started, cpu = time.perf_counter(), time.process_time()
    await work()
    took_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    return Measured(done() / took_s, cpu_s / done() * 1e6)


async def measure(folder: Path) -> dict[str, list[Measured]]:
    rounds: dict[str, list[Measured]] = {}
    for _ in range(ROUNDS):
        for size in WAITERS:
            named = f"write + fdatasync, {size} callbacks at a time"
            rounds.setdefault(named, []).append(await raw(folder, size))
            named = f"spool, {size} waiting"
            rounds.setdefault(named, []).append(await spooling(folder, size))
    return rounds


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else ".") as folder:
        rounds = asyncio.run(measure(Path(folder)))
    print("| | callbacks/s | CPU per callback |\n|---|---|---|")
    for name, measured in rounds.items():
        per_s = statistics.median(one.per_s for one in measured)
        cpu_us = statistics.median(one.cpu_us for one in measured)
        print(f"| {name} | {per_s:,.0f} | {cpu_us:.0f} µs |")


if __name__ == "__main__":
    main()
