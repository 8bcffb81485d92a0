"""``serve`` answers callbacks even if its log is not read, the pipe is closed or the disk is full."""

import os
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

from bridge.dev.account import AUTH_TOKEN
from tests.support.bridge import eventually, wait_for_port
from tests.support.cli import COMMAND, environment, serving
from tests.support.plivo import HANGUP, PATHS, Plivo, sample
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.system

# Their lines are more than a pipe takes: 64 KiB.
CALLBACKS = 400


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE_S) as client:
        yield client


@contextmanager
def unread() -> Generator[int]:
    """A pipe that has a reader, which never reads."""
    reading, writing = os.pipe()
    try:
        yield writing
    finally:
        os.close(reading)
        os.close(writing)


@contextmanager
def closed() -> Generator[int]:
    """A pipe whose reader is gone."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@contextmanager
def full() -> Generator[int]:
    """A disk that takes nothing."""
    with Path("/dev/full").open("wb") as file:
        yield file.fileno()


@pytest.mark.parametrize("error", [unread, closed, full])
def test_callbacks_are_answered_whatever_becomes_of_the_log(
    nobody: str,
    client: httpx.Client,
    tmp_path: Path,
    error: Callable[[], AbstractContextManager[int]],
) -> None:
    given = serving(
        nobody,
        spool_enabled="true",
        spool_directory=str(tmp_path / "spool"),
        kafka_ack_timeout_s="0.2",
        kafka_control_ack_timeout_s="0.2",
    )
    management = f"http://127.0.0.1:{given['management_port']}"
    with error() as stderr:
        process = subprocess.Popen(
            [COMMAND, "serve"],
            env=environment(**given),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        try:
            wait_for_port(int(given["port"]))
            plivo = Plivo(client, f"http://127.0.0.1:{given['port']}", AUTH_TOKEN)
            for number in range(CALLBACKS if error is unread else 40):
                form = {**sample(HANGUP), "CallUUID": f"{'x' * 400}{number}"}
                assert plivo.post(PATHS[HANGUP], form).status_code == 200
            assert client.get(management + "/livez").status_code == 200
            if error is not unread:
                lost = "callback_bridge_log_lines_lost_total"
                eventually(lambda: f"{lost} 0.0" not in client.get(management + "/metrics").text)
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
            process.wait()
