"""Large and numerous clients are limited and counted by cause, without harm to others."""

import contextlib
import socket

import httpx
import pytest

from bridge.ingress import protocol
from tests.ingress.wire import (
    all_that_comes,
    assert_problem_and_the_end,
    cut_off,
    goes_on,
    trickle,
)
from tests.support.bridge import Gated, Running, eventually, running_bridge
from tests.support.http_answers import answers_in
from tests.support.plivo import (
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
from tests.support.waiting import PATIENCE_S

LONG_S = 60.0
HOST = {"host": "a"}
UNENDED = {**HOST, "content-type": FORM, "content-length": "1000"}


def opened_of(bridge: Running, opened: contextlib.ExitStack) -> socket.socket:
    return opened.enter_context(socket.create_connection(bridge.address, timeout=PATIENCE_S))


def test_at_the_limit_of_connections_the_longest_idle_one_is_closed_for_the_new_one(
    client: httpx.Client,
) -> None:
    with (
        running_bridge(connections_max=10, read_timeout_s=LONG_S) as bridge,
        contextlib.ExitStack() as opened,
    ):
        request = Plivo(client, bridge.url).request(PATHS[RING], sample(RING))
        kept = [opened_of(bridge, opened) for _ in range(10)]
        for connection in reversed(kept):  # the one that came last is idle for longest
            connection.sendall(request)
            assert status_of(connection.recv(10_000)) == 200
        for closed in range(1, 11):
            new = opened_of(bridge, opened)
            new.sendall(request)
            assert status_of(new.recv(10_000)) == 200
            assert all_that_comes(kept[-closed]) == b""
            assert cut_off(bridge, "connections") == closed


def test_where_no_connection_is_idle_the_oldest_unfinished_request_gives_way(
    client: httpx.Client,
) -> None:
    with (
        running_bridge(connections_max=10, read_timeout_s=LONG_S) as bridge,
        contextlib.ExitStack() as opened,
    ):
        unfinished = []
        for number in range(10):
            connection = opened_of(bridge, opened)
            half = request_bytes("POST", SHARED, UNENDED, b"a=1")
            connection.sendall(half if number % 2 else half[:20])
            unfinished.append(connection)
            eventually(lambda n=number: bridge.metrics.value("in_flight_bytes") == (n + 1) // 2 * 3)  # type: ignore[misc]
        for connection in unfinished:
            new = opened_of(bridge, opened)
            new.sendall(Plivo(client, bridge.url).request(PATHS[RING], sample(RING)))
            assert status_of(new.recv(10_000)) == 200
            new.close()
            assert_problem_and_the_end(all_that_comes(connection), 503, "overloaded")
            again = opened_of(bridge, opened)  # takes the place of the one that is closed
            again.sendall(half[:20])


def test_a_new_connection_is_closed_where_all_others_wait_for_their_answers(
    client: httpx.Client,
) -> None:
    publisher = Gated()
    with (
        running_bridge(publisher, connections_max=10, read_timeout_s=LONG_S) as bridge,
        contextlib.ExitStack() as opened,
    ):
        plivo = Plivo(client, bridge.url)
        waiting = [opened_of(bridge, opened) for _ in range(10)]
        for connection in waiting:
            connection.sendall(plivo.request(PATHS[HANGUP], sample(HANGUP)))
        eventually(lambda: bridge.metrics.value("in_flight") == 10)
        assert all_that_comes(opened_of(bridge, opened)) == b""
        assert cut_off(bridge, "connections") == 1
        publisher.gate.set()
        assert [status_of(one.recv(10_000)) for one in waiting] == [200] * 10


def test_a_head_without_end_is_cut_off_by_its_size() -> None:
    with running_bridge(read_timeout_s=LONG_S, url_bytes_max=1024) as bridge:
        for pieces in (
            (b"GET /plivo?", b"a" * 4096),
            (b"GET /plivo HTTP/1.1\r\nx: ", b"a" * 4096),
            (b"GET /plivo HTTP/1.1\r\n", b"x: y\r\n" * 20),
        ):
            begin, rest = pieces
            with socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection:
                trickle(connection, [begin, *[rest] * 40])
                assert_problem_and_the_end(all_that_comes(connection), 431, "head-too-large")
        assert cut_off(bridge, "oversize") == bridge.metrics.value("cut_off_total") == 3


def test_a_request_with_too_many_headers_is_refused() -> None:
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


@pytest.mark.parametrize("part", ["head", "body"])
def test_all_that_unfinished_requests_hold_is_bounded_and_the_oldest_give_way(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(protocol, "_HELD_BYTES_MAX", 100_000)
    headers = {**HOST, **{f"x-{number}": "y" * 200 for number in range(70)}}
    whole = request_bytes("POST", SHARED, {**headers, "content-length": "3"}, b"a=1")
    half = whole[:-5] if part == "head" else whole[:-1]
    with running_bridge(read_timeout_s=LONG_S) as bridge, contextlib.ExitStack() as opened:
        fitting = 6 if part == "head" else 4
        connections = []
        for number in range(7):  # each costs 15,000 bytes, and as headers 9,000 more
            connection = opened_of(bridge, opened)
            connection.sendall(half)
            connections.append(connection)
            eventually(lambda n=number: cut_off(bridge, "oversize") == max(0, n + 1 - fitting))  # type: ignore[misc]
        oldest = connections[: 7 - fitting]
        assert [status_of(all_that_comes(one)) for one in oldest] == [503] * len(oldest)
        plivo = Plivo(client, bridge.url)
        assert plivo.post(PATHS[RING], sample(RING)).status_code == 200
        # A request that is finished makes room for another.
        for connection in connections[7 - fitting :]:
            connection.sendall(whole[len(half) :])
            assert status_of(connection.recv(10_000)) == 403
            other = opened_of(bridge, opened)
            other.sendall(half)
            assert goes_on(other)
        assert cut_off(bridge, "oversize") == len(oldest)


def test_requests_sent_far_ahead_are_all_answered_in_turn(client: httpx.Client) -> None:
    publisher = Gated()
    with running_bridge(publisher, read_timeout_s=LONG_S) as bridge:
        request = Plivo(client, bridge.url).request(PATHS[RING], sample(RING))
        with socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection:
            connection.sendall(request + request_bytes("GET", "/elsewhere", HOST) * 1000)
            assert goes_on(connection)  # no other answer may come before the first one's
            publisher.gate.set()
            connection.shutdown(socket.SHUT_WR)
            statuses = [one.status for one in answers_in(all_that_comes(connection))]
        assert statuses == [200] + [404] * 1000
        assert bridge.counted(outcome="published") == 1
        assert bridge.metrics.value("cut_off_total") == 0


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
