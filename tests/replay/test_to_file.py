"""Replaying into a file of lines."""

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from aiokafka.structs import ConsumerRecord

from bridge.replay import CannotWrite, Stamp, State, TargetExists
from bridge.replay.manifest import Manifest
from bridge.replay.selection import Query
from bridge.replay.to_file import File, json_lines
from bridge.replay.window import Window
from tests.replay.making import NOON_MS, part, plan_of, stored

PLAN = plan_of(
    part("topic", 0, 0, 9), query=Query(source="journal", since="2h"), within=Window(NOON_MS, None)
)
MANIFEST = Manifest(PLAN, Stamp("abcd1234", "2026-03-08T09:00:00Z"))
RECORDS = [stored(n, value=b'{"n":%d}' % n) for n in range(9)]


def file_at(path: Path, *, head: bytes = b"") -> File:
    return File(path, json_lines, head=head, manifest=MANIFEST)


async def written(path: Path, records: Sequence[ConsumerRecord]) -> State:
    file = file_at(path)
    file.open(None)
    await file.put(records)
    state = await file.settle()
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
    await file.put(RECORDS)
    assert not path.exists()
    assert await file.settle() == {"bytes": len(json_lines(RECORDS)), "records": 9}
    assert not path.exists()
    await file.finish()
    assert path.read_bytes() == json_lines(RECORDS)
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
    await first.put(RECORDS[:4])
    state = await first.settle()
    await first.put(RECORDS[4:7])  # and the process is killed: some of it may be on the disk
    first.close()
    second = file_at(path)
    second.open(state)
    await second.put(RECORDS[4:])
    assert await second.settle() == {"bytes": len(json_lines(RECORDS)), "records": 9}
    await second.finish()
    assert path.read_bytes() == json_lines(RECORDS)


async def test_a_replay_killed_before_it_settled_begins_anew(path: Path) -> None:
    first = file_at(path, head=b"head\n")
    first.open(None)
    await first.put(RECORDS[:4])
    first.close()
    second = file_at(path, head=b"head\n")
    second.open(None)
    await second.put(RECORDS)
    await second.settle()
    await second.finish()
    assert path.read_bytes() == b"head\n" + json_lines(RECORDS)


async def test_a_replay_killed_while_it_finished_finishes_again(path: Path) -> None:
    state = await written(path, RECORDS)
    Path(f"{path}.manifest.json").unlink()
    again = file_at(path)
    again.open(state)
    await again.settle()
    await again.finish()
    assert path.read_bytes() == json_lines(RECORDS)
    assert orjson.loads(Path(f"{path}.manifest.json").read_bytes())["records"] == 9


def test_a_file_that_is_there_is_not_overwritten(path: Path) -> None:
    path.write_bytes(b"mine")
    with pytest.raises(TargetExists, match=r"out\.jsonl is there already"):
        file_at(path).open(None)
    assert path.read_bytes() == b"mine"


def test_a_file_that_lost_what_had_settled_is_not_gone_on_with(path: Path) -> None:
    Path(f"{path}.partial").write_bytes(b"short")
    file = file_at(path)
    with pytest.raises(CannotWrite, match="shorter than it was"):
        file.open({"bytes": 6, "records": 1})
    file.close()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match=r"nowhere/out\.jsonl: No such file"):
        file_at(tmp_path / "nowhere" / "out.jsonl").open(None)


async def test_a_disk_that_is_full_is_named_and_nothing_is_settled(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_at(path)
    file.open(None)
    await file.put(RECORDS)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="No space left"):
        await file.settle()
    file.close()


async def test_a_file_that_is_closed_takes_nothing(path: Path) -> None:
    with pytest.raises(CannotWrite):
        await file_at(path).put(RECORDS)
