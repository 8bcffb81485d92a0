"""``callback-bridge schemas diff``: additions and breaking changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.schemas import HANGUP, RING, call, lines
from tests.support.cli import run

ROOT = Path(__file__).parent.parent.parent


def changed(folder: Path, name: str, **properties: Any) -> None:
    """Change what is committed of a type's `data`; a None removes."""
    file = folder / name / "1.0.json"
    schema = json.loads(file.read_text())
    of = schema["properties"]["data"]["properties"]
    of.update(properties)
    for gone in [key for key, value in properties.items() if value is None]:
        del of[gone]
    file.write_text(json.dumps(schema))


def test_nothing_has_changed_since_what_is_committed() -> None:
    done = run("schemas", "diff")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_addition_is_named_and_no_failure(folder: Path) -> None:
    changed(folder, RING, caller_name=None)
    done = call("diff", RING, "--folder", folder)
    assert done.returncode == 0
    assert lines(done.stdout) == [
        {
            "schema": RING,
            "since": "1.0",
            "version": "1.0",
            "change": "addition",
            "description": "data.caller_name: added",
        }
    ]


def test_a_break_is_named_with_exit_code_1(folder: Path) -> None:
    changed(folder, RING, made_up={"type": "string"}, call_uuid={"type": "integer"})
    done = call("diff", "--folder", folder)
    assert done.returncode == 1
    found = {(one["change"], one["description"].partition(":")[0]) for one in lines(done.stdout)}
    assert found == {("break", "data.made_up"), ("break", "data.call_uuid")}


def test_words_alone_are_neither(folder: Path) -> None:
    path = folder / RING / "1.0.json"
    schema = json.loads(path.read_text())
    schema["properties"]["data"]["properties"]["call_uuid"]["description"] = "Another."
    path.write_text(json.dumps(schema))
    done = call("diff", RING, "--folder", folder)
    assert (done.returncode, [one["change"] for one in lines(done.stdout)]) == (0, ["wording"])


def test_the_newest_released_version_of_the_major_is_what_a_type_is_compared_with(
    folder: Path,
) -> None:
    schema = json.loads((folder / RING / "1.0.json").read_text())
    del schema["properties"]["data"]["properties"]["caller_name"]
    for version in ("1.0", "1.2", "2.0"):
        (folder / RING / f"{version}.json").write_text(json.dumps(schema))
    paths = {f"schemas/{RING}/{version}.json": "" for version in ("1.0", "1.2", "2.0")}
    (folder / "released.json").write_text(json.dumps(paths))
    (one,) = lines(call("diff", RING, "--folder", folder).stdout)
    assert (one["since"], one["description"]) == ("1.2", "data.caller_name: added")
    (one,) = lines(call("diff", RING, "--folder", folder, "--since", "1.0").stdout)
    assert one["since"] == "1.0"


def test_a_new_type_is_an_addition_and_a_lost_one_a_break(folder: Path) -> None:
    (folder / RING).rename(folder / "voice.call.gone")
    found = lines(call("diff", "--folder", folder).stdout)
    assert [(one["schema"], one["change"]) for one in found] == [
        (RING, "addition"),
        ("voice.call.gone", "break"),
    ]


def test_two_files_are_compared_and_a_file_with_a_type(folder: Path, tmp_path: Path) -> None:
    ring_file, hangup_file = (folder / name / "1.0.json" for name in (RING, HANGUP))
    both, mixed = call("diff", ring_file, hangup_file), call("diff", ring_file, HANGUP)
    assert (both.returncode, mixed.returncode) == (1, 1)
    whats = [[one["description"] for one in lines(done.stdout)] for done in (both, mixed)]
    assert whats[0] == whats[1]
    assert "data.duration_s: added" in whats[0]


def test_a_terminal_gets_a_line_for_each_change(folder: Path, terminal: None) -> None:
    assert call("diff", RING, "--folder", folder).stdout == "no change\n"
    changed(folder, RING, caller_name=None)
    assert call("diff", RING, "--folder", folder).stdout == (
        f"addition  {RING} data.caller_name: added\n"
    )


@pytest.mark.parametrize(
    "arguments", [("voice.call.rong",), (RING, "--since", "7.0"), ("pyproject.toml", RING)]
)
def test_what_cannot_be_compared_is_wrong_usage(
    folder: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert call("diff", *arguments, "--folder", folder).returncode == 2
