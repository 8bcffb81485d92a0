"""Faults of a real disk, each in a process of its own: ``python -m tests.spool.faults NAME DIRECTORY``.

For ``full``, ``filled`` and ``read_only``, DIRECTORY has to be a small file system of its own.
"""

import asyncio
import contextlib
import resource
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from bridge.spool import SpoolUnwritable
from bridge.spool.spool import DiskSpool
from tests.support.spool import Kafka, callback, disk_spool, drain_of, held_names, name_of, opened
from tests.support.waiting import until

PADDING: Final = 2000
MANY: Final = 2000


async def append_until_it_fails(spool: DiskSpool) -> list[str]:
    """Return the names of what was kept; what was not is called ``refused``."""
    kept: list[str] = []
    for number in range(MANY):
        name = f"{number} kept"
        try:
            await spool.append(callback(name, b"%d" % (number % 7), padding=PADDING))
        except SpoolUnwritable:
            return kept
        kept.append(name)
    raise AssertionError


async def works_again(spool: DiskSpool, kept: list[str]) -> None:
    """Return when the spool is written again, with what was kept and nothing else in it."""
    await until(lambda: spool.writable)
    await spool.append(callback("after"))
    assert await held_names(spool) == [*kept, "after"]


async def drained(spool: DiskSpool) -> list[str]:
    kafka = Kafka()
    drain = drain_of(spool, kafka)
    drain.start()
    await until(lambda: spool.state.callbacks == 0)
    await drain.stop(5.0)
    return kafka.names()


async def full(directory: Path) -> None:
    """The spool itself has filled its disk, and nobody makes room."""
    async with opened(directory) as spool:
        kept = await append_until_it_fails(spool)
        assert len(kept) > 10
        assert not spool.writable
        assert spool.state.callbacks == len(kept)
        names = await drained(spool)
        assert sorted(names) == sorted(kept)
        await works_again(spool, [])
        assert await drained(spool) == ["after"]


async def filled(directory: Path) -> None:
    """Somebody else has filled the disk, and makes room later."""
    ballast = directory / "ballast"
    ballast.write_bytes(bytes(500_000))
    async with opened(directory) as spool:
        kept = await append_until_it_fails(spool)
        ballast.unlink()
        await works_again(spool, kept)
    async with opened(directory) as spool:
        assert sorted(await drained(spool)) == sorted([*kept, "after"])


async def full_at_the_start(directory: Path) -> None:
    """A disk that is full when the process starts is used as soon as there is room."""
    ballast = directory / "ballast"
    async with opened(directory) as spool:
        await spool.append(callback("before"))
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    async with opened(directory) as spool:
        assert not spool.writable
        ballast.unlink()
        await works_again(spool, ["before"])


async def read_only(directory: Path) -> None:
    """A disk that is read-only at the start is used as soon as it can be written."""
    async with opened(directory) as spool:
        await spool.append(callback("before", b"held"))
    remount(directory, "ro")
    async with opened(directory) as spool:
        assert not spool.writable
        remount(directory, "rw")
        await works_again(spool, ["before"])
        assert spool.has_pending(b"held")


def remount(directory: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", directory], check=True)


async def file_size(directory: Path) -> None:
    """The process may not make its files larger for a while."""
    async with opened(directory) as spool:
        limit(600_000)
        kept = await append_until_it_fails(spool)
        assert len(kept) > 10
        limit(resource.RLIM_INFINITY)
        await works_again(spool, kept)
        limit(0)
        kafka = Kafka()
        kafka.stuck_keys = {b"call"}  # "after" stays, so the file is not useless
        drain = drain_of(spool, kafka)
        drain.start()
        await until(lambda: len(kafka.names()) >= len(kept))
        await until(lambda: not spool.writable)
        limit(resource.RLIM_INFINITY)
        await until(lambda: spool.state.callbacks == 1)
        await drain.stop(5.0)
        assert sorted(name_of(one) for one in kafka.arrived if one.topic == "events") == sorted(
            kept
        )
        assert await held_names(spool) == ["after"]
    spool = disk_spool(directory)
    limit(0)
    await spool.open()
    assert not spool.writable
    limit(resource.RLIM_INFINITY)
    await until(lambda: spool.writable)
    assert await held_names(spool) == ["after"]
    await spool.close()


def limit(size_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


SCENARIOS: Final[dict[str, Callable[[Path], Awaitable[None]]]] = {
    scenario.__name__: scenario
    for scenario in (full, filled, full_at_the_start, read_only, file_size)
}


async def main(name: str, directory: str) -> None:
    await SCENARIOS[name](Path(directory))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
