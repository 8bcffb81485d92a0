"""Results of a benchmark: as JSON, as tables for a terminal, and as tables of the documentation.

1. A figure is the median over the rounds, with the least and the greatest beside it.
2. A ratio is the median of the rounds' own ratios, because only visits of one round are comparable.
3. A document has the tables of each benchmark between ``<!-- NAME -->`` and ``<!-- /NAME -->``.
"""

import re
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console
from rich.table import Table

# The servers that the others are compared with.
YARDSTICKS: Final = ("ok", "naive", "go")

# One benchmark's JSON.
Report = dict[str, Any]

ROOT: Final = Path(__file__).parents[2]
CALLS: Final = 4_096
KEPT: Final = ROOT / ".cache" / "bench"
DOCUMENT: Final = ROOT / "docs" / "performance.md"
_TITLES: Final = {
    "500/s": "500 callbacks a second",
    "half": "half of what it reached with 64 connections",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """The costs of one visit."""

    cpu_us: float
    per_s: float
    p50_ms: float
    p99_ms: float
    rss_mib: float


def columns(found: Sequence[Figures]) -> dict[str, list[float]]:
    """Return the figures by name, each a list over the rounds."""
    rows = [asdict(one) for one in found]
    return {one.name: [round(row[one.name], 3) for row in rows] for one in fields(Figures)}


def ratio(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Return median, least and greatest of the rounds' ratios: rule 2."""
    # A visit shorter than a clock tick can seem to have cost nothing.
    found = [mine / theirs if theirs else 0.0 for mine, theirs in zip(one, other, strict=True)]
    return statistics.median(found), min(found), max(found)


def tables(found: Report) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return a table for each load: its title, its columns and its rows."""
    return [
        (_TITLES.get(load, f"saturated by {load} connections"), *_table(found["servers"], load))
        for load in found["servers"][0]["loads"]
    ]


def _table(servers: list[Report], load: str) -> tuple[list[str], list[list[str]]]:
    # Half of what a server reaches is another rate for each, so these costs are not comparable.
    others = [one for one in servers if load != "half" and one["name"] in YARDSTICKS]
    heads = ["server", "CPU µs", *(f"× {one['name']}" for one in others)]
    heads += ["callbacks/s", "p50 ms", "p99 ms", "RSS MiB"]
    rows = []
    for one in servers:
        figures = one["loads"][load]
        cells = [one["title"], _spread(figures["cpu_us"], 0)]
        cells += [_ratio_cell(figures, other["loads"][load]) for other in others]
        cells += [
            f"{statistics.median(figures['per_s']):,.0f}",
            f"{statistics.median(figures['p50_ms']):.1f}",
            _spread(figures["p99_ms"], 1),
            f"{max(figures['rss_mib']):.0f}",
        ]
        rows.append(cells)
    return heads, rows


def _ratio_cell(figures: Report, other: Report) -> str:
    return "1" if figures is other else ratio_text(figures["cpu_us"], other["cpu_us"])


def ratio_text(one: Sequence[float], other: Sequence[float]) -> str:
    """Return median, least and greatest of the rounds' ratios as text."""
    middle, least, most = ratio(one, other)
    return f"{middle:.2f} ({least:.2f}–{most:.2f})"


def _spread(values: Sequence[float], digits: int) -> str:
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({least:.{digits}f}–{most:.{digits}f})"


def conserved(found: Report) -> str:
    """Return a sentence about lost callbacks."""
    parts = [
        f"{one['title']} {one['acknowledged']:,} acknowledged, {one['errors']} errors, "
        f"{max(0, one['lost'])} lost"
        for one in found["servers"]
    ]
    return "; ".join(parts)


def described(found: Report) -> str:
    """Return a sentence about the run and the machine."""
    return (
        f"{found['rounds']} rounds of {found['seconds']:g} s, {CALLS:,} calls, "
        f"CPython {found['python']}, {found['cores']} cores"
    )


def failed(found: Report) -> bool:
    """Return whether an answer was not 200, or one that was 200 is not on Kafka."""
    return any(one["errors"] or one["lost"] > 0 for one in found["servers"])


def show(console: Console, found: Report) -> None:
    """Print the tables."""
    for title, heads, rows in tables(found):
        show_table(console, title, heads, rows)
    console.print(f"{described(found)}. {conserved(found)}.", markup=False)


def show_table(console: Console, title: str, heads: list[str], rows: list[list[str]]) -> None:
    """Print one table."""
    table = Table(title=title)
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def markdown(found: Report) -> str:
    """Return the tables for the documentation."""
    parts = [f"{described(found)}. {conserved(found)}."]
    parts += [markdown_table(title, heads, rows) for title, heads, rows in tables(found)]
    return "\n\n".join(parts)


def markdown_table(title: str, heads: list[str], rows: list[list[str]]) -> str:
    """Return one table for the documentation; the first column's head is the title."""
    lines = [[title, *heads[1:]], ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def store(name: str, found: Report) -> None:
    """Keep the JSON of the last run."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{name}.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def write_into_docs(name: str, text: str) -> None:
    """Replace a benchmark's tables in the documentation: rule 3."""
    document = DOCUMENT.read_text()
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marked.search(document):
        message = f"{DOCUMENT.name} has no place for {name}"
        raise LookupError(message)
    DOCUMENT.write_text(marked.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", document))
