"""What happens to the spool's disk."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from tests.chaos.check import Exempt
from tests.chaos.site import PROXIED
from tests.chaos.stage import Scenario, Stage

_DISK_BYTES: Final = 24 * 1_048_576
_FRAME_HEADER_BYTES: Final = 24  # https://sqlite.org/fileformat2.html, the write-ahead log
_PAGE_SIZE_AT: Final = slice(8, 12)


async def _refusing(stage: Stage) -> None:
    """Return when callbacks are refused, which is all that is left to do."""
    before = len(stage.load.attempts)

    async def refusing() -> bool:
        return any(one.status == 503 for one in stage.load.attempts[before:])

    await stage.until(refusing, "nothing was refused, though nothing could be kept")


async def _taking(stage: Stage) -> None:
    """Return when callbacks are taken again."""
    before = len(stage.load.attempts)

    async def taking() -> bool:
        return any(one.accepted for one in stage.load.attempts[before:])

    await stage.until(taking, "nothing was taken, though there was room again")


async def _full(stage: Stage) -> None:
    """Fill the disk up while callbacks go to the spool, and free it again."""
    stage.fault_begins()
    stage.site.swallow()
    await stage.until_spooling()
    _fill(stage)
    await _refusing(stage)
    await stage.pause(1, 3)
    _free(stage)
    await _taking(stage)
    await stage.pause(1, 2)
    stage.site.heal()
    stage.fault_ends()


async def _full_beside_kafka(stage: Stage) -> None:
    """Fill the disk up while Kafka is there, before a callback was spooled and while it is drained."""
    stage.fault_begins()
    _fill(stage)
    await stage.pause(3, 4)
    _free(stage)
    stage.site.swallow()
    await stage.until_spooling(least=200)
    stage.site.heal()

    async def acknowledging() -> bool:
        return await stage.bridge.metric("breaker_open") == 0

    await stage.until(acknowledging, "the breaker stayed open")
    _fill(stage)
    await stage.until_drained()
    await stage.pause(1, 2)
    _free(stage)
    stage.fault_ends()
    overtakes = int(await stage.bridge.metric("out_of_order_total") or 0)
    stage.exempt = Exempt(overtakes=overtakes)
    stage.notes.append(f"{overtakes} overtook older ones of their key")


async def _hanging(stage: Stage) -> None:
    """Have the disk take nothing and say nothing, while Kafka is there and while it is away."""
    if stage.disk is None:
        stage.notes.append("not played: there is no disk here that can be made to hang")
        return
    stage.fault_begins()
    await stage.disk.hang()
    await stage.pause(2, 3)
    await stage.disk.go_on()
    stage.site.swallow()
    await stage.until_spooling()
    await stage.disk.hang()
    await _refusing(stage)
    await stage.pause(1, 2)
    await stage.disk.go_on()
    await _taking(stage)
    stage.site.heal()
    stage.fault_ends()


def _fill(stage: Stage) -> None:
    if stage.disk is not None:
        stage.disk.fill()
    else:
        stage.bridge.limit_files(_largest(stage.spool_seen).stat().st_size)


def _free(stage: Stage) -> None:
    if stage.disk is not None:
        stage.disk.free()
    else:
        stage.bridge.limit_files(1 << 62)


async def _read_only(stage: Stage) -> None:
    """Take the disk away from a bridge that writes, then from one that starts."""
    stage.fault_begins()
    stage.site.swallow()
    await stage.until_spooling()
    # A file system cannot be made read-only under a writer, so the kernel refuses the writes.
    stage.bridge.limit_files(0)
    await _refusing(stage)
    stage.bridge.limit_files(1 << 62)
    await _taking(stage)
    await stage.kill()
    if stage.disk is not None:
        await stage.disk.writable(yes=False)
        stage.bridge.start()
        await _refusing(stage)
        await stage.disk.writable(yes=True)
    else:
        stage.bridge.start()
    await _taking(stage)
    stage.site.heal()
    stage.fault_ends()


async def _torn(stage: Stage) -> None:
    """Kill the bridge on a full disk, and leave half a page behind its last transaction."""
    stage.fault_begins()
    stage.site.swallow()
    await stage.until_spooling()
    _fill(stage)
    await _refusing(stage)
    await stage.kill()
    _free(stage)
    stage.notes.append(f"{_tear(stage.spool_seen)} bytes of a page torn off")
    stage.bridge.start()
    await _taking(stage)
    await stage.pause(1, 2)
    stage.site.heal()
    stage.fault_ends()


def _largest(spool: Path) -> Path:
    return max(spool.glob("spool-*.db-wal"), key=lambda path: path.stat().st_size)


def _tear(spool: Path) -> int:
    """Write half a frame after the last one, as a crash in the middle of a write leaves it."""
    log = _largest(spool)
    content = log.read_bytes()
    frame = _FRAME_HEADER_BYTES + int.from_bytes(content[_PAGE_SIZE_AT], "big")
    half = content[-frame:][: frame // 2]
    with log.open("ab") as file:
        file.write(half)
        file.flush()
        os.fsync(file.fileno())
    return len(half)


def _scenario(
    number: str,
    name: str,
    play: Callable[[Stage], Awaitable[None]],
    *,
    refuses: bool = True,
    silent: bool = False,
    hangs: bool = False,
) -> Scenario:
    return Scenario(
        number,
        name,
        play,
        door=PROXIED,
        disk_bytes=_DISK_BYTES,
        disk_hangs=hangs,
        refuses=refuses,
        silent=silent,
        settings=lambda _: {"spool_append_timeout_s": "1"},
    )


FULL = _scenario("5a", "spool's disk full", _full)
READ_ONLY = _scenario("5b", "spool's disk read-only", _read_only, silent=True)
FULL_BESIDE_KAFKA = _scenario(
    "5d", "spool's disk full, Kafka there", _full_beside_kafka, refuses=False
)
HANGING = _scenario("5e", "spool's disk hangs", _hanging, hangs=True)
TORN = _scenario("5c", "a torn page", _torn, silent=True)
