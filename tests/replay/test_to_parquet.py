"""Replaying into a folder of Parquet files, read back by pyarrow."""

import hashlib
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aiokafka.structs import ConsumerRecord

from bridge.replay import CannotWrite, ReplayRun, TargetExists
from bridge.replay.manifest import Manifest, describe_plan
from bridge.replay.targets import parquet
from bridge.replay.targets.columns import build_journal_table
from bridge.replay.targets.parquet import ParquetFolder, ParquetUnavailable
from tests.support.stored_records import part, plan_of, samples, stored, stored_of

PLAN = plan_of(part("topic", 0, 0, 9))
TABLE = build_journal_table()
NAMES = [one.name for one in TABLE.typed_columns]
JOURNAL = stored_of(samples("voice.call.hangup")[0].journal)


def parquet_at(folder: Path, *, replay_id: str = "abcd1234") -> ParquetFolder:
    stamp = ReplayRun(replay_id, "2026-03-08T09:00:00Z")
    return ParquetFolder(
        folder, TABLE, Manifest(describe_plan(PLAN), stamp, TABLE.typed_columns, is_typed=True)
    )


def offsets(*files: Path) -> list[int]:
    return [value for file in files for value in pq.read_table(file)["record_offset"].to_pylist()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


async def test_a_column_has_its_type_and_what_is_absent_is_null(folder: Path) -> None:
    target = parquet_at(folder)
    target.open(None)
    await target.write([JOURNAL, stored(1, key=None, value=b"{}")])
    assert await target.flush() == {"files": 1, "records": 2, "misfits": 0}
    await target.finish()
    found = pq.read_table(folder / "abcd1234-00000.parquet")
    assert found.column_names == NAMES
    types = {name: found.schema.field(name).type for name in NAMES}
    assert types["method"] == pa.string()
    assert types["reply_status"] == pa.int64()
    assert types["received_at"] == types["record_timestamp"] == pa.timestamp("us", tz="UTC")
    assert types["verification_covers"] == types["headers"] == pa.list_(pa.string())
    full, empty = found.to_pylist()
    assert full["method"] == "POST"
    assert full["reply_status"] == 200
    assert full["received_at"].isoformat() == "2026-03-07T14:14:44.120000+00:00"
    assert full["verification_covers"] == ["url", "query", "body"]
    assert orjson.loads(full["headers"][0])[0] == "content-type"
    assert {name for name, value in empty.items() if value is not None} == {
        "record_topic",
        "record_partition",
        "record_offset",
        "record_timestamp",
        "record_headers",
        "record_value",
    }


async def test_rows_with_a_value_that_its_type_cannot_hold_are_counted_through_a_stop(
    folder: Path,
) -> None:
    odd = b'{"reply":{"status":"two hundred"}}'
    first = parquet_at(folder)
    first.open(None)
    await first.write([stored(0, value=odd), stored(1)])
    state = await first.flush()
    first.close()
    second = parquet_at(folder)
    second.open(state)
    await second.write([stored(2, value=odd)])
    assert await second.flush() == {"files": 2, "records": 3, "misfits": 2}
    await second.finish()
    found = pq.read_table(folder).to_pylist()
    assert [row["reply_status"] for row in found] == [None, None, None]
    assert [row["record_misfits"] for row in found] == [
        '{"reply.status":"two hundred"}',
        None,
        '{"reply.status":"two hundred"}',
    ]
    assert orjson.loads(Path(f"{folder}.manifest.json").read_bytes())["misfits"] == 2


async def test_a_folder_is_one_data_set_with_a_manifest_beside_it(folder: Path) -> None:
    target = parquet_at(folder)
    target.open(None)
    for at in (0, 3):
        await target.write([stored(at + n) for n in range(3)])
        await target.flush()
    await target.finish()
    assert sorted(pq.read_table(folder)["record_offset"].to_pylist()) == list(range(6))
    manifest = orjson.loads(Path(f"{folder}.manifest.json").read_bytes())
    assert manifest["records"] == 6
    assert [one["name"] for one in manifest["columns"]] == NAMES
    assert {"name": "reply_status", "path": "reply.status", "type": "BIGINT"} in manifest["columns"]
    assert {"name": "record_offset", "type": "BIGINT"} in manifest["columns"]
    assert manifest["misfits"] == 0
    assert [one["sha256"] for one in manifest["files"]] == [
        hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())
    ]


async def test_a_resumed_replay_writes_unflushed_files_again(
    folder: Path,
) -> None:
    first = parquet_at(folder)
    first.open(None)
    await first.write([stored(n) for n in range(3)])
    state = await first.flush()
    await first.write([stored(n) for n in range(3, 2500)])
    await first.flush()  # and the process is killed before the progress is written
    await first.write([stored(n) for n in range(2500, 5000)])
    first.close()
    second = parquet_at(folder)
    second.open(state)
    await second.write([stored(n) for n in range(3, 6)])
    assert await second.flush() == {"files": 2, "records": 6, "misfits": 0}
    await second.finish()
    assert offsets(*sorted(folder.iterdir())) == list(range(6))


@pytest.mark.parametrize("size", [1, 499, 1999, 2000, 2001, 4500])
async def test_files_are_the_same_bytes_however_many_records_come_at_a_time(
    tmp_path: Path, size: int
) -> None:
    records = [stored(n) for n in range(4500)]
    whole = await written(tmp_path / "whole", records, 500)
    other = await written(tmp_path / "other", records, size)
    assert other.read_bytes() == whole.read_bytes()
    groups = pq.ParquetFile(whole).metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [2000, 2000, 500]


async def written(folder: Path, records: list[ConsumerRecord], size: int) -> Path:
    """Return the file that so many records at a time make."""
    target = parquet_at(folder)
    target.open(None)
    for at in range(0, len(records), size):
        await target.write(records[at : at + size])
    await target.flush()
    (file,) = folder.iterdir()
    return file


async def test_files_are_the_same_bytes_however_often_it_was_interrupted(tmp_path: Path) -> None:
    records = [stored(n) for n in range(4500)]
    whole = await written(tmp_path / "whole", records, 500)
    torn = parquet_at(tmp_path / "torn")
    torn.open(None)
    await torn.write(records[:2600])
    torn.close()
    again = await written(tmp_path / "torn", records, 700)
    assert again.read_bytes() == whole.read_bytes()


async def test_a_replay_of_nothing_has_one_file_with_columns(folder: Path) -> None:
    target = parquet_at(folder)
    target.open(None)
    await target.flush()
    await target.finish()
    found = pq.read_table(folder)
    assert (found.num_rows, found.column_names) == (0, NAMES)


def test_a_folder_with_files_of_others_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").touch()
    with pytest.raises(TargetExists, match="not empty"):
        parquet_at(folder).open(None)


def test_another_folders_manifest_is_not_overwritten(folder: Path) -> None:
    Path(f"{folder}.manifest.json").touch()
    with pytest.raises(TargetExists, match=r"manifest\.json already exists"):
        parquet_at(folder).open(None)
    assert not folder.exists()


async def test_a_folder_that_lost_flushed_files_is_not_resumed(folder: Path) -> None:
    folder.mkdir()
    with pytest.raises(CannotWrite, match=r"abcd1234-00000\.parquet is gone"):
        parquet_at(folder).open({"files": 1, "records": 3, "misfits": 0})


def test_a_file_in_the_place_of_the_folder_is_named(folder: Path) -> None:
    folder.touch()
    with pytest.raises(CannotWrite, match="File exists"):
        parquet_at(folder).open(None)


def test_without_pyarrow_the_error_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "find_spec", lambda _: None)
    with pytest.raises(ParquetUnavailable, match=r"pip install '\.\[export\]' in a checkout"):
        parquet_at(folder)


@pytest.mark.parametrize("is_there", [True, False])
async def test_discarding_deletes_the_files_and_the_folder_that_this_replay_made(
    folder: Path, *, is_there: bool
) -> None:
    if is_there:
        folder.mkdir()
    target = parquet_at(folder)
    target.open(None)
    await target.write([stored(0)])
    await target.flush()
    await target.write([stored(n) for n in range(1, 2500)])
    target.discard()
    assert folder.exists() == is_there
    assert not is_there or list(folder.iterdir()) == []
