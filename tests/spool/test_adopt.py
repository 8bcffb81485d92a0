"""Callbacks of a process that is gone are moved into a living one's file, once and completely."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.spool import adopt, locking
from bridge.spool.store import SpoolStore
from tests.support.spool import (
    callback,
    disk_spool,
    everything,
    held_names,
    name_of,
    names_in,
    opened,
)
from tests.support.waiting import PATIENCE_S, until

ROOT = Path(__file__).parents[2]


async def left_behind(directory: Path, *names: str, key: bytes = b"call", parked: int = 0) -> Path:
    """Return a spool file of a process that is gone."""
    elsewhere = directory.with_name(f"{directory.name}-{uuid.uuid4().hex}")
    async with opened(elsewhere) as spool:
        for name in names:
            await spool.append(callback(name, key))
        for one in (await everything(spool))[:parked]:
            await spool.park(one, 3)
        path = spool.path
    assert path is not None
    return moved(path, directory)


def moved(path: Path, directory: Path) -> Path:
    """Return a file that is in another directory now, without its lock."""
    directory.mkdir(exist_ok=True)
    return Path(shutil.move(path, directory / path.name))


async def test_an_orphan_is_moved_in_its_order_and_its_file_removed(tmp_path: Path) -> None:
    async with opened(tmp_path / "spool", scan_s=0.02) as spool:
        await spool.append(callback("own", b"own"))
        orphan = await left_behind(tmp_path / "spool", *"abc")
        await until(lambda: not orphan.exists())
        assert await held_names(spool) == ["own", "a", "b", "c"]
        assert spool.has_pending(b"call")
        assert spool.path is not None
        assert locking.spool_files(tmp_path / "spool") == [spool.path]


async def test_adopted_callbacks_keep_their_time_and_tries(tmp_path: Path) -> None:
    path = await left_behind(tmp_path / "spool", "a", "b")
    store = SpoolStore(path)
    kept = store.read_page(0, callbacks_max=10, bytes_max=10**6)
    with store.transaction():
        store.set_tries(kept[0].number, 2)
    store.close()
    async with opened(tmp_path / "spool", scan_s=0.02) as spool:
        adopted = await everything(spool)
    assert [one.tries for one in adopted] == [2, 0]
    assert [one.spooled_at_ms for one in adopted] == [one.spooled_at_ms for one in kept]


async def test_parked_callbacks_are_adopted_to_be_tried_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "spool", scan_s=0.02) as spool:
        orphan = await left_behind(tmp_path / "spool", "a", "b", parked=1)
        await until(lambda: not orphan.exists())
        assert (spool.state.callbacks, spool.state.parked) == (2, 0)


async def test_orphans_fill_half_of_the_room_and_the_rest_waits_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopt, "PAGE_CALLBACKS_MAX", 2)
    names = [str(number) for number in range(10)]
    async with opened(tmp_path / "spool", scan_s=0.02, records_max=20) as spool:
        await spool.append(callback("own"))
        orphan = await left_behind(tmp_path / "spool", *names)
        await until(lambda: spool.state.callbacks == 5)
        drained: list[str] = []
        while orphan.exists() or spool.state.callbacks:
            assert spool.state.records <= 10
            found = await everything(spool)
            drained += [name_of(one.records[0]) for one in found]
            await spool.remove(found)
    assert drained == ["own", *names]


async def test_a_crash_between_the_two_commits_makes_duplicates_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "spool"
    orphan = await left_behind(directory, "a", "b")

    look, looks = adopt._list_directory, []

    def counted(path: Path) -> tuple[int, list[Path]]:
        looks.append(path)
        return look(path)

    def crash(*_: object) -> None:
        message = "no more"
        raise sqlite3.OperationalError(message)

    monkeypatch.setattr(adopt, "_delete", crash)
    monkeypatch.setattr(adopt, "_list_directory", counted)
    async with opened(tmp_path / "other", scan_s=0.01) as spool:
        moved(orphan, tmp_path / "other")
        await until(lambda: spool.state.callbacks == 2)
        assert await held_names(spool) == ["a", "b"]
        # The same process does not take twice what it could not delete there.
        looks.clear()
        await until(lambda: len(looks) >= 5)
        assert await held_names(spool) == ["a", "b"]
    monkeypatch.undo()
    async with opened(tmp_path / "other", scan_s=0.02) as spool:
        await until(lambda: spool.state.callbacks == 4)
        assert await held_names(spool) == ["a", "b", "a", "b"]


async def test_a_damaged_orphan_is_set_aside_and_others_are_adopted(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    async with opened(directory, scan_s=0.02) as spool:
        damaged = directory / "spool-0.db"
        await asyncio.to_thread(damaged.write_bytes, b"no database" * 1000)
        orphan = await left_behind(directory, "a")
        await until(lambda: not orphan.exists() and not damaged.exists())
        await until(lambda: spool.state.damaged == 1)
        assert await held_names(spool) == ["a"]


async def test_an_orphan_larger_than_the_own_spool_may_be_is_adopted_piece_by_piece(
    tmp_path: Path,
) -> None:
    names = [str(number) for number in range(10)]
    async with opened(tmp_path / "spool", scan_s=0.02, records_max=4) as spool:
        orphan = await left_behind(tmp_path / "spool", *names)
        adopted: list[str] = []
        while orphan.exists() or spool.state.callbacks:
            await until(lambda: not orphan.exists() or bool(spool.state.callbacks))
            assert spool.writable
            found = await everything(spool)
            adopted += [name_of(one.records[0]) for one in found]
            await spool.remove(found)
    assert adopted == names


async def test_a_fault_with_one_orphan_is_logged_and_ends_neither_adopting_nor_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr(adopt, "_delete", faulty)
    directory = tmp_path / "spool"
    with capture_logs() as lines:
        async with opened(directory, scan_s=0.02) as spool:
            await left_behind(directory, "a")
            await until(lambda: spool.state.callbacks == 1)
            second = await left_behind(directory, "b")
            await until(lambda: spool.state.callbacks == 2)
            path = spool.path
    told = [line["cause"] for line in lines if line["event"] == "spool_file_unusable"]
    assert ["ArithmeticError" in cause for cause in told] == [True, True]
    assert second.exists()  # what could not be deleted there is not moved again by this process
    assert path is not None
    assert names_in(path) == ["a", "b"]


@pytest.mark.parametrize("step", ["_list_directory", "claim", "_delete"])
async def test_a_disk_that_hangs_while_adopting_is_not_waited_for_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(adopt, "STOP_TIMEOUT_S", 0.1)
    directory = tmp_path / "spool"
    orphan = await left_behind(directory, "a")
    hung, works_again = list[threading.Thread](), threading.Event()

    def hang(*_: object) -> None:
        hung.append(threading.current_thread())
        works_again.wait(PATIENCE_S)
        raise OSError

    monkeypatch.setattr(adopt, step, hang)
    with capture_logs() as lines:
        async with asyncio.timeout(PATIENCE_S), opened(tmp_path / "own", scan_s=0.01):
            moved(orphan, tmp_path / "own")
            await until(lambda: bool(hung))
    # Another thread would keep the process from ending.
    assert [thread.daemon for thread in hung] == [True]
    (told,) = (line for line in lines if line["event"] == "spool_not_closed")
    assert told["directory"] == str(tmp_path / "own")
    works_again.set()


async def test_an_orphan_that_cannot_be_opened_is_logged_once(tmp_path: Path) -> None:
    path = await left_behind(tmp_path / "spool", "a")
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with capture_logs() as lines:
        async with opened(tmp_path / "own") as spool:
            await spool._adopter.stop()
            moved(path, tmp_path / "own")
            spool._adopter._stopping.clear()
            for _ in range(3):
                await spool._adopter._scan()
    told = [line for line in lines if line["event"] == "spool_file_unusable"]
    assert [(line["file"], "newer" in line["cause"]) for line in told] == [
        (str(tmp_path / "own" / path.name), True)
    ]


async def test_an_orphan_stays_where_the_own_spool_cannot_be_written(tmp_path: Path) -> None:
    orphan = await left_behind(tmp_path / "spool", "a")

    spool = disk_spool(tmp_path / "spool")  # not open, so not writable
    await spool._adopter._scan()
    assert names_in(orphan) == ["a"]


def adopting(directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.spool.adopt_all", directory],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.system
async def test_two_processes_adopt_every_orphan_exactly_once(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    expected: list[str] = []
    for number in range(8):
        names = [f"{number}-{place}" for place in range(20)]
        await left_behind(directory, *names, key=b"%d" % number)
        expected += names
    processes = [adopting(directory), adopting(directory)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    # Both have told before either ends and leaves its file to the other.
    taken = [
        json.loads(next(line for line in one.stdout or [] if line[0] == "[")) for one in processes
    ]
    for process in processes:
        process.communicate(timeout=PATIENCE_S)
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(taken[0] + taken[1]) == sorted(expected)
    for one in taken:
        for number in range(8):
            mine = [name for name in one if name.startswith(f"{number}-")]
            assert mine in ([], [f"{number}-{place}" for place in range(20)])
    # The one that ended last has adopted the other's file.
    remaining = [name for path in locking.spool_files(directory) for name in names_in(path)]
    assert sorted(remaining) == sorted(expected)
