"""The spool as callbacks come in: durable, bounded, told apart by key, and back after a restart."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.spool import SpoolFull, SpoolUnwritable, disk, files, store, writer
from bridge.spool.disk import DiskSpool
from bridge.spool.store import Store
from bridge.spool.tally import SpoolState
from tests.kafka.waiting import until
from tests.spool.making import (
    callback,
    disk_spool,
    entries,
    everything,
    held_names,
    name_of,
    names_in,
    opened,
    overwrite,
)


def logged(lines: list[dict[str, object]], *events: str) -> list[object]:
    return [line["event"] for line in lines if line["event"] in events]


async def test_what_was_appended_is_there_after_a_restart_and_holds_its_key(tmp_path: Path) -> None:
    async with opened(tmp_path, now_ms=lambda: 77) as spool:
        await spool.append(callback("a", b"x"))
    async with opened(tmp_path) as spool:
        (kept,) = await everything(spool)
        assert (kept.records, kept.spooled_at_ms) == (callback("a", b"x"), 77)
        assert (spool.holds(b"x"), spool.holds(b"y")) == (True, False)


async def test_a_key_is_held_from_the_call_until_its_last_callback_is_deleted(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as spool:
        pending = [asyncio.create_task(spool.append(callback(name))) for name in "ab"]
        await asyncio.sleep(0)
        assert spool.holds(b"call")
        await asyncio.gather(*pending)
        first, second = await everything(spool)
        await spool.remove([first])
        assert spool.holds(b"call")
        await spool.remove([second])
        assert not spool.holds(b"call")


async def test_callbacks_that_wait_together_are_kept_in_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    transaction = Store.transaction

    def counted(self: Store) -> object:
        commits.append(self.number_next)
        return transaction(self)

    async with opened(tmp_path) as spool:
        monkeypatch.setattr(Store, "transaction", counted)
        await asyncio.gather(*(spool.append(callback(str(number))) for number in range(50)))
        assert await held_names(spool) == [str(number) for number in range(50)]
    assert len(commits) <= 5


async def test_a_caller_that_goes_away_changes_no_count(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        gone = asyncio.create_task(spool.append(callback("a")))
        await asyncio.sleep(0)
        gone.cancel()
        await spool.append(callback("b"))
        assert (spool.state.callbacks, await held_names(spool)) == (2, ["a", "b"])
        await spool.remove(await everything(spool))
        assert (spool.state.callbacks, spool.state.bytes) == (0, 0)
        assert not spool.holds(b"call")


@pytest.mark.parametrize("bound", [{"records_max": 5}, {"bytes_max": 500}])
async def test_a_full_spool_refuses_what_would_go_over_its_bound(
    tmp_path: Path, bound: dict[str, int]
) -> None:
    async with opened(tmp_path, **bound) as spool:
        told = await asyncio.gather(
            *(spool.append(callback(str(number))) for number in range(5)), return_exceptions=True
        )
        assert [type(one) for one in told] == [type(None), type(None), *[SpoolFull] * 3]
        assert not spool.writable
        await spool.remove((await everything(spool))[:1])
        assert spool.writable
        await spool.append(callback("later"))
        assert await held_names(spool) == ["1", "later"]


async def test_a_smaller_bound_after_a_restart_keeps_what_is_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        for name in "abc":
            await spool.append(callback(name))
    async with opened(tmp_path, records_max=2) as spool:
        assert await held_names(spool) == ["a", "b", "c"]
        with pytest.raises(SpoolFull):
            await spool.append(callback("d"))


async def test_the_state_is_told_after_every_change(tmp_path: Path) -> None:
    states: list[SpoolState] = []
    async with opened(tmp_path, on_change=states.append, now_ms=lambda: 5) as spool:
        await spool.append(callback("a"))
        assert states[-1] == spool.state
        assert states[-1] == SpoolState(1, 2, 235, 5, 0, 0, writable=True)
        await spool.remove(await everything(spool))
        assert states[-1] == SpoolState(0, 0, 0, None, 0, 0, writable=True)


async def test_an_empty_spool_removes_its_files_when_it_is_closed(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        await spool.remove(await everything(spool))
        assert entries(tmp_path)
    assert entries(tmp_path) == set()


async def test_a_closed_spool_is_one_whole_file_that_others_may_take(tmp_path: Path) -> None:
    spool = disk_spool(tmp_path)
    await spool.open()
    path = spool.path
    assert path is not None
    pending = [asyncio.create_task(spool.append(callback(str(number)))) for number in range(20)]
    await asyncio.sleep(0)
    await spool.close()
    await asyncio.gather(*pending)
    assert entries(tmp_path) == {path.name, path.name + ".lock"}
    assert names_in(path) == [str(number) for number in range(20)]


async def test_a_closed_spool_takes_nothing(tmp_path: Path) -> None:
    spool = disk_spool(tmp_path)
    await spool.open()
    await spool.close()
    with pytest.raises(SpoolUnwritable):
        await spool.append(callback("a"))


async def test_a_spool_that_was_not_opened_takes_nothing(tmp_path: Path) -> None:
    spool = disk_spool(tmp_path)
    assert not spool.writable
    with pytest.raises(SpoolUnwritable):
        await spool.append(callback("a"))


async def test_a_restart_takes_the_largest_file_nobody_holds(tmp_path: Path) -> None:
    for count in (1, 30, 10):
        async with opened(tmp_path / str(count)) as spool:
            for number in range(count):
                await spool.append(callback(f"{count}-{number}", padding=500))
            path = spool.path
        assert path is not None
        path.rename(tmp_path / path.name)
    async with opened(tmp_path, records_max=60) as first:  # no room to adopt the others
        assert first.state.callbacks == 30
        async with opened(tmp_path, records_max=20) as second:
            assert second.state.callbacks == 10


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_BUSY_TIMEOUT_MS", 20)
    monkeypatch.setattr(writer, "RETRY_S", 0.02)


@pytest.fixture
def stubborn(impatient: None) -> Iterator[list[sqlite3.Connection]]:
    """Connections of somebody who keeps the file locked: closed at the latest when the test ends."""
    connections: list[sqlite3.Connection] = []
    yield connections
    for one in connections:
        one.close()


def lock(spool: DiskSpool, connections: list[sqlite3.Connection]) -> sqlite3.Connection:
    connection = sqlite3.connect(str(spool.path), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connections.append(connection)
    return connection


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
        assert [spool.holds(key) for key in (b"a", b"b", b"c")] == [False, False, True]
        assert spool.state.callbacks == 3
        other.close()
        await until(lambda: spool.state.callbacks == 1)
        path = spool.path
    assert path is not None
    assert names_in(path) == ["c"]


async def test_a_disk_without_an_answer_is_given_up_on_and_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stubborn: list[sqlite3.Connection]
) -> None:
    monkeypatch.setattr(disk, "APPEND_TIMEOUT_S", 0.05)
    monkeypatch.setattr(store, "_BUSY_TIMEOUT_MS", 30_000)
    async with opened(tmp_path) as spool:
        other = lock(spool, stubborn)
        with pytest.raises(SpoolUnwritable, match="no answer"):
            await spool.append(callback("late"))
        assert not spool.writable
        with pytest.raises(SpoolUnwritable):
            await spool.append(callback("refused"))
        other.close()
        await until(lambda: spool.writable)
        # It was written after all: its outcome was unknown, and it will be published.
        assert await held_names(spool) == ["late"]
        assert spool.state.callbacks == 1


async def test_a_directory_that_cannot_be_used_is_told_and_used_as_soon_as_it_can(
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


async def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
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
    assert files.damaged(tmp_path)[0].read_bytes() == content


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
        assert (spool.state.callbacks, spool.holds(b"call")) == (1, True)
        assert spool.path != path
    assert [one.name for one in files.damaged(tmp_path)] == [f"{path.name}.damaged"]


async def test_a_file_of_a_newer_version_is_left_alone_and_told(tmp_path: Path) -> None:
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


async def test_parked_callbacks_are_tried_again_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        (kept,) = await everything(spool)
        await spool.park(kept, 3)
        assert (spool.state.parked, spool.holds(b"call")) == (1, False)
        assert await everything(spool) == []
    async with opened(tmp_path) as spool:
        assert (spool.state.parked, spool.holds(b"call")) == (0, True)
        (kept,) = await everything(spool)
        assert (name_of(kept.records[0]), kept.tries) == ("a", 3)
