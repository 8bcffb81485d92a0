"""A callback whose content was damaged on the disk: kept for an operator, and in nobody's way."""

import base64
import sqlite3
from pathlib import Path

from structlog.testing import capture_logs

from bridge.spool.inspect import list_files, read_records
from bridge.spool.spool import DiskSpool
from tests.support.spool import Kafka, callback, drain_of, held_names, lock, opened, rest
from tests.support.waiting import PATIENCE_S, until

DAMAGE = b"not what was written"


async def spoiled(spool: DiskSpool, *names: str) -> Path:
    """Append callbacks, and damage the second one."""
    for name in names:
        await spool.append(callback(name))
    assert spool.path is not None
    with sqlite3.connect(spool.path) as other:
        other.execute("UPDATE callbacks SET content = ? WHERE number = 2", (DAMAGE,))
    other.close()
    return spool.path


async def test_a_damaged_callback_is_parked_and_the_others_of_its_key_are_published(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    with capture_logs() as lines:
        async with opened(tmp_path) as spool:
            await spoiled(spool, *"abc")
            await rest(drain_of(spool, kafka))
            assert kafka.names() == ["a", "c"]
            assert (spool.state.callbacks, spool.state.parked) == (1, 1)
            assert not spool.has_pending(b"call")
    told = [line for line in lines if line["event"] == "spooled_callback_damaged"]
    assert [line["number"] for line in told] == [2]


async def test_a_damaged_callback_holds_up_no_other_while_the_disk_cannot_be_written(
    tmp_path: Path, stubborn: list[sqlite3.Connection]
) -> None:
    kafka = Kafka()
    with capture_logs() as lines:
        async with opened(tmp_path) as spool:
            await spoiled(spool, *"abc")
            other = lock(spool, stubborn)
            drain = drain_of(spool, kafka)
            drain.start()
            await until(lambda: len(kafka.arrived) == 4)
            assert kafka.names() == ["a", "c"]
            assert spool.state.parked == 0
            other.close()
            await until(lambda: (spool.state.callbacks, spool.state.parked) == (1, 1))
            assert not spool.has_pending(b"call")
            await drain.stop(PATIENCE_S)
    told = [line for line in lines if line["event"] == "spooled_callback_damaged"]
    assert [line["number"] for line in told] == [2]


async def test_pages_of_nothing_but_damage_are_passed_over(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spoiled(spool, *"abc")
        found = await spool.read_page(1, callbacks_max=1, bytes_max=1)
        assert [one.number for one in found] == [3]


async def test_a_damaged_callback_is_adopted_and_exported_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path / "left") as spool:
        left = await spoiled(spool, "a", "b")
    (tmp_path / "spool").mkdir()
    async with opened(tmp_path / "spool", scan_s=0.02) as spool:
        await spool.append(callback("own"))
        orphan = left.rename(tmp_path / "spool" / left.name)
        await until(lambda: not orphan.exists())
        assert await held_names(spool) == ["own", "a"]
        path = spool.path
    assert path is not None
    *_, last = read_records(path)
    assert base64.b64decode(last.pop("damaged_content_base64")) == DAMAGE
    assert last["topics"] == '["events","journal"]'
    (file,) = list_files(tmp_path / "spool")
    assert (file.callbacks, file.records, file.fault) == (3, 6, None)
