"""Output of every command: tables, lines, JSON and progress bars.

Commands print only through this module; ``tests/cli/test_output.py`` checks that.

1. Callers and senders write part of what we print. A character that a terminal would obey is printed
   as a visible escape (see ``escapes``): on standard output and standard error, on a terminal and in a
   pipe. JSON gets JSON's own escapes, so its meaning stays the same.
2. A string is plain text, never rich's markup: ``[red]`` or ``[link=…]`` in a message are printed as
   they are. Styled text is a rich Text.
"""

import difflib
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import orjson
import typer
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.measure import Measurement, measure_renderables
from rich.progress import Progress, ProgressColumn
from rich.segment import Segment
from rich.style import StyleType
from rich.table import Column, Table
from rich.text import Text

from bridge.cli.layout import column_widths, format_row
from bridge.telemetry.escapes import escape_unsafe, escape_unsafe_json

if TYPE_CHECKING:
    from rich.syntax import Syntax

T = TypeVar("T")
R = TypeVar("R", bound="Table | Text | Syntax | str")

_ANY_WIDTH: Final = 100_000

JsonOption = Annotated[bool, typer.Option("--json", help="JSON lines, also on a terminal.")]


class _UncutTable(Table):
    """Table whose words are never cut, because a path or a topic that is cut cannot be copied.

    1. A column is as wide as its longest word, and a column that is not wrapped as its longest line.
    2. The columns share what is left of the width, from left to right. (Rich makes the widest column
       narrower, whatever its words need.)
    3. If nothing is left, each row is printed as several lines: see ``layout``.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render as rich does, with columns of these widths: rules 1 to 3."""
        wide = options.update_width(_ANY_WIDTH)
        ranges: list[Measurement] = []
        for column in self.columns:
            cells = (column.header, *column.cells)
            least, most = measure_renderables(console, wide, cells)
            ranges.append(Measurement(most if column.no_wrap else least, most))
        # A column has a border and a space on each side; the last border follows.
        left = options.max_width - sum(one.minimum + 3 for one in ranges) - 1
        if left < 0:
            yield from self._format_rows(console)
            return
        for column, one in zip(self.columns, ranges, strict=True):
            more = min(left, one.span)
            column.width, left = one.minimum + more, left - more
        yield from super().__rich_console__(console, options)

    def _format_rows(self, console: Console) -> Iterator[Text]:
        columns = [
            [_on_one_line(cell, column.style) for cell in column.cells] for column in self.columns
        ]
        head = [Text(str(column.header), style="bold") for column in self.columns]
        rows = [head, *zip(*columns, strict=True)]
        widths = column_widths(rows)
        return (format_row(console, row, widths) for row in rows)


def _on_one_line(cell: RenderableType, style: StyleType) -> Text:
    text = cell if isinstance(cell, Text) else Text(str(cell))
    line = Text(" ").join(text.split("\n"))
    line.stylize_before(style)
    return line


class _EscapingConsole(Console):
    """Console that escapes all text when it renders it: rule 1."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as rich does, then escape."""
        for one in super().render(renderable, options):
            yield one if one.control else Segment(escape_unsafe(one.text, keep="\n"), one.style)


def on_terminal() -> bool:
    """Return True if standard output is a terminal, which a person reads."""
    return sys.stdout.isatty()


def wants_json(option: bool) -> bool:  # noqa: FBT001 (the value of --json)
    """Return True if JSON is printed: on request, and whenever no person reads the output."""
    return option or not on_terminal()


def make_console(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """Return a console of the terminal's width; 80 columns for a pipe."""
    return _EscapingConsole(
        stderr=stderr, soft_wrap=soft_wrap, highlight=False, emoji=False, markup=False
    )


def emit_json_lines(values: Iterable[object]) -> None:
    """Print each value as a line of JSON."""
    for value in values:
        emit_json_text(orjson.dumps(value).decode())


def emit_json_text(text: str) -> None:
    """Print a value that is JSON text already."""
    typer.echo(escape_unsafe_json(text))


def print_plain(text: str) -> None:
    """Print text to copy or to pipe: without styles and line breaks of our own."""
    typer.echo(escape_unsafe(text, keep="\n"))


def print_line(text: "str | Syntax", style: str = "") -> None:
    """Print a line without wrapping it, so that other tools can search and cut it."""
    make_console(soft_wrap=True).print(_text(text), style=style)


def print_stderr(*lines: str, style: str = "") -> None:
    """Print lines on standard error."""
    console = make_console(stderr=True, soft_wrap=True)
    for one in lines:
        console.print(_text(one), style=style)


def show(*parts: Table | Text | str) -> None:
    """Print tables, styled text and lines."""
    console = make_console()
    for part in parts:
        console.print(_text(part))


def confirm(question: str) -> None:
    """Ask a question. Raises Abort unless the answer is yes."""
    typer.confirm(escape_unsafe(question), abort=True)


def make_progress(
    *columns: ProgressColumn, transient: bool = False, enabled: bool | None = None
) -> Progress:
    """Return a progress bar on standard error, by default shown only on a terminal."""
    console = make_console(stderr=True)
    return Progress(
        *(columns or Progress.get_default_columns()),
        console=console,
        transient=transient,
        disable=not (console.is_terminal if enabled is None else enabled),
    )


def make_live() -> Live | None:
    """Return a display on standard error that is replaced in place; None without a terminal."""
    console = make_console(stderr=True)
    return Live(console=console, transient=True) if console.is_terminal else None


def print_usage_error(error: typer.TyperException) -> int:
    """Print an error of usage as typer does, escaped. Return its exit code."""
    from typer import rich_utils  # noqa: PLC0415 (slow to import, and only errors need it)

    for name, value in vars(error).items():
        if isinstance(value, str):
            setattr(error, name, escape_unsafe(value, keep="\n"))
    rich_utils.rich_format_error(error)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] (its class is private)
    return int(getattr(error, "exit_code", 1))


def print_traceback(error: BaseException) -> None:
    """Print the traceback of an unexpected error."""
    print_stderr("".join(traceback.format_exception(error)).rstrip("\n"))


def make_table(head: Iterable[str], rows: Iterable[Iterable[str | Text]]) -> Table:
    """Return a table. Its first column is not wrapped, and nothing is cut."""
    first, *others = head
    made = _UncutTable(Column(first, no_wrap=True, style="cyan"), *others)
    for row in rows:
        made.add_row(*map(_text, row))
    return made


def key_values(pairs: Iterable[tuple[str, str]]) -> Table:
    """Return a two-column table of names and values, without a frame. Nothing is cut."""
    made = Table.grid(Column(style="bold", no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for row in pairs:
        made.add_row(*map(_text, row))
    return made


def _text(part: R) -> R | Text:
    # Escape before the layout too: an escape is wider than its character, and rich silently drops
    # some characters, for example BEL.
    return Text(escape_unsafe(part, keep="\n")) if isinstance(part, str) else part


def lookup(name: str, choices: Mapping[str, T], noun: str, list_command: str) -> T:
    """Return the choice of this name. Raises BadParameter, which suggests similar names."""
    if name in choices:
        return choices[name]
    near = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    message = f"unknown {noun} {name!r}; {meant}{list_command} lists all"
    raise typer.BadParameter(message)
