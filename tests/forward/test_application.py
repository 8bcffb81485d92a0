"""Asking an application over HTTP: what it gets, what of its answer is used, and how it can fail."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import plivo
import pytest

from bridge.core.catalogue import Catalogue
from bridge.core.journal import SentReply
from bridge.core.request import RawCallback, index_headers
from bridge.forward.application import HttpApplications
from bridge.reply.applications import ApplicationFailed
from bridge.reply.rules import Application
from tests.support.customer_application import (
    CERTIFICATE,
    DOCUMENT,
    CustomerApplication,
    customer_application,
    http_answer,
)
from tests.support.factories import RECEIVED, TOKEN, raw_callback, signed
from tests.support.waiting import until

PEER, PROXY = "203.0.113.9", "10.0.0.7"
PATIENT_S, SHORT_S = 14.0, 0.1
ANSWER_BYTES_MAX = 65_536
BODY = b"CallUUID=1&Name=%C3%A9&empty="
SIGNED = {"x-plivo-signature-v3": "abc=,def=", "x-plivo-signature-v3-nonce": "123"}


def plivo_calls(
    *lines: tuple[str, str],
    method: str = "POST",
    query: str = "a=%7e&b",
    public_origin: str = "https://hooks.example.com",
    peer: str = PEER,
) -> RawCallback:
    headers = [
        ("host", "internal:8080"),
        *SIGNED.items(),
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", "Plivo"),
        *lines,
    ]
    return RawCallback(
        method,
        "http://internal:8080",
        public_origin,
        "/applications/ivr/voice/%41nswer",
        query,
        index_headers(headers),
        BODY if method == "POST" else b"",
        peer,
        RECEIVED,
    )


@asynccontextmanager
async def asking(
    *applications: CustomerApplication,
    origin: str | None = None,
    timeout_s: float = PATIENT_S,
    asked_max: int = 4,
) -> AsyncIterator[HttpApplications]:
    """Yield the applications, named ``0``, ``1`` and so on."""
    origins = [origin] if origin else [one.origin for one in applications]
    declared = {
        str(number): Application(str(number), one, (), timeout_s, ANSWER_BYTES_MAX)
        for number, one in enumerate(origins)
    }
    asked = HttpApplications(
        declared.get, is_trusted_proxy=lambda address: address == PROXY, asked_max=asked_max
    )
    try:
        yield asked
    finally:
        await asked.close()


async def test_an_application_gets_what_plivo_sent_byte_for_byte(types: Catalogue) -> None:
    async with customer_application() as application, asking(application) as asked:
        await asked.ask("0", plivo_calls(), types.by_name["voice.call.answer"])
    (received,) = application.received
    assert received.line == b"POST /applications/ivr/voice/%41nswer?a=%7e&b HTTP/1.1"
    assert received.body == BODY
    assert received.headers == [
        ("host", "hooks.example.com"),
        *SIGNED.items(),
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", "Plivo"),
        ("accept-encoding", "identity"),
        ("x-forwarded-for", PEER),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "hooks.example.com"),
        ("x-forwarded-port", "443"),
        ("content-length", str(len(BODY))),
    ]


async def test_a_get_has_no_body_and_no_length(types: Catalogue) -> None:
    async with customer_application() as application, asking(application) as asked:
        await asked.ask("0", plivo_calls(method="GET"), types.by_name["voice.call.answer"])
    (received,) = application.received
    assert received.line.startswith(b"GET ")
    assert not received.values("content-length")
    assert not received.values("transfer-encoding")


FORWARDED = [
    # the peer, what it sent, the URL that Plivo called, and what the application gets
    (PEER, "198.51.100.1", "https://a.example", (PEER, "https", "a.example", "443", [])),
    (
        PROXY,
        "198.51.100.1, 198.51.100.2",
        "https://a.example:8443/hooks",
        (
            f"198.51.100.1, 198.51.100.2, {PROXY}",
            "https",
            "a.example:8443",
            "8443",
            ["/hooks"],
        ),
    ),
    (PROXY, None, "http://[::1]", (PROXY, "http", "[::1]", "80", [])),
    (PEER, None, "https://user:secret@a.example", (PEER, "https", "a.example", "443", [])),
]


@pytest.mark.parametrize(("peer", "given", "public", "expected"), FORWARDED)
async def test_the_forwarded_headers_name_the_url_that_plivo_called(
    types: Catalogue,
    peer: str,
    given: str | None,
    public: str,
    expected: tuple[str, str, str, str, list[str]],
) -> None:
    lines = [("x-forwarded-for", given)] if given else []
    spoofed = [
        ("forwarded", "host=evil"),
        ("x-forwarded-host", "evil"),
        ("x-forwarded-port", "1"),
        ("x-forwarded-prefix", "/evil"),
        ("x-forwarded-proto", "gopher"),
    ]
    raw = plivo_calls(*lines, *spoofed, public_origin=public, peer=peer)
    async with customer_application() as application, asking(application) as asked:
        await asked.ask("0", raw, types.by_name["voice.call.answer"])
    (received,) = application.received
    *single, prefix = (
        received.values(f"x-forwarded-{name}")
        for name in ("for", "proto", "host", "port", "prefix")
    )
    assert (*[value for (value,) in single], prefix) == expected
    assert received.values("host") == [expected[2]]
    assert not received.values("forwarded")


USABLE = [
    # the type, the answer, and the reply to Plivo
    ("voice.call.answer", http_answer(), SentReply(200, "text/xml", DOCUMENT)),
    (
        "voice.call.answer",
        http_answer(
            status="201 Created", set_cookie="session=1", connection="keep-alive, x-secret"
        ),
        SentReply(200, "text/xml", DOCUMENT),
    ),
    (
        "voice.call.answer",
        http_answer(content_type=""),
        SentReply(200, "application/xml", DOCUMENT),
    ),
    (
        "voice.call.answer",
        http_answer(content_type="text/xml;" + "x" * 200),
        SentReply(200, "application/xml", DOCUMENT),
    ),
    (
        "voice.call.answer",
        http_answer(content_type="text/xml\x01"),
        SentReply(200, "application/xml", DOCUMENT),
    ),
    (
        "voice.call.answer",
        http_answer(content_type="Text/XML ;charset=utf-8"),
        SentReply(200, "Text/XML ;charset=utf-8", DOCUMENT),
    ),
    *(
        (kind, http_answer(content_type=given), SentReply(200, "application/xml", DOCUMENT))
        for kind in ("voice.call.answer", "voice.dial.sound", "messaging.message.inbound")
        for given in ("text/html; charset=utf-8", "text/plain", "xml")
    ),
    (
        "voice.call.answer",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n<Resp\r\n6\r\nonse/>\r\n0\r\n\r\n",
        SentReply(200, "application/xml", b"<Response/>"),
    ),
    (
        "messaging.message.inbound",
        http_answer(b""),
        SentReply(200, "text/xml", b""),
    ),
    (
        "messaging.message.inbound",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        SentReply(200, None, b""),
    ),
    (
        "voice.call.hangup",
        http_answer(b"ok", content_type="text/plain"),
        SentReply(200, "text/plain", b"ok"),
    ),
    (
        None,
        http_answer(b"ok", content_type="text/plain"),
        SentReply(200, "text/plain", b"ok"),
    ),
    (None, http_answer(b"ok", content_type=""), SentReply(200, None, b"ok")),
]


@pytest.mark.parametrize(("kind", "answer", "reply"), USABLE)
async def test_a_usable_answer_becomes_the_reply_with_status_200(
    types: Catalogue, kind: str | None, answer: bytes, reply: SentReply
) -> None:
    async with customer_application(answer) as application, asking(application) as asked:
        found = await asked.ask("0", plivo_calls(), types.by_name[kind] if kind else None)
    assert found.reply == reply
    assert 0 <= found.duration_ms < PATIENT_S * 1000


LONG = b"<Response>" + b" " * ANSWER_BYTES_MAX + b"</Response>"
UNUSABLE = [
    # the type, the answer, what follows it, and the cause
    ("voice.call.answer", http_answer(status="500 Oops"), "keep", "status"),
    ("voice.call.answer", http_answer(status="404 Not Found"), "keep", "status"),
    ("voice.call.answer", http_answer(status="302 Found", location="/x"), "keep", "redirect"),
    (
        "voice.call.answer",
        http_answer(b"", status="308 Moved", location="http://x/"),
        "keep",
        "redirect",
    ),
    ("voice.call.answer", http_answer(b""), "keep", "not_xml"),
    ("messaging.message.inbound", http_answer(b"thanks"), "keep", "not_xml"),
    ("voice.call.answer", http_answer(b"<Response><Speak></Response>"), "keep", "not_xml"),
    ("voice.call.answer", http_answer(b"<html/>"), "keep", "not_xml"),
    ("voice.conference.sound", http_answer(b"\xff"), "keep", "not_xml"),
    ("voice.call.answer", http_answer(content_encoding="gzip"), "keep", "not_xml"),
    ("voice.call.answer", http_answer(LONG), "keep", "too_large"),
    ("voice.call.answer", http_answer(content_length="1000"), "close", "cut_off"),
    ("voice.call.answer", b"", "close", "cut_off"),
    ("voice.call.answer", b"SSH-2.0-OpenSSH_9.6\r\n", "close", "cut_off"),
    ("voice.call.answer", b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000, "close", "cut_off"),
]


@pytest.mark.parametrize(("kind", "answer", "then", "cause"), UNUSABLE)
async def test_an_answer_that_plivo_cannot_use_fails_with_its_cause(
    types: Catalogue, kind: str, answer: bytes, then: str, cause: str
) -> None:
    async with customer_application(answer, then) as application, asking(application) as asked:
        with pytest.raises(ApplicationFailed) as failed:
            await asked.ask("0", plivo_calls(), types.by_name[kind])
    assert failed.value.cause == cause
    assert len(application.received) == 1  # it is never asked twice


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n", http_answer(content_length="1000")])
async def test_an_application_that_hangs_fails_when_its_time_is_over(
    types: Catalogue, begun: bytes
) -> None:
    async with (
        customer_application(begun, "hang") as application,
        asking(application, timeout_s=SHORT_S) as asked,
    ):
        with pytest.raises(ApplicationFailed) as failed:
            await asked.ask("0", plivo_calls(), types.by_name["voice.call.answer"])
    assert failed.value.cause == "timeout"


async def test_an_application_that_is_not_there_refuses_the_connection(types: Catalogue) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    async with asking(origin=f"http://127.0.0.1:{port}") as asked:
        with pytest.raises(ApplicationFailed) as failed:
            await asked.ask("0", plivo_calls(), types.by_name["voice.call.answer"])
    assert failed.value.cause == "refused_connection"


async def test_a_hanging_application_fails_at_its_limit_and_delays_no_other(
    types: Catalogue,
) -> None:
    kind = types.by_name["voice.call.answer"]
    async with (
        customer_application(b"", "hang") as hanging,
        customer_application() as prompt,
        asking(hanging, prompt, asked_max=2) as asked,
    ):
        waiting = [asyncio.create_task(asked.ask("0", plivo_calls(), kind)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ApplicationFailed) as failed:
            await asked.ask("0", plivo_calls(), kind)
        answered = [await asked.ask("1", plivo_calls(), kind) for _ in range(3)]
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    assert failed.value.cause == "busy"
    assert {one.reply.body for one in answered} == {DOCUMENT}


async def test_a_host_whose_lookup_hangs_delays_no_lookup_of_another(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, answering, looked_up = socket.getaddrinfo, threading.Event(), list[str]()

    def resolve(host: str | bytes, *about: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        looked_up.append(name)
        if name == "hangs.example":
            answering.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return look_up("127.0.0.1", *about, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    kind = types.by_name["voice.call.answer"]
    more_than_threads = 64
    async with customer_application() as hanging, customer_application() as prompt:
        hanging.origin = "http://hangs.example"
        prompt.origin = prompt.origin.replace("127.0.0.1", "prompt.example")
        async with asking(hanging, prompt, asked_max=more_than_threads) as asked:
            waiting = [
                asyncio.create_task(asked.ask("0", plivo_calls(), kind))
                for _ in range(more_than_threads)
            ]
            try:
                given_up = waiting.pop()
                await until(lambda: "hangs.example" in looked_up)
                given_up.cancel()
                answer = await asked.ask("1", plivo_calls(), kind)
            finally:
                answering.set()
            failures = await asyncio.gather(*waiting, return_exceptions=True)
    assert answer.reply.body == DOCUMENT
    assert looked_up.count("hangs.example") == 1
    assert {getattr(one, "cause", one) for one in failures} == {"refused_connection"}


async def test_connections_are_kept_and_cookies_are_not(types: Catalogue) -> None:
    answer = http_answer(set_cookie="session=1; Path=/")
    async with customer_application(answer) as application, asking(application) as asked:
        for _ in range(3):
            await asked.ask("0", plivo_calls(), types.by_name["voice.call.answer"])
    assert application.connections == 1
    assert [one.values("cookie") for one in application.received] == [[], [], []]


@pytest.mark.parametrize(
    "rest", [http_answer(b"<Response><Speak>For another</Speak></Response>"), b"onse>", b"\r\n"]
)
async def test_bytes_after_an_answer_are_not_taken_for_the_next_answer(
    types: Catalogue, rest: bytes
) -> None:
    async with customer_application() as application, asking(application) as asked:
        application.answer += rest
        first = await asked.ask("0", plivo_calls(), types.by_name["voice.call.answer"])
        application.answer = http_answer()
        second = await asked.ask("0", plivo_calls(), types.by_name["voice.call.answer"])
    assert (first.reply.body, second.reply.body) == (DOCUMENT, DOCUMENT)
    assert application.connections == 2


@pytest.mark.parametrize(
    "rest", [http_answer(b"<Response><Speak>For another</Speak></Response>"), b"onse>", b"\r\n"]
)
async def test_bytes_in_a_tls_record_after_an_answer_are_not_taken_for_the_next_answer(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch, rest: bytes
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    kind, room = types.by_name["voice.call.answer"], 16_384  # the most bytes of one TLS record
    document = DOCUMENT.ljust(room - len(http_answer(DOCUMENT.ljust(room))) + room)
    async with customer_application(is_https=True) as application, asking(application) as asked:
        application.answer = http_answer(document) + rest
        assert len(application.answer) == room + len(rest)
        first = await asked.ask("0", plivo_calls(), kind)
        application.answer = http_answer()
        second, third = [await asked.ask("0", plivo_calls(), kind) for _ in range(2)]
    bodies = [one.reply.body for one in (first, second, third)]
    assert bodies == [document, DOCUMENT, DOCUMENT]
    assert application.connections == 2


async def test_with_another_httpcore_no_connection_is_kept(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.forward.application._find_http_state", lambda _: None)
    async with customer_application() as application, asking(application) as asked:
        for _ in range(3):
            await asked.ask("0", plivo_calls(), types.by_name["voice.call.answer"])
    kept, *closed = (one.values("connection") for one in application.received)
    assert (kept, closed) == ([], [["close"], ["close"]])


async def test_the_proxies_of_the_environment_are_not_used(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with customer_application() as application, asking(application) as asked:
        await asked.ask("0", plivo_calls(), types.by_name["voice.call.answer"])
    assert len(application.received) == 1


async def test_an_application_that_the_rules_no_longer_name_is_not_called(types: Catalogue) -> None:
    async with customer_application() as application, asking(application) as asked:
        with pytest.raises(ApplicationFailed) as failed:
            await asked.ask("1", plivo_calls(), types.by_name["voice.call.answer"])
    assert (failed.value.cause, application.received) == ("not_configured", [])


async def test_the_applications_own_signature_check_passes(types: Catalogue) -> None:
    raw = signed(raw_callback("team=blue", "CallUUID=1&From=%2B14155550100&Digits="))
    async with customer_application() as application, asking(application) as asked:
        await asked.ask("0", raw, types.by_name["voice.call.answer"])
    (received,) = application.received
    (scheme,), (host,) = received.values("x-forwarded-proto"), received.values("host")
    target = received.line.split()[1].decode()
    assert plivo.utils.validate_v3_signature(
        "POST",
        f"{scheme}://{host}{target}",
        received.values("x-plivo-signature-v3-nonce")[0],
        TOKEN,
        received.values("x-plivo-signature-v3")[0],
        dict(parse_qsl(received.body.decode(), keep_blank_values=True)),
    )
