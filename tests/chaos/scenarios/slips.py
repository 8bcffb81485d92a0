"""What operators and their tools do to a running bridge: to its spool, its log, its process."""

import asyncio
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from tests.chaos.site import PROXIED
from tests.chaos.stage import Scenario, Stage

# Longer than a client may take for its request, and than the disk and Kafka may take.
_FROZEN_S = 7.0
# A pipe takes 64 KiB, and less of it where lines do not fill its pages.
_REPLACED = "spool_files_replaced_total"


def _remove_files(spool: Path) -> None:
    for one in spool.iterdir():
        one.unlink()


def _move_directory(spool: Path) -> None:
    spool.rename(spool.with_name("moved away"))


async def _removed(stage: Stage, slip: Callable[[Path], None]) -> None:
    """Remove the spool while all that is taken goes there, go on, then kill the bridge."""
    stage.fault_begins()
    stage.site.swallow()
    await stage.until_spooling()
    slip(stage.spool)

    async def replaced() -> bool:
        return (await stage.bridge.metric(_REPLACED) or 0) >= 1

    await stage.until(replaced, "the bridge did not notice that its spool was gone")
    await stage.pause(0.5, 2)
    await stage.kill()
    stage.bridge.start()
    await stage.until_spooling()
    stage.site.heal()
    stage.fault_ends()


async def _files_removed(stage: Stage) -> None:
    await _removed(stage, _remove_files)


async def _directory_moved(stage: Stage) -> None:
    await _removed(stage, _move_directory)
    shutil.rmtree(stage.spool.with_name("moved away"))


async def _log_blocked(stage: Stage) -> None:
    """Read nothing of what the bridge logs: its pipe is full, and callbacks go on, there and away."""
    stage.fault_begins()

    async def full() -> bool:
        return stage.log_is_blocked

    await stage.until(full, "the pipe of the log did not fill, so nothing was blocked")
    await stage.pause(2, 3)
    stage.site.swallow()
    await stage.until_spooling(200)
    stage.site.heal()
    stage.fault_ends()


async def _frozen(stage: Stage) -> None:
    """Freeze the bridge's process longer than any of its time limits, and let it go on."""
    stage.fault_begins()
    stage.bridge.send_signal(signal.SIGSTOP)
    await asyncio.sleep(_FROZEN_S)
    stage.bridge.send_signal(signal.SIGCONT)
    await stage.pause(2, 3)
    stage.fault_ends()


FILES_REMOVED = Scenario(
    "12a", "spool's files removed, then killed", _files_removed, door=PROXIED, silent=True
)
DIRECTORY_MOVED = Scenario(
    "12b", "spool's directory moved away, then killed", _directory_moved, door=PROXIED, silent=True
)
LOG_BLOCKED = Scenario(
    "13",
    "a log that nobody reads",
    _log_blocked,
    door=PROXIED,
    unread_log=True,
    settings=lambda _: {"log_level": "info"},
)
FROZEN = Scenario(
    "14",
    "bridge frozen",
    _frozen,
    settings=lambda _: {"read_timeout_s": "3", "spool_append_timeout_s": "3"},
)
