"""CPU, latency and memory of the bridge beside its peers: ``python -m tests.bench.compare``.

1. The machine is noisier than the differences that matter. All servers run at the same time and are
   visited in turn, round by round, under one load after the other. A ratio is the median of the rounds'
   own ratios.
2. Loads: saturated by 64 and by 200 connections; 500 callbacks a second; half of the rate
   that the server reached with 64 connections in the first round.
3. At the end each answer with 200 must be a record in each topic of its server.
"""

import asyncio
import contextlib
import itertools
import os
import platform
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
import uvloop
from rich.console import Console

from bridge.telemetry import logs
from tests.bench import contenders, report
from tests.bench.broker import LIBS, Libs, broker
from tests.bench.callbacks import hangups
from tests.bench.contenders import Contender, Surroundings
from tests.bench.load import Load, NotAnswered, pace, saturate
from tests.bench.processes import Cores, Server, divided_cores, running
from tests.bench.report import Figures

LOADS: Final = ("64", "200", "500/s", "half")
_PACED_CONNECTIONS: Final = 64
_WARM_UP_S: Final = 2.0
_STORED_S: Final = 20.0
_POLL_S: Final = 0.2

console = Console()


@dataclass
class Measured:
    """A contender, its process, and the costs of each visit under each load."""

    contender: Contender
    server: Server
    requests: Iterator[bytes]
    count: Callable[[str, tuple[str, ...]], dict[str, int]]
    figures: dict[str, list[Figures]] = field(default_factory=dict)
    acknowledged: int = 0
    errors: int = 0
    lost: int = 0

    async def visit(self, load: str, seconds: float, answers_max: int) -> None:
        """Put a load on the server, and keep its costs."""
        before_s = self.server.cpu_s()
        done = await self._load(load, seconds, answers_max)
        cpu_s = self.server.cpu_s() - before_s
        if not done.answers:
            message = f"{self.contender.name}: there was no answer"
            raise NotAnswered(message)
        self.acknowledged += done.ok
        self.errors += done.answers - done.ok
        self.figures.setdefault(load, []).append(
            Figures(
                cpu_us=cpu_s * 1e6 / done.answers,
                per_s=done.per_s,
                p50_ms=done.percentile_ms(50),
                p99_ms=done.percentile_ms(99),
                rss_mib=self.server.rss_mib(),
            )
        )

    async def _load(self, load: str, seconds: float, answers_max: int) -> Load:
        if load in {"half", "500/s"}:
            return await pace(
                self.server.port,
                self.requests,
                rate_per_s=500 if load == "500/s" else self.half_rate_per_s,
                connections=_PACED_CONNECTIONS,
                seconds=seconds,
            )
        return await saturate(
            self.server.port,
            self.requests,
            connections=int(load),
            seconds=seconds,
            answers_max=answers_max,
        )

    @property
    def half_rate_per_s(self) -> float:
        """Return half of the rate that the server reached when it was saturated first."""
        return self.figures[LOADS[0]][0].per_s / 2

    async def count_lost(self, kafka: str) -> None:
        """Count how many acknowledged callbacks lack a record; some may be on the way still."""
        if not self.contender.topics:
            return
        for _ in range(int(_STORED_S / _POLL_S)):
            stored = await asyncio.to_thread(self.count, kafka, self.contender.topics)
            self.lost = max((self.acknowledged - one for one in stored.values()), default=0)
            if self.lost <= 0:
                break
            await asyncio.sleep(_POLL_S)


@contextlib.asynccontextmanager
async def _started(
    chosen: Sequence[Contender], around: Surroundings, cores: Cores
) -> AsyncGenerator[list[Measured]]:
    requests = hangups(report.CALLS)
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(
                running(
                    contender.command(around),
                    cores.servers,
                    log=around.folder / f"{contender.name}.log",
                )
            )
            for contender in chosen
        ]
        for server in servers:
            server.wait_until_ready()
        yield [
            Measured(contender, server, itertools.cycle(requests), around.count)
            for contender, server in zip(chosen, servers, strict=True)
        ]


async def measure(
    chosen: Sequence[Contender],
    around: Surroundings,
    cores: Cores,
    *,
    rounds: int,
    seconds: float,
    loads: Sequence[str] = LOADS,
    answers_max: int = 1 << 60,
) -> list[Measured]:
    """Visit the servers in turn, ``rounds`` times under each load: rule 1."""
    await contenders.make_topics(around.kafka)
    async with _started(chosen, around, cores) as measured:
        for one in measured:
            await one.visit(loads[0], min(seconds, _WARM_UP_S), answers_max)
            one.figures.clear()
        for load in [load for _ in range(rounds) for load in loads]:
            for one in measured:
                await one.visit(load, seconds, answers_max)
        for one in measured:
            await one.count_lost(around.kafka)
    return measured


def to_report(measured: Sequence[Measured], settings: dict[str, object]) -> report.Report:
    """Return the measurements as one JSON object."""
    return {
        **settings,
        "python": platform.python_version(),
        "compiler": platform.python_compiler(),
        "cores": os.cpu_count(),
        "servers": [
            {
                "name": one.contender.name,
                "title": one.contender.title,
                "acknowledged": one.acknowledged,
                "errors": one.errors,
                "lost": one.lost,
                "half_rate_per_s": round(one.half_rate_per_s) if LOADS[0] in one.figures else None,
                "loads": {load: report.columns(found) for load, found in one.figures.items()},
            }
            for one in measured
        ],
    }


def _chosen(only: str) -> list[Contender]:
    names = only.split(",") if only else [one.name for one in contenders.ALL]
    unknown = set(names) - {one.name for one in contenders.ALL}
    if unknown:
        message = f"there is no {', '.join(sorted(unknown))}; choose among: " + ", ".join(
            one.name for one in contenders.ALL
        )
        raise typer.BadParameter(message)
    chosen = [one for one in contenders.ALL if one.name in names]
    if contenders.GO in chosen and not contenders.GO_BINARY.exists():
        console.print("the bridge in Go is left out: there is no Go to build it", style="yellow")
        chosen.remove(contenders.GO)
    return chosen


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds of visits.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.05, max=60, help="Length of a visit.")] = 4.0,
    only: Annotated[str, typer.Option(help="Servers, as in ok,ours; all of them by default.")] = "",
    loads: Annotated[str, typer.Option(help="Loads.")] = ",".join(LOADS),
    json: Annotated[bool, typer.Option("--json", help="One JSON object, and no tables.")] = False,
    keep: Annotated[bool, typer.Option(help="Write the tables into docs/performance.md.")] = False,
    libs: Libs = LIBS,
) -> None:
    """Measure the bridge beside a plain route, a naive bridge and one in Go, on Apache Kafka.

    About six minutes as it stands. Compare the ratios: microseconds change from minute to minute.
    """
    logs.silence_library_loggers()
    chosen = _chosen(only)
    settings: dict[str, object] = {"rounds": rounds, "seconds": seconds}

    async def measured() -> list[Measured]:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, divided_cores() as cores:
            async with broker(libs, Path(folder)) as node:
                around = Surroundings(node.address(), Path(folder))
                return await measure(
                    chosen, around, cores, rounds=rounds, seconds=seconds, loads=loads.split(",")
                )

    try:
        found = to_report(uvloop.run(measured()), settings)
    except NotAnswered as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    report.store("compare", found)
    if keep:
        report.write_into_docs("compare", report.markdown(found))
    if json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
    else:
        report.show(console, found)
    raise typer.Exit(report.failed(found))


if __name__ == "__main__":
    typer.run(main)
