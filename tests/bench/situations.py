"""The costs of the bridge in less usual situations: ``python -m tests.bench.situations``.

1. Costs are compared within one situation: its variants are visited in turn, round by round, and a ratio
   is the median of the rounds' own ratios to the first variant.
2. A start that is not measured writes the bytecode, which the image has. To compile it takes longer than
   to start, and leaves memory behind.
3. Kafka is away when its process is stopped. The bridge notices at the deadline of an acknowledgement,
   so the first seconds are not measured.
"""

import contextlib
import itertools
import json
import signal
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from bridge.core import catalogue
from bridge.dev.account import ACCOUNTS, AUTH_ID
from bridge.telemetry import logs
from bridge.telemetry.metric_defs import PREFIX
from tests.bench import contenders, report
from tests.bench.broker import LIBS, Libs, broker
from tests.bench.callbacks import (
    HANGUP_PATH,
    accounts,
    distinct_hangups,
    hangup_forms,
    hangups,
    to_request,
)
from tests.bench.contenders import Surroundings, ours
from tests.bench.load import OK, pace, saturate
from tests.bench.processes import Cores, Server, divided_cores, running
from tests.kafka.cluster import Node
from tests.support import plivo

CALLS: Final = 2_000
TOKENS: Final = (1, 200, 1_000)
TYPES: Final = 40
_CONNECTIONS: Final = 64
_NOTICED_S: Final = 8.0
_DRAINED_S: Final = 120.0
_REJECTED: Final = 403

console = Console()
Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Bench:
    """The surroundings that all situations share."""

    around: Surroundings
    cores: Cores
    node: Node
    rounds: int
    seconds: float
    minutes: float


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of a situation: a server and its requests."""

    title: str
    server: Server
    requests: Sequence[bytes]
    status: int = OK


async def _compared(bench: Bench, variants: Sequence[Variant]) -> Rows:
    costs: dict[str, list[float]] = {one.title: [] for one in variants}
    for _ in range(bench.rounds):
        for one in variants:
            before_s = one.server.cpu_s()
            load = await saturate(
                one.server.port, one.requests, connections=_CONNECTIONS, seconds=bench.seconds
            )
            load.require(one.status)
            costs[one.title].append((one.server.cpu_s() - before_s) * 1e6 / load.answers)
    first = costs[variants[0].title]
    return [
        [title, f"{statistics.median(found):.0f} µs", report.ratio_text(found, first)]
        for title, found in costs.items()
    ]


def _bridge(bench: Bench, stack: contextlib.ExitStack, name: str, **settings: str) -> Server:
    folder = bench.around.folder / name
    folder.mkdir()
    around = Surroundings(bench.around.kafka, folder)
    server = stack.enter_context(running(ours(around, **settings), bench.cores.servers))
    server.wait_until_ready()
    return server


async def rejected(bench: Bench) -> Rows:
    """A callback with a wrong signature, by the number of tokens."""
    requests = hangups(CALLS, token="a-token-that-nobody-has-set")
    with contextlib.ExitStack() as stack:
        servers = [
            _bridge(
                bench, stack, f"tokens-{count}", accounts=json.dumps(accounts(count, ours=ACCOUNTS))
            )
            for count in TOKENS
        ]
        variants = [
            Variant(f"wrong signature, tokens: {count:,}", server, requests, _REJECTED)
            for count, server in zip(TOKENS, servers, strict=True)
        ]
        return await _compared(bench, variants)


async def unnamed(bench: Bench) -> Rows:
    """A callback that names no account, by the number of accounts."""
    without = [form.replace(f"ParentAuthID={AUTH_ID}&", "") for form in hangup_forms(CALLS)]
    requests = [to_request(HANGUP_PATH, form) for form in without]
    with contextlib.ExitStack() as stack:
        return await _compared(
            bench,
            [
                Variant(
                    f"no account named, accounts: {count}",
                    _bridge(
                        bench,
                        stack,
                        f"unnamed-{count}",
                        accounts=json.dumps(accounts(count, ours=ACCOUNTS)),
                    ),
                    requests,
                )
                for count in TOKENS[:2]
            ],
        )


async def topics(bench: Bench) -> Rows:
    """The same callbacks of 40 types, one type after the other and mixed."""
    kinds = [kind.name for kind in catalogue.load_catalogue().types][:TYPES]
    by_type = [
        [to_request(plivo.PATHS[kind], _sample(kind)) for _ in range(CALLS // TYPES)]
        for kind in kinds
    ]
    with contextlib.ExitStack() as stack:
        server = _bridge(bench, stack, "topics")
        return await _compared(
            bench,
            [
                Variant("one type after the other", server, [*itertools.chain(*by_type)]),
                Variant(
                    f"{TYPES} types mixed",
                    server,
                    [*itertools.chain(*zip(*by_type, strict=True))],
                ),
            ],
        )


def _sample(kind: str) -> str:
    form = plivo.sample(kind)
    named = {"ParentAuthID": AUTH_ID} if "ParentAuthID" in form else {}
    return plivo.encoded({**form, **named})


async def outage(bench: Bench) -> Rows:
    """Kafka stops, callbacks are spooled; it goes on, and the spool is drained under live traffic."""
    requests = itertools.cycle(hangups(CALLS))
    # New calls: a callback of a spooled call joins the spool, and the spool would shrink by less than is
    # drained. Before the outage they are sent too, as each is signed on the way.
    new_calls = distinct_hangups()
    with contextlib.ExitStack() as stack:
        server = _bridge(bench, stack, "outage", spool_bytes_max=str(1 << 34))
        normal = await saturate(server.port, requests, connections=200, seconds=bench.seconds)
        before = await _live(server, new_calls, normal.per_s / 2, bench.seconds)
        bench.node._process.send_signal(signal.SIGSTOP)
        await saturate(server.port, requests, connections=_CONNECTIONS, seconds=_NOTICED_S)
        cpu_s = server.cpu_s()
        spooled = await saturate(server.port, requests, connections=200, seconds=3 * bench.seconds)
        spooled.require()
        cpu_us = (server.cpu_s() - cpu_s) * 1e6 / spooled.answers
        waiting, size_bytes = _metric(server, "spool_callbacks"), _metric(server, "spool_bytes")
        bench.node._process.send_signal(signal.SIGCONT)
        begun, drained, live = await _drained(server, new_calls, normal.per_s / 2)
    return [
        ["spooling, 200 connections", f"{spooled.per_s:,.0f}/s", f"{cpu_us:.0f} µs"],
        ["its p50 and p99", f"{spooled.percentile_ms(50):.1f} ms", _ms(spooled.percentile_ms(99))],
        ["spooled", f"{waiting:,.0f} callbacks", f"{size_bytes / max(1, waiting):,.0f} bytes each"],
        [
            "drained beside live traffic",
            f"{2 * drained:,.0f} records/s",
            f"begun after {begun:.1f} s",
        ],
        [
            f"live p99 at {normal.per_s / 2:,.0f}/s, before and meanwhile",
            _ms(before),
            _ms(live),
        ],
    ]


def _ms(value: float) -> str:
    return f"{value:.1f} ms"


async def _live(
    server: Server, requests: Iterator[bytes], rate_per_s: float, seconds: float
) -> float:
    load = await pace(
        server.port, requests, rate_per_s=rate_per_s, connections=_CONNECTIONS, seconds=seconds
    )
    return load.require().percentile_ms(99)


async def _drained(
    server: Server, requests: Iterator[bytes], rate_per_s: float
) -> tuple[float, float, float]:
    """Return when draining began, how fast it was, and the median p99 of live traffic meanwhile."""
    at_s, waiting = [time.monotonic()], [_metric(server, "spool_callbacks")]
    live_ms = []
    end_s = time.monotonic() + _DRAINED_S
    while waiting[-1] > 0 and time.monotonic() < end_s:
        live_ms.append(await _live(server, requests, rate_per_s, 0.5))
        at_s.append(time.monotonic())
        waiting.append(_metric(server, "spool_callbacks"))
    most = max(waiting)
    begun = max(place for place, count in enumerate(waiting) if count == most)
    took_s = max(at_s[-1] - at_s[begun], 0.001)
    draining = live_ms[begun:] or live_ms or [0.0]
    return at_s[begun] - at_s[0], (most - waiting[-1]) / took_s, statistics.median(draining)


def _metric(server: Server, name: str) -> float:
    return sum(
        series.value
        for family in text_string_to_metric_families(server.metrics())
        for series in family.samples
        if series.name == f"{PREFIX}_{name}"
    )


async def memory(bench: Bench) -> Rows:
    """Resident memory, idle and while every callback is of a new call."""
    requests = distinct_hangups()
    with contextlib.ExitStack() as stack:
        server = _bridge(bench, stack, "memory")
        rows = [["idle", f"{server.rss_mib():.0f} MiB", ""]]
        begun_s, calls = time.monotonic(), 0
        steps = 5
        for number in range(1, steps + 1):
            until_s = begun_s + bench.minutes * 60 * number / steps
            load = await saturate(
                server.port, requests, connections=200, seconds=until_s - time.monotonic()
            )
            calls += load.require().answers
            passed = f"after {time.monotonic() - begun_s:.0f} s"
            rows.append([passed, f"{server.rss_mib():.0f} MiB", f"{calls:,} calls"])
    return rows


async def ready(bench: Bench) -> Rows:
    """From the start of ``serve`` until it is ready."""
    took_s, cpu_s = [], []
    for number in range(bench.rounds):
        folder = bench.around.folder / f"ready-{number}"
        folder.mkdir()
        command = ours(Surroundings(bench.around.kafka, folder))
        with running(command, bench.cores.servers) as server:
            took_s.append(server.wait_until_ready())
            cpu_s.append(server.cpu_s())
    spread = f"{min(took_s):.2f}–{max(took_s):.2f} s"
    return [
        ["serve until ready", f"{statistics.median(took_s):.2f} s", spread],
        ["its CPU", f"{statistics.median(cpu_s):.2f} s", ""],
    ]


SITUATIONS: Final[dict[str, Callable[[Bench], Awaitable[Rows]]]] = {
    one.__name__: one for one in (rejected, unnamed, topics, outage, memory, ready)
}


async def measure(libs: Path, chosen: Sequence[str], **given: float) -> dict[str, Rows]:
    """Return the rows of each chosen situation."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, divided_cores() as cores:
        async with broker(libs, Path(folder)) as node:
            around = Surroundings(node.address(), Path(folder))
            await contenders.make_topics(around.kafka)
            with running(ours(around), cores.servers) as server:
                server.wait_until_ready()  # rule 2
            for name in chosen:
                bench = Bench(
                    around, cores, node, int(given["rounds"]), given["seconds"], given["minutes"]
                )
                found[name] = await SITUATIONS[name](bench)
                _show(name, found[name])
    return found


def _title(name: str) -> str:
    return (SITUATIONS[name].__doc__ or name).rstrip(".")


def _show(name: str, rows: Rows) -> None:
    report.show_table(console, _title(name), ["", "", ""], rows)


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, max=50)] = 3,
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="Length of a visit.")] = 3.0,
    minutes: Annotated[float, typer.Option(help="How long new calls come, for the memory.")] = 1.0,
    only: Annotated[str, typer.Option(help="Situations.")] = ",".join(SITUATIONS),
    keep: Annotated[bool, typer.Option(help="Write the tables into docs/performance.md.")] = False,
    libs: Libs = LIBS,
) -> None:
    """Measure rejections, many accounts and topics, an outage of Kafka, memory and the start.

    About four minutes as it stands.
    """
    logs.silence_library_loggers()
    found = uvloop.run(
        measure(libs, only.split(","), rounds=rounds, seconds=seconds, minutes=minutes)
    )
    report.store("situations", found)
    if keep:
        tables = [
            report.markdown_table(_title(name), [name, "", ""], rows)
            for name, rows in found.items()
        ]
        report.write_into_docs("situations", "\n\n".join(tables))


if __name__ == "__main__":
    typer.run(main)
