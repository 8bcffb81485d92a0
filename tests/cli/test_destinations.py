"""The destinations of ``call place``: rules 1 and 2 of ``bridge.cli.destinations``."""

import io
import sys
from pathlib import Path

import pytest
import typer

from bridge.cli.destinations import read_destinations

FILE = (
    b"\xef\xbb\xbf14155550101\r\n\n# the second floor\n"
    b"  +14155550102  \nsip:a@b.example<14155550103\n"
)
OF_FILE = ("14155550101", "+14155550102", "sip:a@b.example", "14155550103")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["14155550101"], ("14155550101",)),
        (["14155550102", "14155550101"], ("14155550102", "14155550101")),
        (["14155550101< +14155550102 <"], ("14155550101", "+14155550102")),
        (["@FILE", "14155550109"], (*OF_FILE, "14155550109")),
        (["14155550109", "-"], ("14155550109", *OF_FILE)),
        (["14155550101", "14155550101"], ("14155550101", "14155550101")),
    ],
    ids=str,
)
def test_destinations_come_from_options_files_and_standard_input_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], found: tuple[str, ...]
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
        (b"# nobody\n\n", "names no destination"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_the_reason(
    tmp_path: Path, content: bytes | None, fault: str
) -> None:
    file = tmp_path / "numbers.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(typer.BadParameter) as refused:
        read_destinations([f"@{file}"])
    assert refused.value.param_hint == "--to"
    assert fault in refused.value.message
