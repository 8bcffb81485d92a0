"""Who owns a spool file, and what happens to the files beside it."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.spool import locking
from bridge.spool.locking import LockedFile

HOLDING = """
import sys, pathlib
from bridge.spool import locking
held = locking.create_file(pathlib.Path(sys.argv[1]))
print(held.path, flush=True)
sys.stdin.read()
"""


def beside(path: Path, *endings: str) -> list[Path]:
    found = [path.with_name(path.name + ending) for ending in endings]
    for one in found:
        one.touch()
    return found


def names(directory: Path) -> set[str]:
    return {one.name for one in directory.iterdir()}


def test_a_new_file_is_empty_and_nobody_else_s(tmp_path: Path) -> None:
    held = locking.create_file(tmp_path / "deeper" / "spool")
    assert held.path.read_bytes() == b""
    assert held.path.stat().st_mode & 0o777 == 0o600
    assert held.path.parent.stat().st_mode & 0o777 == 0o700
    assert locking.lock_file(held.path) is None
    held.release()


@pytest.mark.system
def test_a_file_of_a_process_that_is_gone_can_be_held(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        assert locking.lock_file(path) is None
        assert locking.find_owner(path) == f"process {process.pid} on {os.uname().nodename}"
        process.kill()
    assert locking.find_owner(path) is None
    held = locking.lock_file(path)
    assert held is not None
    assert locking.find_owner(path) == f"process {os.getpid()} on {os.uname().nodename}"
    held.release()


def test_a_removed_file_takes_everything_beside_it_along(tmp_path: Path) -> None:
    held = locking.create_file(tmp_path)
    beside(held.path, "-wal", "-shm")
    held.remove()
    assert names(tmp_path) == set()


def test_a_lock_that_was_removed_meanwhile_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = locking.create_file(tmp_path)
    path = held.path
    lock = path.with_name(path.name + ".lock")
    opened = os.open

    def after_the_owner_removed_it(*given: object) -> int:
        descriptor = opened(*given)  # type: ignore[arg-type]
        monkeypatch.undo()
        held.remove()
        path.touch()  # and somebody has made both anew
        lock.touch()
        return descriptor

    monkeypatch.setattr(locking.os, "open", after_the_owner_removed_it)
    assert locking.lock_file(path) is None
    again = locking.lock_file(path)
    assert again is not None
    again.release()


def test_a_file_that_is_gone_is_not_held_and_its_lock_is_cleared_away(tmp_path: Path) -> None:
    assert locking.lock_file(tmp_path / "spool-1.db") is None
    assert names(tmp_path) == set()


def removed_but_for_its_lock(held: LockedFile) -> None:
    held.path.unlink()
    beside(held.path, "-wal", "-shm")


def set_aside_but_for_its_wal(held: LockedFile) -> None:
    held.path.rename(held.path.with_name(held.path.name + ".damaged"))
    (wal,) = beside(held.path, "-wal")
    wal.write_bytes(b"of the damaged one")


@pytest.mark.parametrize(
    ("crashed", "left"),
    [
        (removed_but_for_its_lock, set[str]()),
        (set_aside_but_for_its_wal, {".damaged", ".damaged-wal"}),
    ],
)
def test_a_sweep_ends_what_a_crash_left_half_done(
    tmp_path: Path, crashed: Callable[[LockedFile], None], left: set[str]
) -> None:
    held = locking.create_file(tmp_path)
    crashed(held)
    held.release()
    locking.sweep(tmp_path)
    assert names(tmp_path) == {held.path.name + ending for ending in left}


def test_a_sweep_removes_what_sqlite_left_of_a_file_that_is_gone(tmp_path: Path) -> None:
    beside(tmp_path / "spool-1.db", "-shm", "-journal", "-wal")
    beside(tmp_path / "spool-2.db", "-shm")
    beside(tmp_path / "spool-3.db", "-journal")
    kept = beside(tmp_path / "spool-4.db", "", "-wal", "-shm", "-journal")
    locking.sweep(tmp_path)
    assert names(tmp_path) == {one.name for one in kept}


def test_a_sweep_keeps_the_wal_of_a_removed_database(tmp_path: Path) -> None:
    (wal,) = beside(tmp_path / "spool-1.db", "-wal")
    wal.write_bytes(b"what was committed last")
    locking.sweep(tmp_path)
    (kept,) = locking.damaged_files(tmp_path)
    assert kept.name == "spool-1.db-wal.damaged"
    assert kept.read_bytes() == b"what was committed last"
    assert names(tmp_path) == {kept.name}


def test_a_sweep_leaves_a_lock_alone_that_somebody_holds(tmp_path: Path) -> None:
    held = locking.create_file(tmp_path)
    held.path.unlink()
    locking.sweep(tmp_path)
    assert names(tmp_path) == {held.path.name + ".lock"}
    held.release()


def test_a_damaged_file_keeps_its_wal_under_the_name_sqlite_looks_for(tmp_path: Path) -> None:
    held = locking.create_file(tmp_path)
    held.path.write_bytes(b"damaged")
    beside(held.path, "-shm")
    (wal,) = beside(held.path, "-wal")
    wal.write_bytes(b"its wal")
    damaged = held.rename_damaged()
    assert names(tmp_path) == {damaged.name, damaged.name + "-wal"}
    assert damaged.read_bytes() == b"damaged"
    assert damaged.with_name(damaged.name + "-wal").read_bytes() == b"its wal"
    assert locking.damaged_files(tmp_path) == [damaged]
    assert locking.spool_files(tmp_path) == []


def test_the_largest_file_comes_first_and_its_wal_counts(tmp_path: Path) -> None:
    sizes = {"spool-a.db": (10, 0), "spool-b.db": (5, 20), "spool-c.db": (1, 1)}
    for name, (size, wal_size) in sizes.items():
        (tmp_path / name).write_bytes(b"x" * size)
        (tmp_path / f"{name}-wal").write_bytes(b"x" * wal_size)
    (tmp_path / "other.db").write_bytes(b"x" * 1000)
    assert [one.name for one in locking.spool_files(tmp_path)] == [
        "spool-b.db",
        "spool-a.db",
        "spool-c.db",
    ]


def test_find_owner_does_not_keep_another_process_from_taking_the_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "spool-1.db"
    path.touch()
    lock = tmp_path / "spool-1.db.lock"
    lock.touch()
    with lock.open("rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        ended = threading.Timer(0.01, lambda: fcntl.flock(asking, fcntl.LOCK_UN))
        ended.start()
        held = locking.lock_file(path)
        ended.join()
    assert held is not None
    held.release()
