"""Clients that are big or many: bounded, counted by why, and nobody else with them."""

import contextlib
import socket

import httpx
import pytest

from bridge.ingress import protocol
from tests.ingress.plivo import (
    FORM,
    HANGUP,
    PATHS,
    RING,
    SHARED,
    Plivo,
    exchange,
    request_bytes,
    sample,
    status_of,
)
from tests.ingress.running import Gated, eventually, running_bridge
from tests.ingress.wire import (
    all_that_comes,
    assert_problem_and_the_end,
    cut_off,
    ended,
    goes_on,
    trickle,
)
from tests.kafka.waiting import PATIENCE_S

LONG_S = 60.0
HOST = {"host": "a"}
UNENDED = {**HOST, "content-type": FORM, "content-length": "1000"}


def test_connections_over_the_limit_are_closed_and_those_below_it_are_served(
    client: httpx.Client,
) -> None:
    with running_bridge(connections_max=10, read_timeout_s=LONG_S) as bridge:
        with contextlib.ExitStack() as opened:
            kept = [
                opened.enter_context(socket.create_connection(bridge.address, timeout=PATIENCE_S))
                for _ in range(10)
            ]
            for over in range(1, 6):
                assert exchange(bridge.address, b"") == b""
                assert cut_off(bridge, "connections") == over
            for connection in kept:
                connection.sendall(Plivo(client, bridge.url).request(PATHS[RING], sample(RING)))
                assert status_of(connection.recv(10_000)) == 200
        # Those are gone, and their places are free again.
        plivo = Plivo(client, bridge.url)
        eventually(lambda: taken(plivo))


def taken(plivo: Plivo) -> bool:
    try:
        return plivo.post(PATHS[HANGUP], sample(HANGUP)).status_code == 200
    except httpx.TransportError:
        return False


def test_a_head_without_end_is_cut_off_by_its_size() -> None:
    with running_bridge(read_timeout_s=LONG_S, url_bytes_max=1024) as bridge:
        for pieces in (
            (b"GET /plivo?", b"a" * 4096),
            (b"GET /plivo HTTP/1.1\r\nx: ", b"a" * 4096),
            (b"GET /plivo HTTP/1.1\r\n", b"x: y\r\n" * 20),
        ):
            begin, rest = pieces
            with socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection:
                trickle(connection, [begin, *[rest] * 200])
                assert_problem_and_the_end(all_that_comes(connection), 431, "head-too-large")
        assert cut_off(bridge, "oversize") == bridge.metrics.value("cut_off_total") == 3


def test_a_request_of_too_many_headers_is_not_taken() -> None:
    headers = {**HOST, **{f"x-{number}": "" for number in range(257)}}
    with running_bridge(read_timeout_s=LONG_S) as bridge:
        whole = request_bytes("GET", SHARED, headers)
        for sent in (whole, whole[:-2]):
            answer = exchange(bridge.address, sent)
            assert_problem_and_the_end(answer, 431, "head-too-large")
        assert cut_off(bridge, "oversize") == 2
        for _ in range(2):
            headers.popitem()
        with socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection:
            connection.sendall(request_bytes("GET", SHARED, headers))
            assert status_of(connection.recv(10_000)) == 403


def test_all_unfinished_heads_together_are_bounded_and_whole_ones_are_still_taken(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_HEADS_BYTES_MAX", 100_000)
    half = request_bytes("GET", SHARED, {**HOST, **{f"x-{n}": "" for n in range(200)}})[:-2]
    with running_bridge(read_timeout_s=LONG_S) as bridge, contextlib.ExitStack() as opened:
        connections = []
        for _ in range(5):  # each costs some 28,000 bytes
            connection = opened.enter_context(
                socket.create_connection(bridge.address, timeout=PATIENCE_S)
            )
            connection.sendall(half)
            connections.append(connection)
        eventually(lambda: cut_off(bridge, "oversize") == 2)
        refused = ended(connections, 2)
        assert [status_of(all_that_comes(one)) for one in refused] == [503, 503]
        plivo = Plivo(client, bridge.url)
        assert plivo.post(PATHS[RING], sample(RING)).status_code == 200
        # A head that is finished makes room for another.
        for connection in (one for one in connections if one not in refused):
            connection.sendall(b"\r\n")
            assert status_of(connection.recv(10_000)) == 403
            other = opened.enter_context(
                socket.create_connection(bridge.address, timeout=PATIENCE_S)
            )
            other.sendall(half)
            assert goes_on(other)
        assert cut_off(bridge, "oversize") == 2


def test_requests_that_run_far_ahead_of_their_answers_are_cut_off(client: httpx.Client) -> None:
    publisher = Gated()
    with running_bridge(publisher, read_timeout_s=LONG_S) as bridge:
        request = Plivo(client, bridge.url).request(PATHS[RING], sample(RING))
        with socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection:
            connection.sendall(request + request_bytes("GET", "/elsewhere", HOST) * 1000)
            # The first is under way; no other answer may come before its own.
            assert all_that_comes(connection) == b""
        assert cut_off(bridge, "oversize") == 1
        publisher.gate.set()
        eventually(lambda: bridge.counted(outcome="published") == 1)


def test_a_body_that_is_too_long_is_not_read_on() -> None:
    with running_bridge(read_timeout_s=LONG_S, body_bytes_max=1024) as bridge:
        headers = {**HOST, "content-type": FORM, "transfer-encoding": "chunked"}
        with socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection:
            connection.sendall(request_bytes("POST", SHARED, headers, b"800\r\n" + b"x" * 2048))
            assert_problem_and_the_end(all_that_comes(connection), 413, "body-too-large")
        assert cut_off(bridge, "oversize") == 1


@pytest.mark.parametrize(("path", "status"), [("/elsewhere", 404), (SHARED, 405)])
def test_a_request_that_is_no_callback_is_not_read_on_either(path: str, status: int) -> None:
    with running_bridge(read_timeout_s=LONG_S) as bridge:
        answer = exchange(bridge.address, request_bytes("PUT", path, UNENDED, b"a="))
        assert status_of(answer) == status
