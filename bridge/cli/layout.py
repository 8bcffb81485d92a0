"""Lay out rows of cells for a terminal of any width.

1. Cells are printed side by side with GAP spaces between them. A cell that does not fit starts the next
   line, indented by INDENT spaces. So a narrow terminal gets more lines, and nothing is cut.
2. A cell is padded to its column's width. Rows with equal widths therefore break at the same cells and
   line up, as in a table.
3. A cell is broken only if it is wider than a whole line; between words if it has any.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

GAP: Final = 2
INDENT: Final = 6


def column_widths(rows: Iterable[Sequence[Text]]) -> list[int]:
    """Return the width of the widest cell of each column."""
    return [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]


def format_row(console: Console, cells: Iterable[Text], widths: Sequence[int] = ()) -> Text:
    """Lay out one row: rules 1 to 3. A cell without an entry in ``widths`` keeps its own width."""
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
    """Return text as lines of its own, each indented by ``indent_columns``: rule 3."""
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
