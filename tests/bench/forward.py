"""What it costs to answer through the bridge: ``python -m tests.bench.forward``.

1. The same signed answer callbacks go, in turn and round by round, to the application itself, to a
   bridge that answers with a document, and to a bridge that asks the application.
2. The application answers at once, and takes the same time for all. So the difference to the first row
   is the whole of what a caller waits longer: Kafka's acknowledgement, and the way to the application.
3. Latencies are those of a fixed rate that all three keep up with. CPU is the bridge's, for each
   callback: of the application itself it is not measured. Ratios are those of the rounds.
"""

import contextlib
import itertools
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated, Final
from uuid import UUID

import typer
import uvloop
from rich.console import Console

from bridge.dev.account import AUTH_ID
from bridge.telemetry import logs
from tests.bench import contenders, report
from tests.bench.broker import LIBS, Libs, broker
from tests.bench.callbacks import to_request
from tests.bench.contenders import Surroundings, ours
from tests.bench.emulator import receiving
from tests.bench.load import pace
from tests.bench.processes import Server, divided_cores, running
from tests.support import plivo

KIND: Final = "voice.call.answer"
CALLS: Final = 1_000
_CONNECTIONS: Final = 16
_DOCUMENT: Final = "<Response><Speak>Hello</Speak></Response>"
_APPLICATION: Final = '[applications.ivr]\norigin = "http://127.0.0.1:{}"\n'
_RULE: Final = f'[[rules]]\nname = "all"\ntype = "{KIND}"\n'
_HEAD: Final = ("", "p50 ms", "× direct", "p99 ms", "× direct", "CPU µs", "× document")

console = Console()


@dataclass
class Way:
    """One way to an answer: a port, and the bridge behind it if there is one."""

    title: str
    port: int
    bridge: Server | None = None
    p50_ms: list[float] = field(default_factory=list[float])
    p99_ms: list[float] = field(default_factory=list[float])
    cpu_us: list[float] = field(default_factory=list[float])

    async def visit(self, requests: Sequence[bytes], rate_per_s: float, seconds: float) -> None:
        """Send at a fixed rate for some time."""
        before_s = self.bridge.cpu_s() if self.bridge else 0.0
        load = await pace(
            self.port,
            itertools.cycle(requests),
            rate_per_s=rate_per_s,
            connections=_CONNECTIONS,
            seconds=seconds,
        )
        load.require()
        self.p50_ms.append(load.percentile_ms(50))
        self.p99_ms.append(load.percentile_ms(99))
        if self.bridge:
            self.cpu_us.append((self.bridge.cpu_s() - before_s) * 1e6 / load.answers)


def answer_requests(calls: int) -> list[bytes]:
    """Return a signed answer callback of each of so many calls."""
    chance = Random(1)
    form = {**plivo.sample(KIND), "ParentAuthID": AUTH_ID}
    uuids = (str(UUID(int=chance.getrandbits(128), version=4)) for _ in range(calls))
    return [
        to_request(plivo.PATHS[KIND], plivo.encoded({**form, "CallUUID": one})) for one in uuids
    ]


async def measure(
    libs: Path, *, rounds: int, seconds: float, rate_per_s: float
) -> list[tuple[str, ...]]:
    """Return the rows of the table: rules 1 to 3."""
    requests = answer_requests(CALLS)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as text,
        divided_cores() as cores,
        receiving() as port,
        contextlib.ExitStack() as stack,
    ):
        folder = Path(text)
        async with broker(libs, folder) as node:
            await contenders.make_topics(node.address())
            ways = [Way("the application itself", port)]
            for title, rules in (
                ("a document", _RULE + 'document = "hello.xml"\n'),
                ("the application, asked", _APPLICATION.format(port) + _RULE + 'forward = "ivr"\n'),
            ):
                inside = folder / title
                inside.mkdir()
                (inside / "hello.xml").write_text(_DOCUMENT)
                (inside / "rules.toml").write_text(rules)
                command = ours(
                    Surroundings(node.address(), inside), replies_file=str(inside / "rules.toml")
                )
                bridge = stack.enter_context(running(command, cores.servers))
                bridge.wait_until_ready()
                ways.append(Way(title, bridge.port, bridge))
            for way in ways:
                await way.visit(requests, rate_per_s, 1.0)  # connections, caches
                for measured in (way.p50_ms, way.p99_ms, way.cpu_us):
                    measured.clear()
            for _ in range(rounds):
                for way in ways:
                    await way.visit(requests, rate_per_s, seconds)
    return [_row(way, ways) for way in ways]


def _row(way: Way, ways: Sequence[Way]) -> tuple[str, ...]:
    direct, document, _ = ways
    cpu = f"{statistics.median(way.cpu_us):.0f}" if way.cpu_us else ""
    return (
        way.title,
        f"{statistics.median(way.p50_ms):.2f}",
        report.ratio_text(way.p50_ms, direct.p50_ms),
        f"{statistics.median(way.p99_ms):.2f}",
        report.ratio_text(way.p99_ms, direct.p99_ms),
        cpu,
        report.ratio_text(way.cpu_us, document.cpu_us) if cpu else "",
    )


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, max=50)] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="Length of a visit.")] = 3.0,
    rate: Annotated[float, typer.Option(min=1, help="Callbacks a second.")] = 50.0,
    keep: Annotated[bool, typer.Option(help="Write the table into docs/performance.md.")] = False,
    libs: Libs = LIBS,
) -> None:
    """Compare an application that is asked through the bridge with the application itself."""
    logs.silence_library_loggers()
    rows = uvloop.run(measure(libs, rounds=rounds, seconds=seconds, rate_per_s=rate))
    cells = [list(row) for row in rows]
    report.show_table(console, f"Answered at {rate:.0f}/s", list(_HEAD), cells)
    report.store("forward", {"rate": rate, "rows": cells})
    if keep:
        title = f"answered by, at {rate:.0f} callbacks/s"
        report.write_into_docs("forward", report.markdown_table(title, list(_HEAD), cells))


if __name__ == "__main__":
    typer.run(main)
