"""``serve`` and signals: four of them stop it cleanly, and a frozen process loses no callback."""

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from bridge.dev.account import AUTH_TOKEN
from tests.support.bridge import eventually, wait_for_port
from tests.support.cli import COMMAND, Started, environment, serving, started
from tests.support.plivo import HANGUP, PATHS, Plivo, sample
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.system

READ_TIMEOUT_S = 1.0
FROZEN_S = 3.0


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGHUP])
def test_a_closing_terminal_and_a_slip_of_the_finger_end_it_in_order(
    nobody: str, number: signal.Signals
) -> None:
    with started("serve", **serving(nobody)) as bridge:
        bridge.says("bridge_started")
        assert bridge.end(number) == 0
        bridge.says("bridge_stopped")


def test_under_nohup_a_closing_terminal_does_not_end_it(nobody: str) -> None:
    given = serving(nobody)
    with _nohup(given) as bridge:
        bridge.says("bridge_started")
        bridge.process.send_signal(signal.SIGHUP)
        management = f"http://127.0.0.1:{given['management_port']}"
        for _ in range(3):
            assert httpx.get(management + "/livez").status_code == 200
        assert "bridge_stopped" not in bridge.written
        assert bridge.end() == 0


@contextlib.contextmanager
def _nohup(given: dict[str, str]) -> Generator[Started]:
    process = subprocess.Popen(
        ["nohup", COMMAND, "serve"],
        env=environment(**given),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    command = Started(process)
    try:
        yield command
    finally:
        if process.poll() is None:
            process.kill()
        command.end()


def request_of(port: int) -> bytes:
    """Return a signed callback as it is on the wire."""
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        head = [f"{request.method} {request.url.raw_path.decode()} HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in request.headers.items()]
        seen.append("\r\n".join(head).encode() + b"\r\n\r\n" + request.content)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        Plivo(client, f"http://127.0.0.1:{port}", AUTH_TOKEN).post(PATHS[HANGUP], sample(HANGUP))
    return seen[0]


def status(connection: socket.socket) -> int:
    connection.settimeout(PATIENCE_S)
    return int(connection.recv(65536).split()[1])


@pytest.mark.parametrize("cut_at", ["head", "body", "last byte"])
def test_a_callback_that_arrived_while_it_was_frozen_is_answered_200(
    nobody: str, tmp_path: Path, cut_at: str
) -> None:
    given = serving(
        nobody,
        spool_enabled="true",
        spool_directory=str(tmp_path / "spool"),
        spool_append_timeout_s="1",
        read_timeout_s=str(READ_TIMEOUT_S),
        kafka_ack_timeout_s="0.2",
        kafka_control_ack_timeout_s="0.2",
    )
    port = int(given["port"])
    request = request_of(port)
    cut = {"head": 40, "body": request.index(b"\r\n\r\n") + 14, "last byte": len(request) - 1}[
        cut_at
    ]
    with started("serve", **given) as bridge:
        bridge.says("bridge_started")
        wait_for_port(port)
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request[:cut])
            eventually(lambda: _received(port))
            bridge.process.send_signal(signal.SIGSTOP)
            connection.sendall(request[cut:])
            time.sleep(FROZEN_S)
            bridge.process.send_signal(signal.SIGCONT)
            assert status(connection) == 200
        assert bridge.end() == 0


def _received(port: int) -> bool:
    """Say whether the process has read what was sent to its port."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state, queues = line.split()[1], line.split()[3], line.split()[4]
        if local.endswith(f":{port:04X}") and state == "01" and queues.endswith(":00000000"):
            return True
    return False
