"""What `helm test` runs in a pod: it asks every pod and every Service, and makes no callback."""

import runpy
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

import pytest

from bridge.core.catalogue import SHARED_PATH
from bridge.ingress.routes import METHODS
from tests.chart.tools import CHART

SCRIPT: Final = CHART / "files/ready.py"
Running = Callable[[str, int], int]

main = runpy.run_path(str(SCRIPT))["main"]


@pytest.fixture
def answering() -> Iterator[Running]:
    """Starts what answers a method with a status, on loopback; returns its port."""
    servers: list[HTTPServer] = []

    def start(method: str, status: int) -> int:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            assert handler.path in {"/readyz", SHARED_PATH}
            handler.send_response(status)
            handler.end_headers()

        quiet: dict[str, object] = {"log_message": lambda *_: None}
        made = type("Answer", (BaseHTTPRequestHandler,), {f"do_{method}": answer, **quiet})
        servers.append(HTTPServer(("127.0.0.1", 0), made))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return int(servers[-1].server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("ready", "led_to", "code"), [(200, 405, 0), (503, 405, 1), (200, 200, 1), (200, 502, 1)]
)
def test_every_pod_must_be_ready_and_the_callbacks_must_come_to_the_bridge(
    answering: Running, capsys: pytest.CaptureFixture[str], ready: int, led_to: int, code: int
) -> None:
    management, callbacks = answering("GET", ready), answering("HEAD", led_to)
    where = ("127.0.0.1", str(callbacks), "127.0.0.1", "127.0.0.1")
    assert main(*where, at=management) == code
    told = capsys.readouterr().out
    assert told.count(f"/readyz: {ready}, expected 200") == 2  # by the Service, and the pod itself
    assert f"HEAD 127.0.0.1:{callbacks}{SHARED_PATH}: {led_to}, expected 405" in told


def test_a_server_that_does_not_answer_is_reported(
    answering: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("127.0.0.1", "1", "127.0.0.1", "127.0.0.1", at=answering("GET", 200)) == 1
    assert "HEAD 127.0.0.1:1/plivo: [Errno 111]" in capsys.readouterr().out


def test_its_request_to_the_callback_port_is_not_a_callback() -> None:
    assert "HEAD" not in METHODS
