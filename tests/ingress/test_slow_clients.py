"""Clients that are slow: cut off in time, counted by why, and nobody else with them."""

import socket
import threading
import time
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from tests.ingress.plivo import (
    ANSWER,
    FORM,
    HANGUP,
    PATHS,
    RING,
    SHARED,
    Plivo,
    encoded,
    exchange,
    request_bytes,
    sample,
    status_of,
)
from tests.ingress.running import Gated, eventually, running_bridge
from tests.ingress.wire import all_that_comes, assert_problem_and_the_end, cut_off, trickle

SHORT_S = 0.3
LONG_S = 60.0
HOST = {"host": "a"}
UNENDED = {**HOST, "content-type": FORM, "content-length": "1000"}


SLOW = {
    "slow_head": (b"POST /plivo HTTP/1.1\r\n", (f"x-{n}: 1\r\n".encode() for n in range(500))),
    "slow_body": (request_bytes("POST", SHARED, UNENDED), (b"a=1&" for _ in range(200))),
}


@pytest.mark.parametrize("cause", list(SLOW))
def test_a_request_that_comes_piece_by_piece_is_cut_off_when_its_time_is_over(cause: str) -> None:
    begin, rest = SLOW[cause]
    with (
        running_bridge(read_timeout_s=SHORT_S) as bridge,
        socket.create_connection(bridge.address, timeout=10) as connection,
    ):
        connection.sendall(begin)
        sending = threading.Thread(target=trickle, args=(connection, rest))
        sending.start()
        assert_problem_and_the_end(all_that_comes(connection), 408, "too-slow")
        sending.join(10)
        assert cut_off(bridge, cause) == bridge.metrics.value("cut_off_total") == 1
        # Only a request with a head is a callback, and only its route knows which.
        eventually(lambda: bridge.counted() == (cause == "slow_body"))
        assert bridge.counted(outcome="refused", type="shared") == bridge.counted()
        assert bridge.metrics.value("in_flight_bytes") == 0


def test_the_log_says_that_it_was_the_body_that_was_slow() -> None:
    with capture_logs() as lines, running_bridge(read_timeout_s=SHORT_S) as bridge:
        exchange(bridge.address, request_bytes("POST", PATHS[HANGUP], UNENDED, b"a="))
        eventually(lambda: bridge.counted() == 1)
    (line,) = (line for line in lines if line["event"] == "callback_refused")
    assert (line["callback_type"], line["cause"]) == (HANGUP, "slow-body")


def test_a_request_that_was_begun_together_with_the_one_before_is_cut_off_too(
    client: httpx.Client,
) -> None:
    with running_bridge(read_timeout_s=SHORT_S) as bridge:
        whole = Plivo(client, bridge.url).request(PATHS[RING], sample(RING))
        with socket.create_connection(bridge.address, timeout=10) as connection:
            connection.sendall(whole + b"POST /plivo HTTP/1.1\r\n")
            answers = all_that_comes(connection)
        assert [status_of(b"HTTP/1.1 " + one) for one in answers.split(b"HTTP/1.1 ")[1:]] == [
            200,
            408,
        ]
        assert cut_off(bridge, "slow_head") == 1


@pytest.mark.parametrize("begin", [b"", b"\r\n"])
def test_a_client_that_asks_for_nothing_is_cut_off(begin: bytes) -> None:
    with running_bridge(read_timeout_s=SHORT_S) as bridge:
        answer = exchange(bridge.address, begin)
        assert (not answer) if not begin else (status_of(answer) == 408)
        assert cut_off(bridge, "slow_head") == 1


def test_head_and_body_each_have_their_time(client: httpx.Client) -> None:
    with running_bridge(read_timeout_s=2) as bridge:
        request = Plivo(client, bridge.url).request(PATHS[RING], sample(RING))
        head, _, body = request.partition(b"\r\n\r\n")
        with socket.create_connection(bridge.address, timeout=10) as connection:
            for pieces in ((head[:20], head[20:] + b"\r\n\r\n"), (body[:20], body[20:])):
                for piece in pieces:
                    time.sleep(0.7)  # two of these a part: in all longer than one part may take
                    connection.sendall(piece)
            assert status_of(connection.recv(10_000)) == 200
            # It came in time in the end, so the connection goes on.
            connection.sendall(Plivo(client, bridge.url).request(PATHS[RING], sample(RING)))
            assert status_of(connection.recv(10_000)) == 200
        assert bridge.metrics.value("cut_off_total") == 0


def test_a_client_we_keep_waiting_is_not_slow(client: httpx.Client) -> None:
    publisher = Gated()
    with running_bridge(publisher, read_timeout_s=SHORT_S) as bridge:
        plivo = Plivo(client, bridge.url)
        for cut in (20, -20):  # in the head, and in the body
            first, second = (plivo.request(PATHS[RING], sample(RING)) for _ in range(2))
            publisher.gate.clear()
            with socket.create_connection(bridge.address, timeout=10) as connection:
                connection.sendall(first + second[:cut])
                time.sleep(3 * SHORT_S)
                connection.sendall(second[cut:])
                publisher.gate.set()
                answers = b""
                while answers.count(b"HTTP/1.1 200") < 2:
                    piece = connection.recv(10_000)
                    assert piece, answers
                    answers += piece
        assert bridge.metrics.value("cut_off_total") == 0


def test_an_answer_nobody_reads_is_given_up(client: httpx.Client, tmp_path: Path) -> None:
    document = tmp_path / "long.xml"
    document.write_text(f"<Response><!--{'x' * 99_000}--></Response>")
    with running_bridge(read_timeout_s=SHORT_S, replies={ANSWER: document}) as bridge:
        plivo = Plivo(client, bridge.url)
        with socket.create_connection(bridge.address, timeout=10) as connection:
            requests = (plivo.request(PATHS[ANSWER], sample(ANSWER)) for _ in range(1000))
            # Some megabytes of answers stay with the kernels before the bridge feels it.
            trickle(connection, requests)
            eventually(lambda: cut_off(bridge, "slow_answer") == 1)
        assert bridge.metrics.value("cut_off_total") == 1
        assert plivo.post(PATHS[ANSWER], sample(ANSWER)).status_code == 200


def test_the_usual_request_in_two_pieces_leaves_its_connection_open(client: httpx.Client) -> None:
    with running_bridge(read_timeout_s=LONG_S) as bridge:
        plivo = Plivo(client, bridge.url)
        with socket.create_connection(bridge.address, timeout=10) as connection:
            for _ in range(3):
                body = encoded(sample(RING))
                headers = {
                    "host": bridge.url.removeprefix("http://"),
                    **plivo.headers("POST", PATHS[RING], body),
                    "content-type": FORM,
                    "content-length": str(len(body)),
                }
                connection.sendall(request_bytes("POST", PATHS[RING], headers))
                time.sleep(0.05)
                connection.sendall(body.encode())
                answer = connection.recv(10_000)
                assert status_of(answer) == 200
                assert b"connection: close" not in answer
