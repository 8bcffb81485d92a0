"""The disk: it is full when it is filled, read-only when it is told, and seen by nobody else."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.disk import Disk, NoMounts


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    try:
        disk = Disk(tmp_path / "disk", size_bytes=1_048_576)
    except NoMounts as error:
        pytest.skip(f"mounting is not allowed here: {error}")
    yield disk
    disk.close()


def written_inside(disk: Disk) -> bool:
    shell = ("sh", "-c", f"echo word >> {disk.folder}/file")
    return subprocess.run([*disk.inside, *shell], capture_output=True, check=False).returncode == 0


def test_what_is_written_inside_is_seen_through_proc_alone(disk: Disk) -> None:
    assert written_inside(disk)
    assert (disk.outside / "file").read_text() == "word\n"
    assert list(disk.folder.iterdir()) == []


def test_a_full_disk_takes_nothing_until_it_is_freed(disk: Disk) -> None:
    disk.fill()
    assert not written_inside(disk)
    disk.free()
    assert written_inside(disk)


async def test_a_read_only_disk_takes_nothing_until_it_is_writable(disk: Disk) -> None:
    await disk.writable(yes=False)
    assert not written_inside(disk)
    await disk.writable(yes=True)
    assert written_inside(disk)
