"""Overload: what is accepted, what is shed first, how that is answered, and the limits."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.ingress.wire import ended
from tests.support.bridge import Gated, Running, eventually, running_bridge
from tests.support.plivo import (
    FORM,
    HANGUP,
    PATHS,
    RING,
    SHARED,
    Plivo,
    assert_problem,
    request_bytes,
    sample,
    status_of,
)
from tests.support.waiting import PATIENCE_S

PLACES = 20
SHARE = 15
BYTES = 1_048_576
PIECE = 250_000

Sockets = list[socket.socket]


@contextlib.contextmanager
def sent(address: tuple[str, int], requests: list[bytes]) -> Iterator[Sockets]:
    """Send each request on a connection of its own, and keep them open."""
    with contextlib.ExitStack() as opened:
        connections = []
        for request in requests:
            connection = opened.enter_context(socket.create_connection(address, timeout=PATIENCE_S))
            with contextlib.suppress(ConnectionError):  # it may be answered before it is whole
                connection.sendall(request)
            connections.append(connection)
        yield connections


@contextlib.contextmanager
def gated(**settings: Any) -> Iterator[tuple[Running, Gated]]:
    publisher = Gated()
    with running_bridge(publisher, in_flight_max=PLACES, **settings) as bridge:
        yield bridge, publisher


def callbacks(
    bridge: Running, client: httpx.Client, kind: str, path: str, times: int
) -> list[bytes]:
    plivo = Plivo(client, bridge.url)
    return [plivo.request(path, sample(kind)) for _ in range(times)]


def shed(bridge: Running, shed_class: str) -> float:
    return bridge.metrics.value("shed_total", **{"class": shed_class})


@pytest.mark.parametrize(
    ("kind", "path", "taken", "shed_class"),
    [
        (RING, PATHS[RING], SHARE, "informational"),
        (HANGUP, PATHS[HANGUP], PLACES, "essential"),
        (RING, SHARED, PLACES, "essential"),
        (HANGUP, PATHS[RING], SHARE, "informational"),
    ],
)
def test_as_many_are_accepted_as_their_class_has_slots(
    client: httpx.Client, kind: str, path: str, taken: int, shed_class: str
) -> None:
    with gated() as (bridge, publisher):
        requests = callbacks(bridge, client, kind, path, PLACES + 10)
        with sent(bridge.address, requests) as connections:
            eventually(lambda: bridge.counted(outcome="refused") == PLACES + 10 - taken)
            assert shed(bridge, shed_class) == PLACES + 10 - taken
            assert bridge.metrics.value("in_flight") == taken
            publisher.gate.set()
            statuses = sorted(status_of(one.recv(10_000)) for one in connections)
        assert statuses == [200] * taken + [429] * (PLACES + 10 - taken)
        assert bridge.counted(outcome="published") == taken
        assert len(bridge.publisher.records) == 2 * taken
        assert bridge.metrics.value("in_flight") == bridge.metrics.value("in_flight_bytes") == 0


def test_informational_callbacks_are_shed_while_others_are_accepted(client: httpx.Client) -> None:
    with gated() as (bridge, publisher):
        plivo = Plivo(client, bridge.url)
        with sent(bridge.address, callbacks(bridge, client, HANGUP, PATHS[HANGUP], SHARE)):
            eventually(lambda: bridge.metrics.value("in_flight") == SHARE)
            assert_problem(plivo.post(PATHS[RING], sample(RING)), 429, "overloaded")
            late = callbacks(bridge, client, HANGUP, PATHS[HANGUP], 1)
            with sent(bridge.address, late) as (connection,):
                eventually(lambda: bridge.metrics.value("in_flight") == SHARE + 1)
                publisher.gate.set()
                assert status_of(connection.recv(10_000)) == 200
        eventually(lambda: bridge.metrics.value("in_flight") == 0)
        assert plivo.post(PATHS[RING], sample(RING)).status_code == 200


def test_a_shed_callback_gets_a_retry_after_header(client: httpx.Client) -> None:
    with gated() as (bridge, _):
        with sent(bridge.address, callbacks(bridge, client, HANGUP, PATHS[HANGUP], PLACES)):
            eventually(lambda: bridge.metrics.value("in_flight") == PLACES)
            answer = Plivo(client, bridge.url).post(SHARED, sample(HANGUP))
            assert_problem(answer, 429, "overloaded")
            assert int(answer.headers["retry-after"]) > 0
        assert bridge.counted(outcome="refused", type="shared") == 1


def test_a_connection_survives_the_shedding_of_a_complete_request(
    client: httpx.Client,
) -> None:
    with gated() as (bridge, publisher):
        places = callbacks(bridge, client, HANGUP, PATHS[HANGUP], PLACES)
        first, second = callbacks(bridge, client, HANGUP, PATHS[HANGUP], 2)
        with socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection:
            with sent(bridge.address, places):
                eventually(lambda: bridge.metrics.value("in_flight") == PLACES)
                connection.sendall(first)
                assert status_of(connection.recv(10_000)) == 429
                publisher.gate.set()
                eventually(lambda: bridge.metrics.value("in_flight") == 0)
            connection.sendall(second)
            assert status_of(connection.recv(10_000)) == 200


def test_what_is_shed_is_not_read_on(client: httpx.Client) -> None:
    with gated() as (bridge, _):
        with sent(bridge.address, callbacks(bridge, client, HANGUP, PATHS[HANGUP], PLACES)):
            eventually(lambda: bridge.metrics.value("in_flight") == PLACES)
            headers = {"host": "a", "content-type": FORM, "content-length": "200000"}
            head = request_bytes("POST", PATHS[HANGUP], headers)
            with sent(bridge.address, [head]) as (connection,):
                answer = b""
                while piece := connection.recv(10_000):
                    answer += piece
        assert status_of(answer) == 429
        assert b"\r\nconnection: close\r\n" in answer
        assert b"\r\nretry-after: " in answer


@pytest.mark.parametrize(("path", "fitting"), [(PATHS[RING], 3), (PATHS[HANGUP], 4), (SHARED, 4)])
def test_bytes_are_counted_as_they_come_whatever_was_announced(path: str, fitting: int) -> None:
    headers = {"host": "a", "content-type": FORM, "transfer-encoding": "chunked"}
    unended = request_bytes("POST", path, headers, b"%x\r\n" % PIECE + b"x" * PIECE + b"\r\n")
    with running_bridge(in_flight_bytes_max=BYTES) as bridge:
        with sent(bridge.address, [unended] * (fitting + 1)) as connections:
            eventually(lambda: bridge.counted(outcome="refused") == 1)
            eventually(lambda: bridge.metrics.value("in_flight_bytes") == fitting * PIECE)
            assert bridge.metrics.value("in_flight_bytes") <= BYTES
            answered = ended(connections, 1)
            assert [status_of(one.recv(10_000)) for one in answered] == [429]
        eventually(lambda: bridge.metrics.value("in_flight_bytes") == 0)
        assert bridge.counted(outcome="refused") == bridge.counted() == fitting + 1


def test_a_little_announced_and_never_sent_takes_no_room(client: httpx.Client) -> None:
    headers = {"host": "a", "content-type": FORM, "content-length": "200000"}
    slow = request_bytes("POST", PATHS[HANGUP], headers, b"CallUUID=")
    with gated(in_flight_bytes_max=BYTES) as (bridge, publisher):
        publisher.gate.set()
        # More of them than there are places, and announcing more than there are bytes.
        with sent(bridge.address, [slow] * (2 * PLACES)):
            eventually(lambda: bridge.metrics.value("in_flight_bytes") == 2 * PLACES * 9)
            assert bridge.metrics.value("in_flight") == 0
            plivo = Plivo(client, bridge.url)
            assert plivo.post(PATHS[HANGUP], sample(HANGUP)).status_code == 200
            assert plivo.post(PATHS[RING], sample(RING)).status_code == 200


@pytest.mark.parametrize("framing", [{"content-length": "30001"}, {"transfer-encoding": "chunked"}])
def test_withheld_bodies_keep_out_no_complete_callback(
    client: httpx.Client, framing: dict[str, str]
) -> None:
    data = b"x" * 30_000
    body = data if "content-length" in framing else b"7531\r\n" + data
    held = request_bytes("POST", SHARED, {"host": "a", "content-type": FORM, **framing}, body)
    with running_bridge(in_flight_bytes_max=BYTES) as bridge:
        plivo = Plivo(client, bridge.url)
        fitting = BYTES // len(data)
        for held_again in range(1, 4):
            with sent(bridge.address, [held] * fitting) as connections:
                eventually(lambda: bridge.metrics.value("in_flight_bytes") == fitting * len(data))
                for kind in (HANGUP, RING, HANGUP):
                    form = sample(kind, Padding="x" * 60_000)
                    assert plivo.post(PATHS[kind], form).status_code == 200
                answered = ended(connections, 1)
                assert status_of(answered[0].recv(10_000)) == 429
            eventually(lambda: bridge.metrics.value("in_flight_bytes") == 0)
            assert bridge.metrics.value("cut_off_total", cause="overloaded") >= held_again
