"""Replaying into a file of lines."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from aiokafka.structs import ConsumerRecord

from bridge.reader.selection import Query
from bridge.reader.window import Window
from bridge.replay import CannotWrite, ReplayRun, TargetExists, TargetState
from bridge.replay.manifest import Manifest, describe_plan
from bridge.replay.progress import InUse
from bridge.replay.targets.file import LineFile, encode_json_lines
from tests.support.stored_records import NOON_MS, part, plan_of, stored

PLAN = plan_of(
    part("topic", 0, 0, 9), query=Query(source="journal", since="2h"), within=Window(NOON_MS, None)
)
MANIFEST = Manifest(describe_plan(PLAN), ReplayRun("abcd1234", "2026-03-08T09:00:00Z"))
RECORDS = [stored(n, value=b'{"n":%d}' % n) for n in range(9)]


def file_at(path: Path, *, head: bytes = b"", replay_id: str = "abcd1234") -> LineFile:
    manifest = replace(MANIFEST, run=replace(MANIFEST.run, id=replay_id))
    return LineFile(path, encode_json_lines, head=head, manifest=manifest)


def partial_of(path: Path) -> Path:
    return Path(f"{path}.abcd1234.partial")


async def written(path: Path, records: Sequence[ConsumerRecord]) -> TargetState:
    file = file_at(path)
    file.open(None)
    await file.write(records)
    state = await file.flush()
    await file.finish()
    return state


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def lines_of(path: Path) -> list[int]:
    return [orjson.loads(line)["offset"] for line in path.read_bytes().splitlines()]


async def test_a_file_gets_its_name_when_it_is_complete(path: Path) -> None:
    file = file_at(path)
    file.open(None)
    await file.write(RECORDS)
    assert [one.name for one in path.parent.iterdir()] == [partial_of(path).name]
    assert await file.flush() == {"bytes": len(encode_json_lines(RECORDS)), "records": 9}
    assert not path.exists()
    await file.finish()
    assert path.read_bytes() == encode_json_lines(RECORDS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "out.jsonl",
        "out.jsonl.manifest.json",
    ]


async def test_a_manifest_says_what_the_file_is(path: Path) -> None:
    await written(path, RECORDS)
    manifest = orjson.loads(Path(f"{path}.manifest.json").read_bytes())
    content = path.read_bytes()
    assert manifest["files"] == [
        {
            "name": "out.jsonl",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    ]
    assert (manifest["records"], manifest["records_planned"]) == (9, 9)
    assert manifest["query"]["since"] == "2h"
    assert manifest["window"] == {"since_ms": NOON_MS, "until_ms": None}
    assert manifest["first"] == "2026-03-07T12:00:00.000Z"
    assert (manifest["replay_id"], manifest["plan_id"]) == ("abcd1234", "plan")
    assert manifest["bridge_version"]


async def test_a_replay_that_goes_on_makes_the_same_bytes(path: Path) -> None:
    first = file_at(path)
    first.open(None)
    await first.write(RECORDS[:4])
    state = await first.flush()
    await first.write(RECORDS[4:7])  # and the process is killed: some of it may be on the disk
    first.close()
    second = file_at(path)
    second.open(state)
    await second.write(RECORDS[4:])
    assert await second.flush() == {"bytes": len(encode_json_lines(RECORDS)), "records": 9}
    await second.finish()
    assert path.read_bytes() == encode_json_lines(RECORDS)


async def test_a_replay_killed_before_its_first_flush_starts_again(path: Path) -> None:
    first = file_at(path, head=b"head\n")
    first.open(None)
    await first.write(RECORDS[:4])
    first.close()
    second = file_at(path, head=b"head\n")
    second.open(None)
    await second.write(RECORDS)
    await second.flush()
    await second.finish()
    assert path.read_bytes() == b"head\n" + encode_json_lines(RECORDS)


@pytest.mark.parametrize("killed", ["before the manifest", "before the partial name was gone"])
async def test_a_replay_killed_while_it_finished_finishes_again(path: Path, killed: str) -> None:
    state = await written(path, RECORDS)
    Path(f"{path}.manifest.json").unlink()
    if killed == "before the partial name was gone":
        partial_of(path).hardlink_to(path)
    again = file_at(path)
    again.open(state)
    assert await again.flush() == state
    await again.finish()
    assert path.read_bytes() == encode_json_lines(RECORDS)
    assert orjson.loads(Path(f"{path}.manifest.json").read_bytes())["records"] == 9
    assert not partial_of(path).exists()


def test_a_file_that_is_there_is_not_overwritten(path: Path) -> None:
    path.write_bytes(b"mine")
    with pytest.raises(TargetExists, match=r"out\.jsonl already exists"):
        file_at(path).open(None)
    assert path.read_bytes() == b"mine"


async def test_another_files_manifest_is_not_overwritten(path: Path) -> None:
    await written(path, RECORDS)
    path.rename(path.with_name("moved.jsonl"))
    with pytest.raises(TargetExists, match=r"out\.jsonl\.manifest\.json already exists"):
        file_at(path).open(None)
    assert not partial_of(path).exists()


@pytest.mark.parametrize("partial", [True, False])
async def test_a_file_of_another_replay_is_refused(path: Path, *, partial: bool) -> None:
    state = await written(path, RECORDS)
    path.write_bytes(b"mine")
    if partial:
        partial_of(path).write_bytes(encode_json_lines(RECORDS))
    with pytest.raises(TargetExists, match=r"out\.jsonl already exists"):
        file_at(path).open(state)
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("hard_links", [True, False])
async def test_a_file_that_was_made_meanwhile_is_not_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, hard_links: bool
) -> None:
    if not hard_links:
        monkeypatch.setattr(os, "link", without_links)
    file = file_at(path)
    file.open(None)
    await file.write(RECORDS)
    state = await file.flush()
    path.write_bytes(b"mine")
    with pytest.raises(TargetExists, match="created by another process"):
        await file.finish()
    file.close()
    assert path.read_bytes() == b"mine"
    path.unlink()
    again = file_at(path)
    again.open(state)
    await again.flush()
    await again.finish()
    assert path.read_bytes() == encode_json_lines(RECORDS)
    assert not partial_of(path).exists()


def without_links(*_: object) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


async def test_one_replays_bytes_are_never_anothers(path: Path) -> None:
    first = file_at(path, replay_id="first")
    first.open(None)
    await first.write(RECORDS[:4])
    await first.flush()
    first.close()
    second = file_at(path, replay_id="second")
    second.open(None)
    await second.write(RECORDS[4:])
    await second.flush()
    await second.finish()
    assert path.read_bytes() == encode_json_lines(RECORDS[4:])
    assert Path(f"{path}.first.partial").read_bytes() == encode_json_lines(RECORDS[:4])


async def test_a_file_is_written_by_one_process_at_a_time(path: Path) -> None:
    first = file_at(path)
    first.open(None)
    await first.write(RECORDS[:4])
    state = await first.flush()
    second = file_at(path)
    with pytest.raises(InUse, match="another process writes to it"):
        second.open(state)
    second.close()
    first.close()
    second.open(state)
    second.close()


def test_a_file_that_lost_flushed_bytes_is_not_resumed(path: Path) -> None:
    file = file_at(path)
    with pytest.raises(CannotWrite, match=re.escape(f"{partial_of(path)} is gone")):
        file.open({"bytes": 6, "records": 1})
    partial_of(path).write_bytes(b"short")
    with pytest.raises(CannotWrite, match="shorter than it was"):
        file.open({"bytes": 6, "records": 1})
    file.close()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match=r"nowhere/out\.jsonl: No such file"):
        file_at(tmp_path / "nowhere" / "out.jsonl").open(None)


async def test_a_full_disk_is_reported_and_nothing_is_flushed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_at(path)
    file.open(None)
    await file.write(RECORDS)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="No space left"):
        await file.flush()
    file.close()


async def test_what_a_full_disk_does_not_take_does_not_hide_that_it_is_full(path: Path) -> None:
    file = file_at(path)
    file.open(None)
    await file.write(RECORDS)  # buffered, and written by the flush
    assert file._stream is not None
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, file._stream.fileno())
    os.close(full)
    with pytest.raises(CannotWrite, match="No space left"):
        await file.flush()
    file.close()


async def test_a_file_that_is_closed_takes_nothing(path: Path) -> None:
    with pytest.raises(CannotWrite):
        await file_at(path).write(RECORDS)


async def test_a_file_that_is_discarded_leaves_nothing(path: Path) -> None:
    file = file_at(path)
    file.open(None)
    await file.write(RECORDS)
    file.discard()
    assert list(path.parent.iterdir()) == []


async def test_a_file_that_is_complete_is_not_discarded(path: Path) -> None:
    file = file_at(path)
    file.open(None)
    await file.write(RECORDS)
    await file.flush()
    await file.finish()
    file.discard()
    assert lines_of(path) == list(range(9))
