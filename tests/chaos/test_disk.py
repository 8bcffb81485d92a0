"""The disk: it can be full or read-only, and no other process sees it."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.disk import Disk, NoMounts
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.system


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


async def test_a_disk_that_hangs_has_writers_wait_until_it_goes_on(tmp_path: Path) -> None:
    try:
        disk = Disk(tmp_path / "disk", size_bytes=4_194_304, can_hang=True)
    except NoMounts as error:
        pytest.skip(f"mounting a file is not allowed here: {error}")
    try:
        await disk.hang()
        shell = ("sh", "-c", f"echo word > {disk.folder}/file")
        writer = await asyncio.create_subprocess_exec(*disk.inside, *shell)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.wait(), 0.3)
        await disk.go_on()
        assert await asyncio.wait_for(writer.wait(), PATIENCE_S) == 0
    finally:
        disk.close()
