"""The destinations of ``call place``: rules 1 and 2 of ``bridge.cli.destinations``."""

import io
import sys
from pathlib import Path

import pytest
import typer

from bridge.cli.destinations import read_destinations
from bridge.originate.parameter import RequestFaults

FILE = b"\xef\xbb\xbf14155550101\r\n\n# the second floor\n  +14155550102  \nsip:a@b.example\n"
OF_FILE = "14155550101<+14155550102<sip:a@b.example"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["14155550101"], "14155550101"),
        (["14155550104", "14155550103"], "14155550104<14155550103"),
        (["14155550103<+14155550104"], "14155550103<+14155550104"),
        (["@FILE", "14155550109"], f"{OF_FILE}<14155550109"),
        (["14155550109", "-"], f"14155550109<{OF_FILE}"),
    ],
    ids=str,
)
def test_destinations_come_from_options_files_and_standard_input_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], found: str
) -> None:
    file = tmp_path / "numbers.txt"
    file.write_bytes(FILE)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FILE)))
    assert read_destinations([one.replace("@FILE", f"@{file}") for one in given]) == found


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "No such file"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"1" * 1_048_577, "is larger than 1,048,576 bytes"),
    ],
)
def test_a_file_that_is_not_a_list_is_refused_with_the_reason(
    tmp_path: Path, content: bytes | None, fault: str
) -> None:
    file = tmp_path / "numbers.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(typer.BadParameter) as refused:
        read_destinations([f"@{file}"])
    assert refused.value.param_hint == "--to"
    assert fault in refused.value.message


def test_a_faulty_line_is_named_by_file_and_number(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("14155550101\n123\n")
    with pytest.raises(RequestFaults) as refused:
        read_destinations([f"@{file}"])
    assert str(refused.value).startswith(f"to: {file}, line 2: '123' is not in E.164")
