"""CPU per callback in about a minute, on the embedded broker: ``python -m tests.bench.quick``.

It says what a saturated worker costs beside a plain route and a naive bridge. Its rules are those of
``tests.bench.compare``, which says more, on Apache Kafka.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
import uvloop
from rich.console import Console

from bridge.dev.broker import embedded_broker
from bridge.telemetry import logs
from tests.bench import contenders, report
from tests.bench.compare import Measured, measure, to_report
from tests.bench.contenders import Contender, Surroundings
from tests.bench.load import NotAnswered
from tests.bench.processes import divided_cores

CHOSEN: Final[Sequence[Contender]] = (
    contenders.OK,
    contenders.NAIVE,
    contenders.IN_MEMORY,
    contenders.OURS,
)
ANSWERS_MAX: Final = 30_000  # a visit; the embedded broker keeps every record in memory


async def _measure(rounds: int, seconds: float, connections: int) -> list[Measured]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, divided_cores() as cores:
        async with embedded_broker() as kafka:
            return await measure(
                CHOSEN,
                Surroundings(kafka, Path(folder), idempotence=False),
                cores,
                rounds=rounds,
                seconds=seconds,
                loads=[str(connections)],
                answers_max=ANSWERS_MAX,
            )


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Visits to each server.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.05, max=10, help="Length of a visit.")] = 2.0,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Open at a time.")] = 200,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead.")] = False,
) -> None:
    """Measure the CPU time a callback costs, as a ratio to a plain Starlette route.

    Starts four servers and an embedded broker on loopback, about a minute as it stands. Every answer
    must be 200. Compare ratios, and only of one run: microseconds change from minute to minute.
    """
    logs.silence_library_loggers()
    try:
        measured = uvloop.run(_measure(rounds, seconds, connections))
    except NotAnswered as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    found = to_report(measured, {"rounds": rounds, "seconds": seconds, "connections": connections})
    if json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
    else:
        report.show(Console(), found)
    raise typer.Exit(report.failed(found))


if __name__ == "__main__":
    typer.run(main)
