"""The spool while its disk fails, and afterwards: nothing lost, nothing twice, logged once."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.spool import SpoolUnwritable, locking, store
from bridge.spool import spool as disk
from bridge.spool.store import SpoolStore
from tests.support.spool import (
    callback,
    everything,
    held_names,
    lock,
    names_in,
    opened,
    overwrite,
)
from tests.support.waiting import PATIENCE_S, until


def logged(lines: Sequence[Mapping[str, object]], *events: str) -> list[object]:
    return [line["event"] for line in lines if line["event"] in events]


async def test_a_disk_that_fails_refuses_appends_until_it_works_again_and_says_so_once(
    tmp_path: Path, stubborn: list[sqlite3.Connection]
) -> None:
    with capture_logs() as lines:
        async with opened(tmp_path) as spool:
            await spool.append(callback("before"))
            other = lock(spool, stubborn)
            for number in range(5):
                with pytest.raises(SpoolUnwritable):
                    await spool.append(callback(f"refused {number}"))
            assert not spool.writable
            assert await held_names(spool) == ["before"]
            assert spool.state.callbacks == 1
            other.close()
            await until(lambda: spool.writable)
            await spool.append(callback("after"))
            assert await held_names(spool) == ["before", "after"]
    assert logged(lines, "spool_unwritable", "spool_writable") == [
        "spool_unwritable",
        "spool_writable",
    ]


async def test_what_is_on_kafka_but_cannot_be_deleted_is_not_drained_again_and_deleted_later(
    tmp_path: Path, stubborn: list[sqlite3.Connection]
) -> None:
    async with opened(tmp_path) as spool:
        for name in "abc":
            await spool.append(callback(name, name.encode()))
        other = lock(spool, stubborn)
        await spool.remove((await everything(spool))[:2])
        assert await held_names(spool) == ["c"]
        # Newer callbacks of those keys may go to Kafka directly: nothing is left to overtake.
        assert [spool.has_pending(key) for key in (b"a", b"b", b"c")] == [False, False, True]
        assert spool.state.callbacks == 3
        other.close()
        await until(lambda: spool.state.callbacks == 1)
        path = spool.path
    assert path is not None
    assert names_in(path) == ["c"]


async def test_a_deletion_that_is_made_up_for_lets_go_of_its_key_once(
    tmp_path: Path, stubborn: list[sqlite3.Connection]
) -> None:
    async with opened(tmp_path) as spool:
        for name in "ab":
            await spool.append(callback(name))
        other = lock(spool, stubborn)
        await spool.remove((await everything(spool))[:1])
        other.close()
        await until(lambda: spool.state.callbacks == 1)
        assert spool.has_pending(b"call")


async def test_a_disk_without_an_answer_is_given_up_on_and_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stubborn: list[sqlite3.Connection]
) -> None:
    monkeypatch.setattr(store, "_BUSY_TIMEOUT_MS", 30_000)
    async with opened(tmp_path, append_timeout_s=0.05) as spool:
        other = lock(spool, stubborn)
        with pytest.raises(SpoolUnwritable, match="does not answer"):
            await spool.append(callback("late"))
        assert not spool.writable
        with pytest.raises(SpoolUnwritable):
            await spool.append(callback("refused"))
        other.close()
        await until(lambda: spool.writable)
        # It was written after all: its outcome was unknown, and it will be published.
        assert await held_names(spool) == ["late"]
        assert spool.state.callbacks == 1


async def test_a_process_that_was_frozen_gives_the_disk_its_time_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stubborn: list[sqlite3.Connection]
) -> None:
    monkeypatch.setattr(store, "_BUSY_TIMEOUT_MS", 30_000)
    monkeypatch.setattr(disk, "_FROZEN_AFTER_S", 0.1)
    async with opened(tmp_path, append_timeout_s=0.2) as spool:
        other = lock(spool, stubborn)
        kept = asyncio.create_task(spool.append(callback("kept")))
        await asyncio.sleep(0)
        time.sleep(0.5)  # noqa: ASYNC251 (the loop stands still, as in a frozen process)
        asyncio.get_running_loop().call_later(0.01, other.close)
        await kept
        assert await held_names(spool) == ["kept"]
        assert spool.writable


async def test_an_unusable_directory_is_logged_and_used_as_soon_as_possible(
    tmp_path: Path, impatient: None
) -> None:
    directory = tmp_path / "spool"
    directory.write_text("a file stands in the way")
    with capture_logs() as lines:
        async with opened(directory) as spool:
            assert not spool.writable
            with pytest.raises(SpoolUnwritable):
                await spool.append(callback("refused"))
            directory.unlink()
            await until(lambda: spool.writable)
            await spool.append(callback("a"))
            assert await held_names(spool) == ["a"]
    (told,) = (line for line in lines if line["event"] == "spool_unwritable")
    assert str(directory) in told["cause"]


async def test_a_damaged_file_is_set_aside_and_a_new_one_created(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        for number in range(50):
            await spool.append(callback(str(number), padding=500))
        path = spool.path
    assert path is not None
    overwrite(path, b"\xa5" * 4096, at=8192)
    content = path.read_bytes()
    with capture_logs() as lines:
        async with opened(tmp_path) as spool:
            assert (spool.writable, spool.state.callbacks) == (True, 0)
            await spool.append(callback("new"))
            await until(lambda: spool.state.damaged == 1)
    assert logged(lines, "spool_file_damaged") == ["spool_file_damaged"]
    assert locking.damaged_files(tmp_path)[0].read_bytes() == content


async def test_a_file_that_breaks_in_use_is_set_aside_and_numbers_go_on(
    tmp_path: Path, impatient: None
) -> None:
    async with opened(tmp_path) as spool:
        for name in "ab":
            await spool.append(callback(name))
        under_way = await everything(spool)
        path = spool.path
        assert path is not None
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            overwrite(file, b"\xa5" * 32768)
        with pytest.raises(SpoolUnwritable):
            await spool.append(callback("refused"))
        await until(lambda: spool.writable)
        await spool.append(callback("new"))
        # What was being published when the old file broke must not delete what is in the new one.
        await spool.remove(under_way)
        assert await held_names(spool) == ["new"]
        assert (spool.state.callbacks, spool.has_pending(b"call")) == (1, True)
        assert spool.path != path
    assert [one.name for one in locking.damaged_files(tmp_path)] == [f"{path.name}.damaged"]


async def test_a_file_of_a_newer_version_is_not_touched_and_is_logged(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        path = spool.path
    assert path is not None
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with capture_logs() as lines:
        async with opened(tmp_path) as spool:
            assert spool.path != path
            assert spool.state.callbacks == 0
    told = next(line for line in lines if line["event"] == "spool_file_unusable")
    assert "newer version" in told["cause"]
    assert path.exists()


async def test_a_file_that_is_removed_while_it_cannot_be_written_is_carried_over(
    tmp_path: Path, stubborn: list[sqlite3.Connection]
) -> None:
    async with opened(tmp_path) as spool:
        await spool.append(callback("before"))
        path = spool.path
        assert path is not None
        other = lock(spool, stubborn)
        with pytest.raises(SpoolUnwritable):
            await spool.append(callback("refused"))
        path.unlink()
        other.close()
        await until(lambda: spool.writable)
        await spool.append(callback("after"))
        assert spool.path != path
        assert await held_names(spool) == ["before", "after"]
        assert spool.state.callbacks == 2


async def test_a_fault_with_the_result_of_one_job_keeps_no_other_caller_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise MemoryError

    with capture_logs() as lines:
        async with opened(tmp_path) as spool:
            for name in "abc":
                await spool.append(callback(name, name.encode()))
            a, b, _ = await everything(spool)
            for record in ("record_removal", "record_parked", "finish"):
                monkeypatch.setattr(spool._accounting, record, faulty)
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(
                    spool.append(callback("d", b"d")), spool.remove([a]), spool.park(b, 1)
                )
                assert await held_names(spool) == ["c", "d"]
            monkeypatch.undo()
            assert spool.writable
    assert {line["error"] for line in lines if line["event"] == "spool_job_failed"} == {
        "MemoryError"
    }
    assert not logged(lines, "spool_unwritable")


@pytest.mark.parametrize("step", ["reclaim_space", "oldest_at_ms"])
async def test_a_fault_after_a_commit_does_not_end_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, impatient: None, step: str
) -> None:
    failed: list[str] = []

    def faulty(_: object) -> None:
        failed.append(step)
        raise MemoryError

    async with opened(tmp_path) as spool:
        with monkeypatch.context() as patched:
            patched.setattr(SpoolStore, step, faulty)
            await spool.append(callback("a"))
            await until(lambda: bool(failed))
        kept = False
        while not kept:  # the file may have to be opened again first
            await asyncio.sleep(0.01)
            with contextlib.suppress(SpoolUnwritable):
                await spool.append(callback("b"))
                kept = True
        assert await held_names(spool) == ["a", "b"]
