"""Hostile traffic beside genuine callbacks: ``python -m tests.hostile``, which ``make hostile`` runs.

Prints a table, and with --out a JSON line for each kind. Exits 1 if a genuine callback was not answered
200, or is not in the journal.
"""

import asyncio
import dataclasses
import tempfile
from pathlib import Path
from typing import Annotated

import orjson
import typer

from tests.hostile.attacks import ATTACKS, Attack
from tests.hostile.run import Row, run
from tests.support.embedded_node import EmbeddedNode

PAGE = Path(__file__).parents[2] / "docs" / "guarantees.md"
BEGIN, END = "<!-- hostile -->", "<!-- /hostile -->"
_HEAD = (
    "beside genuine callbacks",
    "sent",
    "genuine callbacks answered",
    "p50 / p99, ms",
    "CPU, % of a core",
    "memory before / most, MiB",
)


def markdown(rows: list[Row]) -> str:
    """Return the table of the page."""
    lines = [f"| {' | '.join(_HEAD)} |", f"|{'---|' * len(_HEAD)}"]
    for row in rows:
        statuses = ", ".join(f"{of}: {count:,}" for of, count in sorted(row.statuses.items()))
        lost = f"; {row.lost} lost" if row.lost else ""
        cells = (
            row.what,
            _sent(row),
            statuses + lost + ("" if row.is_running else "; the bridge ended"),
            f"{row.p50_ms:.0f} / {row.p99_ms:.0f}",
            f"{row.cpu_share:.0%}".removesuffix("%"),
            f"{row.memory_before_mib:.0f} / {row.memory_max_mib:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _sent(row: Row) -> str:
    sent = row.hostile
    parts = [f"{sent[name]:,} {name}" for name in ("connections", "requests") if sent.get(name)]
    if sent.get("bytes"):
        parts.append(f"{sent['bytes'] / 1e6:.1f} MB")
    return ", ".join(parts) or "-"


async def _run(chosen: list[Attack | None], seconds: float, out: Path | None) -> list[Row]:
    rows: list[Row] = []
    node = EmbeddedNode()
    try:
        await node.start()
        with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
            for number, attack in enumerate(chosen):
                row = await run(
                    attack, seconds=seconds, node=node, folder=Path(folder, str(number))
                )
                rows.append(row)
                typer.echo(markdown([row]).splitlines()[-1] + ("" if row.is_sound else "  !!"))
                if out is not None:
                    with out.open("ab") as file:
                        file.write(orjson.dumps(dataclasses.asdict(row)) + b"\n")
    finally:
        node.kill()
    return rows


def main(
    *,
    seconds: Annotated[float, typer.Option(min=1, max=120, help="How long each kind lasts.")] = 10,
    kind: Annotated[list[str] | None, typer.Option(help="Its name; may be repeated.")] = None,
    out: Annotated[Path | None, typer.Option(help="A file for the rows, a JSON line each.")] = None,
    docs: Annotated[bool, typer.Option(help="Write the table into docs/guarantees.md.")] = False,
) -> None:
    """Send hostile traffic of each kind to a bridge, and see what genuine callbacks notice."""
    names = [one.name for one in ATTACKS]
    for name in kind or ():
        if name not in names:
            message = f"there is no {name!r}; there are {', '.join(names)}"
            raise typer.BadParameter(message)
    chosen = [None, *(one for one in ATTACKS if not kind or one.name in kind)]
    if out is not None:
        out.unlink(missing_ok=True)
    rows = asyncio.run(_run(chosen, seconds, out))
    table = markdown(rows)
    typer.echo("\n" + table)
    if docs:
        write(table)
    if not all(row.is_sound for row in rows):
        raise typer.Exit(1)


def write(table: str) -> None:
    """Put the table between the marks of the page."""
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table}{END}{after}")


if __name__ == "__main__":
    typer.run(main)
