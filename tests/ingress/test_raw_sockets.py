"""Requests that no well-behaved client sends."""

import contextlib
import socket
from urllib.parse import quote

import pytest

from tests.support.bridge import Running, eventually, running_bridge
from tests.support.plivo import (
    FORM,
    HANGUP,
    PATHS,
    RING,
    Plivo,
    encoded,
    exchange,
    request_bytes,
    sample,
    status_of,
)
from tests.support.waiting import PATIENCE_S

CLOSE = {"connection": "close"}


def host_of(bridge: Running) -> dict[str, str]:
    return {"host": f"127.0.0.1:{bridge.port}"}


def test_a_client_that_goes_away_mid_body_is_counted_and_leaves_nothing_behind(
    bridge: Running,
) -> None:
    before = bridge.counted(outcome="refused", type=HANGUP)
    kept = len(bridge.publisher.records)
    headers = {**host_of(bridge), "content-type": FORM, "content-length": "1000"}
    with socket.create_connection(bridge.address) as connection:
        connection.sendall(request_bytes("POST", PATHS[HANGUP], headers, b"CallUUID=1&From="))
        eventually(lambda: bridge.metrics.value("in_flight_bytes") == len("CallUUID=1&From="))
    eventually(lambda: bridge.counted(outcome="refused", type=HANGUP) == before + 1)
    assert bridge.metrics.value("in_flight_bytes") == 0
    assert len(bridge.publisher.records) == kept


def test_a_client_that_goes_away_before_the_answer_loses_nothing(
    bridge: Running, plivo: Plivo
) -> None:
    form = sample(HANGUP)
    body = encoded(form)
    headers = {
        **host_of(bridge),
        **plivo.headers("POST", PATHS[HANGUP], body),
        "content-type": FORM,
        "content-length": str(len(body)),
    }
    connection = socket.create_connection(bridge.address)
    connection.sendall(request_bytes("POST", PATHS[HANGUP], headers, body.encode()))
    connection.close()
    eventually(lambda: bridge.topics(form["CallUUID"]))
    assert bridge.event(form["CallUUID"])["type"] == "com.plivo.voice.call.hangup.v1"


def test_a_body_in_chunks_is_read_whole(bridge: Running, plivo: Plivo) -> None:
    form = sample(RING)
    body = encoded(form)
    headers = {**plivo.headers("POST", PATHS[RING], body), "content-type": FORM}
    pieces = iter([body[:10].encode(), body[10:11].encode(), body[11:].encode()])
    answer = plivo.client.post(bridge.url + PATHS[RING], content=pieces, headers=headers)
    assert answer.status_code == 200
    assert bridge.event(form["CallUUID"])["data"]["verification"]["covers"] == [
        "url",
        "query",
        "body",
    ]


def test_an_endless_body_is_answered_before_it_ends(bridge: Running) -> None:
    headers = {**host_of(bridge), "transfer-encoding": "chunked"}
    with running_bridge(body_bytes_max=1024) as small:
        with socket.create_connection(small.address, timeout=PATIENCE_S) as connection:
            connection.sendall(request_bytes("POST", PATHS[RING], headers))
            with contextlib.suppress(ConnectionError):
                connection.sendall((b"200\r\n" + b"x" * 512 + b"\r\n") * 4)
            assert status_of(connection.recv(65_536)) == 413
        assert small.counted(outcome="refused") == small.counted() == 1


def test_several_callbacks_on_one_connection_are_answered_in_turn(
    bridge: Running, plivo: Plivo
) -> None:
    forms = [sample(RING) for _ in range(3)]
    pipeline = b""
    for form in forms:
        body = encoded(form)
        headers = {
            **host_of(bridge),
            **plivo.headers("POST", PATHS[RING], body),
            "content-type": FORM,
            "content-length": str(len(body)),
            **(CLOSE if form is forms[-1] else {}),
        }
        pipeline += request_bytes("POST", PATHS[RING], headers, body.encode())
    assert exchange(bridge.address, pipeline).count(b"HTTP/1.1 200 OK") == 3
    assert all(bridge.event(form["CallUUID"]) for form in forms)


@pytest.mark.parametrize(
    "request_line",
    [b"GET / plivo HTTP/1.1", b"\x16\x03\x01\x02\x00", b"POST", b"GET /\x00 HTTP/1.1", b"{}"],
)
def test_what_is_not_http_gets_400_and_the_next_client_is_served(
    bridge: Running, plivo: Plivo, request_line: bytes
) -> None:
    answer = exchange(bridge.address, request_line + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert plivo.post(PATHS[RING], sample(RING)).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "/plivo?name=\xe9\xff",
        "/plivo?%",
        "/plivo?%zz=%",
        "/plivo?=&=&&",
        "/plivo?a=%00%ff%fe",
        "/plivo?a=\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "/plivo#fragment",
        "/plivo?" + quote("'\"<>\\`{}|^"),
    ],
)
def test_an_odd_target_is_at_worst_a_client_error(bridge: Running, target: str) -> None:
    answer = exchange(bridge.address, request_bytes("GET", target, {**host_of(bridge), **CLOSE}))
    assert 400 <= status_of(answer) < 500


def test_header_names_in_any_case_count(bridge: Running, plivo: Plivo) -> None:
    form = sample(RING)
    target = f"{PATHS[RING]}?{encoded(form)}"
    signed = plivo.headers("GET", target)
    shouted = {name.upper(): value for name, value in {**host_of(bridge), **signed}.items()}
    request = request_bytes("GET", target, {**shouted, **CLOSE})
    assert status_of(exchange(bridge.address, request)) == 200


def test_a_request_without_a_host_is_refused_and_not_a_fault(bridge: Running) -> None:
    answer = exchange(bridge.address, b"GET /plivo HTTP/1.0\r\n\r\n")
    assert status_of(answer) == 400


def test_headers_without_end_do_not_grow_without_end(bridge: Running) -> None:
    huge = {**host_of(bridge), **CLOSE, "x-padding": "x" * 1_000_000}
    try:
        answer = exchange(bridge.address, request_bytes("GET", "/plivo", huge))
    except ConnectionError:
        return
    assert status_of(answer) in {400, 403, 413, 431}
