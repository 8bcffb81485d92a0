"""The costs of a spooled callback: ``python -m tests.bench.spool [DIRECTORY]``.

1. Callbacks are hangups of distinct calls with the records that the core makes of them, so their content
   compresses as it does in production.
2. Rounds of all variants follow each other in turn, so that a busy minute of the disk falls on all of
   them. Beside the spool, as many bytes are written raw to the same disk.
3. Draining goes to a publisher that keeps nothing: it measures the spool's share, not Kafka's.
4. End to end, a bridge of its own process has a Kafka that does not answer, and 200 connections.
"""

import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Final

import uvloop

from bridge.app.process import Bridge
from bridge.app.startup import run_bridge
from bridge.core import catalogue
from bridge.core.event import ContractNames, to_event
from bridge.core.journal import SentReply, to_journal
from bridge.core.keyring import Account, Keyring
from bridge.core.nonce_guard import NonceGuard
from bridge.core.parameters import parse_parameters
from bridge.core.parse import Parser
from bridge.core.record import Record
from bridge.core.request import RawCallback, index_headers
from bridge.core.verify import Verifier
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.ingress import server
from bridge.publish.health import KafkaHealth
from bridge.publish.memory import MemoryPublisher
from bridge.settings.load import load
from bridge.spool.drain import Drain
from bridge.spool.spool import DiskSpool, SpoolLimits
from bridge.telemetry import logs
from tests.bench.callbacks import PUBLIC_URL, hangups

ROUNDS: Final = 3
ROUND_S: Final = 1.5
CALLS: Final = 2_000
DRAINED: Final = 20_000
WAITERS: Final = (1, 20, 200)
LIMITS: Final = SpoolLimits(1 << 40, 1 << 40, append_timeout_s=30.0)
RECEIVED_AT: Final = datetime(2026, 3, 8, tzinfo=UTC)
END_TO_END_S: Final = 5.0
START_UP_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One round: callbacks or writes a second, CPU for each, and bytes in the file for each."""

    per_s: float
    cpu_us: float
    file_bytes: float = 0.0


Callbacks = Sequence[Sequence[Record]]


def make_callbacks() -> Callbacks:
    """Return the records of CALLS callbacks."""
    kind = catalogue.load_catalogue().by_name["voice.call.hangup"]
    parse = Parser(catalogue.load_catalogue()).parse
    verify = Verifier(Keyring([Account(AUTH_ID, TIMEZONE, (AUTH_TOKEN,))]), NonceGuard()).verify
    names = ContractNames("", "https://schemas.example.com/")
    made: list[Sequence[Record]] = []
    for number, request in enumerate(hangups(CALLS)):
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        received_at = RECEIVED_AT + timedelta(milliseconds=17 * number)
        raw = RawCallback(
            method="POST",
            origin="http://10.0.0.7:8080",
            public_origin=PUBLIC_URL,
            path=first.split()[1],
            query="",
            headers=index_headers((name.lower(), value) for name, value in pairs),
            body=body,
            remote_address="198.51.100.7",
            received_at=received_at,
        )
        callback = parse(verify(raw, parse_parameters(raw)), kind)
        event = to_event(callback, names, received_at)
        made.append((event.record, to_journal(callback, event, names, SentReply(200, None, b""))))
    return made


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[DiskSpool]:
    """Open a spool, and remove its files afterwards."""
    spool = DiskSpool(folder, LIMITS)
    await spool.open()
    try:
        yield spool
    finally:
        await spool.close()
        for file in folder.iterdir():
            file.unlink()


async def spooling(folder: Path, callbacks: Callbacks, waiters: int) -> Measured:
    async with opened(folder) as spool:
        done = 0
        until_s = time.perf_counter() + ROUND_S

        async def waiter(number: int) -> None:
            nonlocal done
            while time.perf_counter() < until_s:
                await spool.append(callbacks[number % len(callbacks)])
                number += waiters
                done += 1

        measured = await timed(lambda: asyncio.gather(*map(waiter, range(waiters))), lambda: done)
    return Measured(measured.per_s, measured.cpu_us)


async def filling(folder: Path, callbacks: Callbacks, spool: DiskSpool) -> tuple[float, float]:
    """Append DRAINED callbacks; return its counted bytes and its bytes in the file."""
    for _ in range(DRAINED // len(callbacks)):
        await asyncio.gather(*map(spool.append, callbacks))
    await asyncio.sleep(0.1)
    size = sum(file.stat().st_size for file in folder.glob("spool-*.db"))
    return spool.state.bytes / spool.state.callbacks, size / spool.state.callbacks


async def draining(folder: Path, callbacks: Callbacks) -> tuple[Measured, float]:
    """Return how quickly a spool is drained, and what a callback in it counts for."""
    async with opened(folder) as spool:
        counted_bytes, file_bytes = await filling(folder, callbacks, spool)
        kafka = MemoryPublisher(records_max=64)
        drain = Drain(spool, kafka, health=KafkaHealth(), dead_letter=_no_dead_letter)

        async def drained() -> None:
            drain.start()
            while spool.state.callbacks:  # noqa: ASYNC110 (as the drain finds it)
                await asyncio.sleep(0.005)

        measured = await timed(drained, lambda: DRAINED)
        await drain.stop(5.0)
    return Measured(measured.per_s, measured.cpu_us, file_bytes), counted_bytes


def _no_dead_letter(*_: object, **__: object) -> Record:
    raise AssertionError


async def raw(folder: Path, size_bytes: int, group: int) -> Measured:
    """Write as many bytes as ``group`` callbacks have, and fdatasync, again and again."""
    path = folder / "raw"
    done = 0

    def write() -> None:
        nonlocal done
        until_s = time.perf_counter() + ROUND_S
        with path.open("wb", buffering=0) as file:
            while time.perf_counter() < until_s:
                file.write(bytes(size_bytes * group))
                os.fdatasync(file.fileno())
                done += group

    measured = await timed(lambda: asyncio.to_thread(write), lambda: done)
    path.unlink()
    return measured


async def timed(work: Callable[[], Awaitable[object]], done: Callable[[], int]) -> Measured:
    started, cpu = time.perf_counter(), time.process_time()
    await work()
    took_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    return Measured(done() / took_s, cpu_s / done() * 1e6)


async def measure(folder: Path, callbacks: Callbacks) -> tuple[dict[str, list[Measured]], float]:
    rounds: dict[str, list[Measured]] = {}
    counted_bytes = 0.0
    for _ in range(ROUNDS):
        drained, counted_bytes = await draining(folder, callbacks)
        rounds.setdefault("drain", []).append(drained)
        for size in WAITERS:
            name = f"write + fdatasync, {size} callbacks at a time"
            rounds.setdefault(name, []).append(await raw(folder, int(counted_bytes), size))
            name = f"spool, {size} waiting"
            rounds.setdefault(name, []).append(await spooling(folder, callbacks, size))
    return rounds, counted_bytes


async def _serve(directory: str) -> None:
    """Run a whole bridge whose Kafka does not answer; the first line of output is its port."""
    settings = load(
        None,
        kafka={"bootstrap_servers": "127.0.0.1:1", "ack_timeout_s": 1},
        accounts=ACCOUNTS,
        accounts_file=None,
        public_url=PUBLIC_URL,
        spool={"directory": directory},
        shutdown_delay_s=0,
        shutdown_timeout_s=1,
    )
    stop, bridge = server.StopRequest(), Bridge(settings)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.request)
    listeners = server.Listeners(server.listen("127.0.0.1", 0), server.listen("127.0.0.1", 0))
    sys.stdout.write(f"{listeners.callbacks.getsockname()[1]}\n")
    sys.stdout.flush()
    await run_bridge(bridge, listeners, settings, stop)


@contextlib.contextmanager
def served(folder: Path) -> Generator[int]:
    """Run a bridge in a process of its own, and yield its port."""
    directory = folder / "served"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.spool", "--serve", str(directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def end_to_end(port: int) -> tuple[float, float]:
    """Return the callbacks a second and the 99th percentile, in ms, of 200 connections in turn."""
    requests = cycle(hangups(CALLS))
    took: list[float] = []

    async def connection(until_s: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (started := time.perf_counter()) < until_s:
            writer.write(next(requests))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200 "), head
            await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
            took.append(time.perf_counter() - started)
        writer.close()

    for _ in ("the breaker opens", "measure"):
        took.clear()
        started = time.perf_counter()
        until_s = started + END_TO_END_S
        await asyncio.gather(*(connection(until_s) for _ in range(WAITERS[-1])))
    per_s = len(took) / (time.perf_counter() - started)
    return per_s, statistics.quantiles(took, n=100)[98] * 1000


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else "."
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        rounds, counted_bytes = asyncio.run(measure(Path(inside), make_callbacks()))
        with served(Path(inside)) as port:
            time.sleep(START_UP_S)
            per_s, p99_ms = uvloop.run(end_to_end(port))
    print("| | callbacks/s | CPU per callback |\n|---|---|---|")
    for name, measured in rounds.items():
        each_s = statistics.median(one.per_s for one in measured)
        cpu_us = statistics.median(one.cpu_us for one in measured)
        print(f"| {name} | {each_s:,.0f} | {cpu_us:.0f} µs |")
    print(f"| a whole bridge, 200 connections, Kafka away (p99 {p99_ms:.0f} ms) | {per_s:,.0f} | |")
    file_bytes = statistics.median(one.file_bytes for one in rounds["drain"])
    print(
        f"\nA callback counts for {counted_bytes:,.0f} bytes, and takes {file_bytes:,.0f} in the file."
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        logs.configure_queued("json", "info")
        uvloop.run(_serve(sys.argv[2]))
    else:
        logs.configure("console", "error")
        main()
