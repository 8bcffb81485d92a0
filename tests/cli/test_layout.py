"""Rows that fit: a cell without room is printed on the next line, and is not cut."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from bridge.cli.layout import INDENT, column_widths, format_row, indent_lines

ROW = ["19:07:50.672", "voice.call.ring", "outbound +14155550100 > +14155550123", "verified v3"]
WORDS = st.lists(st.text("ab田", min_size=1, max_size=9), min_size=1, max_size=6).map(" ".join)


def console(width: int) -> Console:
    return Console(width=width, file=StringIO())


def laid_out(cells: list[str], width: int, widths: list[int] | None = None) -> list[str]:
    return format_row(console(width), list(map(Text, cells)), widths or ()).plain.split("\n")


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (200, ["  ".join(ROW)]),
        (79, ["  ".join(ROW[:3]), f"      {ROW[3]}"]),
        (60, ["  ".join(ROW[:2]), f"      {ROW[2]}  {ROW[3]}"]),
        (
            28,
            [
                ROW[0],
                f"      {ROW[1]}",
                "      outbound +14155550100",
                "      > +14155550123",
                f"      {ROW[3]}",
            ],
        ),
    ],
)
def test_a_cell_without_room_goes_below(width: int, expected: list[str]) -> None:
    assert laid_out(ROW, width) == expected


def test_rows_with_the_same_widths_are_aligned() -> None:
    rows = [["a", "bb", "c"], ["aaaa", "b", "c"]]
    widths = column_widths([list(map(Text, row)) for row in rows])
    assert widths == [4, 2, 1]
    assert [laid_out(row, 80, widths) for row in rows] == [["a     bb  c"], ["aaaa  b   c"]]
    assert [laid_out(row, 9, widths) for row in rows] == [
        ["a     bb", "      c"],
        ["aaaa  b", "      c"],
    ]


@given(st.lists(WORDS, min_size=1, max_size=8), st.integers(30, 200))
def test_nothing_is_wider_than_the_terminal_and_nothing_is_lost(
    cells: list[str], width: int
) -> None:
    lines = laid_out(cells, width)
    assert all(Text(line).cell_len <= width for line in lines)
    assert " ".join(lines).split() == " ".join(cells).split()


def test_a_text_below_keeps_its_lines_and_their_indentation() -> None:
    document = "<Response>\n  <Speak>Please hold the line.</Speak>\n</Response>"
    shown = indent_lines(console(34), Text(document)).plain.split("\n")
    assert shown == [
        "      <Response>",
        "        <Speak>Please hold the",
        "      line.</Speak>",
        "      </Response>",
    ]
    assert all(line.startswith(" " * INDENT) for line in shown)
