"""What a suite has inherited of signals does not reach the processes that its tests start."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
NAMES = ("SIGCHLD", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM")

# Prints, in a process of its own, which signals the kernel has as ignored and as blocked.
SHOWN = """
import pathlib, signal
lines = dict(
    line.split(":\\t") for line in pathlib.Path("/proc/self/status").read_text().splitlines()
)
for field in ("SigIgn", "SigBlk"):
    bits = int(lines[field], 16)
    print(sorted(one.name for one in signal.Signals if bits >> (one - 1) & 1 and one.name in NAMES))
"""

SUITE = """
import contextlib, signal, subprocess, sys
from tests.support.signals import default_in_new_processes
number = signal.Signals[sys.argv[1]]
if sys.argv[2] == "ignored":
    signal.signal(number, signal.SIG_IGN)
else:
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
show = [sys.executable, "-S", "-c", sys.argv[3]]
with default_in_new_processes():
    subprocess.run(show, check=True)
subprocess.run(show, check=True)
"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("inherited", "afterwards"), [("ignored", ["['{}']", "[]"]), ("blocked", ["[]", "['{}']"])]
)
def test_a_signal_that_the_suite_inherited_reaches_no_process_of_a_test(
    name: str, inherited: str, afterwards: list[str]
) -> None:
    shown = f"NAMES = {NAMES}\n{SHOWN}"
    done = subprocess.run(
        # Without site-packages: a measurement of coverage takes SIGTERM for itself.
        [sys.executable, "-S", "-c", SUITE, name, inherited, shown],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["[]", "[]", *(one.format(name) for one in afterwards)]


def test_this_suite_starts_its_processes_so() -> None:
    shown = f"NAMES = {NAMES}\n{SHOWN}"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]
