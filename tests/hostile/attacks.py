"""One kind of hostile traffic: ``python -m tests.hostile.attacks NAME PORT SECONDS``.

1. It talks to 127.0.0.1 alone, ends by itself after so many seconds, and dies with its parent.
2. Nobody who sends it knows a token of an account: what it costs is what any stranger may cost.
3. Rates are limits: on a busy machine less is sent, and the counts printed at the end say how much.
"""

import asyncio
import contextlib
import json
import resource
import secrets
import sys
import time
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
PATH: Final = "/plivo/voice/call/hangup"
BODY_BYTES: Final = 262_144  # the largest body that a bridge takes by default
_OPEN_MAX: Final = 3_000
_PIECE: Final = 65_536
_WAIT_S: Final = 2.0


@dataclass(slots=True)
class Attacker:
    """Where to, until when, and what was sent so far."""

    port: int
    until_s: float
    sent: Counter[str] = field(default_factory=Counter[str])

    @property
    def left_s(self) -> float:
        return self.until_s - time.monotonic()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Open a connection; None if none is accepted."""
        try:
            async with asyncio.timeout(_WAIT_S):
                opened = await asyncio.open_connection(HOST, self.port)
        except (OSError, TimeoutError):
            self.sent["not connected"] += 1
            await asyncio.sleep(0.05)
            return None
        self.sent["connections"] += 1
        return opened

    async def write(self, writer: asyncio.StreamWriter, data: bytes) -> bool:
        """Send data; False once the connection is closed."""
        try:
            async with asyncio.timeout(max(0.01, min(_WAIT_S, self.left_s))):
                writer.write(data)
                await writer.drain()
        except (OSError, TimeoutError):
            return False
        self.sent["bytes"] += len(data)
        return not writer.is_closing()

    async def answer(self, reader: asyncio.StreamReader) -> str | None:
        """Return the status of the next answer, None if there is none; count it."""
        try:
            async with asyncio.timeout(max(0.01, min(_WAIT_S, self.left_s))):
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                await reader.readexactly(int(length or b"0"))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return None
        status = head[9:12].decode("latin-1")
        self.sent[f"answered {status}"] += 1
        return status


Run = Callable[[Attacker], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Attack:
    """One kind of hostile traffic. ``tokens`` is how many tokens the bridge knows meanwhile."""

    name: str
    what: str
    run: Run
    tokens: int = 1


def signature() -> bytes:
    """Return the headers of a V3 signature that is none."""
    wrong = b64encode(secrets.token_bytes(32))
    nonce = str(secrets.randbelow(10**20)).encode()
    return b"X-Plivo-Signature-V3: %s\r\nX-Plivo-Signature-V3-Nonce: %s\r\n" % (wrong, nonce)


def head(
    length: int | None,
    *,
    path: str = PATH,
    content_type: bytes = b"application/x-www-form-urlencoded",
    more: bytes = b"",
) -> bytes:
    """Return the head of a request; without a length its body is in chunks."""
    framing = b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
    return b"POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n%s%s\r\n\r\n" % (
        path.encode(),
        b"callbacks.example.com",
        content_type,
        more,
        framing,
    )


async def side_by_side(attacker: Attacker, count: int, one: Run) -> None:
    """Run so many at the same time, each again and again until the time is up."""

    async def again() -> None:
        while attacker.left_s > 0:
            await one(attacker)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(again())


def many(count: int, one: Run) -> Run:
    """Return an attack by so many connections at once."""
    return lambda attacker: side_by_side(attacker, count, one)


def requests(make: Callable[[], bytes], per_s: float) -> Run:
    """Return what sends requests over one kept-alive connection, at a rate."""

    async def run(attacker: Attacker) -> None:
        opened = await attacker.connect()
        if opened is None:
            return
        reader, writer = opened
        with contextlib.closing(writer):
            due_s = time.monotonic()
            while attacker.left_s > 0 and await attacker.write(writer, make()):
                attacker.sent["requests"] += 1
                if await attacker.answer(reader) is None:
                    return
                due_s += 1 / per_s
                await asyncio.sleep(due_s - time.monotonic())
                due_s = max(due_s, time.monotonic() - 1)

    return run


def stream(begin: bytes, piece: bytes, bytes_per_s: float) -> Run:
    """Return what sends a beginning, and the same piece for ever, at a rate."""

    async def run(attacker: Attacker) -> None:
        opened = await attacker.connect()
        if opened is None:
            return
        _, writer = opened
        with contextlib.closing(writer):
            attacker.sent["requests"] += 1
            if not await attacker.write(writer, begin):
                return
            while attacker.left_s > 0 and await attacker.write(writer, piece):  # noqa: ASYNC110 (a pace)
                await asyncio.sleep(len(piece) / bytes_per_s)
        await asyncio.sleep(0.01)  # closed by the bridge: the next one

    return run


async def held_back(attacker: Attacker) -> None:
    """Hold back the last byte of 270 bodies, and begin anew every nine seconds."""
    begin = head(BODY_BYTES)
    while attacker.left_s > 0:
        writers: list[asyncio.StreamWriter] = []
        for _ in range(270):
            opened = await attacker.connect()
            if opened is None or not await attacker.write(
                opened[1], begin + b"x" * (BODY_BYTES - 1)
            ):
                continue
            attacker.sent["requests"] += 1
            writers.append(opened[1])
        await asyncio.sleep(max(0.0, min(9.0, attacker.left_s)))
        for writer in writers:
            writer.close()


def new_connections(first: bytes) -> Run:
    """Return what opens 250 connections a second, sends this over each, and then nothing."""
    return lambda attacker: _open_connections(attacker, first)


async def _open_connections(attacker: Attacker, first: bytes) -> None:
    """Open connections; the oldest go when there are too many for this process."""
    held: deque[asyncio.StreamWriter] = deque()
    due_s = time.monotonic()
    while attacker.left_s > 0:
        opened = await attacker.connect()
        if opened is not None:
            held.append(opened[1])
            if first and await attacker.write(opened[1], first):
                attacker.sent["requests"] += 1
        if len(held) > _OPEN_MAX:
            held.popleft().close()
        due_s += 1 / 250
        await asyncio.sleep(due_s - time.monotonic())
    for writer in held:
        writer.close()


async def trickle(attacker: Attacker) -> None:
    """Send a head a byte a second, and begin anew when the connection is closed."""
    opened = await attacker.connect()
    if opened is None:
        return
    _, writer = opened
    with contextlib.closing(writer):
        for byte in head(300):
            if attacker.left_s <= 0 or not await attacker.write(writer, bytes([byte])):
                return
            await asyncio.sleep(max(0.01, min(1.0, attacker.left_s)))


async def pipelined(attacker: Attacker) -> None:
    """Send requests behind one another and read no answer."""
    opened = await attacker.connect()
    if opened is None:
        return
    _, writer = opened
    one = b"GET /plivo?Event=Ring HTTP/1.1\r\nHost: callbacks.example.com\r\n\r\n"
    piece = one * (_PIECE // len(one))
    with contextlib.closing(writer):
        while attacker.left_s > 0 and await attacker.write(writer, piece):
            attacker.sent["requests"] += _PIECE // len(one)
            await asyncio.sleep(0.03)


def form(length: int = 300) -> bytes:
    return (
        b"CallUUID=%s&Event=Hangup&CallStatus=completed&" % secrets.token_hex(16).encode()
    ).ljust(length, b"a")


def wrongly_signed() -> bytes:
    body = form()
    return head(len(body), more=signature()) + body


def nested_json() -> bytes:
    depth = 200
    inner = b"[" * depth + b"]" * depth
    body = b'{"CallUUID":"%s","a":[' % secrets.token_hex(16).encode()
    body += b",".join([inner] * ((BODY_BYTES - len(body) - 2) // (len(inner) + 1))) + b"]}"
    return head(len(body), content_type=b"application/json", more=signature()) + body


def many_parameters() -> bytes:
    body = b"a=&" * (BODY_BYTES // 3)
    return head(len(body), content_type=b"application/json", more=signature()) + body


def unsigned() -> bytes:
    body = form(BODY_BYTES)
    return head(len(body)) + body


def wrongly_signed_body() -> bytes:
    body = form(BODY_BYTES)
    return head(len(body), more=signature()) + body


def unknown_path() -> bytes:
    body = form()
    return head(len(body), path=f"/{secrets.token_hex(200)}?{secrets.token_hex(100)}") + body


ATTACKS: Final = (
    Attack(
        "bodies",
        "20 connections, bodies of 256 KiB without a signature, 2 MB/s together",
        many(20, requests(unsigned, per_s=0.38)),
    ),
    Attack(
        "fast bodies",
        "the same, 2 MB/s each at most",
        many(20, requests(unsigned, per_s=7.6)),
    ),
    Attack(
        "signed bodies",
        "20 connections, bodies of 256 KiB with a wrong signature, 2 MB/s together; 200 tokens",
        many(20, requests(wrongly_signed_body, per_s=0.38)),
        tokens=200,
    ),
    Attack("held back", "270 bodies of 256 KiB without their last byte, anew every 9 s", held_back),
    Attack("connections", "250 new connections a second that say nothing", new_connections(b"")),
    Attack(
        "answered connections",
        "250 new connections a second, each with one request without a signature, then idle",
        new_connections(head(0)),
    ),
    Attack("trickle", "500 connections that send a head a byte a second", many(500, trickle)),
    Attack(
        "signatures, 1 token",
        "wrong signatures, 20 connections, 200 a second; the bridge knows 1 token",
        many(20, requests(wrongly_signed, per_s=10)),
    ),
    Attack(
        "signatures, 200 tokens",
        "the same; the bridge knows 200 tokens",
        many(20, requests(wrongly_signed, per_s=10)),
        tokens=200,
    ),
    Attack(
        "nested JSON",
        "JSON of 256 KiB in lists of lists with a wrong signature, 8 a second; 200 tokens",
        many(4, requests(nested_json, per_s=2)),
        tokens=200,
    ),
    Attack(
        "parameters",
        "87,381 parameters in a form that says it is JSON, with a wrong signature, 8 a second",
        many(4, requests(many_parameters, per_s=2)),
        tokens=200,
    ),
    Attack(
        "trailers",
        "4 connections, trailers without end, 10 MB/s each at most",
        many(4, stream(head(None) + b"1\r\nx\r\n0\r\n", b"a: b\r\n" * 10_922, 10e6)),
    ),
    Attack(
        "chunk extensions",
        "4 connections, a chunk extension without end, 10 MB/s each at most",
        many(4, stream(head(None) + b"1;", b"a" * _PIECE, 10e6)),
    ),
    Attack(
        "small chunks",
        "4 connections, chunks of one byte with an extension, 2 MB/s each at most",
        many(4, stream(head(None), b"1;a=b\r\nx\r\n" * 1_000, 2e6)),
    ),
    Attack(
        "headers",
        "4 connections, headers without end, 10 MB/s each at most",
        many(
            4,
            stream(
                b"POST /plivo HTTP/1.1\r\nHost: callbacks.example.com\r\n",
                b"X-A: b\r\n" * 8_192,
                10e6,
            ),
        ),
    ),
    Attack(
        "pipelining",
        "4 connections, requests behind one another, no answer read",
        many(4, pipelined),
    ),
    Attack(
        "unknown paths",
        "20 connections, long paths that nobody declared, 200 a second",
        many(20, requests(unknown_path, per_s=10)),
    ),
)


async def _main(name: str, port: int, seconds: float) -> None:
    attack = next(one for one in ATTACKS if one.name == name)
    attacker = Attacker(port, time.monotonic() + seconds)
    # The last answer may be waited for, and never longer than this.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds + 2 * _WAIT_S):
            await attack.run(attacker)
    sys.stdout.write(json.dumps(attacker.sent) + "\n")


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8_192), most))
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
