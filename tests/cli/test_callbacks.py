"""``callback-bridge callbacks``: what Plivo sends, and a curl command that the bridge accepts."""

import itertools
import shlex
from collections.abc import Iterator
from subprocess import CompletedProcess
from typing import Any

import httpx
import orjson
import pytest

from bridge.cli import callbacks
from bridge.core.catalogue import Catalogue
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN
from tests.support.bridge import ACCOUNTS as OTHERS
from tests.support.bridge import AUTH_ID as OTHER_ID
from tests.support.bridge import TOKEN as OTHER_TOKEN
from tests.support.bridge import Running, running_bridge
from tests.support.cli import run, run_process
from tests.support.waiting import PATIENCE_S

HANGUP = "voice.call.hangup"


@pytest.fixture(scope="module")
def bridge() -> Iterator[Running]:
    with running_bridge(accounts=[*ACCOUNTS, *OTHERS]) as running:
        yield running


def call(*arguments: str, **settings: str) -> CompletedProcess[str]:
    return run("callbacks", *arguments, **settings)


def lines(text: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines()]


def sent(curl: str) -> int:
    """Do what the curl does; return the HTTP status."""
    words = shlex.split(curl.replace("\\\n", " "))
    pairs = list(itertools.pairwise(words))
    headers = dict(value.split(": ", 1) for option, value in pairs if option == "-H")
    headers["content-type"] = "application/x-www-form-urlencoded"
    body = "&".join(value for option, value in pairs if option == "-d")
    (url,) = [word for word in words if word.startswith("http")]
    return httpx.post(url, content=body, headers=headers, timeout=PATIENCE_S).status_code


@pytest.mark.system
def test_every_type_is_listed_in_a_process_of_its_own_as_json_lines(types: Catalogue) -> None:
    done = run_process("callbacks", "list", topic_prefix="eu.")
    assert (done.returncode, done.stderr) == (0, "")
    found = lines(done.stdout)
    assert [one["name"] for one in found] == [kind.name for kind in types.all_types]
    assert [one["topic"] for one in found] == ["eu." + kind.topic for kind in types.all_types]


@pytest.mark.parametrize("product", ["voice", "messaging", "verify", "masking", "numbers", "api"])
def test_a_product_is_the_room_of_its_declarations(types: Catalogue, product: str) -> None:
    names = {one["name"] for one in lines(call("list", "--product", product).stdout)}
    room = f"bridge.callbacks.{product}."
    assert names == {kind.name for kind in types.types if kind.model.__module__.startswith(room)}


def test_an_unknown_product_is_wrong_usage_and_the_known_ones_are_named() -> None:
    done = call("list", "--product", "fax")
    assert done.returncode == 2
    assert "voice" in done.stderr


def test_a_terminal_gets_a_table_of_them(terminal: None) -> None:
    done = call("list", "--product", "verify")
    assert done.returncode == 0
    assert "┃ type" in done.stdout
    assert "│ verify.session.status │ /plivo/verify/session/status" in done.stdout


def test_json_can_be_printed_on_a_terminal_too(terminal: None) -> None:
    (one,) = lines(call("list", "--product", "verify", "--json").stdout)
    assert one["reply"] == "ack"


def test_a_type_shows_what_is_sent_what_is_published_and_its_source() -> None:
    (one,) = lines(call("show", HANGUP).stdout)
    assert one["source"]["pages"] == ["https://docs.plivo.com/docs/voice/api/call/make-a-call"]
    assert (one["topic"], one["event_type"]) == (f"plivo.{HANGUP}.v1", f"com.plivo.{HANGUP}.v1")
    assert (one["key"], one["time"], one["reply"]) == (
        ["a_leg_uuid", "call_uuid"],
        ["ended_at"],
        "ack",
    )
    assert one["recognised_by"] == [
        "Event is Hangup",
        "HangupCause, EndTime, CallUUID, no Event, no DialAction",
        "HangupCause, CallUUID, no Event",
    ]
    fields = {field["field"]: field for field in one["fields"]}
    assert fields["duration_s"] == {
        "parameters": ["Duration"],
        "field": "duration_s",
        "value": "integer",
        "meaning": "Answer to hangup, seconds, as Plivo counts.",
    }
    assert fields["sip_headers"]["parameters"] == ["X-PH-<name>"]
    assert {"undeclared", "correlation"} < set(one["always"])


@pytest.mark.parametrize("named", [f"com.plivo.{HANGUP}.v1", f"plivo.{HANGUP}.v1", "path"])
def test_event_type_topic_and_path_name_a_type_too(types: Catalogue, named: str) -> None:
    name = types.by_name[HANGUP].path if named == "path" else named
    assert lines(call("show", name).stdout)[0]["name"] == HANGUP


def test_a_misspelt_type_is_wrong_usage_and_the_right_one_is_suggested() -> None:
    done = call("show", "voice.call.hangpu")
    assert done.returncode == 2
    assert f"did you mean {HANGUP}" in done.stderr


def test_a_terminal_gets_the_type_on_a_page(terminal: None) -> None:
    done = call("show", "voice.getdigits.action")
    assert done.returncode == 0
    shown = " ".join(done.stdout.split())
    assert "recognised by Digits, CallUUID, no InputType, no RecordUrl, no RecordFile" in shown
    assert "answer accepted Plivo XML" in shown
    assert "│ Digits │ digits │ string" in shown
    assert f"signed with the token of {AUTH_ID}" in shown
    assert "curl -i http://127.0.0.1:8080/plivo/voice/getdigits/action" in done.stdout


def test_every_type_can_be_shown_on_a_terminal(types: Catalogue, terminal: None) -> None:
    failed = [kind.name for kind in types.all_types if call("show", kind.name).returncode != 0]
    assert failed == []


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("Event=Ring", "Event is Ring"),
        ("!Event=Ring", "Event is not Ring"),
        ("EventName^=MPC", "EventName begins with MPC"),
        ("!EventName^=MPC", "EventName does not begin with MPC"),
        ("CallUUID", "CallUUID"),
        ("!CallUUID", "no CallUUID"),
        ("Digits?", "Digits, even blank"),
        ("!Digits?", "no Digits"),
    ],
)
def test_a_condition_is_put_in_words(part: str, words: str) -> None:
    assert callbacks._condition_text(part) == words


def test_the_curl_of_every_sample_verifies_and_becomes_its_types_event(
    types: Catalogue, bridge: Running
) -> None:
    for kind in types.all_types:
        for sample in kind.samples:
            bridge.publisher.records.clear()
            done = call("show", kind.name, "--curl", "--url", bridge.url, "--sample", sample)
            assert sent(done.stdout) == 200, kind.name
            event, _ = bridge.publisher.records
            assert event.topic == kind.topic
            value = orjson.loads(event.value)
            assert value["source"] == f"/plivo/accounts/{AUTH_ID}"
            assert value["data"]["verification"]["verdict"] == "verified"


@pytest.mark.parametrize("given", ["options", "environment"])
def test_another_accounts_token_signs_for_it(
    bridge: Running, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    bridge.publisher.records.clear()
    options = ["--account", OTHER_ID, "--token", OTHER_TOKEN] if given == "options" else []
    if not options:
        monkeypatch.setenv("PLIVO_AUTH_ID", OTHER_ID)
        monkeypatch.setenv("PLIVO_AUTH_TOKEN", OTHER_TOKEN)
    done = call("show", HANGUP, "--curl", "--url", bridge.url + "/", *options)
    assert OTHER_TOKEN not in done.stdout
    assert sent(done.stdout) == 200
    value = orjson.loads(bridge.publisher.records[0].value)
    assert value["source"] == f"/plivo/accounts/{OTHER_ID}"
    assert value["data"]["parent_auth_id"] == OTHER_ID


def test_a_wrong_token_signs_nothing_that_is_believed(bridge: Running) -> None:
    done = call("show", HANGUP, "--curl", "--url", bridge.url, "--token", AUTH_TOKEN + "x")
    assert sent(done.stdout) == 403


def test_an_unknown_sample_is_wrong_usage() -> None:
    assert call("show", HANGUP, "--sample", "outbound bsy").returncode == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("list", ["--product", "path to set at Plivo", "JSON lines"]),
        ("show", ["--url", "--token", "PLIVO_AUTH_TOKEN", "--sample", "| sh", "signed"]),
    ],
)
def test_help_says_what_matters(command: str, words: list[str]) -> None:
    text = " ".join(call(command, "--help").stdout.replace("│", " ").split())
    assert [word for word in words if word not in text] == []
