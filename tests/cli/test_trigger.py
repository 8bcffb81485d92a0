"""``callback-bridge trigger``: one call, one message, or one callback of any type."""

import pytest

from tests.emulator.receiver import receive
from tests.support.cli import run

ANSWER, HANGUP = "/plivo/voice/call/answer", "/plivo/voice/call/hangup"
RING, MACHINE = "/plivo/voice/call/ring", "/plivo/voice/call/machine_detection"
ENDS = {ANSWER: "<Response><Hangup/></Response>"}
WAITS = {ANSWER: "<Response><Wait length='4'/></Response>"}


@pytest.mark.parametrize(
    ("options", "documents", "called"),
    [
        ([], ENDS, [RING, ANSWER, HANGUP]),
        (["--answered"], ENDS, [RING, ANSWER, HANGUP]),
        (["--busy"], ENDS, [RING, HANGUP]),
        (["--rejected"], ENDS, [RING, HANGUP]),
        (["--machine"], WAITS, [RING, ANSWER, MACHINE, HANGUP]),
        (["--no-hangup"], ENDS, [RING, ANSWER]),
    ],
)
def test_a_call_sends_the_callbacks_of_its_fate(
    options: list[str], documents: dict[str, str], called: list[str]
) -> None:
    with receive(documents) as receiver:
        done = run("trigger", "call", *options, "--to", receiver.url, "--speed", "500")
    assert done.returncode == 0, done.stderr
    assert sorted(receiver.called) == sorted(called)  # they are sent on several connections


def test_two_fates_at_once_are_refused() -> None:
    done = run("trigger", "call", "--busy", "--machine")
    assert done.returncode == 2
    assert "choose one of --busy and --machine" in done.stderr


@pytest.mark.parametrize("command", [["voice.call.hangup"], ["type", "voice.call.hangup"]])
def test_a_type_sends_its_sample_to_its_path(command: list[str]) -> None:
    with receive() as receiver:
        done = run("trigger", *command, "--now", "--set", "From=14155550199", "--to", receiver.url)
    assert (done.returncode, done.stderr) == (0, "200 OK\n")
    assert receiver.called == [HANGUP]


@pytest.mark.parametrize("options", [[], ["--get"]])
def test_the_retry_settings_of_a_url_are_neither_sent_nor_signed(options: list[str]) -> None:
    with receive() as receiver:
        url = f"{receiver.url}{HANGUP}#rp=all&rc=5"
        done = run("trigger", "voice.call.hangup", *options, "--to", url)
    assert (done.returncode, done.stderr) == (0, "200 OK\n")
    (called,) = receiver.called
    assert called.partition("?")[0] == HANGUP
    assert "rp=all" not in called
    assert "CallUUID=" in called + receiver.bodies[0]


def test_no_proxy_is_asked_for_a_bridge_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with receive() as receiver:
        done = run("trigger", "voice.call.hangup", "--to", receiver.url)
    assert (done.returncode, done.stderr) == (0, "200 OK\n")


def test_an_answer_other_than_2xx_is_exit_code_1_and_none_is_3() -> None:
    with receive(status=403) as receiver:
        done = run("trigger", "voice.call.ring", "--to", receiver.url)
    assert (done.returncode, done.stderr) == (1, "403 Forbidden\n")
    assert run("trigger", "voice.call.ring", "--to", "http://127.0.0.1:1").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["voice.call.hangu"], "did you mean voice.call.hangup"),
        (["voice.call.ring", "--set", "From"], "is not NAME=VALUE"),
        (["voice.call.ring", "--sample", "nothing"], "unknown sample"),
        (["voice.call.ring", "--to", "localhost"], "is not a URL such as"),
        (["voice.call.ring", "--to", "http://[::1"], "is not a URL such as"),
    ],
)
def test_a_wrong_argument_is_exit_code_2(arguments: list[str], fault: str) -> None:
    done = run("trigger", *arguments)
    assert done.returncode == 2
    assert fault in " ".join(done.stderr.replace("│", " ").split())
