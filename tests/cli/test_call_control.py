"""``call hangup``, ``transfer``, ``record`` and ``digits``, at an emulated Plivo."""

import json
from collections.abc import Iterator

import pytest

from bridge.dev.account import ACCOUNTS
from bridge.emulator.testing import Call, EmulatedPlivo, Person
from tests.emulator.receiver import HttpReceiver, receive
from tests.support.cli import run

DOCUMENTS = {
    "/answer": "<Response><Wait length='14000'/></Response>",
    "/menu": "<Response><Speak>Hello</Speak></Response>",
}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with receive(DOCUMENTS) as receiver:
        yield receiver


@pytest.fixture
def plivo(receiver: HttpReceiver) -> Iterator[EmulatedPlivo]:
    with EmulatedPlivo(
        answer_url=f"{receiver.url}/answer", hangup_url=f"{receiver.url}/hangup"
    ) as plivo:
        yield plivo


@pytest.fixture
def call(plivo: EmulatedPlivo) -> Call:
    call = plivo.place_call(person=Person(hang_up=None))
    plivo.wait_for("call.answer")
    return call


def settings(plivo: EmulatedPlivo) -> dict[str, str]:
    return {"plivo_api_url": plivo.url, "accounts": json.dumps(ACCOUNTS)}


def test_a_call_is_ended(plivo: EmulatedPlivo, call: Call) -> None:
    done = run("call", "hangup", call.uuid, **settings(plivo))
    assert (done.returncode, done.stdout) == (0, "")
    assert f"`callback-bridge call show {call.uuid}`" in done.stderr
    assert call.wait_for_end().source == "API Request"


def test_a_call_is_transferred(plivo: EmulatedPlivo, call: Call, receiver: HttpReceiver) -> None:
    url = f"{receiver.url}/menu"
    done = run("call", "transfer", call.uuid, "--aleg-url", url, **settings(plivo))
    assert (done.returncode, done.stdout) == (0, "")
    assert call.wait_for_end().name == "End Of XML Instructions"
    assert "/menu" in receiver.called


@pytest.mark.parametrize("option", [(), ("--bridge-url", "{}/")])
def test_a_call_is_recorded_and_the_bridge_is_told(
    plivo: EmulatedPlivo, call: Call, receiver: HttpReceiver, option: tuple[str, ...]
) -> None:
    given = {"public_url": receiver.url, **settings(plivo)}
    options = [one.format(receiver.url) for one in option]
    done = run("call", "record", call.uuid, "--time-limit", "600", *options, **given)
    assert (done.returncode, done.stderr) == (0, "")
    recording = json.loads(done.stdout)
    assert recording["call_uuid"] == call.uuid
    stopped = run("call", "record", call.uuid, "--stop", "--url", recording["url"], **given)
    assert (stopped.returncode, stopped.stdout) == (0, "")
    told = plivo.wait_for("recording_api.completed", recording_id=recording["recording_id"])
    path = "/plivo/voice/recording_api/completed"
    assert told.request.url == f"{receiver.url}{path}"


def test_digits_are_sent_to_a_call(plivo: EmulatedPlivo, call: Call) -> None:
    done = run("call", "digits", call.uuid, "1w2", **settings(plivo))
    assert (done.returncode, done.stdout) == (0, "")
    assert plivo.notes() == ["the digits 1w2 are sent"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("hangup",),
        ("transfer", "--aleg-url", "https://example.com/menu"),
        ("record",),
        ("record", "--stop"),
        ("digits", "1"),
    ],
)
def test_a_call_that_plivo_does_not_know_is_exit_code_1(
    plivo: EmulatedPlivo, arguments: tuple[str, ...]
) -> None:
    name, *others = arguments
    done = run("call", name, UNKNOWN, *others, **settings(plivo))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Plivo knows no such call, request or account now")


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (("hangup", "x"), {}, "BRIDGE_ACCOUNTS contains no auth token"),
        (
            ("hangup", "x", "--account", "MA0000000000TEST0009"),
            {"accounts": json.dumps(ACCOUNTS)},
            "have no token of MA0000000000TEST0009",
        ),
        (
            ("hangup", "x"),
            {
                "accounts": json.dumps(
                    [*ACCOUNTS, {**ACCOUNTS[0], "auth_id": "MA0000000000TEST0009"}]
                )
            },
            "have several accounts: choose one of",
        ),
        (("transfer", "x"), {}, "where does the call go on?"),
        (("transfer", "x", "--bleg-url", "menu"), {}, "'menu' is not a URL"),
        (("record", "x", "--url", "https://example.com"), {}, "needs --stop"),
        (("record", "x", "--callback-url", "menu"), {}, "'menu' is not a URL"),
        (("digits", "x", "1 2"), {}, "'1 2' has other characters than"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_nothing_is_sent(
    arguments: tuple[str, ...], given: dict[str, str], said: str
) -> None:
    done = run("call", *arguments, plivo_api_url="http://127.0.0.1:1", **given)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_no_connection_is_exit_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.originate.client._PAUSES_S", ())
    given = {"plivo_api_url": "http://127.0.0.1:1", "accounts": json.dumps(ACCOUNTS)}
    done = run("call", "hangup", "x", **given)
    assert (done.returncode, done.stdout) == (3, "")
    assert "nothing was sent" in done.stderr


@pytest.mark.parametrize("proxy", ["socks5://proxy.example.com:1080", "proxy://user:secret@host"])
def test_a_proxy_that_cannot_be_used_is_a_fault_of_the_settings(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    done = run("call", "hangup", UNKNOWN, accounts=json.dumps(ACCOUNTS))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names")
    assert "secret" not in done.stderr
