"""Costs and gains of a linger: ``python -m tests.bench.linger``.

1. A publisher in a process of its own sends callbacks of two records at random times, at a low rate, to
   Apache Kafka (its jars are those that ``make test-kafka`` fetched). CPU is that of its process, less
   what the same process spends without Kafka.
2. The broker advertises the address of a proxy, so all requests pass through it. The proxy holds back
   the broker's answers for the length of a round trip.
3. Lingers are visited in turn, round by round; the tables show the median of the rounds.
"""

import asyncio
import contextlib
import random
import statistics
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bridge.core.record import Record
from bridge.publish import Publisher, PublishRules
from bridge.publish.connection import KafkaConnection
from bridge.publish.memory import MemoryPublisher
from bridge.publish.publisher import KafkaPublisher
from bridge.telemetry import logs
from bridge.telemetry.metrics import Metrics
from tests.kafka.cluster import Node
from tests.support.kafka import make_topics, planned, running
from tests.support.ports import free_port

LINGERS_MS: Final = (0, 2, 5)
ROUND_TRIPS_MS: Final = (0.0, 1.0, 5.0)
PARTITIONS: Final = 12
EVENTS, JOURNAL = "events", "journal"
KAFKA_LIBS: Final = Path(".cache/kafka/libs")
_HEADERS: Final = tuple((f"ce_header{number}", b"the value of a header") for number in range(11))
_WARM_UP_S: Final = 0.5


class Proxy:
    """Forwards connections to a broker, later: rule 2."""

    def __init__(self, port: int) -> None:
        self.round_trip_s = 0.0
        self.connections = 0
        self._port = port

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection in both directions."""
        self.connections += 1
        from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(_forward(reader, to_broker), self._forward_later(from_broker, writer))
        self.connections -= 1

    async def _forward_later(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> None:
        loop, waiting = asyncio.get_running_loop(), deque[bytes]()
        while data := await source.read(65_536):
            waiting.append(data)
            # The loop rounds a timer up to a whole millisecond.
            delay_s = max(0.0, self.round_trip_s - 0.0005)
            loop.call_later(delay_s, lambda: target.write(waiting.popleft()))
        await asyncio.sleep(self.round_trip_s)
        await _close(target)


async def _forward(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        target.write(data)
    await _close(target)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def callback(number: int) -> tuple[Record, Record]:
    """Return two records as large as those of a hangup."""
    key, at_ms = b"call-%08d-0000-0000-000000000000" % number, 1_772_884_800_000
    event = Record(EVENTS, key, b"x" * 2400, _HEADERS, at_ms)
    return event, Record(JOURNAL, key, b"y" * 1800, _HEADERS[:5], at_ms)


async def publish_paced(
    address: str, *, linger_ms: int, per_s: float, seconds: float
) -> list[float]:
    """Publish to Kafka at random times: rule 1."""
    publisher = KafkaPublisher(
        KafkaConnection(address),
        PublishRules(
            idempotence=True,
            ack_timeout_s=5,
            linger_s=linger_ms / 1000,
            topics=[EVENTS, JOURNAL],
        ),
        metrics=Metrics("bench"),
    )
    async with running(publisher):
        cpu_us, p50_ms, p99_ms = await _paced(publisher, per_s, seconds)
    alone_us, _, _ = await _paced(MemoryPublisher(records_max=64), per_s, seconds)
    return [cpu_us - alone_us, p50_ms, p99_ms]


async def _paced(publisher: Publisher, per_s: float, seconds: float) -> tuple[float, float, float]:
    """Return CPU in us a callback, and the median and 99th percentile of the wait in ms."""
    waits_s: list[float] = []

    async def publish(number: int) -> None:
        started = time.perf_counter()
        await publisher.publish(callback(number))
        waits_s.append(time.perf_counter() - started)

    async def paced(until: float) -> None:
        due, tasks = time.perf_counter(), set[asyncio.Task[None]]()
        while due < until:
            due += random.expovariate(per_s)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.add(asyncio.create_task(publish(len(tasks))))
        await asyncio.gather(*tasks)

    await paced(time.perf_counter() + _WARM_UP_S)
    waits_s.clear()
    cpu_s = time.process_time()
    await paced(time.perf_counter() + seconds)
    cpu_us = (time.process_time() - cpu_s) / len(waits_s) * 1e6
    percentiles = statistics.quantiles(waits_s, n=100)
    return cpu_us, percentiles[49] * 1000, percentiles[98] * 1000


async def _visit(address: str, linger_ms: int, per_s: float, seconds: float) -> list[float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench.linger", "--child", address),
        *(str(value) for value in (linger_ms, per_s, seconds)),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    result: list[float] = orjson.loads(told)
    return result


async def measure(
    *, libs: Path, rounds: int, per_s: float, seconds: float
) -> list[dict[str, float]]:
    """Return a row for each round trip and linger: medians over the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        advertised = {"advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}"}
        node = Node(libs, Path(folder) / "node", settings=advertised)
        try:
            await node.start()
            proxy = Proxy(int(node.address().rpartition(":")[2]))
            async with await asyncio.start_server(proxy.accept, "127.0.0.1", port):
                address = f"127.0.0.1:{port}"
                topics = [planned(name, partitions=PARTITIONS) for name in (EVENTS, JOURNAL)]
                await make_topics(KafkaConnection(address), *topics)
                found: dict[tuple[float, int], list[list[float]]] = {}
                for _ in range(rounds):
                    for proxy.round_trip_s in (ms / 1000 for ms in ROUND_TRIPS_MS):
                        for linger_ms in LINGERS_MS:
                            visited = await _visit(address, linger_ms, per_s, seconds)
                            key = (proxy.round_trip_s * 1000, linger_ms)
                            found.setdefault(key, []).append(visited)
        finally:
            node.kill()
    names = ("cpu_us_per_callback", "p50_ms", "p99_ms")
    return [
        {
            "round_trip_ms": round_trip_ms,
            "linger_ms": linger_ms,
            **{
                name: round(statistics.median(values), 1)
                for name, values in zip(names, zip(*visits, strict=True), strict=True)
            },
        }
        for (round_trip_ms, linger_ms), visits in found.items()
    ]


def main(
    *,
    libs: Annotated[Path, typer.Option(help="Folder of Apache Kafka's jars.")] = Path(
        ".cache/kafka/libs"
    ),
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Visits to each setting.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.2, max=60, help="Length of a visit.")] = 4.0,
    per_s: Annotated[float, typer.Option(min=1, max=5000, help="Callbacks a second.")] = 500.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead.")] = False,
) -> None:
    """Measure the publisher's CPU time and waits at a low rate, with and without a linger."""
    rows = asyncio.run(measure(libs=libs, rounds=rounds, per_s=per_s, seconds=seconds))
    if json:
        sys.stdout.write(orjson.dumps({"per_s": per_s, "rows": rows}).decode() + "\n")
        return
    table = Table(title=f"The publisher at {per_s:g} callbacks a second")
    for name in ("round trip ms", "linger ms", "CPU us / callback", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*(f"{value:g}" for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        logs.configure("json", "error")
        kafka, of_linger, of_rate, of_seconds = sys.argv[2:]
        paced_run = publish_paced(
            kafka, linger_ms=int(of_linger), per_s=float(of_rate), seconds=float(of_seconds)
        )
        sys.stdout.buffer.write(orjson.dumps(uvloop.run(paced_run)))
    else:
        typer.run(main)
