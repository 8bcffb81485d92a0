"""CPU per callback against a plain Starlette route: ``python -m tests.bench.quick``.

1. The machine is noisier than the differences that matter, so the servers run at the same time and
   are visited in turn, round by round; the ratio is the median of the rounds' own ratios.
2. CPU is user and system time of the server's process (10 ms ticks), over the answers of a visit.
   Load generator and broker are pinned to another core where there is one.
3. It says what a saturated worker costs, not how long a caller waits.
"""

import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx
import orjson
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bridge.core import catalogue
from bridge.derived.topics import Sizing, plan
from bridge.dev.broker import embedded_broker
from bridge.publish.connection import KafkaConnection
from bridge.publish.topics import Provisioner
from tests.bench.callbacks import hangups
from tests.bench.load import NotAnswered, visit
from tests.bench.servers import KINDS, TOPIC_PREFIX

CALLS = 512
SIZING = Sizing(4, 1, 1, 1, 1, 1)
ANSWERS_MAX = 30_000  # a visit; the embedded broker keeps every record in memory
NAMES = {
    "plain": "plain Starlette route",
    "memory": "bridge, publisher in memory",
    "embedded": "bridge on the embedded broker",
}

_TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")
_READY_S = 20.0
_WARM_UP_S = 0.5
_STOP_S = 10.0


@dataclass
class Server:
    """One server, and what each visit to it cost."""

    kind: str
    process: subprocess.Popen[bytes]
    port: int
    management_port: int
    cpu_us: list[float] = field(default_factory=list)
    per_s: list[float] = field(default_factory=list)
    answers: int = 0

    def cpu_ticks(self) -> int:
        """Return user and system time of the process, all threads, in clock ticks."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()  # the name may hold spaces
        return int(fields[11]) + int(fields[12])


@contextlib.contextmanager
def _started(kind: str, kafka: str) -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.servers", kind, kafka],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _listening(kind: str, process: subprocess.Popen[bytes]) -> Server:
    assert process.stdout is not None
    ports = process.stdout.readline().split()
    if len(ports) != 2:
        message = f"{kind}: the server did not start; run: python -m tests.bench.servers {kind}"
        raise NotAnswered(message)
    return Server(kind, process, *map(int, ports))  # type: ignore[arg-type]


@contextlib.contextmanager
def _on_other_cores() -> Generator[list[int]]:
    """Leave the first core to the servers, and yield it; with one core only, share it."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[1:] or cores)
    try:
        yield cores[:1]
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.asynccontextmanager
async def _servers() -> AsyncGenerator[list[Server]]:
    """Run broker and servers, pinned and ready; the broker stays on our side of the machine."""
    with _on_other_cores() as servers_core:
        async with embedded_broker() as kafka:
            async with Provisioner(KafkaConnection(kafka)) as provisioner:
                await provisioner.apply(plan(catalogue.load_catalogue(), TOPIC_PREFIX, SIZING))
            with contextlib.ExitStack() as stack:
                started = [stack.enter_context(_started(kind, kafka)) for kind in KINDS]
                for process in started:
                    os.sched_setaffinity(process.pid, servers_core)
                servers = [_listening(*pair) for pair in zip(KINDS, started, strict=True)]
                for server in servers:
                    await _ready(server)
                yield servers


async def _ready(server: Server) -> None:
    url = f"http://127.0.0.1:{server.management_port}/readyz"
    async with httpx.AsyncClient() as client, asyncio.timeout(_READY_S):
        while not await _answers(client, url):  # noqa: ASYNC110 (once, at the start)
            await asyncio.sleep(0.05)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx.TransportError:
        return False


async def measure(*, rounds: int, seconds: float, connections: int) -> list[Server]:
    """Visit the servers in turn, ``rounds`` times; return them with what each visit cost (rule 1)."""
    requests = hangups(CALLS)
    async with _servers() as servers:
        for server in servers:
            await _visit(server, requests, connections, min(seconds, _WARM_UP_S))
            server.cpu_us.clear()
            server.per_s.clear()
            server.answers = 0
        for _ in range(rounds):
            for server in servers:
                await _visit(server, requests, connections, seconds)
    return servers


async def _visit(server: Server, requests: list[bytes], connections: int, seconds: float) -> None:
    before = server.cpu_ticks()
    try:
        load = await visit(
            server.port,
            requests,
            connections=connections,
            seconds=seconds,
            answers_max=ANSWERS_MAX,
        )
    except (NotAnswered, OSError, TimeoutError) as error:
        message = (
            f"{NAMES[server.kind]}: not every answer was 200: {str(error) or type(error).__name__}"
        )
        raise NotAnswered(message) from error
    server.answers += load.answers
    server.cpu_us.append((server.cpu_ticks() - before) * _TICK_US / load.answers)
    server.per_s.append(load.answers / load.elapsed_s)


def summary(servers: list[Server]) -> list[dict[str, object]]:
    """Return one row a server: medians over the rounds."""
    plain = servers[0]
    return [
        {
            "server": server.kind,
            "cpu_us_per_callback": round(statistics.median(server.cpu_us), 1),
            "ratio_to_plain": round(_ratio(server, plain), 2),
            "callbacks_per_s": round(statistics.median(server.per_s)),
            "answers": server.answers,
        }
        for server in servers
    ]


def _ratio(server: Server, plain: Server) -> float:
    pairs = zip(server.cpu_us, plain.cpu_us, strict=True)
    # A visit shorter than a clock tick can seem to have cost nothing.
    return statistics.median(one / other if other else 0.0 for one, other in pairs)


def _show(rows: list[dict[str, object]], settings: str) -> None:
    table = Table(title="One worker, saturated, POST hangup callbacks", caption=settings)
    table.add_column("server")
    for name in ("CPU us / callback", "x plain", "callbacks / s"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            NAMES[str(row["server"])],
            f"{row['cpu_us_per_callback']:.0f}",
            f"{row['ratio_to_plain']:.2f}",
            f"{row['callbacks_per_s']:,}",
        )
    Console().print(table)


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Visits to each server.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.05, max=10, help="Length of a visit.")] = 2.0,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Open at a time.")] = 200,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead.")] = False,
) -> None:
    """Measure the CPU time a callback costs, as a ratio to a plain Starlette route.

    Starts three servers and an embedded broker on loopback, about 40 s as it stands. Every answer
    must be 200. Compare ratios, and only of one run: microseconds change from minute to minute.
    """
    try:
        servers = uvloop.run(measure(rounds=rounds, seconds=seconds, connections=connections))
    except NotAnswered as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    settings = {"rounds": rounds, "seconds": seconds, "connections": connections}
    rows = summary(servers)
    if json:
        sys.stdout.write(orjson.dumps({**settings, "servers": rows}).decode() + "\n")
    else:
        shown = ", ".join(f"{value} {name}" for name, value in settings.items())
        _show(rows, f"{shown}; medians over rounds; ratios are of the same round")


if __name__ == "__main__":
    typer.run(main)
