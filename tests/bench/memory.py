"""Memory under clients that hang, dawdle and flood: ``python -m tests.bench.memory``.

1. Each case has a server process of its own, with the limits of the settings, whose Kafka does not
   acknowledge until it is told to. The same is done to it several times: what the first leave behind
   is the allocator's, what each adds on top would be a leak.
2. The peak is the kernel's (``VmHWM``), reset before each time.
3. It is for a person to look at. What is bounded is tested in ``tests/ingress/test_overload.py``.
"""

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

import httpx
import typer
import uvloop
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from bridge.telemetry.metric_defs import PREFIX
from tests.bench.callbacks import hangups
from tests.bench.hanging import READ_TIMEOUT_S

PATIENCE_S = 60.0
HEADERS = "host: a\r\ncontent-type: application/x-www-form-urlencoded\r\n"


@dataclass
class Server:
    """The process that is measured."""

    process: subprocess.Popen[bytes]
    port: int
    management_port: int

    def rss_kib(self, name: str = "VmRSS") -> int:
        """Return the resident memory, or with ``VmHWM`` its peak since ``forget``."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition(f"{name}:")[2].split()[0])

    def forget(self) -> None:
        """Have the peak begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def turn_gate(self) -> None:
        """Have what waits acknowledged; or from now on nothing, again."""
        self.process.send_signal(signal.SIGUSR1)

    async def metric(self, name: str, **labels: str) -> float:
        """Return a metric's value."""
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{self.management_port}/metrics")).text
        return sum(
            series.value
            for family in text_string_to_metric_families(text)
            for series in family.samples
            if series.name == f"{PREFIX}_{name}" and labels.items() <= series.labels.items()
        )


@contextlib.contextmanager
def _server() -> Generator[Server]:
    command = [sys.executable, "-m", "tests.bench.hanging"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        ports = [int(port) for port in process.stdout.readline().split()]
        yield Server(process, *ports)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


class Client(asyncio.Protocol):
    """One connection that sends its bytes, keeps still, and remembers what it was answered."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.end = ""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Remember the status."""
        self.end = self.end or data[9:12].decode()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember that there was none."""
        self.end = self.end or "closed"


@contextlib.asynccontextmanager
async def _clients(port: int, requests: list[bytes]) -> AsyncGenerator[list[Client]]:
    loop = asyncio.get_running_loop()
    clients = [Client(request) for request in requests]
    few = asyncio.Semaphore(500)  # at a time, so that the backlog is not what is measured

    async def connect(client: Client) -> None:
        async with few:
            try:
                await loop.create_connection(lambda: client, "127.0.0.1", port)
            except OSError:
                client.end = client.end or "closed"

    await asyncio.gather(*map(connect, clients))
    try:
        yield clients
    finally:
        for client in clients:
            if hasattr(client, "transport"):
                client.transport.abort()


def ends(clients: list[Client]) -> Counter[str]:
    """Return how many ended how, "" being those that wait."""
    return Counter(client.end for client in clients)


async def _still(clients: list[Client]) -> None:
    """Return when nothing has changed for a second."""
    end = time.monotonic() + PATIENCE_S
    seen, since = ends(clients), time.monotonic()
    while time.monotonic() < min(end, since + 1):
        await asyncio.sleep(0.05)
        if ends(clients) != seen:
            seen, since = ends(clients), time.monotonic()


def hanging() -> list[bytes]:
    """Return twice as many callbacks as there are places."""
    return hangups(4_000)


def slow() -> list[bytes]:
    """Return the beginnings of requests whose rest never comes."""
    head = f"POST /plivo HTTP/1.1\r\n{HEADERS}content-length: 200000\r\n\r\n"
    return [head.encode() + b"x" * 16_000] * 2_000


def idle() -> list[bytes]:
    """Return nothing to send, more often than there may be connections."""
    return [b""] * 12_000


def heads() -> list[bytes]:
    """Return heads without end of as many headers as is taken, for as many connections as may be."""
    return [b"GET /plivo HTTP/1.1\r\n" + b"xx: yy\r\n" * 255] * 10_000


def large() -> list[bytes]:
    """Return callbacks with bodies as long as is taken: in all eight times the bytes there may be."""
    body = b"CallUUID=1&Event=Hangup&Text=" + b"x" * 262_000
    head = f"POST /plivo/voice/call/hangup HTTP/1.1\r\n{HEADERS}content-length: {len(body)}\r\n\r\n"
    return [head.encode() + body] * 2_000


def endless() -> list[bytes]:
    """Return bodies four times as long as is taken."""
    head = f"POST /plivo HTTP/1.1\r\n{HEADERS}transfer-encoding: chunked\r\n\r\n"
    return [head.encode() + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 16] * 1_000


CASES: dict[str, Callable[[], list[bytes]]] = {
    "4,000 callbacks that Kafka does not acknowledge": hanging,
    "2,000 clients with half a body": slow,
    "12,000 connections that send nothing": idle,
    "10,000 heads without end": heads,
    "2,000 callbacks of 256 KiB": large,
    "1,000 bodies of 1 MiB": endless,
}


@dataclass
class Row:
    """What a case came to: resident memory before it, and at and after each time's peak."""

    case: str
    before_kib: int
    peaks_kib: list[int] = field(default_factory=list)
    afters_kib: list[int] = field(default_factory=list)
    most: dict[str, float] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)


async def _once(measured: Server, requests: list[bytes], row: Row) -> None:
    measured.forget()
    async with _clients(measured.port, requests) as clients:
        await _still(clients)
        for name in ("in_flight", "in_flight_bytes"):
            row.most[name] = max(row.most.get(name, 0), await measured.metric(name))
        measured.turn_gate()
        await asyncio.sleep(READ_TIMEOUT_S)
        await _still(clients)
        row.ends = ends(clients)
    measured.turn_gate()
    row.peaks_kib.append(measured.rss_kib("VmHWM"))
    await asyncio.sleep(1)
    row.afters_kib.append(measured.rss_kib())


async def measure(times: int) -> AsyncGenerator[Row]:
    """Yield what each case came to."""
    for case, requests in CASES.items():
        with _server() as measured:
            await measured.metric("in_flight")
            row = Row(case, measured.rss_kib())
            for _ in range(times):
                await _once(measured, requests(), row)
            yield row


def _mib(sizes_kib: list[int]) -> str:
    return " ".join(str(round(size / 1024)) for size in sizes_kib)


async def _show(times: int) -> None:
    table = Table(title="Resident memory of one process, MiB")
    for name in ("case", "before", "peaks", "after", "in flight", "their bytes", "ends"):
        table.add_column(name)
    async for row in measure(times):
        table.add_row(
            row.case,
            _mib([row.before_kib]),
            _mib(row.peaks_kib),
            _mib(row.afters_kib),
            f"{row.most['in_flight']:,.0f}",
            f"{row.most['in_flight_bytes']:,.0f}",
            ", ".join(f"{end or 'waiting'}: {times:,}" for end, times in sorted(row.ends.items())),
        )
    Console(width=150).print(table)


def main(
    *,
    times: Annotated[int, typer.Option(min=1, help="How often each case is done.")] = 3,
) -> None:
    """Print the resident memory of a bridge under clients that hang, dawdle and flood.

    Needs some 12,000 open files and takes three minutes. In the columns `peaks` and `after` stands
    one figure for each time.
    """
    uvloop.run(_show(times))


if __name__ == "__main__":
    typer.run(main)
