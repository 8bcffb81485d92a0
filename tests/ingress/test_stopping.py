"""An orderly shutdown: accept nothing new, finish what is in flight, then flush."""

import asyncio
import contextlib
import errno
import socket
import threading
import time
from unittest.mock import Mock

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from bridge.ingress import server
from bridge.ingress.clients import Clients, ConnectionLimits
from bridge.ingress.protocol import HttpConnection
from bridge.ingress.server import CannotListen
from bridge.telemetry.metrics import Metrics
from tests.support.bridge import Gated, Running, eventually, nothing, running_bridge
from tests.support.plivo import HANGUP, PATHS, Plivo, exchange, sample, status_of
from tests.support.waiting import PATIENCE_S


async def no_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer no request, because none comes."""


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_stopping_bridge_finishes_what_is_under_way_and_takes_nothing_new(
    client: httpx.Client,
) -> None:
    publisher = Gated()
    with running_bridge(publisher) as bridge:
        form = sample(HANGUP)
        answers: list[httpx.Response] = []
        plivo = Plivo(client, bridge.url)
        sending = threading.Thread(target=lambda: answers.append(plivo.post(PATHS[HANGUP], form)))
        sending.start()
        assert publisher.waiting.wait(PATIENCE_S)
        bridge.stop_soon()
        eventually(lambda: refuses(bridge.port))
        # While the last callback is under way the management port still answers probes.
        assert client.get(bridge.management_url + "/livez").status_code == 200
        assert bridge.flushed_at is None
        opened_at = time.monotonic()
        publisher.gate.set()
        sending.join(PATIENCE_S)
        bridge.thread.join(PATIENCE_S)
        assert [answer.status_code for answer in answers] == [200]
        assert bridge.event(form["CallUUID"])
        assert bridge.counted(outcome="published") == bridge.counted() == 1
        assert bridge.flushed_at is not None
        assert bridge.flushed_at >= opened_at
        assert refuses(bridge.management_port)


def test_a_stop_does_not_wait_for_ever_and_still_counts_the_callback(client: httpx.Client) -> None:
    publisher = Gated()
    with running_bridge(publisher, shutdown_timeout_s=1) as bridge, capture_logs() as lines:
        plivo = Plivo(client, bridge.url)
        ends: list[object] = []

        def send() -> None:
            try:
                ends.append(plivo.post(PATHS[HANGUP], sample(HANGUP)).status_code)
            except httpx.HTTPError as error:
                ends.append(type(error))

        sending = threading.Thread(target=send)
        sending.start()
        assert publisher.waiting.wait(PATIENCE_S)
        bridge.stop_soon()
        bridge.thread.join(PATIENCE_S)
        assert not bridge.thread.is_alive()
        sending.join(PATIENCE_S)
        assert ends != [200]
        assert bridge.metrics.value("in_flight") == 0
        assert bridge.counted() == 1
    assert {"event": "shutdown_timed_out", "requests": 1, "log_level": "warning"} in lines


def ready(client: httpx.Client, bridge: Running) -> tuple[int, str]:
    answer = client.get(bridge.management_url + "/readyz")
    return answer.status_code, answer.text


def test_a_stopping_bridge_says_so_and_takes_callbacks_until_it_is_left_alone(
    client: httpx.Client,
) -> None:
    with running_bridge(shutdown_delay_s=120) as bridge:
        plivo = Plivo(client, bridge.url)
        assert ready(client, bridge) == (200, "ready\n")
        assert "connection" not in plivo.post(PATHS[HANGUP], sample(HANGUP)).headers
        bridge.stop_soon()
        eventually(lambda: ready(client, bridge) == (503, "not ready: stopping\n"))
        time.sleep(1)  # an end without the delay takes a tenth of this
        for _ in range(3):
            answer = plivo.post(PATHS[HANGUP], sample(HANGUP))
            assert answer.status_code == 200
            # So that no client has its connection closed under its next callback.
            assert answer.headers["connection"] == "close"
        whole = plivo.request(PATHS[HANGUP], sample(HANGUP))  # in one piece
        assert b"\r\nconnection: close" in exchange(bridge.address, whole)
        assert bridge.thread.is_alive()
        bridge.stop_soon()  # a second time: without the delay
        bridge.thread.join(PATIENCE_S)
        assert not bridge.thread.is_alive()
        assert bridge.counted(outcome="published") == 5


def test_the_delay_ends_by_itself() -> None:
    with running_bridge(shutdown_delay_s=0.5) as bridge:
        bridge.stop_soon()
        bridge.thread.join(PATIENCE_S)
        assert not bridge.thread.is_alive()


def test_a_body_that_ends_during_the_shutdown_is_accepted_and_its_connection_closed(
    client: httpx.Client,
) -> None:
    with running_bridge(shutdown_delay_s=0, shutdown_timeout_s=30) as bridge:
        request = Plivo(client, bridge.url).request(PATHS[HANGUP], sample(HANGUP))
        with socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection:
            connection.sendall(request[:-10])
            eventually(lambda: bridge.metrics.value("in_flight_bytes") > 0)
            bridge.stop_soon()
            eventually(lambda: refuses(bridge.port))
            connection.sendall(request[-10:])
            answer = b""
            while piece := connection.recv(10_000):
                answer += piece
        assert status_of(answer) == 200
        assert b"\r\nconnection: close" in answer
        bridge.thread.join(PATIENCE_S)
        assert not bridge.thread.is_alive()


@pytest.mark.parametrize(
    "sent", [b"", b"POST / HTTP/1.1\r\nhost", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"]
)
def test_a_connection_without_a_request_in_progress_does_not_hold_up_the_end(sent: bytes) -> None:
    with (
        # Longer than the test is patient: a stop that waits for the connection fails the test.
        running_bridge(shutdown_timeout_s=2 * PATIENCE_S) as bridge,
        socket.create_connection(bridge.address) as connection,
    ):
        connection.sendall(sent)
        if sent.endswith(b"\r\n\r\n"):
            connection.recv(1000)
        bridge.stop_soon()
        bridge.thread.join(PATIENCE_S)
        assert not bridge.thread.is_alive()


async def test_a_connection_made_in_the_last_moment_does_not_hold_up_the_end() -> None:
    """The loop accepts it before the stop, and makes a connection of it afterwards."""
    listeners = server.Listeners(server.listen("127.0.0.1", 0), server.listen("127.0.0.1", 0))
    stop = server.StopRequest()
    stop.request()
    with contextlib.ExitStack() as held:

        def connect() -> None:
            for _ in range(3):
                address = listeners.callbacks.getsockname()
                held.enter_context(socket.create_connection(address))

        async with asyncio.timeout(PATIENCE_S):
            await server.serve(
                no_app,
                no_app,
                listeners,
                server.Lifecycle(
                    stop=stop,
                    start_up=nothing,
                    on_stopping=connect,
                    shut_down=nothing,
                    shutdown_delay_s=0,
                    shutdown_timeout_s=2 * PATIENCE_S,
                ),
                limits=ConnectionLimits(10, 1_024, 2 * PATIENCE_S),
                metrics=Metrics("0"),
            )


async def test_a_stop_leaves_a_refused_client_the_time_to_read_its_answer() -> None:
    transport = Mock(spec=asyncio.Transport)
    transport.is_closing.return_value = False
    transport.get_extra_info.return_value = None
    connection = HttpConnection(no_app, Clients(ConnectionLimits(10, 1_024, 60.0), Metrics("0")))
    connection.connection_made(transport)
    connection.data_received(b"not HTTP\r\n\r\n")
    transport.write_eof.assert_called_once()
    connection.shut_down()
    transport.close.assert_not_called()
    connection.connection_lost(None)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"^cannot listen on 127.0.0.1:{port}: .*in use"):
            server.listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(CannotListen, match=f"^cannot listen on {host}:0: "):
        server.listen(host, 0)


def test_a_machine_without_ipv6_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(CannotListen, match=r"^cannot listen on \[::1\]:0: Address family not"):
        server.listen("::1", 0)


def test_a_bridge_can_listen_on_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with server.listen("::1", 0) as listener:
        assert listener.family is socket.AF_INET6
