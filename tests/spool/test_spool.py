"""Appending to the spool: durable, bounded, in order of the key, and still there after a restart."""

import asyncio
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.spool import SpoolFull, SpoolUnwritable, writer
from bridge.spool.accounting import SpoolState
from bridge.spool.store import SpoolStore
from bridge.telemetry.metrics import Metrics
from tests.support.spool import (
    callback,
    disk_spool,
    entries,
    everything,
    held_names,
    name_of,
    names_in,
    opened,
)
from tests.support.spool_store import row
from tests.support.waiting import PATIENCE_S, until


async def test_what_was_appended_is_there_after_a_restart_and_holds_its_key(tmp_path: Path) -> None:
    async with opened(tmp_path, now_ms=lambda: 77) as spool:
        await spool.append(callback("a", b"x"))
    async with opened(tmp_path) as spool:
        (kept,) = await everything(spool)
        assert (kept.records, kept.spooled_at_ms) == (callback("a", b"x"), 77)
        assert (spool.has_pending(b"x"), spool.has_pending(b"y")) == (True, False)


async def test_a_key_is_held_from_the_call_until_its_last_callback_is_deleted(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as spool:
        pending = [asyncio.create_task(spool.append(callback(name))) for name in "ab"]
        await asyncio.sleep(0)
        assert spool.has_pending(b"call")
        await asyncio.gather(*pending)
        first, second = await everything(spool)
        await spool.remove([first])
        assert spool.has_pending(b"call")
        await spool.remove([second])
        assert not spool.has_pending(b"call")


async def test_callbacks_that_wait_together_are_kept_in_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[threading.Event] = []
    may_begin = threading.Event()
    transaction = SpoolStore.transaction

    def held_up(self: SpoolStore) -> object:
        begun.append(may_begin)
        assert may_begin.wait(PATIENCE_S)
        return transaction(self)

    async with opened(tmp_path) as spool:
        monkeypatch.setattr(SpoolStore, "transaction", held_up)
        first = asyncio.create_task(spool.append(callback("0")))
        await until(lambda: len(begun) == 1)
        others = [asyncio.create_task(spool.append(callback(str(n)))) for n in range(1, 50)]
        await asyncio.sleep(0)  # all of them wait for the writer now
        may_begin.set()
        await asyncio.gather(first, *others)
        assert len(begun) == 2
        assert await held_names(spool) == [str(number) for number in range(50)]


async def test_a_caller_that_goes_away_changes_no_count(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        gone = asyncio.create_task(spool.append(callback("a")))
        await asyncio.sleep(0)
        gone.cancel()
        await spool.append(callback("b"))
        assert (spool.state.callbacks, await held_names(spool)) == (2, ["a", "b"])
        await spool.remove(await everything(spool))
        assert (spool.state.callbacks, spool.state.bytes) == (0, 0)
        assert not spool.has_pending(b"call")


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


async def test_the_state_and_the_metrics_follow_every_change(tmp_path: Path) -> None:
    metrics = Metrics("test")
    async with opened(tmp_path, metrics=metrics, now_ms=lambda: 5) as spool:
        await spool.append(callback("a"))
        assert spool.state == SpoolState(1, 2, row("a").size_bytes, 5, 0, 0, writable=True)
        assert metrics.value("spool_records") == 2
        await spool.remove(await everything(spool))
        assert spool.state == SpoolState(0, 0, 0, None, 0, 0, writable=True)
        assert metrics.value("spool_records") == 0


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


async def test_parked_callbacks_are_tried_again_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        (kept,) = await everything(spool)
        await spool.park(kept, 3)
        assert (spool.state.parked, spool.has_pending(b"call")) == (1, False)
        assert await everything(spool) == []
    async with opened(tmp_path) as spool:
        assert (spool.state.parked, spool.has_pending(b"call")) == (0, True)
        (kept,) = await everything(spool)
        assert (name_of(kept.records[0]), kept.tries) == ("a", 3)


async def test_callbacks_left_at_the_end_are_logged(tmp_path: Path) -> None:
    with capture_logs() as lines:
        async with opened(tmp_path) as spool:
            await spool.append(callback("a"))
        async with opened(tmp_path) as spool:
            await spool.remove(await everything(spool))
    (told,) = (line for line in lines if line["event"] == "spool_not_drained")
    assert (told["callbacks"], told["directory"]) == (1, str(tmp_path))


async def test_a_disk_that_hangs_at_the_end_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CLOSE_TIMEOUT_S", 0.1)
    hung = threading.Event()
    spool = disk_spool(tmp_path)
    await spool.open()
    monkeypatch.setattr(SpoolStore, "checkpoint", lambda _: hung.wait())
    with capture_logs() as lines:
        await spool.close()
    hung.set()
    assert "spool_not_closed" in {line["event"] for line in lines}
