"""Replaying into a file of lines."""

import csv
import hashlib
import io
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from bridge.replay import CannotWrite, Stamp, State, TargetExists
from bridge.replay.columns import of_journal
from bridge.replay.manifest import Manifest
from bridge.replay.selection import Query
from bridge.replay.to_file import File, _csv_line, csv_head, csv_lines, json_lines
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


async def test_a_line_holds_the_whole_record_and_its_value_byte_for_byte() -> None:
    value = b'{"b": 1.50,  "a":"Zo\xc3\xab \\u00eb"}'
    headers = [("ce_id", b"1"), ("x", b"\xff"), ("n", None)]
    line = json_lines([stored(3, partition=2, value=value, headers=headers)])
    assert line.count(b"\n") == 1
    assert value in line
    assert orjson.loads(line) == {
        "topic": "topic",
        "partition": 2,
        "offset": 3,
        "timestamp": "2026-03-07T12:00:00.000Z",
        "timestamp_ms": NOON_MS,
        "key": "call",
        "headers": [
            {"name": "ce_id", "value": "1"},
            {"name": "x", "value_base64": "/w=="},
            {"name": "n", "value": None},
        ],
        "value": {"b": 1.5, "a": "Zo\u00eb \u00eb"},
    }


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (stored(value=None), {"value_text": None}),
        (stored(value=b"null"), {"value": None}),
        (stored(value=b""), {"value_text": ""}),
        (stored(value=b"no JSON"), {"value_text": "no JSON"}),
        (stored(value=b'{"a":\n1}'), {"value_text": '{"a":\n1}'}),
        (stored(value=b"\xff"), {"value_text_base64": "/w=="}),
        (stored(key=None), {"key": None}),
        (stored(key=b"\xff"), {"key_base64": "/w=="}),
    ],
)
def test_a_value_that_is_no_json_and_a_key_that_is_no_text_are_told_apart(
    record: ConsumerRecord, expected: dict[str, object]
) -> None:
    line = json_lines([record])
    assert line.count(b"\n") == 1
    assert expected.items() <= orjson.loads(line).items()


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


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, ""),
        ("", '""'),
        ("text", '"text"'),
        ('say "hi"', '"say ""hi"""'),
        ("a,b\r\nc", '"a,b\r\nc"'),
        ("=1+1", '"\'=1+1"'),
        ("+14155550100", '"\'+14155550100"'),
        ("-1", '"\'-1"'),
        ("@SUM(A1)", '"\'@SUM(A1)"'),
        ("\t=1", '"\'\t=1"'),
        ("\r=1", '"\'\r=1"'),
        ("\n=1", '"\'\n=1"'),
        ("\uff1d1", '"\'\uff1d1"'),
        ("'=1", "\"''=1\""),
        ("1=1", '"1=1"'),
    ],
)
def test_a_cell_is_quoted_absent_is_nothing_and_no_cell_is_a_formula(
    cell: str | None, expected: str
) -> None:
    assert _csv_line([cell]) == f"{expected}\r\n".encode()


@given(cells=st.lists(st.text(), min_size=1))
def test_csv_read_by_a_stranger_gives_back_the_text(cells: list[str]) -> None:
    line = _csv_line(cells).decode("utf-8", "surrogatepass")
    (row,) = csv.reader(io.StringIO(line, newline=""), strict=True)
    assert not any(cell.startswith(tuple("=+-@\t\r\n")) for cell in row)
    assert [cell.removeprefix("'") for cell in row] == cells


def test_csv_has_a_head_and_a_row_a_record() -> None:
    table = of_journal()
    text = (csv_head(table) + csv_lines(table)(RECORDS)).decode()
    head, *rows = _read(text)
    assert tuple(head) == table.names
    assert [row[head.index("record.offset")] for row in rows] == [str(n) for n in range(9)]
    assert {len(row) for row in rows} == {len(head)}


def _read(text: str) -> Iterator[list[str]]:
    return iter(csv.reader(io.StringIO(text, newline=""), strict=True))
