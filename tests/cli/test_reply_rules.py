"""``callback-bridge replies check`` with a file of rules: its faults, and which rule answers."""

from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import orjson
import pytest

from tests.support.cli import run

ANSWER, HANGUP = "voice.call.answer", "voice.call.hangup"
RULES = """
[applications.crm]
origin = "https://crm.example.com"
paths = ["/ivr"]

[[rules]]
name = "sales"
type = "voice.call.answer"
called = "+1 415 555-0100"
document = "sales.xml"

[[rules]]
name = "crm"
application = "crm"
forward = "crm"
fallback = "closed.xml"

[[rules]]
name = "events"
type = "voice.call.hangup"
account = "MAXXXXXXXXXXXXXXXXXX"
forward = "crm"

[[rules]]
name = "anonymous"
type = "voice.call.answer"
calling = "anonymous"
forward = "crm"
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    sales = "<Response><Speak>Hello {{CallerName|there}}, {{context.campaign|}}</Speak></Response>"
    (tmp_path / "sales.xml").write_text(sales)
    (tmp_path / "closed.xml").write_text(
        "<Response><Play>https://a.example/x.mp3</Play></Response>"
    )
    (tmp_path / "rules.toml").write_text(RULES)
    return tmp_path / "rules.toml"


def check(*arguments: object) -> CompletedProcess[str]:
    return run("replies", "check", *map(str, arguments))


def found(done: CompletedProcess[str]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in done.stdout.splitlines()]


def test_rules_without_a_fault_are_exit_code_0(rules: Path) -> None:
    done = check(rules)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "1 checked, 0 with errors, 0 with warnings\n"


def test_a_fault_of_rules_is_exit_code_1_and_a_line_of_json(rules: Path) -> None:
    rules.write_text(RULES.replace("sales.xml", "sale.xml") + 'colour = "red"\n')
    done = check(rules, "--type", ANSWER)
    assert done.returncode == 1
    assert found(done) == [
        {
            "file": str(rules.with_name("sale.xml")),
            "line": None,
            "severity": "error",
            "rule": "rule sales",
            "element": None,
            "fault": "it cannot be read: No such file or directory",
            "remedy": "",
        },
        {
            "file": str(rules),
            "line": 29,
            "severity": "error",
            "rule": "rule anonymous",
            "element": None,
            "fault": "unknown key colour",
            "remedy": (
                "known: name, type, account, application, called, calling, document, forward, fallback"
            ),
        },
    ]


@pytest.mark.parametrize(
    ("options", "rule", "line", "meaning"),
    [
        (["--called", "14155550100"], "sales", 6, "answers with sales.xml"),
        (["--called", "14155550101"], None, None, "no rule matches: Plivo gets <Response/>"),
        (
            ["--path", "/ivr/menu?campaign=spring"],
            "crm",
            12,
            "asks crm at https://crm.example.com; if it fails: closed.xml",
        ),
        (
            ["--calling", "Anonymous"],
            "anonymous",
            24,
            (
                "asks crm at https://crm.example.com; if it fails: status 502, so Plivo turns to the "
                "fallback URL"
            ),
        ),
        (
            ["--type", HANGUP, "--account", "MAXXXXXXXXXXXXXXXXXX"],
            "events",
            18,
            "sends it on to crm at https://crm.example.com",
        ),
        (["--type", HANGUP], None, None, "no rule matches: Plivo gets an empty answer"),
        (
            ["--type", "unrecognised", "--path", "/applications/crm"],
            "crm",
            12,
            "asks crm at https://crm.example.com; if it fails: closed.xml",
        ),
        (["--type", "unrecognised"], None, None, "no rule matches: Plivo gets an empty answer"),
        (
            ["--type", "verify.session.status", "--called", "1", "--path", "/ivr"],
            "crm",
            12,
            "sends it on to crm at https://crm.example.com",
        ),
    ],
)
def test_the_rule_that_answers_a_callback_is_shown(
    rules: Path, options: list[str], rule: str | None, line: int | None, meaning: str
) -> None:
    done = check(rules, *(() if "--type" in options else ("--type", ANSWER)), *options)
    assert done.returncode == 0
    (shown,) = found(done)
    assert (shown["rule"], shown["line"]) == (rule, line)
    assert shown["meaning"].endswith(meaning)


def test_the_document_is_shown_filled_in(rules: Path) -> None:
    path = "/plivo/voice/call/answer?campaign=spring"
    done = check(rules, "--type", ANSWER, "--called", "14155550100", "--path", path)
    (shown,) = found(done)
    assert shown["document"] == "sales.xml"
    assert shown["body"] == "<Response><Speak>Hello there, spring</Speak></Response>"


def test_a_terminal_gets_the_rule_and_its_document_as_lines(rules: Path, terminal: None) -> None:
    done = check(rules, "--type", ANSWER, "--called", "14155550100")
    assert done.stdout.splitlines() == [
        f"{rules}: ok",
        f"rule sales ({rules}, line 6) answers with sales.xml",
        "<Response><Speak>Hello there, </Speak></Response>",
    ]


def test_a_terminal_gets_no_line_for_an_empty_answer(rules: Path, terminal: None) -> None:
    done = check(rules, "--type", HANGUP)
    assert done.stdout.splitlines()[1:] == ["no rule matches: Plivo gets an empty answer"]


def test_a_terminal_gets_a_line_for_each_fault_of_rules(rules: Path, terminal: None) -> None:
    rules.write_text(RULES + 'colour = "red"\n')
    (line,) = check(rules).stdout.splitlines()
    assert line.startswith(f"{rules}:29: error: rule anonymous: unknown key colour: known: name")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--called", "1"],
        ["--type", "voice.call.anser"],
        ["--path", "/ivr"],
    ],
)
def test_options_that_need_others_are_wrong_usage(rules: Path, arguments: list[str]) -> None:
    assert check(rules, *arguments).returncode == 2


def test_an_example_needs_a_file_of_rules(rules: Path) -> None:
    done = check(rules.with_name("sales.xml"), "--type", ANSWER, "--called", "1")
    assert done.returncode == 2
    assert "needs --type and a file of rules" in done.stderr
