"""The requests themselves are replayed, to a server that records them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import httpx
import orjson
import pytest
from aiokafka.structs import ConsumerRecord

from bridge.reader.journal import NotAJournalRecord
from bridge.replay import CannotWrite, ReplayRun
from bridge.replay.targets import http as to_url
from bridge.replay.targets.http import (
    HttpTarget,
    create_client,
    is_base_url,
    parse_request,
)
from tests.support.bridge import AUTH_ID, TOKEN, running_bridge
from tests.support.factories import raw_callback as raw
from tests.support.factories import signed
from tests.support.placed_requests import other_records
from tests.support.ports import free_port
from tests.support.stored_records import samples, stored, stored_of
from tests.support.waiting import PATIENCE_S

RUN = ReplayRun("abcd1234", "2026-03-08T09:00:00Z")
JOURNAL = stored_of(samples("voice.call.hangup")[0].journal, 7)


@dataclass
class Server:
    """Answers as the test says, and keeps every request as it came."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    at_once_min: int = 1  # the first answer waits for so many requests

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.lower().splitlines()
                        if line.startswith(b"content-length:")
                    ),
                    0,
                )
                self.requests.append(head + await reader.readexactly(length))
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                async with asyncio.timeout(PATIENCE_S):
                    while self.most_under_way < self.at_once_min:  # noqa: ASYNC110 (others count)
                        await asyncio.sleep(0.001)
                await asyncio.sleep(0.01)  # so that one too many would be under way too
                self.under_way -= 1
                status = self.statuses.pop(0) if self.statuses else 200
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % status)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def targets(self) -> list[bytes]:
        return [request.split(b" ", 2)[1] for request in self.requests]


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    found = Server()
    listening = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield found


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    async with create_client() as made:
        yield made


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_url, "_RETRY_S", 0.001)


def journal(offset: int = 0, partition: int = 0, **fields: object) -> ConsumerRecord:
    value = {
        "method": "POST",
        "path": "/plivo",
        "query": "",
        "headers": [],
        "body": "",
        **fields,
    }
    return stored(offset, partition=partition, value=orjson.dumps(value))


def parts(request: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Return the request line, the headers and the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    return line, dict(header.split(b": ", 1) for header in headers), body


async def test_the_request_is_sent_again_as_it_came(
    server: Server, http: httpx.AsyncClient
) -> None:
    await HttpTarget(http, server.url, RUN).write([JOURNAL])
    example = samples("voice.call.hangup")[0]
    line, headers, body = parts(server.requests[0])
    assert line == b"POST /plivo/voice/call/hangup HTTP/1.1"
    assert body == example.raw.body
    kept = {name.encode(): of.encode() for name, of in example.raw.headers.lines}
    assert kept.items() <= headers.items()
    assert headers.keys() - kept.keys() == {
        b"Host",
        b"Content-Length",
        b"x-replay-id",
        b"x-replay-source",
        b"x-replay-at",
    }
    assert headers[b"Host"] == f"127.0.0.1:{server.port}".encode()
    assert headers[b"x-replay-id"] == b"abcd1234"
    assert headers[b"x-replay-source"] == b"plivo.journal.v1:0:7"
    assert headers[b"x-replay-at"] == b"2026-03-08T09:00:00Z"


@pytest.mark.parametrize(
    ("base", "path", "query", "expected"),
    [
        ("", "/plivo", "", b"/plivo"),
        ("/", "/plivo", "", b"/plivo"),
        ("/staging", "/plivo", "a=b", b"/staging/plivo?a=b"),
        (
            "",
            "/a/../b//c/%7e%2F",
            "q=%7E+%20&x=[]&=&%zz",
            b"/a/../b//c/%7e%2F?q=%7E+%20&x=[]&=&%zz",
        ),
    ],
)
async def test_path_and_query_are_not_rewritten(
    server: Server, http: httpx.AsyncClient, base: str, path: str, query: str, *, expected: bytes
) -> None:
    await HttpTarget(http, server.url + base, RUN).write([journal(path=path, query=query)])
    assert server.targets() == [expected]


async def test_a_get_has_no_body_and_a_body_that_is_no_text_is_sent_as_it_was(
    server: Server, http: httpx.AsyncClient
) -> None:
    target = HttpTarget(http, server.url, RUN)
    await target.write([journal(0, method="GET", query="a=b")])
    await target.write([stored(1, value=_hidden())])
    get, post = map(parts, server.requests)
    assert (get[0], get[2]) == (b"GET /plivo?a=b HTTP/1.1", b"")
    assert b"Content-Length" not in get[1]
    assert post[2] == b"\xff\x00"


def _hidden() -> bytes:
    fields = {"method": "POST", "path": "/plivo", "query": "", "headers": []}
    return orjson.dumps({**fields, "body_base64": "/wA="})


async def test_one_partitions_requests_are_sent_in_turn_and_partitions_side_by_side(
    server: Server, http: httpx.AsyncClient
) -> None:
    records = [journal(n, partition=n % 3, path=f"/{n % 3}/{n}") for n in range(12)]
    server.at_once_min = 3
    await HttpTarget(http, server.url, RUN).write(records)
    assert server.most_under_way == 3
    for lane in range(3):
        mine = [target for target in server.targets() if target.startswith(b"/%d/" % lane)]
        assert mine == [b"/%d/%d" % (lane, n) for n in range(lane, 12, 3)]


async def test_answers_are_counted_by_status_and_counted_on(
    server: Server, http: httpx.AsyncClient
) -> None:
    server.statuses = [200, 403, 302]
    target = HttpTarget(http, server.url, RUN)
    target.open(None)
    await target.write([journal(n) for n in range(4)])
    state = await target.flush()
    assert state["statuses"] == {"200": 2, "403": 1, "302": 1}
    again = HttpTarget(http, server.url, RUN)
    again.open(state)
    await again.write([journal(5)])
    assert (await again.flush())["statuses"] == {"200": 3, "403": 1, "302": 1}
    await again.finish()


async def test_what_is_no_journal_record_is_counted_named_and_passed_over(
    server: Server, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to_url, "_LISTED_MAX", 2)
    target = HttpTarget(http, server.url, RUN)
    await target.write([journal(0, path="/a"), stored(1, value=b"[]"), journal(2, path="/b")])
    state = await target.flush()
    assert server.targets() == [b"/a", b"/b"]
    assert state == {
        "statuses": {"200": 2},
        "not_requests": 1,
        "not_requests_at": ["topic:0:1"],
        "other_records": 0,
    }
    again = HttpTarget(http, server.url, RUN)
    again.open(state)
    await again.write([stored(n, value=None) for n in (3, 4)])
    state = await again.flush()
    assert (state["not_requests"], state["not_requests_at"]) == (3, ["topic:0:1", "topic:0:3"])


async def test_a_journal_record_that_is_no_callback_is_not_sent_and_counted_apart(
    server: Server, http: httpx.AsyncClient
) -> None:
    target = HttpTarget(http, server.url, RUN)
    others = [stored_of(record, n) for n, record in enumerate(other_records(), 1)]
    await target.write([journal(0, path="/a"), *others])
    state = await target.flush()
    assert server.targets() == [b"/a"]
    assert (state["statuses"], state["not_requests"]) == ({"200": 1}, 0)
    assert state["other_records"] == len(others)
    again = HttpTarget(http, server.url, RUN)
    again.open(state)
    await again.write(others)
    assert (await again.flush())["other_records"] == 2 * len(others)


async def test_a_request_without_an_answer_is_sent_again(
    server: Server, http: httpx.AsyncClient
) -> None:
    server.statuses = [503, 429, 500]
    target = HttpTarget(http, server.url, RUN)
    await target.write([journal(0, path="/a"), journal(1, path="/b")])
    assert server.targets() == [b"/a", b"/a", b"/a", b"/a", b"/b"]
    assert (await target.flush())["statuses"] == {"200": 2}


async def test_a_target_that_stays_out_of_order_stops_the_replay_and_says_where(
    server: Server, http: httpx.AsyncClient
) -> None:
    server.statuses = [503] * 10
    with pytest.raises(CannotWrite, match="answered 503, 5 times, to the callback at topic:0:3"):
        await HttpTarget(http, server.url, RUN).write([journal(3), journal(4)])
    assert len(server.requests) == 5


async def test_a_target_is_named_without_the_password_in_its_url(http: httpx.AsyncClient) -> None:
    port = free_port()
    with pytest.raises(CannotWrite, match=rf"http://\*\*\*@127\.0\.0\.1:{port}") as refused:
        await HttpTarget(http, f"http://user:password@127.0.0.1:{port}", RUN).write([journal(0)])
    assert "password" not in str(refused.value)


async def test_a_target_that_is_away_is_named(http: httpx.AsyncClient) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(CannotWrite, match=url):
        await HttpTarget(http, url, RUN).write([journal()])


@pytest.mark.parametrize(
    "value", [None, b"", b"[]", b"7", b'{"specversion":"1.0"}', b'{"path":"/x","query":""}']
)
async def test_what_is_no_journal_record_is_named(
    value: bytes | None, http: httpx.AsyncClient
) -> None:
    record = stored(9, value=value)
    with pytest.raises(NotAJournalRecord):
        parse_request(record.value or b"")
    target = HttpTarget(http, "http://bridge.invalid", RUN)
    await target.write([record])
    assert (await target.flush())["not_requests_at"] == ["topic:0:9"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://bridge.example.com", True),
        ("http://127.0.0.1:8080/prefix/", True),
        ("ftp://bridge.example.com", False),
        ("bridge.example.com", False),
        ("https://", False),
        ("http://[::1", False),
        ("http://host:abc", False),
        ("http://host:99999999", False),
        ("https://bridge.example.com#there", False),
        ("https://bridge.example.com?a=b", False),
    ],
)
def test_only_an_http_url_without_a_query_can_have_paths_behind_it(
    url: str, *, expected: bool
) -> None:
    assert is_base_url(url) is expected


async def test_a_bridge_verifies_what_is_replayed_to_it_and_makes_the_same_event(
    http: httpx.AsyncClient,
) -> None:
    body = "CallUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&Event=Ring&From=%2B14155550100&To=1"
    origin = "https://hooks.example.com"
    call = "5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
    request = signed(raw(body=body, origin=origin), TOKEN)
    with running_bridge(public_url=origin) as first, running_bridge(public_url=origin) as second:
        await asyncio.to_thread(
            httpx.post,
            first.url + "/plivo",
            content=body,
            headers=dict(request.headers.lines),
            timeout=PATIENCE_S,
        )
        (record,) = [one for one in first.publisher.records if one.topic == "plivo.journal.v1"]
        target = HttpTarget(http, second.url, RUN)
        await target.write([stored_of(record)])
        assert (await target.flush())["statuses"] == {"200": 1}
        ours, theirs = first.event(call), second.event(call)
    assert theirs["id"] == ours["id"]
    assert theirs["data"]["verification"] == ours["data"]["verification"]
    assert theirs["data"]["verification"]["verdict"] == "verified"
    assert theirs["source"] == f"/plivo/accounts/{AUTH_ID}"
