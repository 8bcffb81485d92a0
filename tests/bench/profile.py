"""Where a callback's time goes: ``python -m tests.bench.profile``.

The whole bridge runs on the embedded broker under ``cProfile``, saturated by 64 connections. The
profiler adds to every call, so functions that are called often look dearer than they are. Compare
shares before and after a change. The start is part of it; ten seconds of load make it small.
"""

import pstats
import sys
import sysconfig
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop
from rich.console import Console

from bridge.dev.broker import embedded_broker
from bridge.telemetry import logs
from tests.bench import contenders, report
from tests.bench.callbacks import hangups
from tests.bench.contenders import Surroundings, ours
from tests.bench.load import saturate
from tests.bench.processes import divided_cores, running

_CONNECTIONS: Final = 64
_TOP: Final = 25
_STDLIB: Final = sysconfig.get_path("stdlib") + "/"
Row = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Profile:
    """Own time, by room or library and by function, as shares of the sum."""

    rooms: list[Row]
    functions: list[Row]


async def record(file: Path, seconds: float) -> int:
    """Profile the bridge under load into ``file``; return how many callbacks it answered."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, divided_cores() as cores:
        async with embedded_broker() as kafka:
            await contenders.make_topics(kafka)
            command = ours(Surroundings(kafka, Path(folder), idempotence=False))
            profiled = [sys.executable, "-m", "cProfile", "-o", str(file), *command.arguments]
            with running(replace(command, arguments=profiled), cores.servers) as server:
                server.wait_until_ready()
                load = await saturate(
                    server.port, hangups(512), connections=_CONNECTIONS, seconds=seconds
                )
    return load.require().answers


def read(file: Path) -> Profile:
    """Return the shares of a profile."""
    rooms: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]
    for (path, line, name), (_, _, own_s, _, _) in stats.items():
        rooms[_room(path)] += own_s
        functions[f"{_short(path).removeprefix(_STDLIB)}:{line} {name}" if line else name] += own_s
    total = sum(rooms.values())
    return Profile(
        [(room, of / total) for room, of in rooms.most_common() if of / total >= 0.01],
        [(name, of / total) for name, of in functions.most_common(_TOP)],
    )


def _short(path: str) -> str:
    return path.rpartition("site-packages/")[2].removeprefix(str(report.ROOT) + "/")


def _room(path: str) -> str:
    parts = _short(path).split("/")
    if parts[0] == "bridge":
        return "/".join(parts[:2])
    return "C and built-in functions" if path == "~" else parts[0] or "the standard library"


def main(
    *,
    seconds: Annotated[float, typer.Option(min=0.2, max=60, help="Length of the load.")] = 10.0,
) -> None:
    """Profile the bridge under load, by room and by function."""
    logs.silence_library_loggers()
    report.KEPT.mkdir(parents=True, exist_ok=True)
    file = report.KEPT / "profile.pstats"
    answers = uvloop.run(record(file, seconds))
    found = read(file)
    console = Console()
    for title, rows in (("room or library", found.rooms), ("function", found.functions)):
        shown = [[name, f"{share:.1%}"] for name, share in rows]
        report.show_table(console, "share of the own time", [title, "share"], shown)
    console.print(f"{answers:,} callbacks; the whole profile is in {file}", markup=False)


if __name__ == "__main__":
    typer.run(main)
