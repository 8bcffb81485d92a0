"""The benchmark of the emulator runs and reports; how fast is not for a test to say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench.emulator", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.system
def test_all_calls_of_a_short_run_are_in_progress_at_the_same_time() -> None:
    done = run("--json", "--calls", "5", "--begin-s", "0.1")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["calls"], report["callbacks"]) == (5, 4)
    names = [one["name"] for one in report["costs"]]
    assert names == ["call machine alone", "emulator over HTTP", "bare HTTP client"]
    assert all(one["cpu_ms_per_call"] > 0 for one in report["costs"])


@pytest.mark.system
def test_its_help_says_what_it_measures() -> None:
    done = run("--help")
    assert done.returncode == 0
    for words in ("--calls", "--begin-s", "--json", "bare HTTP client"):
        assert words in " ".join(done.stdout.replace("│", " ").split())
