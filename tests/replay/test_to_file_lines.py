"""The lines of a file: JSON lines, and CSV that no spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterator

import orjson
import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from bridge.replay.targets.columns import build_journal_table
from bridge.replay.targets.file import (
    _encode_csv_line,
    encode_csv_header,
    encode_json_lines,
    make_csv_encoder,
)
from tests.support.stored_records import NOON_MS, stored

RECORDS = [stored(n, value=b'{"n":%d}' % n) for n in range(9)]


async def test_a_line_holds_the_whole_record_and_its_value_byte_for_byte() -> None:
    value = b'{"b": 1.50,  "a":"Zo\xc3\xab \\u00eb"}'
    headers = [("ce_id", b"1"), ("x", b"\xff"), ("n", None)]
    line = encode_json_lines([stored(3, partition=2, value=value, headers=headers)])
    assert line.count(b"\n") == 1
    assert value in line
    assert orjson.loads(line) == {
        "topic": "topic",
        "partition": 2,
        "offset": 3,
        "timestamp": "2026-03-07T12:00:00.000Z",
        "timestamp_ms": NOON_MS,
        "key": "call",
        "headers": [
            {"name": "ce_id", "value": "1"},
            {"name": "x", "value_base64": "/w=="},
            {"name": "n", "value": None},
        ],
        "value": {"b": 1.5, "a": "Zo\u00eb \u00eb"},
    }


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (stored(value=None), {"value_text": None}),
        (stored(value=b"null"), {"value": None}),
        (stored(value=b""), {"value_text": ""}),
        (stored(value=b"no JSON"), {"value_text": "no JSON"}),
        (stored(value=b'{"a":\n1}'), {"value_text": '{"a":\n1}'}),
        (stored(value=b"\xff"), {"value_text_base64": "/w=="}),
        (stored(key=None), {"key": None}),
        (stored(key=b"\xff"), {"key_base64": "/w=="}),
    ],
)
def test_a_value_that_is_not_json_and_a_key_that_is_not_text_have_names_of_their_own(
    record: ConsumerRecord, expected: dict[str, object]
) -> None:
    line = encode_json_lines([record])
    assert line.count(b"\n") == 1
    assert expected.items() <= orjson.loads(line).items()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, ""),
        ("", '""'),
        ("text", '"text"'),
        ('say "hi"', '"say ""hi"""'),
        ("a,b\r\nc", '"a,b\r\nc"'),
        ("=1+1", '"\'=1+1"'),
        ("+14155550100", '"\'+14155550100"'),
        ("-1", '"\'-1"'),
        ("@SUM(A1)", '"\'@SUM(A1)"'),
        ("\t=1", '"\'\t=1"'),
        ("\r=1", '"\'\r=1"'),
        ("\n=1", '"\'\n=1"'),
        ("\uff1d1", '"\'\uff1d1"'),
        ("'=1", "\"''=1\""),
        ("1=1", '"1=1"'),
    ],
)
def test_a_cell_is_quoted_absent_is_nothing_and_no_cell_is_a_formula(
    cell: str | None, expected: str
) -> None:
    assert _encode_csv_line([cell]) == f"{expected}\r\n".encode()


@given(cells=st.lists(st.text(), min_size=1))
def test_csv_read_by_a_stranger_gives_back_the_text(cells: list[str]) -> None:
    line = _encode_csv_line(cells).decode("utf-8", "surrogatepass")
    (row,) = csv.reader(io.StringIO(line, newline=""), strict=True)
    assert not any(cell.startswith(tuple("=+-@\t\r\n")) for cell in row)
    assert [cell.removeprefix("'") for cell in row] == cells


def test_csv_has_a_head_and_a_row_a_record() -> None:
    table = build_journal_table()
    text = (encode_csv_header(table) + make_csv_encoder(table)(RECORDS)).decode()
    head, *rows = _read(text)
    assert head == table.names
    assert [row[head.index("record_offset")] for row in rows] == [str(n) for n in range(9)]
    assert {len(row) for row in rows} == {len(head)}


def _read(text: str) -> Iterator[list[str]]:
    return iter(csv.reader(io.StringIO(text, newline=""), strict=True))
