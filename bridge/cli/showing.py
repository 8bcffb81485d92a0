"""What the commands that only show share: tables or JSON lines, and names as people type them."""

import difflib
import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from bridge.cli.escapes import visible, visible_json

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="JSON lines, also on a terminal.")]


def on_terminal() -> bool:
    """Say whether a person reads standard output."""
    return sys.stdout.isatty()


def json_lines(values: Iterable[object]) -> None:
    """Print each value as a line of JSON; on a terminal nothing in it is what a terminal obeys."""
    for value in values:
        text = orjson.dumps(value).decode()
        typer.echo(visible_json(text) if on_terminal() else text)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """Return a table whose first column is not wrapped. Cells are text as it is, not markup."""
    first, *others = head
    made = Table(Column(first, no_wrap=True, style="cyan"), *others)
    for row in rows:
        made.add_row(*map(_cell, row))
    return made


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Return names with what they are, without a frame. Nothing is cut."""
    made = Table.grid(Column(style="bold", no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for row in rows:
        made.add_row(*map(_cell, row))
    return made


def _cell(text: str) -> Text:
    return Text(visible(text, keep="\n"))


def terminal() -> Console:
    """Return what prints to a terminal, or to a pipe as if it were one of 80 columns."""
    return Console(highlight=False, emoji=False)


def show(*parts: Table | Text | str) -> None:
    """Print tables and lines to a terminal; lines may hold markup, and a Text holds none."""
    console = terminal()
    for part in parts:
        console.print(part)


def chosen(name: str, among: Mapping[str, T], what: str, listed_by: str) -> T:
    """Return the one of that name; raises BadParameter with the names nearest to a wrong one."""
    if name in among:
        return among[name]
    near = difflib.get_close_matches(name, among, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    message = f"no {what} is called {name!r}; {meant}{listed_by} shows all"
    raise typer.BadParameter(message)
