"""Requests of a call machine as they go over the wire, and how they end."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plivo.utils.signature_v3 import validate_v3_signature

from bridge.core import request as wire_names
from bridge.core.keyring import Account as KnownAccount
from bridge.core.verify import Verified
from bridge.emulator.machine.commands import Failure, Fault, Outcome, Request, Response
from bridge.emulator.machine.leg import Account
from bridge.emulator.sender import Sender, make_client, to_wire
from bridge.emulator.sign import sign_headers
from tests.support.factories import ORIGIN, PAIRS, raw_callback, verdict_on, verifier

ZONE = ZoneInfo("America/New_York")
MAIN = Account("MAMAINACCOUNT0000001", ("main-1", "main-2"), ZONE)
SUB = Account("SASUBACCOUNT00000001", ("sub-1", "sub-2", "sub-3"), ZONE, MAIN.auth_id)
ACCOUNTS = {one.auth_id: one for one in (MAIN, SUB)}
KNOWN = KnownAccount(MAIN.auth_id, "America/New_York", (*MAIN.auth_tokens, *SUB.auth_tokens))
VECTORS: list[dict[str, Any]] = [
    vector
    for vector in json.loads(
        (Path(__file__).parents[1] / "specimens" / "signature-vectors.json").read_text()
    )
    if vector["valid"] and "," not in vector["signature"]
]
WORDS = {
    "v1": wire_names.SIGNATURE_V1,
    "v2": wire_names.SIGNATURE_V2,
    "v3": wire_names.SIGNATURE_V3,
}
PATIENT_S = 30.0
SHORT_S = 0.05


def request_to(url: str, **changes: Any) -> Request:
    request = Request(
        id=1,
        type="voice.call.ring",
        subject="a-call",
        method="POST",
        url=url,
        parameters={"CallUUID": "a-call", "From": "+1", "CallerName": "é"},
        auth_id=MAIN.auth_id,
        nonces=("11", "22"),
        connect_timeout_s=PATIENT_S,
        read_timeout_s=PATIENT_S,
        attempt=1,
        total_timeout_s=PATIENT_S,
        callback_id=1,
    )
    return request._replace(**changes)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_signatures_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    url, form = vector["url"], urlencode(vector["params"])
    if vector["method"] == "GET":
        url, form = (f"{url}{'&' if '?' in url else '?'}{form}" if form else url), ""
    nonce = vector["nonce"] or "0"
    headers = sign_headers(vector["method"], url, form, vector["auth_token"], nonces=(nonce, nonce))
    assert headers[WORDS[vector["scheme"]]] == vector["signature"]


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    ("account", "name"), [(MAIN, "V3"), (SUB, "V3"), (MAIN, "MA"), (SUB, "MA")]
)
@given(pairs=PAIRS.filter(lambda pairs: all(key for key, _ in pairs)))
def test_the_official_sdk_verifies_v3_with_each_active_token(
    method: str, account: Account, name: str, pairs: list[tuple[str, str]]
) -> None:
    # The SDK for Python cannot read escaped letters beyond ASCII in a query.
    ascii_pairs = {key: value for key, value in pairs if (key + value).isascii()}
    parameters = dict(pairs) if method == "POST" else ascii_pairs
    request = request_to(f"{ORIGIN}/hook?a=1", method=method, parameters=parameters)
    wire = to_wire(request, account, MAIN)
    header, signer = (
        (wire_names.SIGNATURE_V3, account) if name == "V3" else (wire_names.SIGNATURE_MA_V3, MAIN)
    )
    assert len(wire.headers[header].split(",")) == len(signer.auth_tokens)
    for token in signer.auth_tokens:
        given_to_sdk = dict(parameters) if method == "POST" else {}
        assert validate_v3_signature(
            method, wire.url, "22", token, wire.headers[header], given_to_sdk
        )


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("account", [MAIN, SUB])
@given(parameters=st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=4))
def test_the_bridge_reads_back_what_is_sent(
    method: str, account: Account, parameters: dict[str, str]
) -> None:
    parameters = {
        key.encode("utf-8", "replace").decode(): value.encode("utf-8", "replace").decode()
        for key, value in parameters.items()
    }
    wire = to_wire(
        request_to(f"{ORIGIN}/hook", method=method, parameters=parameters), account, MAIN
    )
    parts = urlsplit(wire.url)
    raw = raw_callback(
        parts.query,
        wire.body,
        method=method,
        path=parts.path,
        headers=wire.headers.items(),
        content_type=wire.headers.get("content-type"),
    )
    verdict = verdict_on(raw, verifier(KNOWN))
    assert isinstance(verdict, Verified)
    assert verdict.parameters.pairs == tuple(parameters.items())


def test_a_get_keeps_the_query_of_its_url() -> None:
    request = request_to(f"{ORIGIN}/hook?a=1", method="GET", parameters={"b": "2 3"})
    assert to_wire(request, MAIN, MAIN).url == f"{ORIGIN}/hook?a=1&b=2+3"
    assert to_wire(request._replace(parameters={}), MAIN, MAIN).url == f"{ORIGIN}/hook?a=1"


Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(respond: Respond) -> AsyncIterator[str]:
    """Run a server that answers each connection with ``respond``; yield its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await respond(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, as some tests want it to
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"


async def send(url: str, **changes: Any) -> Outcome:
    async with make_client() as client:
        return await Sender(client, ACCOUNTS).send(request_to(url, **changes))


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hang_between_packets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<Resp")
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<Resp")


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    return


async def send_without_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 99999999\r\n\r\n")
    while True:
        writer.write(b" " * 10_000)
        await writer.drain()


async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("respond", "limit", "outcome"),
    [
        (hang, {"read_timeout_s": SHORT_S}, Failure("rt", "read timeout")),
        (hang_between_packets, {"read_timeout_s": SHORT_S}, Failure("rt", "read timeout")),
        (drip, {"total_timeout_s": SHORT_S}, Failure("rt", "total timeout")),
        (redirect, {}, Response(302)),
    ],
)
async def test_an_exchange_ends_as_plivo_ends_it(
    respond: Respond, limit: dict[str, float], outcome: Outcome
) -> None:
    async with listening(respond) as url:
        assert await send(url, **limit) == outcome


@pytest.mark.parametrize("respond", [break_off, say_nothing])
async def test_an_answer_that_breaks_off_is_none(respond: Respond) -> None:
    async with listening(respond) as url:
        outcome = await send(url)
    assert isinstance(outcome, Failure)
    assert outcome.kind == "broken"
    assert outcome.detail


async def test_an_answer_is_read_to_a_little_more_than_plivos_limit() -> None:
    async with listening(send_without_end) as url:
        outcome = await send(url)
    assert isinstance(outcome, Response)
    assert 200_000 < len(outcome.body) < 400_000


@pytest.mark.parametrize(
    "url",
    [
        "http://[",
        "http://ex ample.com:x/",
        "http://127.0.0.1:99999/",
        "http://xn--a/",
        "ftp://127.0.0.1/",
        "no-url",
    ],
)
async def test_what_cannot_be_sent_is_a_failure_that_no_retry_helps(url: str) -> None:
    outcome = await send(url)
    assert isinstance(outcome, Failure)
    assert outcome.kind == "broken"


async def send_to_reader(fault: Fault) -> tuple[Outcome, bytes, list[int]]:
    """Send a faulty request; return its outcome, the body that arrived, and the sizes of its pieces."""
    arrived: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
    body = to_wire(request_to(f"{ORIGIN}/hook"), MAIN, MAIN).body

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pieces: list[bytes] = []
        while sum(map(len, pieces)) < len(body) and (piece := await reader.read(10_000)):
            pieces.append(piece)
        arrived.set_result(pieces)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with listening(read) as url:
        outcome = await send(url, fault=fault)
        pieces = await arrived
    return outcome, b"".join(pieces), [len(piece) for piece in pieces]


async def test_a_slow_request_arrives_in_pieces() -> None:
    outcome, body, sizes = await send_to_reader(Fault.SLOW)
    assert outcome == Response(200)
    assert body == to_wire(request_to(f"{ORIGIN}/hook"), MAIN, MAIN).body
    assert len(sizes) > 1


async def test_a_request_that_is_cut_arrives_in_part() -> None:
    outcome, body, _ = await send_to_reader(Fault.CUT)
    assert outcome == Failure("broken", "cut off")
    whole = to_wire(request_to(f"{ORIGIN}/hook"), MAIN, MAIN).body
    assert body == whole[: len(whole) // 2]


async def test_a_refused_connection_is_a_failure(nobody: str) -> None:
    outcome = await send(f"http://{nobody}/hook")
    assert isinstance(outcome, Failure)
    assert outcome.kind == "refused"


async def test_a_connect_timeout_is_a_failure_of_its_own() -> None:
    def time_out(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"]["connect"] == 2.5
        raise httpx.ConnectTimeout("slow", request=request)

    async with make_client(httpx.MockTransport(time_out)) as client:
        outcome = await Sender(client, ACCOUNTS).send(
            request_to("https://hooks.example.com", connect_timeout_s=2.5)
        )
    assert outcome == Failure("ct", "connect timeout")


async def test_cookies_are_not_kept() -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "a=1"})

    async with make_client(httpx.MockTransport(answer)) as client:
        for _ in range(2):
            await Sender(client, ACCOUNTS).send(request_to("https://hooks.example.com"))
    assert seen == [None, None]
