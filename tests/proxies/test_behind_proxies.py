"""Behind nginx and HAProxy no request of a stranger costs a genuine callback its answer."""

import contextlib
import itertools
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
import pytest

from tests.ingress.ambiguous import HOST, ROWS, SMUGGLED, Row, post
from tests.proxies.running_proxies import PROXIES, PUBLIC
from tests.support.bridge import Running, running_bridge
from tests.support.http_answers import answers_in
from tests.support.plivo import FORM, PATHS, RING, Plivo, encoded, request_bytes, sample
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.proxy

AT_A_TIME: Final = 16
QUIET_S: Final = 0.2
UPGRADES: Final = [row for row in ROWS if row[0].startswith("upgrade to")]


@dataclass(frozen=True)
class Proxied:
    bridge: Running
    port: int
    plivo: Plivo

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)


@pytest.fixture(scope="module", params=list(PROXIES))
def proxied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    with (
        running_bridge(trusted_proxies=["127.0.0.1"]) as bridge,
        PROXIES[request.param](folder, bridge.port) as port,
        httpx.Client(timeout=PATIENCE_S) as client,
    ):
        yield Proxied(bridge, port, Plivo(client, f"http://127.0.0.1:{port}", signs=PUBLIC))


def assert_taken(proxied: Proxied) -> None:
    """Assert that a genuine callback is answered as such, and is on its topic."""
    form = sample(RING, CallUUID=str(uuid4()))
    answer = proxied.plivo.post(PATHS[RING], form)
    assert answer.status_code == 200, answer.text
    assert len(proxied.bridge.topics(form["CallUUID"])) == 2


def what_comes(connection: socket.socket, wait_s: float = PATIENCE_S) -> bytes:
    """Return what comes until the end, or until nothing more has come for a moment."""
    data = b""
    with contextlib.suppress(OSError):
        while select.select([connection], [], [], QUIET_S if data else wait_s)[0]:
            piece = connection.recv(65_536)
            if not piece:
                break
            data += piece
    return data


def batches() -> list[tuple[Row, ...]]:
    rows = iter(ROWS)
    return list(iter(lambda: tuple(itertools.islice(rows, AT_A_TIME)), ()))


@pytest.mark.parametrize("rows", batches(), ids=lambda rows: rows[0][0])
def test_genuine_callbacks_beside_ambiguous_requests_are_all_taken(
    proxied: Proxied, rows: tuple[Row, ...]
) -> None:
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(proxied.connect()) for _ in rows]
        for connection, (_, sent, _) in zip(connections, rows, strict=True):
            half = len(sent) // 2
            with contextlib.suppress(OSError):
                connection.sendall(sent[:half])
                assert_taken(proxied)
                connection.sendall(sent[half:])
            assert_taken(proxied)
        for connection in connections:
            assert b"HTTP/1.1 200" not in what_comes(connection, wait_s=0)
    assert_taken(proxied)


@pytest.mark.parametrize("row", UPGRADES, ids=[row[0] for row in UPGRADES])
def test_a_body_behind_an_upgrade_is_answered_once(proxied: Proxied, row: Row) -> None:
    head, _, body = row[1].partition(b"\r\n\r\n")
    with proxied.connect() as connection:
        connection.sendall(head + b"\r\n\r\n")
        time.sleep(0.05)  # so that the body comes in a segment of its own
        connection.sendall(body)
        assert_taken(proxied)
        assert [one.status for one in answers_in(what_comes(connection))] in ([403], [400])


# Parsed as a request, it would take the next client's request for its body.
SWALLOWING: Final = post(b"Content-Type: text/plain", b"Content-Length: 600")


@pytest.mark.parametrize("to", [b"h2c", b"websocket"])
def test_a_request_hidden_in_a_body_behind_an_upgrade_swallows_no_callback(
    proxied: Proxied, to: bytes
) -> None:
    # So long that it comes in several segments, wherever they are cut.
    body = b"\r\n" * 100_000 + SWALLOWING
    length = b"Content-Length: %d" % len(body)
    sent = post(b"Connection: Upgrade", b"Upgrade: " + to, length, body=body)
    for _ in range(5):
        with proxied.connect() as connection:
            connection.sendall(sent)
            answers = answers_in(what_comes(connection))
            assert [one.status for one in answers] in ([403], [400])
        for _ in range(3):
            assert_taken(proxied)


def test_what_the_proxy_writes_cannot_be_overridden(proxied: Proxied) -> None:
    form = encoded(sample(RING, CallUUID=str(uuid4())))
    signed = Plivo(proxied.plivo.client, proxied.plivo.url, signs="https://evil.example").headers(
        "POST", PATHS[RING], form
    )
    evil = {"x-forwarded-host": "evil.example", "X_Forwarded_Host": "evil.example"}
    common = {"host": "bridge.example.com", "content-type": FORM, **signed}
    length = {"content-length": str(len(form))}
    chunked = {"transfer-encoding": "chunked"}
    trailer = b"x-forwarded-host: evil.example\r\nhost: evil.example\r\n"
    in_chunks = b"%x\r\n%b\r\n0\r\n" % (len(form), form.encode()) + trailer + b"\r\n"
    for sent in (
        request_bytes("POST", PATHS[RING], {**common, **evil, **length}, form.encode()),
        request_bytes("POST", PATHS[RING], {**common, **chunked}, in_chunks),
    ):
        with proxied.connect() as connection:
            connection.sendall(sent)
            statuses = [one.status for one in answers_in(what_comes(connection))]
        assert len(statuses) == 1
        assert 400 <= statuses[0] < 500
    assert_taken(proxied)


def test_a_client_of_the_proxy_that_sends_its_requests_ahead_gets_its_answers(
    proxied: Proxied,
) -> None:
    with proxied.connect() as connection:
        connection.sendall(post(b"Content-Length: 3", host=HOST, body=b"a=1") * 3 + SMUGGLED)
        statuses = [one.status for one in answers_in(what_comes(connection))]
    assert statuses == [403, 403, 403, 404]
