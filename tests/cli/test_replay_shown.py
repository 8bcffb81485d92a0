"""The output of ``replay``: tables on a terminal, JSON lines in a pipe."""

from pathlib import Path

import orjson
import pytest

from bridge.cli.replay import output
from bridge.cli.replay.output import (
    ProgressBar,
    format_duration,
    format_size,
    show_end,
    show_plan,
    show_start,
)
from tests.support.stored_records import part, plan_of

PLAN = plan_of(part("one", 0, 0, 9), part("one", 1, 5, 9), part("other", 0, 0, 2000))


@pytest.mark.parametrize(
    ("of_bytes", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1_572_864, "1.5 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (5 * 1024**4, "5120.0 GiB"),
    ],
)
def test_a_size_is_printed_in_units(of_bytes: int, expected: str) -> None:
    assert format_size(of_bytes) == expected


@pytest.mark.parametrize(
    ("of_s", "expected"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (61.2, "1 min 1 s"), (3725, "1 h 2 min")],
)
def test_a_duration_is_told_in_units(of_s: float, expected: str) -> None:
    assert format_duration(of_s) == expected


def test_a_plan_is_a_table_by_topic_on_a_terminal(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    show_plan(PLAN, as_json=False)
    said = " ".join(capsys.readouterr().out.replace("\u2502", " ").split())
    assert "records 2,013 of 2,013 read" in said
    assert "one 2 13 0 B" in said
    assert "other 1 2,000 0 B" in said


@pytest.mark.parametrize("as_json", [True, False])
def test_a_plan_is_a_line_in_a_pipe_and_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    show_plan(PLAN, as_json=as_json)
    line = orjson.loads(capsys.readouterr().out)
    assert (line["state"], line["records"], line["partitions"]) == ("planned", 2013, 3)


def test_an_end_is_told_line_by_line_on_a_terminal(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    statuses = {"200": 3, "403": 1}
    show_end({"state": "done", "records_planned": 2013, "to": ["a", "b"], "statuses": statuses})
    said = " ".join(capsys.readouterr().out.split())
    assert said == "state done records planned 2,013 to a b statuses 200: 3, 403: 1"


@pytest.mark.parametrize(("records", "expected"), [(0, "started"), (7, "resumed")])
def test_where_progress_is_kept_is_said_at_the_start(
    capsys: pytest.CaptureFixture[str], records: int, expected: str
) -> None:
    show_start(records, 9, Path("kept.json"))
    line = orjson.loads(capsys.readouterr().out)
    assert line == {"state": expected, "records": records, "of": 9, "progress": "kept.json"}


def test_a_person_is_told_how_to_go_on(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    show_start(1000, 2000, Path("[bold]kept.json"))
    said = " ".join(capsys.readouterr().out.split())
    assert "1,000 of 2,000 records are already replayed" in said
    assert "with --progress [bold]kept.json" in said


def test_counting_says_a_line_once_in_a_while(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_LINE_S", 0.0)
    with ProgressBar("replaying", 10) as counting:
        counting.update(3)
        counting.update(7)
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {"state": "replaying", "records": 3, "of": 10},
        {"state": "replaying", "records": 7, "of": 10},
    ]


def test_counting_moves_a_bar_on_a_terminal(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProgressBar("replaying", 2000) as counting:
        counting.update(2000)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2,000 of 2,000" in captured.err
