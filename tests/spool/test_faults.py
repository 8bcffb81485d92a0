"""Disks that are full, read-only or too small: real ones, in processes of their own."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

pytestmark = pytest.mark.system

ROOT: Final = Path(__file__).parents[2]
PROGRAM: Final = f"exec {sys.executable} -m tests.spool.faults"
MOUNT: Final = "mount -t tmpfs -o size=1200k none"


def privately(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with mounts of its own."""
    return subprocess.run(
        ["unshare", "--mount", "sh", "-e", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("scenario", ["full", "filled", "full_at_the_start", "read_only"])
def test_a_disk_that_cannot_be_written_costs_nothing_that_was_kept(
    tmp_path: Path, scenario: str
) -> None:
    try:
        tried = privately(f"{MOUNT} {tmp_path}")
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if tried.returncode:
        pytest.skip(f"no file system may be mounted here: {tried.stderr.strip()}")
    done = privately(f"{MOUNT} {tmp_path}; {PROGRAM} {scenario} {tmp_path}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_limit_on_the_size_of_files_costs_nothing_that_was_kept(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.spool.faults", "file_size", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
