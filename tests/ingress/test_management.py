"""The management port, and its separation from the port for callbacks."""

import contextlib
import socket

import httpx
import pytest

from bridge.ingress.server import MANAGEMENT_LIMITS
from bridge.publish.memory import MemoryPublisher
from bridge.settings.load import load
from tests.support.bridge import VERSION, Running, running_bridge
from tests.support.http_answers import replay
from tests.support.plivo import PATHS, RING, SHARED, Plivo, request_bytes, sample
from tests.support.waiting import PATIENCE_S

OWN = ("/livez", "/readyz", "/metrics")


@pytest.mark.parametrize("path", OWN)
def test_the_management_port_answers(bridge: Running, client: httpx.Client, path: str) -> None:
    assert client.get(bridge.management_url + path).status_code == 200


@pytest.mark.parametrize("path", OWN)
def test_the_callback_port_does_not(bridge: Running, client: httpx.Client, path: str) -> None:
    assert client.get(bridge.url + path).status_code == 404


@pytest.mark.parametrize("path", [SHARED, PATHS[RING]])
def test_the_management_port_accepts_no_callbacks(
    bridge: Running, client: httpx.Client, path: str
) -> None:
    plivo = Plivo(client, bridge.management_url)
    assert plivo.post(path, sample(RING)).status_code == 404


@pytest.mark.parametrize("path", ["/", "/healthz", "/metric"])
def test_another_path_of_the_management_port_lists_those_that_are_there(
    bridge: Running, client: httpx.Client, path: str
) -> None:
    answer = client.get(bridge.management_url + path)
    assert answer.status_code == 404
    for there in ("/livez", "/readyz", "/metrics", "PUT /log-level"):
        assert there in answer.text


def test_readiness_follows_the_publisher_and_liveness_does_not(client: httpx.Client) -> None:
    publisher = MemoryPublisher()
    with running_bridge(publisher) as bridge:
        for available in (True, False, True):
            publisher.available = available
            ready = client.get(bridge.management_url + "/readyz")
            assert ready.status_code == (200 if available else 503)
            assert client.get(bridge.management_url + "/livez").status_code == 200
        publisher.available = False
        answer = client.get(bridge.management_url + "/readyz").text
        assert answer.startswith("not ready: ")
        assert "kafka" in answer


def test_metrics_are_in_prometheus_text_and_name_the_version(
    bridge: Running, client: httpx.Client
) -> None:
    answer = client.get(bridge.management_url + "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert f'callback_bridge_build_info{{version="{VERSION}"}} 1.0' in answer.text


def test_the_logs_level_is_changed_while_it_runs(
    bridge: Running, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: list[str] = []
    monkeypatch.setattr("bridge.ingress.health.set_level", set_to.append)
    url = bridge.management_url + "/log-level"
    assert client.put(url, content="debug\n").text == "debug\n"
    assert client.put(url, content="loud").status_code == 400
    assert client.get(url).status_code == 405
    assert set_to == ["debug"]


def test_the_management_port_listens_on_loopback_unless_configured() -> None:
    assert load(None).management_host == "127.0.0.1"
    assert load(None, management_host="::").management_host == "::"


@pytest.mark.parametrize("begun", [b"", b"GET /livez HTTP/1.1\r\n", b"PUT /log-level HTTP/1.1\r\n"])
def test_connections_that_ask_for_nothing_neither_keep_a_probe_from_its_answer_nor_count_as_overload(
    begun: bytes,
) -> None:
    with running_bridge() as bridge, contextlib.ExitStack() as opened:
        for _ in range(2 * MANAGEMENT_LIMITS.connections_max):
            connection = opened.enter_context(
                socket.create_connection(("127.0.0.1", bridge.management_port), PATIENCE_S)
            )
            connection.sendall(begun)
            if begun:
                assert httpx.get(bridge.management_url + "/livez").status_code == 200
        # As a probe does, on a connection of its own: an idle one may be closed for another.
        assert httpx.get(bridge.management_url + "/livez").status_code == 200
        # An alert takes these for callbacks that are lost.
        assert bridge.metrics.value("cut_off_total") == 0


HOST = {"host": "a"}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request_bytes("PUT", "/log-level", {**HOST, "content-length": "2000"}), 413),
        (request_bytes("PUT", "/log-level", {**HOST, "transfer-encoding": "chunked"}), 413),
        (request_bytes("GET", "/livez", {**HOST, "x": "y" * 10_000}), 431),
        (request_bytes("GET", "/" + "a" * 10_000, HOST), 431),
        (request_bytes("GET", "/livez", {**HOST, "content-length": "1"}, b"a"), 400),
        (request_bytes("GET", "/livez", {}), 400),
    ],
)
def test_the_management_port_is_as_strict_with_small_bounds(
    bridge: Running, sent: bytes, status: int
) -> None:
    received = replay(("127.0.0.1", bridge.management_port), [sent])
    assert [one.status for one in received] == [status]
