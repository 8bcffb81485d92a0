"""The emulated Plivo for tests, as a test uses it."""

import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from bridge.emulator import pytest_plugin, testing
from bridge.emulator.emulator import Emulator
from bridge.emulator.testing import (
    Chaos,
    Control,
    EmulatedPlivo,
    HangUp,
    Input,
    Person,
    Pickup,
    Reception,
    StreamEvent,
)
from tests.emulator.machines import HOST

MENU = """
<Response>
  <GetDigits action="https://hooks.example.com/chosen" numDigits="1"><Speak>Press 1</Speak></GetDigits>
</Response>"""
URLS = {"answer_url": f"{HOST}/answer", "hangup_url": f"{HOST}/hangup"}
Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


def wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with a menu, and say what was chosen. Hangup callbacks of busy calls are not taken."""
    form = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    fields = {name: values[0] for name, values in parse_qs(form).items()}
    path = environ["PATH_INFO"]
    if path == "/hangup" and fields["CallStatus"] == "busy":
        message = "not taken"
        raise RuntimeError(message)
    start_response("200 OK", [("Content-Type", "application/xml")])
    if path == "/answer":
        return [MENU.encode()]
    chosen = fields.get("Digits", "nothing")
    return [f"<Response><Speak>You chose {chosen}</Speak></Response>".encode()]


async def asgi(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer everything with a hangup."""
    headers = [(b"content-type", b"text/xml")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"<Response><Hangup/></Response>"})


async def raising(_scope: Scope, _receive: Receive, _send: Send) -> None:
    message = "a fault of the application"
    raise RuntimeError(message)


@pytest.fixture(scope="module")
def plivo_of_module() -> Iterator[EmulatedPlivo]:
    with EmulatedPlivo(wsgi=wsgi, **URLS) as plivo:  # type: ignore[arg-type]
        yield plivo


@pytest.fixture
def plivo(plivo_of_module: EmulatedPlivo) -> EmulatedPlivo:
    plivo_of_module.reset()
    return plivo_of_module


def test_a_caller_goes_through_the_menu_of_a_wsgi_application(plivo: EmulatedPlivo) -> None:
    call = plivo.receive_call(person=Person(inputs=(Input(digits="1"),)))
    assert call.wait_for_end().name == "End Of XML Instructions"
    (chosen,) = call.sent("getdigits.action")
    assert chosen.parameters["Digits"] == "1"
    assert chosen.answer == "<Response><Speak>You chose 1</Speak></Response>"
    assert [one.type for one in plivo.sent()] == [
        "voice.call.answer",
        "voice.getdigits.action",
        "voice.call.hangup",
    ]
    assert plivo.answered() == plivo.sent()
    assert plivo.sent("answer", Direction="outbound") == plivo.unanswered() == plivo.notes() == []
    plivo.assert_all_answered()


def test_a_test_controls_members_and_streams() -> None:
    document = (
        b"<Response><Stream statusCallbackUrl='https://hooks.example.com/stream'>"
        b"wss://bot.example.com/ws</Stream>"
        b"<MultiPartyCall role='agent' statusCallbackUrl='https://hooks.example.com/status'>"
        b"support-1</MultiPartyCall></Response>"
    )

    def answer(_environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/xml")])
        return [document]

    with EmulatedPlivo(wsgi=answer, **URLS) as plivo:  # type: ignore[arg-type]
        call = plivo.place_call(person=Person(hang_up=None))
        plivo.wait_for("mpc.status", EventName="MPCStart")
        call.stream(StreamEvent.DROPPED, "connection reset")
        plivo.wait_for("stream.status", Error="connection reset")
        call.control(Control.MUTE)
        plivo.wait_for("mpc.status", EventName="ParticipantMute")
        with pytest.raises(AssertionError, match="no audio stream"):
            call.stream(StreamEvent.STOPPED)
        call.control(Control.KICK)
        assert call.wait_for_end().code == "4030"
        with pytest.raises(AssertionError, match="no conference"):
            call.control(Control.KICK)


def test_a_test_presses_keys_and_hangs_up_itself(plivo: EmulatedPlivo) -> None:
    call = plivo.place_call(person=Person(hang_up=None), ring_url=f"{HOST}/ring")
    call.wait_for_input()
    call.press("7")
    plivo.wait_for("getdigits.action", Digits="7")
    assert call.status == "in-progress"
    call.hang_up()
    assert call.wait_for_end().source == "Callee"
    assert call.status == "completed"
    plivo.wait_until_idle()


def test_an_application_that_raises_is_seen_in_the_assertion(
    plivo: EmulatedPlivo, capsys: pytest.CaptureFixture[str]
) -> None:
    plivo.place_call(person=Person(Pickup.BUSY)).wait_for_end()
    with pytest.raises(AssertionError) as raised:
        plivo.assert_all_answered()
    assert str(raised.value).startswith("not answered with a 2xx: voice.call.hangup -> 500")
    assert "ended: 3010 Busy Line (Carrier)" in str(raised.value)
    assert "RuntimeError: not taken" in capsys.readouterr().err


def test_a_wait_that_runs_out_tells_what_happened(plivo: EmulatedPlivo) -> None:
    call = plivo.place_call(person=Person(Pickup.BUSY))
    call.wait_for_end()
    with pytest.raises(AssertionError) as raised:
        plivo.wait_for("answer", timeout_s=0.01, CallStatus="in-progress")
    title, _, story = str(raised.value).partition("\n\n")
    assert title == "waited 0.01 s for 1 answered answer CallStatus=in-progress"
    assert story.startswith(f"outbound call {call.uuid} from {plivo.number} to {testing.SOMEBODY}")


def test_a_reset_leaves_nothing_of_the_calls_before(plivo: EmulatedPlivo) -> None:
    first = plivo.receive_call(person=Person(hang_up=HangUp(1)))
    plivo.reset()
    assert plivo.sent() == []
    assert plivo.tell() == "no calls"
    assert plivo.receive_call().uuid == first.uuid
    with pytest.raises(AssertionError, match="waited 0 s for the end of call"):
        first.wait_for_end(timeout_s=0)


def test_what_follows_an_end_does_not_hide_it(
    plivo: EmulatedPlivo, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until = plivo.wait_until

    def wait_and_forget(*args: Any, **more: Any) -> None:
        wait_until(*args, **more)
        plivo.reset()

    monkeypatch.setattr(plivo, "wait_until", wait_and_forget)
    assert plivo.place_call(person=Person(Pickup.BUSY)).wait_for_end().code == "3010"


def test_other_urls_can_be_set_until_the_next_reset(plivo: EmulatedPlivo) -> None:
    plivo.set_urls(answer=f"{HOST}/other")
    call = plivo.receive_call()
    assert call.wait_for_end().code == "4010"
    assert [one.path for one in call.sent()] == ["/other", "/hangup"]
    plivo.reset()
    call = plivo.receive_call(person=Person(hang_up=None))
    call.wait_for_input()
    assert [one.path for one in call.sent()] == ["/answer"]


def test_a_message_is_received_by_the_application(plivo: EmulatedPlivo) -> None:
    plivo.set_urls(message=f"{HOST}/message")
    message = plivo.receive_message("Where are you?", sender="+14155550166")
    received = plivo.wait_for("message.inbound", MessageUUID=message.uuid)
    assert (received.path, received.parameters["Text"]) == ("/message", "Where are you?")
    assert received.parameters["From"] == "14155550166"
    assert f"inbound message {message.uuid} from 14155550166 to {plivo.number}" in plivo.tell()


def test_what_becomes_of_a_message_is_reported(plivo: EmulatedPlivo) -> None:
    plivo.set_person(testing.SOMEBODY, Person(receives=Reception.UNDELIVERED))
    message = plivo.send_message("Hello", status_url=f"{HOST}/status")
    plivo.wait_for("message.status", Status="undelivered")
    reports = plivo.sent("message.status", MessageUUID=message.uuid)
    assert [one.parameters["Status"] for one in reports] == ["queued", "sent", "undelivered"]


def test_things_can_go_wrong_on_purpose() -> None:
    with EmulatedPlivo(asgi=asgi, **URLS, chaos=Chaos(duplicated=1)) as plivo:  # type: ignore[arg-type]
        plivo.receive_call().wait_for_end()
        plivo.wait_until_idle()
        assert [len(one.tries) for one in plivo.sent()] == [2, 2]


DIAL = b"<Response><Dial><Number>14155550177</Number></Dial></Response>"


async def dialling(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/xml")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": DIAL})


def test_a_test_says_who_is_reached_at_a_dialled_number() -> None:
    with EmulatedPlivo(asgi=dialling, answer_url=f"{HOST}/answer") as plivo:
        plivo.set_person("+14155550177", Person(Pickup.BUSY))
        plivo.receive_call().wait_for_end()
        assert "leg to 14155550177: ended: 3010 Busy Line" in plivo.tell()


def test_an_asgi_application_is_called_directly() -> None:
    with EmulatedPlivo(asgi=asgi, answer_url=f"{HOST}/answer") as plivo:
        assert plivo.receive_call().wait_for_end().source == "Answer XML"


def test_an_asgi_application_that_raises_has_answered_500(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with EmulatedPlivo(asgi=raising, answer_url=f"{HOST}/answer") as plivo:
        assert plivo.receive_call().wait_for_end().code == "7011"
        assert "voice.call.answer -> 500" in plivo.tell()
    assert "RuntimeError: a fault of the application" in capsys.readouterr().err


def test_without_an_application_callbacks_go_over_the_network(nobody: str) -> None:
    with EmulatedPlivo(answer_url=f"http://{nobody}/answer") as plivo:
        call = plivo.receive_call()
        assert call.wait_for_end().code == "7011"
        assert "connection refused" in plivo.tell()


def test_plivos_api_and_the_control_are_served_beside_it(plivo: EmulatedPlivo) -> None:
    order = {"from": plivo.number, "to": testing.SOMEBODY, "answer_url": f"{HOST}/answer"}
    placed = httpx.post(
        f"{plivo.url}/v1/Account/{plivo.auth_id}/Call/",
        json=order,
        auth=(plivo.auth_id, plivo.auth_token),
    )
    assert placed.status_code == 201
    plivo.wait_for("answer", CallUUID=placed.json()["request_uuid"])
    assert httpx.get(f"{plivo.url}/_emulator/").json()["calls"] == 1


def fail(_emulator: Emulator) -> None:
    message = "a fault of the machine"
    raise RuntimeError(message)


def test_what_fails_inside_is_raised() -> None:
    with EmulatedPlivo(asgi=asgi) as plivo:
        with pytest.raises(RuntimeError, match="a fault of the machine"):
            plivo.act(fail)
        plivo._loop.call_soon_threadsafe(fail, plivo.emulator)
        with pytest.raises(RuntimeError, match="the emulator failed") as raised:
            plivo.sent()
    assert str(raised.value.__cause__) == "a fault of the machine"


def test_the_package_declares_its_pytest_plugin() -> None:
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    # The name is the module's, so that -p and the entry point are one plugin.
    assert declared["project"]["entry-points"]["pytest11"] == {
        pytest_plugin.__name__: pytest_plugin.__name__
    }


SUITE = """
import pytest
from bridge.emulator.testing import Person

async def app(scope, receive, send):
    headers = [(b"content-type", b"text/xml")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"<Response><Hangup/></Response>"})

@pytest.fixture(scope="session")
def plivo_emulator_options():
    return {"asgi": app, "answer_url": "https://hooks.example.com/answer"}

@pytest.mark.parametrize("number", [1, 2])
def test_passes(plivo_emulator, number):
    assert plivo_emulator.sent() == []
    plivo_emulator.receive_call().wait_for_end()
    assert len(plivo_emulator.answered("answer")) == 1

def test_fails(plivo_emulator):
    plivo_emulator.receive_call().wait_for_end()
    assert not plivo_emulator.answered()
"""


@pytest.mark.system
def test_a_suite_has_the_fixture_and_sees_stories_of_failed_tests(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", pytest_plugin.__name__, "."]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 passed" in run.stdout, run.stdout + run.stderr
    assert "1 failed" in run.stdout
    assert "emulated calls" in run.stdout
    assert "ended: 4000 Normal Hangup (Answer XML)" in run.stdout
