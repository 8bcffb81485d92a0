"""Ports that tests give to processes of theirs."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ports import free_port, kernels_lowest

ROOT = Path(__file__).parents[2]


def test_a_port_is_given_once_and_can_be_listened_on() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == len(ports)
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()


def test_the_kernel_gives_it_to_nobody() -> None:
    if kernels_lowest() < 20_000:
        pytest.skip("the kernel of this machine gives away almost every port")
    assert all(free_port() < kernels_lowest() for _ in range(50))


@pytest.mark.system
def test_a_suite_that_runs_at_the_same_time_is_given_others() -> None:
    program = (
        "import random; from tests.support import ports; random.seed(7)\n"
        "print(*[ports.free_port() for _ in range(50)], flush=True); input()"
    )
    suites = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    given = [suite.stdout.readline().split() for suite in suites if suite.stdout is not None]
    for suite in suites:
        suite.communicate("\n")
    assert len(set(given[0] + given[1])) == 100
