"""Slow clients are cut off in time and counted by cause, without harm to others."""

import contextlib
import socket
import threading
from collections.abc import Generator
from functools import partial
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.ingress.protocol import HttpConnection
from tests.ingress.timers import READ_TIMEOUT_S, Timers
from tests.ingress.wire import all_that_comes, assert_problem_and_the_end, cut_off, trickle
from tests.support.bridge import Gated, Running, eventually, running_bridge
from tests.support.plivo import (
    ANSWER,
    FORM,
    HANGUP,
    PATHS,
    RING,
    SHARED,
    Plivo,
    encoded,
    request_bytes,
    sample,
    status_of,
)
from tests.support.rules import write_rules
from tests.support.waiting import PATIENCE_S

KEEP_ALIVE_S = 75.0
HOST = {"host": "a"}
UNENDED = {**HOST, "content-type": FORM, "content-length": "1000"}


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    timers = Timers()
    timers.install(monkeypatch)
    return timers


def connected(bridge: Running) -> socket.socket:
    return socket.create_connection(bridge.address, timeout=PATIENCE_S)


SLOW = {
    "slow_head": (b"POST /plivo HTTP/1.1\r\n", b"x-1: 1\r\n"),
    "slow_body": (request_bytes("POST", SHARED, UNENDED), b"a=1&"),
}


@pytest.mark.parametrize("cause", list(SLOW))
def test_a_request_that_comes_piece_by_piece_is_cut_off_when_its_time_is_over(
    timers: Timers, cause: str
) -> None:
    begin, piece = SLOW[cause]
    with (
        running_bridge(read_timeout_s=READ_TIMEOUT_S) as bridge,
        connected(bridge) as connection,
    ):
        timers.send(connection, begin)
        for _ in range(9):
            timers.pass_s(READ_TIMEOUT_S / 10)
            timers.send(connection, piece)
        assert bridge.metrics.value("cut_off_total") == 0
        timers.pass_s(READ_TIMEOUT_S / 10)
        assert_problem_and_the_end(all_that_comes(connection), 408, "too-slow")
        assert cut_off(bridge, cause) == bridge.metrics.value("cut_off_total") == 1
        # Only a request with a head is a callback, and only its route knows which.
        eventually(lambda: bridge.counted() == (cause == "slow_body"))
        assert bridge.counted(outcome="refused", type="shared") == bridge.counted()
        assert bridge.metrics.value("in_flight_bytes") == 0


def test_an_idle_connection_is_kept_for_longer_than_load_balancers_keep_theirs(
    timers: Timers,
) -> None:
    with (
        running_bridge(read_timeout_s=READ_TIMEOUT_S) as bridge,
        connected(bridge) as connection,
    ):
        for _ in range(2):  # each answer begins the time anew
            timers.send(connection, b"GET /unknown HTTP/1.1\r\nhost: a\r\n\r\n")
            assert connection.recv(10_000).startswith(b"HTTP/1.1 404 ")
            timers.pass_s(74)
        timers.pass_s(1)
        assert connection.recv(1) == b""
        assert bridge.metrics.value("cut_off_total") == 0


def test_the_log_says_that_it_was_the_body_that_was_slow(timers: Timers) -> None:
    with (
        capture_logs() as lines,
        running_bridge(read_timeout_s=READ_TIMEOUT_S) as bridge,
        connected(bridge) as connection,
    ):
        timers.send(connection, request_bytes("POST", PATHS[HANGUP], UNENDED, b"a="))
        timers.pass_s(READ_TIMEOUT_S)
        eventually(lambda: bridge.counted() == 1)
    (line,) = (line for line in lines if line["event"] == "callback_refused")
    assert (line["callback_type"], line["cause"]) == (HANGUP, "slow-body")


def test_a_pipelined_incomplete_request_is_cut_off_too(
    timers: Timers, client: httpx.Client
) -> None:
    with running_bridge(read_timeout_s=READ_TIMEOUT_S) as bridge:
        whole = Plivo(client, bridge.url).request(PATHS[RING], sample(RING))
        with connected(bridge) as connection:
            timers.send(connection, whole + b"POST /plivo HTTP/1.1\r\n")
            assert status_of(connection.recv(10_000)) == 200
            timers.pass_s(READ_TIMEOUT_S)
            assert status_of(all_that_comes(connection)) == 408
        assert cut_off(bridge, "slow_head") == 1


@pytest.mark.parametrize("begin", [b"", b"\r\n"])
def test_a_client_that_asks_for_nothing_is_cut_off(timers: Timers, begin: bytes) -> None:
    with (
        running_bridge(read_timeout_s=READ_TIMEOUT_S) as bridge,
        connected(bridge) as connection,
    ):
        timers.send(connection, begin)
        timers.wait_for_timer_of(connection)
        timers.pass_s(READ_TIMEOUT_S)
        answer = all_that_comes(connection)
        assert (not answer) if not begin else (status_of(answer) == 408)
        assert cut_off(bridge, "slow_head") == 1


def test_head_and_body_each_have_their_time(timers: Timers, client: httpx.Client) -> None:
    with running_bridge(read_timeout_s=READ_TIMEOUT_S) as bridge:
        request = Plivo(client, bridge.url).request(PATHS[RING], sample(RING))
        head, _, body = request.partition(b"\r\n\r\n")
        with connected(bridge) as connection:
            timers.wait_for_timer_of(connection)
            for piece in (head[:20], head[20:] + b"\r\n\r\n", body[:20], body[20:]):
                # Two of these a part: in all longer than one part may take.
                timers.pass_s(READ_TIMEOUT_S * 0.4)
                timers.send(connection, piece)
            assert status_of(connection.recv(10_000)) == 200
            # It came in time in the end, so the connection goes on.
            connection.sendall(Plivo(client, bridge.url).request(PATHS[RING], sample(RING)))
            assert status_of(connection.recv(10_000)) == 200
        assert bridge.metrics.value("cut_off_total") == 0


def test_a_client_we_keep_waiting_is_not_slow(timers: Timers, client: httpx.Client) -> None:
    publisher = Gated()
    with running_bridge(publisher, read_timeout_s=READ_TIMEOUT_S) as bridge:
        plivo = Plivo(client, bridge.url)
        for cut in (20, -20):  # in the head, and in the body
            first, second = (plivo.request(PATHS[RING], sample(RING)) for _ in range(2))
            publisher.gate.clear()
            with connected(bridge) as connection:
                timers.send(connection, first + second[:cut])
                timers.pass_s(3 * READ_TIMEOUT_S)
                timers.send(connection, second[cut:])
                publisher.gate.set()
                answers = b""
                while answers.count(b"HTTP/1.1 200") < 2:
                    piece = connection.recv(10_000)
                    assert piece, answers
                    answers += piece
        assert bridge.metrics.value("cut_off_total") == 0


def test_an_answer_that_the_client_does_not_read_is_dropped(
    timers: Timers, client: httpx.Client, tmp_path: Path
) -> None:
    rules = write_rules(tmp_path, {ANSWER: f"<Response><!--{'x' * 99_000}--></Response>"})
    with running_bridge(read_timeout_s=READ_TIMEOUT_S, replies_file=rules) as bridge:
        plivo = Plivo(client, bridge.url)
        with connected(bridge) as connection:
            requests = [plivo.request(PATHS[ANSWER], sample(ANSWER)) for _ in range(1000)]
            # Some megabytes of answers stay with the kernels before the bridge feels it.
            sending = threading.Thread(target=trickle, args=(connection, requests))
            sending.start()
            timers.wait_for_unread_answer()
            timers.pass_s(READ_TIMEOUT_S)
            assert cut_off(bridge, "slow_answer") == 1
            sending.join(PATIENCE_S)
        assert bridge.metrics.value("cut_off_total") == 1
        assert plivo.post(PATHS[ANSWER], sample(ANSWER)).status_code == 200


def _has_counted_more(bridge: Running, than: float) -> bool:
    return bridge.counted() > than


@contextlib.contextmanager
def client_that_reads_nothing(
    timers: Timers, bridge: Running, plivo: Plivo
) -> Generator[tuple[socket.socket, HttpConnection]]:
    """Yield a client with unread answers, too few for the bridge to stop writing; and its connection."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(bridge.address)
        timers.wait_for_timer_of(client)
        (connection,) = (
            one.connection
            for one in timers.pending()
            if one.connection._client == client.getsockname()
        )
        # Some megabytes of answers stay with the kernels before the bridge feels it.
        while not connection.transport.get_write_buffer_size():
            answered = bridge.counted()
            client.sendall(plivo.request(PATHS[ANSWER], sample(ANSWER)))
            eventually(partial(_has_counted_more, bridge, answered))
        assert connection.drain_waiter is None
        yield client, connection


@pytest.mark.parametrize("closes_its_side", [False, True])
def test_a_connection_whose_last_answers_are_not_read_ends_in_time(
    timers: Timers, client: httpx.Client, tmp_path: Path, *, closes_its_side: bool
) -> None:
    rules = write_rules(tmp_path, {ANSWER: f"<Response><!--{'x' * 30_000}--></Response>"})
    publisher = Gated()
    publisher.gate.set()
    with running_bridge(publisher, read_timeout_s=READ_TIMEOUT_S, replies_file=rules) as bridge:
        plivo = Plivo(client, bridge.url)
        with client_that_reads_nothing(timers, bridge, plivo) as (sender, connection):
            if closes_its_side:
                publisher.gate.clear()
                timers.send(sender, plivo.request(PATHS[RING], sample(RING)))
                sender.shutdown(socket.SHUT_WR)
                eventually(lambda: connection._has_client_closed)
                publisher.gate.set()
            else:
                timers.pass_s(KEEP_ALIVE_S)
            eventually(connection.transport.is_closing)
            assert connection.clients.connections == {connection}  # its place is not free
            timers.pass_s(READ_TIMEOUT_S)
            eventually(lambda: not connection.clients.connections)
            assert connection.transport.get_write_buffer_size() == 0
        assert cut_off(bridge, "slow_answer") == bridge.metrics.value("cut_off_total") == 1


def test_a_client_that_reads_nothing_gives_way_to_a_new_one_at_once(
    timers: Timers, client: httpx.Client, tmp_path: Path
) -> None:
    rules = write_rules(tmp_path, {ANSWER: f"<Response><!--{'x' * 30_000}--></Response>"})
    with running_bridge(connections_max=10, replies_file=rules) as bridge:
        plivo = Plivo(client, bridge.url)
        with (
            client_that_reads_nothing(timers, bridge, plivo) as (_, connection),
            contextlib.ExitStack() as others,
        ):
            for _ in range(10):
                others.enter_context(connected(bridge))
            eventually(lambda: connection not in connection.clients.connections)
            assert connection.transport.get_write_buffer_size() == 0
        assert cut_off(bridge, "connections") == 1


def test_the_usual_request_in_two_pieces_leaves_its_connection_open(
    timers: Timers, client: httpx.Client
) -> None:
    with running_bridge(read_timeout_s=READ_TIMEOUT_S) as bridge:
        plivo = Plivo(client, bridge.url)
        with connected(bridge) as connection:
            for _ in range(3):
                body = encoded(sample(RING))
                headers = {
                    "host": bridge.url.removeprefix("http://"),
                    **plivo.headers("POST", PATHS[RING], body),
                    "content-type": FORM,
                    "content-length": str(len(body)),
                }
                timers.send(connection, request_bytes("POST", PATHS[RING], headers))
                connection.sendall(body.encode())
                answer = connection.recv(10_000)
                assert status_of(answer) == 200
                assert b"connection: close" not in answer
