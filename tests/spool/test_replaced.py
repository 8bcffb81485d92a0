"""A spool file whose path does not lead to it any more: its content is copied, and nothing is lost.

A kill is the directory as it is at that moment: what a process that begins there finds.
"""

import contextlib
import errno
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from bridge.spool import SpoolUnwritable, locking, writer
from bridge.spool.adopt import Adopter
from bridge.spool.codec import EncodedCallback, decode_callback
from bridge.spool.spool import DiskSpool
from bridge.telemetry.metrics import Metrics
from tests.support.spool import (
    Kafka,
    callback,
    drain_of,
    entries,
    everything,
    held_names,
    name_of,
    opened,
    rest,
)
from tests.support.waiting import until

GONE_WITH_THE_PROCESS: Final = (".lock", "-shm")


def all_removed(spool: Path) -> None:
    for one in spool.parent.iterdir():
        one.unlink()


def file_removed(spool: Path) -> None:
    spool.unlink()


def file_renamed(spool: Path) -> None:
    spool.rename(spool.with_name("kept-for-later"))


def file_replaced(spool: Path) -> None:
    other = spool.with_name("other")
    shutil.copyfile(spool, other)
    other.replace(spool)


def wal_removed(spool: Path) -> None:
    spool.with_name(spool.name + "-wal").unlink()


def wal_replaced(spool: Path) -> None:
    wal = spool.with_name(spool.name + "-wal")
    wal.unlink()
    wal.touch()


def index_removed(spool: Path) -> None:
    spool.with_name(spool.name + "-shm").unlink()


def lock_removed(spool: Path) -> None:
    spool.with_name(spool.name + ".lock").unlink()


def remove_tree(directory: Path) -> None:
    """Remove a directory, again if the spool wrote a file into it meanwhile."""
    try:
        shutil.rmtree(directory)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        remove_tree(directory)


def directory_removed(spool: Path) -> None:
    remove_tree(spool.parent)


def directory_and_those_above_removed(spool: Path) -> None:
    remove_tree(spool.parent.parent)


def directory_renamed(spool: Path) -> None:
    spool.parent.rename(spool.parent.with_name("moved"))


def directory_replaced(spool: Path) -> None:
    directory_renamed(spool)
    spool.parent.mkdir()


def link_turned(spool: Path) -> None:
    """Have the directory's path lead to another one, as when a volume is mounted over it."""
    directory_renamed(spool)
    other = spool.parent.with_name("another volume")
    other.mkdir()
    spool.parent.symlink_to(other)


SLIPS = (
    all_removed,
    file_removed,
    file_renamed,
    file_replaced,
    wal_removed,
    wal_replaced,
    index_removed,
    lock_removed,
    directory_removed,
    directory_and_those_above_removed,
    directory_renamed,
    directory_replaced,
    link_turned,
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "volume" / "spool"


def killed_now(directory: Path, to: Path) -> Path:
    """Return the directory as a process finds it after ours was killed at this moment.

    The writer's thread goes on meanwhile: it deletes a former file, or truncates a WAL. Only a copy
    during which nothing changed is what a kill would have left.
    """
    while True:
        before = look_at(directory)
        with contextlib.suppress(shutil.Error, FileNotFoundError):
            shutil.copytree(
                directory,
                to,
                ignore=lambda _, names: [
                    name for name in names if name.endswith(GONE_WITH_THE_PROCESS)
                ],
            )
            if look_at(directory) == before:
                return to
        shutil.rmtree(to, ignore_errors=True)


def look_at(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Return every file that a kill leaves, with what changes whenever it is written."""
    found: dict[str, tuple[int, int, int]] = {}
    for path in directory.iterdir():
        if not path.name.endswith(GONE_WITH_THE_PROCESS):
            with contextlib.suppress(FileNotFoundError):
                state = path.lstat()
                found[path.name] = state.st_ino, state.st_size, state.st_mtime_ns
    return found


async def names_after_a_kill(directory: Path, to: Path) -> list[str]:
    """Return the names that another process publishes from what a kill leaves, each once."""
    kafka = Kafka()
    async with opened(killed_now(directory, to), scan_s=0.01) as spool:
        drain = drain_of(spool, kafka)
        drain.start()
        await until(lambda: not list(to.glob("spool-*.db")) or len(locking.spool_files(to)) == 1)
        await until(lambda: spool.state.callbacks == 0)
        await drain.stop(5.0)
    return list(dict.fromkeys(kafka.names()))


def path_of(spool: DiskSpool) -> Path:
    assert spool.path is not None
    return spool.path


@pytest.fixture
def adopts_nothing(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the spool of ``directory`` look for no files without an owner.

    On a busy machine its first look would come after the slip. It would take the file without its lock
    for one, and adopt its callbacks a second time, which is allowed.
    """
    start = Adopter.start

    def start_elsewhere(adopter: Adopter) -> None:
        if adopter._directory != directory:
            start(adopter)

    monkeypatch.setattr(Adopter, "start", start_elsewhere)


@pytest.mark.usefixtures("adopts_nothing")
@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.__name__)
async def test_callbacks_stored_before_and_after_a_slip_survive_a_kill(
    directory: Path, tmp_path: Path, slip: Callable[[Path], None]
) -> None:
    async with opened(directory) as spool:
        for number in range(5):
            await spool.append(callback(f"before {number}"))
        slip(path_of(spool))
        await spool.append(callback("after"))
        expected = [*(f"before {number}" for number in range(5)), "after"]
        assert await held_names(spool) == expected
        assert await names_after_a_kill(directory, tmp_path / "next") == expected


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.__name__)
async def test_a_slip_is_noticed_without_an_append(
    directory: Path, tmp_path: Path, slip: Callable[[Path], None]
) -> None:
    metrics = Metrics("test")
    async with opened(directory, metrics=metrics) as spool:
        await spool.append(callback("before"))
        slip(path_of(spool))
        await until(lambda: bool(spool.files_replaced))
        assert spool.files_replaced == 1
        assert metrics.value("spool_files_replaced_total") == 1
        assert await names_after_a_kill(directory, tmp_path / "next") == ["before"]


async def test_the_check_comes_round_within_a_second() -> None:
    assert writer.CHECK_S < 1


async def test_a_slip_is_logged_with_both_files_and_the_spool_is_unwritable_in_between(
    directory: Path,
) -> None:
    with capture_logs() as lines:
        async with opened(directory) as spool:
            await spool.append(callback("a"))
            former = path_of(spool)
            file_removed(former)
            await spool.append(callback("b"))
            told = [line for line in lines if line["log_level"] == "error"]
            new = path_of(spool)
            await until(lambda: spool.writable)
    events = [line["event"] for line in lines]
    assert sorted(line["event"] for line in told) == ["spool_file_replaced", "spool_unwritable"]
    (replaced,) = (line for line in told if line["event"] == "spool_file_replaced")
    assert (replaced["file"], replaced["new_file"]) == (str(former), str(new))
    assert replaced["callbacks"] == 2
    assert "spool_writable" in events


@pytest.mark.usefixtures("adopts_nothing")
@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.__name__)
async def test_numbers_tries_and_parked_callbacks_are_copied(
    directory: Path, slip: Callable[[Path], None]
) -> None:
    async with opened(directory) as spool:
        for name in ("on kafka", "tried", "parked", "waiting"):
            await spool.append(callback(name, name.encode()))
        done, tried, parked, _ = before = await everything(spool)
        await spool.record_tries(tried, 2)
        await spool.park(parked, 3)
        slip(path_of(spool))
        # Whoever took them out of the former file removes them from the new one by their numbers.
        await spool.remove([done])
        after = await everything(spool)
        assert [(one.number, one.key, one.tries) for one in after] == [
            (before[1].number, b"tried", 2),
            (before[3].number, b"waiting", 0),
        ]
        assert (spool.state.callbacks, spool.state.parked) == (3, 1)
        await spool.append(callback("newer"))
        assert (await everything(spool))[-1].number > before[3].number


async def test_nothing_is_left_of_a_file_after_its_content_was_copied(directory: Path) -> None:
    for slip in (file_removed, wal_removed, index_removed, wal_replaced):
        async with opened(directory) as spool:
            await spool.append(callback("a"))
            slip(path_of(spool))
            await spool.append(callback("b"))
            name = path_of(spool).name
            ours = {name, *(name + ending for ending in ("-wal", "-shm", ".lock"))}
            assert entries(directory) == ours
            await rest(drain_of(spool, Kafka()))
        assert entries(directory) == set()


async def test_a_file_that_replaced_ours_is_adopted_like_any_other(
    directory: Path, tmp_path: Path
) -> None:
    async with opened(tmp_path / "elsewhere") as other:
        await other.append(callback("theirs"))
        backup = path_of(other)
    async with opened(directory, scan_s=0.01) as spool:
        await spool.append(callback("ours"))
        backup.replace(path_of(spool))
        await spool.append(callback("ours, too"))
        await until(lambda: spool.state.callbacks == 3)
        assert await held_names(spool) == ["ours", "ours, too", "theirs"]
        await until(lambda: len(locking.spool_files(directory)) == 1)


async def test_while_no_new_file_can_be_created_appends_fail_and_nothing_is_lost(
    directory: Path, tmp_path: Path, impatient: None
) -> None:
    async with opened(directory) as spool:
        await spool.append(callback("before"))
        directory.rename(tmp_path / "moved")
        directory.write_text("a file stands in the way")
        with pytest.raises(SpoolUnwritable):
            await spool.append(callback("refused"))
        await until(lambda: not spool.writable)
        # The file can still be read, and so be brought to Kafka, but for the callback that was refused.
        assert await held_names(spool) == ["before"]
        directory.unlink()
        await until(lambda: spool.writable)
        await spool.append(callback("after"))
        assert await held_names(spool) == ["before", "after"]
        assert await names_after_a_kill(directory, tmp_path / "next") == ["before", "after"]


async def test_what_was_drained_while_no_new_file_could_be_created_is_not_drained_again(
    directory: Path, tmp_path: Path, impatient: None
) -> None:
    async with opened(directory) as spool:
        for name in "abc":
            await spool.append(callback(name, name.encode()))
        directory.rename(tmp_path / "moved")
        directory.write_text("a file stands in the way")
        await until(lambda: not spool.writable)
        await spool.remove((await everything(spool))[:2])
        directory.unlink()
        await until(lambda: spool.state.callbacks == 1)
        assert await held_names(spool) == ["c"]


async def test_a_file_removed_at_the_very_end_is_copied_before_the_process_ends(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECK_S", 3600.0)
    async with opened(directory) as spool:
        await spool.append(callback("a"))
        shutil.rmtree(directory)
    async with opened(directory) as spool:
        assert await held_names(spool) == ["a"]


async def test_an_empty_file_that_was_replaced_at_the_end_does_not_take_the_other_along(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECK_S", 3600.0)
    async with opened(directory) as spool:
        path = path_of(spool)
        path.unlink()
        path.write_bytes(b"somebody else's")
    assert path.read_bytes() == b"somebody else's"


async def test_a_file_replaced_while_it_is_adopted_is_not_deleted_unread(directory: Path) -> None:
    async with opened(directory) as gone:
        await gone.append(callback("left behind"))
        left = path_of(gone)
    restored = b"a backup that somebody put back"

    class Restoring:
        """A spool that takes callbacks over, while somebody puts another file in the place."""

        def __init__(self) -> None:
            self.taken: list[str] = []

        def has_room(self, callbacks: Sequence[EncodedCallback]) -> bool:
            del callbacks
            return True

        async def adopt(self, callbacks: Sequence[EncodedCallback]) -> None:
            self.taken += [name_of(decode_callback(one).records[0]) for one in callbacks]
            left.unlink()
            left.write_bytes(restored)

    spool = Restoring()
    await Adopter(directory, spool, scan_s=3600.0)._scan()
    assert spool.taken == ["left behind"]
    assert left.read_bytes() == restored


async def test_a_shell_that_only_reads_is_no_slip(directory: Path) -> None:
    async with opened(directory) as spool:
        await spool.append(callback("a"))
        with contextlib.closing(sqlite3.connect(path_of(spool))) as shell:
            assert shell.execute("SELECT count(*) FROM callbacks").fetchone() == (1,)
        await spool.append(callback("b"))
        assert await held_names(spool) == ["a", "b"]
        assert spool.files_replaced == 0


async def test_a_reader_that_stays_does_not_let_the_wal_grow_without_bound(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECK_S", 0.0)
    monkeypatch.setattr(writer, "WAL_BYTES_MAX", 200_000)
    kept: list[str] = []
    async with opened(directory) as spool:
        await spool.append(callback("first"))
        former = path_of(spool)
        with contextlib.closing(sqlite3.connect(former, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM callbacks").fetchone() == (1,)
            for number in range(200):  # what waits is little, and what was written is much
                await spool.append(callback(f"kept {number}", padding=1500))
                kept.append(f"kept {number}")
                if number % 10:
                    await spool.remove((await everything(spool))[-1:])
                    kept.pop()
            wals = [one.stat().st_size for one in directory.glob("*-wal")]
            assert sum(wals) < 2_000_000
            assert path_of(spool) != former
            # The reader goes on with what it had when it began.
            assert reader.execute("SELECT count(*) FROM callbacks").fetchone() == (1,)
        assert await held_names(spool) == ["first", *kept]
        assert await names_after_a_kill(directory, tmp_path / "next") == ["first", *kept]
        assert spool.files_replaced == 0  # nobody removed anything
