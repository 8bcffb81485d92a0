"""The progress file of a replay, and its lock."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bridge.reader.merged_reader import OffsetRange
from bridge.replay import CannotWrite, ReplayRun
from bridge.replay.atomic_file import try_lock
from bridge.replay.progress import (
    Destination,
    InUse,
    NotAProgressFile,
    Progress,
    load_progress,
    lock_progress,
    new_progress,
    save_progress,
)
from tests.support.stored_records import part, plan_of

PLAN = plan_of(part("topic", 0, 3, 9), part("topic", 1, 0, 4))
BEGUN = new_progress(
    PLAN, Destination("jsonl", "out.jsonl"), ReplayRun("id", "2026-03-08T09:00:00Z")
)


def test_a_replay_that_begins_has_everything_left() -> None:
    assert BEGUN.remaining == PLAN.ranges


def test_what_is_left_begins_where_it_goes_on_and_what_is_read_is_left_out() -> None:
    assert replace(BEGUN, next=(5, 4)).remaining == [OffsetRange("topic", 0, 5, 9)]


@pytest.mark.parametrize(
    "progress",
    [
        BEGUN,
        replace(BEGUN, next=(5, 4), records=6, state={"bytes": 70, "records": 6}),
        replace(BEGUN, next=(9, 4), finished_at="2026-03-08T09:00:01Z"),
    ],
)
def test_progress_read_from_its_file_is_the_progress(tmp_path: Path, progress: Progress) -> None:
    file = tmp_path / "progress.json"
    save_progress(file, BEGUN)
    save_progress(file, progress)
    assert load_progress(file) == progress
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_crash_while_it_is_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "progress.json"
    save_progress(file, BEGUN)

    def crash(number: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(CannotWrite, match="Input/output error"):
        save_progress(file, replace(BEGUN, next=(5, 4)))
    assert load_progress(file) == BEGUN


def test_where_there_is_no_file_there_is_no_progress(tmp_path: Path) -> None:
    assert load_progress(tmp_path / "progress.json") is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a replay's progress"),
        (b"{}", "not a replay's progress"),
        (b'{"format": 9, "next": "of another form"}', "of format 9, and this version reads"),
        (orjson.dumps(replace(BEGUN, next=(1,))), "not within the plan"),
        (orjson.dumps(replace(BEGUN, next=(10, 0))), "not within the plan"),
        (orjson.dumps(replace(BEGUN, next=(3, -1))), "not within the plan"),
        (orjson.dumps(replace(BEGUN, plan=replace(PLAN, format=2))), "a plan of format 2"),
        (orjson.dumps({**orjson.loads(orjson.dumps(BEGUN)), "more": 1}), "not a replay's progress"),
    ],
)
def test_a_file_that_is_no_progress_is_refused_with_its_name(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "progress.json"
    file.write_bytes(content)
    with pytest.raises(NotAProgressFile, match=rf"progress\.json: .*{said}"):
        load_progress(file)


def test_a_folder_is_no_progress(tmp_path: Path) -> None:
    with pytest.raises(NotAProgressFile, match="directory"):
        load_progress(tmp_path)


def test_progress_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="nowhere"):
        save_progress(tmp_path / "nowhere" / "progress.json", BEGUN)


def test_one_replay_keeps_the_other_out_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    with lock_progress(file), pytest.raises(InUse, match="another process"), lock_progress(file):
        pass
    with lock_progress(file):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_on_a_file_that_was_replaced_is_not_held(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with lock.open("w") as ours:
        lock.unlink()  # as the one who held it does when it ends
        assert not try_lock(ours.fileno(), lock)
        lock.touch()
        assert not try_lock(ours.fileno(), lock)


def test_a_folder_that_is_not_there_cannot_hold_a_lock(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotWrite, match="nowhere"),
        lock_progress(tmp_path / "nowhere" / "progress.json"),
    ):
        pass
