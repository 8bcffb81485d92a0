"""Framing is strict, and the same however the bytes are split into reads."""

import re
import socket
from itertools import pairwise
from uuid import uuid4

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.ingress.clients import Clients, ConnectionLimits
from bridge.ingress.framing import (
    BodyDecoder,
    ChunksTooLarge,
    FieldsTooLarge,
    MalformedRequest,
    parse_head,
)
from tests.ingress.ambiguous import GET, HOST, ROWS, SMUGGLED, Row, chunks, post
from tests.ingress.wire import all_that_comes, assert_problem_and_the_end, cut_off
from tests.support.bridge import Gated, Running, eventually, running_bridge
from tests.support.http_answers import replay
from tests.support.plivo import FORM, PATHS, RING, SHARED, Plivo, encoded, request_bytes, sample
from tests.support.waiting import PATIENCE_S

NAMES = [name for name, _, _ in ROWS]
TOO_LARGE = {413, 431}


def framed(pieces: list[bytes]) -> list[int]:
    """Return what the framing makes of a stream of bytes: 200 a request, then what refused the rest."""
    buffer, found, body = b"", [], None
    try:
        for piece in pieces:
            buffer += piece
            while True:
                if body is None:
                    end = buffer.find(b"\r\n\r\n")
                    if end < 0:
                        break
                    head = parse_head(buffer[:end])
                    buffer = buffer[end + 4 :]
                    body = BodyDecoder(head.content_length)
                _, buffer = body.decode(buffer)
                if not body.is_complete:
                    break
                body = None
                found.append(200)
                if not head.keep_alive:
                    return found
    except MalformedRequest:
        return [*found, 400]
    except FieldsTooLarge:
        return [*found, 431]
    except ChunksTooLarge:
        return [*found, 413]
    return found


@pytest.mark.parametrize(("sent", "statuses"), [row[1:] for row in ROWS], ids=NAMES)
def test_each_request_that_was_meant_has_one_answer_and_nothing_else_is_answered(
    bridge: Running, sent: bytes, statuses: list[int]
) -> None:
    received = replay(bridge.address, [sent])
    assert [one.status for one in received] == statuses
    for one in received:
        assert one.headers["content-type"] == "application/problem+json"
    if statuses[-1] in {400, *TOO_LARGE}:
        assert received[-1].headers["connection"] == "close"


# Of the long ones a few cuts say as much as all of them.
SHORT = [row for row in ROWS if len(row[1]) < 400]


@pytest.mark.parametrize("row", SHORT, ids=[row[0] for row in SHORT])
def test_framing_does_not_depend_on_where_the_stream_is_cut(row: Row) -> None:
    _, sent, _ = row
    whole = framed([sent])
    for at in range(1, len(sent)):
        assert framed([sent[:at], sent[at:]]) == whole
    assert framed([sent[at : at + 1] for at in range(len(sent))]) == whole


CRITICAL = [
    "upgrade to h2c with a length",
    "upgrade to h2c with chunks",
    "length and chunks",
    "GET with a length",
    "a trailer, and a request behind it",
    "lines that end in LF",
    "a whole request, then no HTTP",
]


@pytest.mark.parametrize("row", [row for row in ROWS if row[0] in CRITICAL], ids=lambda row: row[0])
def test_answers_do_not_depend_on_the_segments_of_a_stream(bridge: Running, row: Row) -> None:
    name, sent, statuses = row
    for at in range(1, len(sent), 7):
        received = replay(bridge.address, [sent[:at], sent[at:]])
        assert [one.status for one in received] == statuses, (name, at)


@settings(max_examples=300)
@given(
    requests=st.lists(
        st.one_of(
            st.just((GET, b"")),
            st.binary(max_size=40).map(
                lambda body: (post(b"Content-Length: %d" % len(body), body=body), body)
            ),
            st.lists(st.binary(min_size=1, max_size=20), max_size=4).map(
                lambda pieces: (
                    chunks(b"".join(b"%X\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"),
                    b"".join(pieces),
                )
            ),
        ),
        max_size=5,
    ),
    data=st.data(),
)
def test_what_is_framed_well_is_read_as_it_was_meant_however_it_is_cut(
    requests: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(sent for sent, _ in requests)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6).map(sorted))
    pieces = [stream[begin:end] for begin, end in pairwise([0, *cuts, len(stream)])]
    assert framed(pieces) == [200] * len(requests)


def test_no_request_of_the_corpus_reaches_what_it_smuggles() -> None:
    assert all(404 not in statuses for _, sent, statuses in ROWS if SMUGGLED in sent)
    assert len(ROWS) > 150
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("to", ["h2c", "websocket"])
def test_a_signed_callback_that_offers_an_upgrade_is_accepted_once(
    bridge: Running, plivo: Plivo, to: str
) -> None:
    form = sample(RING, CallUUID=str(uuid4()))
    request = plivo.request(PATHS[RING], form, connection="Upgrade, HTTP2-Settings", upgrade=to)
    head, _, body = request.partition(b"\r\n\r\n")
    received = replay(bridge.address, [head + b"\r\n\r\n", body])
    assert [one.status for one in received] == [200]
    assert bridge.event(form["CallUUID"])["type"] == "com.plivo.voice.call.ring.v1"


def test_a_trailer_is_no_header(client: httpx.Client) -> None:
    form = sample(RING)
    body = encoded(form).encode()
    with running_bridge(trusted_proxies=["127.0.0.1"]) as bridge:
        evil = Plivo(client, bridge.url, signs="https://evil.example")
        headers = {
            "host": "inner",
            "x-forwarded-proto": "https",
            "x-forwarded-host": "good.example",
            "content-type": FORM,
            "transfer-encoding": "chunked",
        }
        signed = evil.headers("POST", PATHS[RING], body.decode())
        chunk = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
        for trailers in ({"x-forwarded-host": "evil.example"}, {"host": "evil.example"}, signed):
            fields = b"".join(f"{name}: {of}\r\n".encode() for name, of in trailers.items())
            in_head = headers if trailers is signed else {**headers, **signed}
            sent = request_bytes("POST", PATHS[RING], in_head, chunk + fields + b"\r\n")
            assert [one.status for one in replay(bridge.address, [sent])] == [403]
        assert bridge.topics(form["CallUUID"]) == []


def test_a_client_that_closes_its_side_gets_every_answer_that_is_due(client: httpx.Client) -> None:
    publisher = Gated()
    with running_bridge(publisher) as bridge:
        plivo = Plivo(client, bridge.url)
        requests = [plivo.request(PATHS[RING], sample(RING)) for _ in range(3)]
        with socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection:
            connection.sendall(b"".join(requests))
            connection.shutdown(socket.SHUT_WR)
            eventually(publisher.waiting.is_set)
            publisher.gate.set()
            answer = all_that_comes(connection)
        assert answer.count(b"HTTP/1.1 200 OK") == 3


def test_what_is_malformed_is_counted_and_logged_with_its_fault_and_nothing_of_its_bytes() -> None:
    with capture_logs() as lines, running_bridge(log_unverified_per_minute_max=2) as bridge:
        for _ in range(4):
            answer = b"".join(
                one.body
                for one in replay(
                    bridge.address, [b"GET /secret HTTP/1.1\r\n" + HOST * 2 + b"\r\n"]
                )
            )
            assert b"malformed-request" in answer
        assert cut_off(bridge, "malformed") == 4
    told = [line for line in lines if line["event"] == "request_cut_off"]
    assert [(line["cause"], line["fault"]) for line in told] == [
        ("malformed", "more than one host line")
    ] * 2
    assert "secret" not in str(lines)


def test_the_next_line_about_a_malformed_request_counts_the_suppressed_ones() -> None:
    times_s = iter([0.0, 0.0, 1.0, 2.0, 62.0, 122.0])
    limits = ConnectionLimits(10, 1_024, 60.0, log_lines_per_minute_max=1)
    clients = Clients(limits, None, clock=lambda: next(times_s))
    with capture_logs() as lines:
        for _ in range(5):
            clients.log_cut_off("malformed", "header name")
    assert [line.get("suppressed_before") for line in lines] == [None, 2, None]


def test_a_client_that_goes_on_sending_still_sees_why_it_was_refused() -> None:
    with running_bridge(body_bytes_max=1_024) as bridge:
        for sent in (
            request_bytes(
                "POST", SHARED, {"host": "a", "content-length": "900000"}, b"x" * 900_000
            ),
            post(b"Content-Length: 5, 5", body=b"x" * 900_000),
        ):
            with socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection:
                connection.sendall(sent)
                received = all_that_comes(connection)
            assert re.match(rb"HTTP/1.1 (413|400) ", received)
        assert cut_off(bridge, "malformed") == 1


def test_trailers_without_end_are_refused_and_take_no_memory() -> None:
    with (
        running_bridge() as bridge,
        socket.create_connection(bridge.address, timeout=PATIENCE_S) as connection,
    ):
        connection.sendall(chunks(b"1\r\na\r\n0\r\n") + b"a: b\r\n" * 100)
        assert_problem_and_the_end(all_that_comes(connection), 431, "head-too-large")
        assert cut_off(bridge, "oversize") == 1
        eventually(lambda: bridge.metrics.value("refused_total", cause="malformed-body") == 1)
        assert bridge.metrics.value("in_flight_bytes") == 0
