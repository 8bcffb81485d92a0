"""``callback-bridge schemas list | show | check``: the schemas of topics, and the records that match."""

import copy
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.core.catalogue import Catalogue
from bridge.derived import registry
from bridge.derived.files import mark_released
from bridge.derived.own_records import JOURNAL_FORMS, OWN_EVENTS, list_event_types
from tests.cli.schemas import RING, call, lines
from tests.support.cli import COMMAND, environment
from tests.support.waiting import PATIENCE_S

OWN = [one.name for one in (*OWN_EVENTS, *JOURNAL_FORMS)]


@cache
def made() -> bytes:
    """Return an event as the bridge makes it, as a line of JSON."""
    return call("show", RING, "--examples").stdout.encode().splitlines()[0]


def ring() -> dict[str, Any]:
    event: dict[str, Any] = orjson.loads(made())
    return event


def test_every_schema_is_listed_as_json_lines(types: Catalogue, folder: Path) -> None:
    found = lines(call("list", "--folder", folder, topic_prefix="eu.").stdout)
    forms = [form.name for form in JOURNAL_FORMS]
    assert [one["schema"] for one in found] == [*list_event_types(types), "journal", *forms]
    assert {one["released"] for one in found} == {False}
    (journal,) = (one for one in found if one["schema"] == "journal")
    assert journal["topics"] == [
        "eu.plivo.journal.v1",
        "eu.plivo.bridge.deadletter.v1",
        "eu.plivo.bridge.rejected.v1",
    ]


def test_what_is_released_is_listed_as_released(folder: Path, types: Catalogue) -> None:
    mark_released(folder.parent, types)
    assert {one["released"] for one in lines(call("list", "--folder", folder).stdout)} == {True}


def test_a_terminal_gets_a_table_of_them(folder: Path, terminal: None) -> None:
    done = call("list", "--folder", folder)
    assert "┃ schema" in done.stdout
    assert "draft" in done.stdout


def test_an_installed_package_needs_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_CHECKOUT", tmp_path / "schemas")
    listed = call("list")
    assert (listed.returncode, {one["released"] for one in lines(listed.stdout)}) == (0, {None})
    assert orjson.loads(call("show", RING).stdout)["title"] == f"com.plivo.{RING}.v1"
    assert call("check", "-", stdin=orjson.dumps(ring())).returncode == 0
    without = call("diff")
    assert without.returncode == 2
    assert "--folder" in without.stderr


@pytest.mark.parametrize("name", [RING, "journal", *OWN])
def test_a_schema_is_shown_as_its_file_has_it(folder: Path, name: str) -> None:
    assert call("show", name).stdout == (folder / name / "1.0.json").read_text()


@pytest.mark.parametrize("name", [f"com.plivo.{RING}.v1", f"plivo.{RING}.v1"])
def test_event_type_and_topic_name_a_schema_too(name: str) -> None:
    assert call("show", name).stdout == call("show", RING).stdout


def test_a_terminal_gets_the_document_in_colour(terminal: None) -> None:
    assert f'"com.plivo.{RING}.v1"' in call("show", RING).stdout
    examples = call("show", RING, "--examples").stdout
    assert "outbound-as-captured\n{" in examples


def test_an_example_is_had_by_its_name(folder: Path) -> None:
    (one,) = lines(call("show", RING, "--example", "outbound-as-captured").stdout)
    committed = folder / RING / "examples/outbound-as-captured.json"
    assert one == json.loads(committed.read_text())


@pytest.mark.parametrize(("arguments"), [("voice.call.rong",), (RING, "--example", "outbond")])
def test_a_name_that_is_nearly_right_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    done = call("show", *arguments)
    assert done.returncode == 2
    assert "did you mean" in done.stderr


def test_every_example_passes_the_check(folder: Path) -> None:
    committed = [json.loads(file.read_text()) for file in folder.glob("*/examples/*.json")]
    done = call("check", "-", stdin=b"\n".join(map(orjson.dumps, committed)))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{len(committed)} checked, 0 failed\n"


def test_the_examples_of_a_type_pass_the_check_in_a_pipe() -> None:
    for name in (RING, "journal", *OWN):
        done = call("check", "-", stdin=call("show", name, "--examples").stdout)
        assert (done.returncode, done.stdout) == (0, "")


def broken(**members: Any) -> dict[str, Any]:
    event = copy.deepcopy(ring())
    data = {name: value for name, value in members.items() if name in event["data"]}
    others = {name: value for name, value in members.items() if name not in data}
    return {**event, **others, "data": {**event["data"], **data}}


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a wrong type": ({"call_uuid": 7}, "data.call_uuid", "7 is not of type 'string'"),
    "no alternative": ({"direction": 7}, "data.direction", "'string' and 7 is not of type 'null'"),
    "no id": ({"id": "x"}, "id", "does not match"),
    "no date": ({"time": "todayZ"}, "time", "is not a 'date-time'"),
    "no offset": ({"time": "2026-03-07T14:13:35"}, "time", "does not match"),
    "no URI": ({"dataschema": "1.0"}, "dataschema", "is not a 'uri'"),
}


@pytest.mark.parametrize(("members", "at", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_what_a_schema_does_not_allow_is_a_line_and_exit_code_1(
    members: dict[str, Any], at: str, fault: str
) -> None:
    done = call("check", "-", stdin=orjson.dumps(broken(**members)))
    assert done.returncode == 1
    found = [one for one in lines(done.stdout) if one["at"] == at]
    assert any(fault in one["fault"] for one in found), done.stdout
    assert {(one["line"], one["schema"]) for one in found} == {(1, f"{RING}/1.0.json")}


NO_EVENTS = {
    "not JSON": ("{", "not JSON"),
    "another document": ("[1]", "neither an event nor a journal record"),
    "no type": ("{}", "it has neither dataschema nor type"),
    "a type that is no text": ('{"type": ["x"]}', "no schema is known for"),
    "a type nobody declared": ('{"type": "com.plivo.fax.v1"}', "no schema is known for"),
}


@pytest.mark.parametrize(("text", "fault"), NO_EVENTS.values(), ids=NO_EVENTS.keys())
def test_what_is_no_event_is_a_failure(text: str, fault: str) -> None:
    done = call("check", "-", stdin=text)
    assert done.returncode == 1
    (one,) = lines(done.stdout)
    assert fault in one["fault"]


def test_nothing_to_check_is_no_success() -> None:
    done = call("check", "-", stdin="\n\n")
    assert (done.returncode, done.stderr) == (1, "0 checked, 0 failed\n")


def test_a_failure_names_the_line_it_is_on_and_the_others_are_still_checked() -> None:
    events = [ring(), broken(call_uuid=7), ring()]
    text = b"\n\n".join(map(orjson.dumps, events)) + b"\nnonsense\n"
    done = call("check", "-", stdin=text)
    assert [one["line"] for one in lines(done.stdout)] == [3, 6]
    assert done.stderr == "4 checked, 2 failed\n"


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("many", [False, True])
def test_a_document_may_be_written_over_several_lines(
    tmp_path: Path, indent: int | None, *, many: bool
) -> None:
    file = tmp_path / "events.json"
    file.write_text(json.dumps([ring(), ring()] if many else ring(), indent=indent))
    done = call("check", file)
    assert (done.returncode, done.stderr) == (0, f"{1 + many} checked, 0 failed\n")


def test_lines_are_checked_though_the_first_of_them_is_none() -> None:
    done = call("check", "-", stdin=b"{nonsense\n" + orjson.dumps(ring()) + b"\n")
    assert [one["line"] for one in lines(done.stdout)] == [1]
    assert done.stderr == "2 checked, 1 failed\n"


def test_a_terminal_gets_a_line_with_file_line_schema_and_place(
    tmp_path: Path, terminal: None
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(orjson.dumps(broken(received_at=7)))
    done = call("check", file)
    fault = "data.received_at: 7 is not of type 'string'"
    assert done.stdout == f"{file}:1: {RING}/1.0.json: {fault}\n"


def test_an_event_of_an_older_version_is_held_against_that_version(folder: Path) -> None:
    old = json.loads((folder / RING / "1.0.json").read_text())
    old["properties"]["data"]["required"].append("made_up")
    (folder / RING / "0.9.json").write_text(json.dumps(old))
    older = {**ring(), "dataschema": f"https://schemas.example.com/{RING}/0.9.json"}
    done = call("check", "-", "--folder", folder, stdin=orjson.dumps(older))
    assert ["made_up" in one["fault"] for one in lines(done.stdout)] == [True]


def test_without_jsonschema_check_says_what_to_install_with_exit_code_3(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    for given in ("-", "/dev/null"):
        done = call("check", given, stdin="{}")
        assert done.returncode == 3
        assert done.stderr.endswith(
            "jsonschema is not installed: run pip install '.[dev]' in a checkout of the project\n"
        )


@pytest.mark.system
def test_in_a_pipe_lines_are_checked_as_they_come(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [COMMAND, "schemas", "check", "-"],
        env=environment(),
        stdin=reading,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as pipe, process:
        assert process.stdout is not None
        pipe.write(orjson.dumps(ring()) + b"\n" + orjson.dumps(broken(call_uuid=7)) + b"\n")
        assert orjson.loads(process.stdout.readline())["line"] == 2  # the pipe is still open
        pipe.close()
        assert process.wait(PATIENCE_S) == 1


def test_a_folder_without_schemas_is_wrong_usage(tmp_path: Path) -> None:
    done = call("list", "--folder", tmp_path)
    assert done.returncode == 2
    assert "is not a folder of schemas" in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("list", ["version", "released", "topics", "--folder"]),
        ("show", ["--example", "--examples", "check -"]),
        ("diff", ["breaking", "additions", "--since", "Exit code 1", "newest released"]),
        ("check", ["Exit code 1", "callback-bridge tail | callback-bridge schemas check -"]),
    ],
)
def test_help_says_what_matters(command: str, words: list[str]) -> None:
    text = " ".join(call(command, "--help").stdout.replace("│", " ").split())
    assert [word for word in words if word not in text] == []


def test_every_schema_has_a_name_of_its_own() -> None:
    assert len({one.path for one in registry.declared_schemas().values()}) == len(
        registry.declared_schemas()
    )
