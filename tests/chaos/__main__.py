"""The chaos suite: ``python -m tests.chaos``, which ``make chaos`` runs.

Prints a line a run, and a table at the end. Exits 1 if anything was not as promised.
"""

import asyncio
import dataclasses
import logging
import tempfile
from pathlib import Path
from typing import Annotated

import orjson
import typer

from tests.chaos.row import Row, markdown
from tests.chaos.scenarios.every import SCENARIOS
from tests.chaos.site import Site
from tests.chaos.stage import Scenario, perform

PAGE = Path(__file__).parents[2] / "docs" / "guarantees.md"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
LIBS = Path(__file__).parents[2] / ".cache" / "kafka" / "libs"


def _line(scenario: Scenario, row: Row) -> str:
    longest = "/".join(f"{value:.2f}" for value in row.longest_s)
    drained = "" if row.drain_s is None else f", drained after {row.drain_s:.1f} s"
    said = "".join(f"\n      {text}" for text in row.notes)
    said += "".join(f"\n   !! {text}" for text in row.faults)
    return (
        f"{row.scenario:>3} {scenario.name}, seed {row.seed}: tried {row.tried}, 2xx {row.accepted}, "
        f"refused {row.refused}, not connected {row.unconnected}, no answer {row.unanswered}, "
        f"lost {row.lost}, duplicated {row.duplicated}, spooled {row.spooled}, "
        f"longest {longest} s{drained} [{row.took_s:.0f} s]{said}"
    )


async def _run(chosen: list[Scenario], seeds: range, folder: Path, out: Path | None) -> list[Row]:
    site = Site(LIBS, folder / "kafka")
    rows: list[Row] = []
    try:
        await site.start()
        for seed in seeds:
            for scenario in chosen:
                row = await perform(site, scenario, seed, folder / f"{scenario.number}-{seed}")
                rows.append(row)
                typer.echo(_line(scenario, row))
                if out is not None:
                    with out.open("ab") as file:
                        file.write(orjson.dumps(dataclasses.asdict(row)) + b"\n")
    finally:
        await site.stop()
    return rows


def _write(table: str) -> None:
    """Put the table between the marks of the page."""
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table}{END}{after}")


def main(
    *,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Runs of each scenario.")] = 3,
    first_seed: Annotated[int, typer.Option(min=0, help="The first run's seed.")] = 1,
    scenario: Annotated[list[str] | None, typer.Option(help="Its number; may be repeated.")] = None,
    out: Annotated[Path | None, typer.Option(help="A file for the rows, a JSON line each.")] = None,
    keep: Annotated[Path | None, typer.Option(help="A folder to leave logs and spools in.")] = None,
    docs: Annotated[bool, typer.Option(help="Write the table into docs/guarantees.md.")] = False,
) -> None:
    """Break what a bridge depends on, under load, and check that nothing was lost."""
    numbers = [one.number for one in SCENARIOS]
    for number in scenario or ():
        if number not in numbers:
            message = f"there is no scenario {number}; there are {', '.join(numbers)}"
            raise typer.BadParameter(message)
    chosen = [one for one in SCENARIOS if not scenario or one.number in scenario]
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if out is not None:
        out.unlink(missing_ok=True)
    run = range(first_seed, first_seed + seeds)
    if keep is not None:
        rows = asyncio.run(_run(chosen, run, keep.resolve(), out))
    else:
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            rows = asyncio.run(_run(chosen, run, Path(folder), out))
    table = markdown(rows, {one.number: one.name for one in SCENARIOS})
    typer.echo("\n" + table)
    if docs:
        _write(table)
    if any(row.faults for row in rows):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
