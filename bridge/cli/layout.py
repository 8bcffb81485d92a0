"""Rows of cells that fit a terminal of any width.

1. Cells stand side by side with GAP spaces between them. A cell that does not fit beside the others
   begins the next line, INDENT spaces in. So a narrow terminal gets more lines, and nothing is cut.
2. A cell is at least as wide as it is asked to be. Rows that ask for the same widths, and have no wider
   cells, break at the same places: their cells stand below one another, as in a table.
3. Only a cell that is wider than a whole line is broken, between words where it has any.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

GAP: Final = 2
INDENT: Final = 6


def column_widths(rows: Iterable[Sequence[Text]]) -> list[int]:
    """Return how wide each column must be for its widest cell."""
    return [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]


def format_row(console: Console, cells: Iterable[Text], widths: Sequence[int] = ()) -> Text:
    """Return cells as lines that fit the console: rules 1 to 3. Without a width a cell has its own."""
    width = console.width
    lines = [Text()]
    for number, cell in enumerate(cells):
        needed = max(cell.cell_len, widths[number] if number < len(widths) else 0)
        line = lines[-1]
        if line.cell_len and line.cell_len + GAP + needed > width:
            line = Text(" " * INDENT)
            lines.append(line)
        elif line.cell_len:
            line.append(" " * GAP)
        first, *others = _wrap(console, cell, max(1, width - line.cell_len))
        line.append_text(first)
        lines += [Text(" " * INDENT).append_text(other) for other in others]
        lines[-1].pad_right(needed - cell.cell_len)
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)


def indent_lines(console: Console, text: Text, indent_columns: int = INDENT) -> Text:
    """Return text as lines of its own, all of them ``indent`` spaces in: rule 3."""
    found = [
        line
        for part in text.split(allow_blank=True)
        for line in _wrap(console, part, max(1, console.width - indent_columns))
    ]
    return Text("\n").join(Text(" " * indent_columns).append_text(line) for line in found)


def _wrap(console: Console, text: Text, width: int) -> list[Text]:
    if text.cell_len <= width:
        return [text]
    lines = list(text.wrap(console, width))
    for line in lines:
        line.rstrip()
    return lines
