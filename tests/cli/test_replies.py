"""``callback-bridge replies check``: documents checked without a server."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import orjson
import pytest

from tests.support.cli import run

GOOD = "<Response><Speak>Hello</Speak></Response>"
DOUBTFUL = "<Response>\n<Speak>Hello</Speak>\n<Pause/></Response>"
BAD = "<Response>\n<Say>Hello</Say></Response>"
CALL = '<Response><Dial action="https://a.example/"><Number>14155550100</Number></Dial></Response>'

Written = Callable[..., list[str]]


def call(*arguments: str, stdin: str = "") -> CompletedProcess[str]:
    return run("replies", "check", *arguments, stdin=stdin)


def findings(done: CompletedProcess[str]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(**documents: str) -> list[str]:
        for name, text in documents.items():
            (tmp_path / f"{name}.xml").write_text(text)
        return [str(tmp_path / f"{name}.xml") for name in documents]

    return write


def test_documents_that_plivo_executes_are_exit_code_0_and_say_nothing(written: Written) -> None:
    done = call(*written(one=GOOD, two=CALL))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "2 checked, 0 with errors, 0 with warnings\n"


def test_an_error_is_exit_code_1_and_a_line_of_json(written: Written) -> None:
    good, bad = written(good=GOOD, bad=BAD)
    done = call(good, bad)
    assert done.returncode == 1
    assert findings(done) == [
        {
            "file": bad,
            "severity": "error",
            "line": 2,
            "element": "Say",
            "fault": "TwiML, which Plivo ignores",
            "remedy": "use <Speak>",
        }
    ]
    assert done.stderr == "2 checked, 1 with errors, 0 with warnings\n"


def test_a_warning_is_exit_code_0_unless_it_is_to_be_strict(written: Written) -> None:
    files = written(doubtful=DOUBTFUL)
    done = call(*files)
    assert done.returncode == 0
    assert [(one["severity"], one["element"]) for one in findings(done)] == [("warning", "Pause")]
    assert done.stderr == "1 checked, 0 with errors, 1 with warnings\n"
    assert call("--strict", *files).returncode == 1


def test_a_terminal_gets_a_line_for_each_file_and_finding(written: Written, terminal: None) -> None:
    good, doubtful, bad = written(good=GOOD, doubtful=DOUBTFUL, bad=BAD)
    done = call(good, doubtful, bad)
    assert done.stdout.splitlines() == [
        f"{good}: ok",
        f'{doubtful}:3: warning: <Pause>: TwiML, which Plivo ignores: use <Wait length="seconds"/>',
        f"{bad}:2: error: <Say>: TwiML, which Plivo ignores: use <Speak>",
    ]
    assert findings(call("--json", bad))[0]["line"] == 2


def test_a_file_of_no_xml_has_no_element(written: Written, terminal: None) -> None:
    (file,) = written(bad="<Response>")
    (line,) = call(file).stdout.splitlines()
    assert line.startswith(f"{file}:1: error: not well-formed XML in UTF-8: no element found")


@pytest.mark.parametrize(
    "options", [("--sound",), ("--type", "voice.dial.sound"), ("--type", "voice.mpc.sound")]
)
def test_a_sound_may_not_dial(written: Written, options: tuple[str, ...]) -> None:
    (file,) = written(dial=CALL)
    assert call(file).returncode == 0
    done = call(*options, file)
    assert done.returncode == 1
    assert (
        findings(done)[0]["fault"] == "in a sound document Plivo executes only Play, Speak and Wait"
    )


def test_a_type_says_what_plivo_executes_for_it(written: Written) -> None:
    (file,) = written(call=CALL)
    assert findings(call("--type", "voice.call.answer", file)) == []
    (finding,) = findings(call("--type", "messaging.message.inbound", file))
    assert finding["severity"] == "warning"


def test_a_document_may_come_through_a_pipe() -> None:
    done = call("-", stdin=BAD)
    assert (done.returncode, findings(done)[0]["file"]) == (1, "<stdin>")
    assert call("-", stdin=GOOD).returncode == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--type", "voice.call.hangup"), "Plivo executes no answer to voice.call.hangup"),
        (("--type", "voice.call.anwser"), "did you mean voice.call.answer"),
        (("--type", "voice.dial.sound", "--sound"), "cannot be combined with --sound"),
    ],
)
def test_a_type_without_a_document_is_wrong_usage(
    written: Written, options: tuple[str, ...], said: str
) -> None:
    done = call(*options, *written(one=GOOD))
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert call(str(tmp_path / "missing.xml")).returncode == 2
    assert call(str(tmp_path)).returncode == 2
    assert call().returncode == 2
