"""The tool that reads rules as Prometheus does."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.alerts.rules import ROOT

Promtool = Callable[..., str]


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Runs promtool and returns what it says; fails the test where promtool does."""
    unpacked = ROOT / ".cache/tools/promtool"
    tool = str(unpacked) if unpacked.exists() else shutil.which("promtool")
    if tool is None:
        pytest.fail("promtool is not here: run the tests by `make test-chart`")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [tool, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
