"""A Plivo application on Plivo's SDK: whole calls at the emulator, without the bridge and behind it."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import httpx
import orjson
import pytest

from bridge.core import catalogue
from bridge.core.journal import JOURNAL_TOPIC
from bridge.emulator.history import SentCallback
from bridge.emulator.testing import Call, EmulatedPlivo, HangUp, Input, Person, Phase, Pickup
from tests.examples.plivo_application import FOLDER, copy_settings, started_application
from tests.support.bridge import eventually
from tests.support.cli import Started, read_servers, started
from tests.support.kafka import read_back
from tests.support.ports import free_port

pytestmark = pytest.mark.system

COLLEAGUE: Final = "14155550177"
ANSWER, RING = "/plivo/voice/call/answer", "/plivo/voice/call/ring"
HANGUP = "/plivo/voice/call/hangup"
README: Final = (FOLDER / "README.md").read_text()
COMMANDS: Final = [
    shlex.split(block) for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
]
PRINTED: Final = re.findall(r"```text\n(.*?)```", README, re.DOTALL)


LISTENER: Final = Person(hang_up=None)


def presses(digits: str, **more: object) -> Person:
    """Return who presses keys and listens until the call ends: nothing depends on how fast it goes."""
    return Person(inputs=(Input(digits=digits),), hang_up=None, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Site:
    """A running application, and the emulated Plivo that calls it."""

    application: Started
    url: str
    plivo: EmulatedPlivo

    def run_call(self, person: Person, *, colleague: Person | None = None) -> Call:
        """Place a call and wait for its end; every request of it was taken."""
        if colleague is not None:
            self.plivo.act(lambda one: one.world.people.update({COLLEAGUE: colleague}))
        call = self.plivo.place_call(person=person, ring_url=self.url + RING)
        call.wait_for_end()
        self.plivo.wait_until_idle()
        self.plivo.assert_all_answered()
        return call

    def lines(self, call: Call) -> list[str]:
        """Return what the application printed of a call."""
        start = call.uuid[:8]
        eventually(lambda: any(line.startswith(f"{start} ended") for line in self.application.out))
        return [line[9:] for line in self.application.out if line.startswith(start)]


@pytest.fixture(scope="module")
def site_of_module() -> Iterator[Site]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        started_application("--port", str(port)) as application,
        EmulatedPlivo(answer_url=url + ANSWER, hangup_url=url + HANGUP, speed=100) as plivo,
    ):
        yield Site(application, url, plivo)


@pytest.fixture
def site(site_of_module: Site) -> Site:
    site_of_module.plivo.reset()
    site_of_module.application.out.clear()
    return site_of_module


def types(sent: list[SentCallback]) -> list[str]:
    return [one.type.removeprefix("voice.") for one in sent]


def test_choice_1_connects_the_colleague_and_the_call_ends(site: Site) -> None:
    call = site.run_call(presses("1"), colleague=Person(hang_up=HangUp(15)))
    assert types(call.sent()) == [
        "call.ring",
        "call.answer",
        "getdigits.action",
        "dial.action",
        "call.hangup",
    ]
    (dialled,) = call.sent("dial.action")
    assert dialled.parameters["DialStatus"] == "completed"
    (hangup,) = call.sent("hangup")
    assert hangup.parameters["HangupSource"] == "Answer XML"
    lines = site.lines(call)
    assert lines[1:4] == [
        "answered, from 14155550100 to 14155550123",
        "pressed 1",
        "the colleague's leg: completed",
    ]
    assert f"ended after {hangup.parameters['Duration']} s: Normal Hangup" in lines[-1]


def test_choice_2_records_a_voicemail(site: Site) -> None:
    call = site.run_call(presses("2", records_s=12, records_key="#"))
    assert types(call.sent())[2:4] == ["getdigits.action", "record.action"]
    (recorded,) = call.sent("record.completed")
    (goodbye,) = call.sent("record.action")
    assert (recorded.parameters["RecordingDuration"], goodbye.parameters["Digits"]) == ("12", "#")
    eventually(lambda: f"voicemail of 12 s: {recorded.parameters['RecordUrl']}" in site.lines(call))
    assert call.sent("hangup")[0].parameters["HangupCauseCode"] == "4000"


def test_who_hangs_up_while_speaking_has_left_a_voicemail(site: Site) -> None:
    person = replace(presses("2", records_s=50), hang_up=HangUp(20, Phase.RECORD))
    call = site.run_call(person)
    assert call.sent("record.action") == []
    (recorded,) = call.sent("record.completed")
    assert recorded.parameters["RecordingDuration"] == "20"
    assert call.sent("hangup")[0].parameters["HangupSource"] == "Callee"


def test_a_busy_colleague_is_followed_by_voicemail(site: Site) -> None:
    call = site.run_call(presses("1", records_key="#"), colleague=Person(Pickup.BUSY))
    assert "the colleague's leg: busy" in site.lines(call)
    assert len(call.sent("record.completed")) == 1


def test_a_wrong_key_is_asked_again(site: Site) -> None:
    inputs = (Input(digits="7"), Input(digits="2"))
    call = site.run_call(replace(LISTENER, inputs=inputs))
    digits = [one.parameters["Digits"] for one in call.sent("getdigits.action")]
    assert digits == ["7", "2"]


def test_who_presses_nothing_hears_the_menu_twice_and_goodbye(site: Site) -> None:
    call = site.run_call(LISTENER)
    assert types(call.sent()) == ["call.ring", "call.answer", "call.hangup"]
    assert call.sent("hangup")[0].parameters["HangupCauseName"] == "End Of XML Instructions"


@pytest.mark.parametrize(
    ("pickup", "name"),
    [(Pickup.BUSY, "Busy Line"), (Pickup.REJECTS, "Rejected"), (Pickup.NO_ANSWER, "No Answer")],
)
def test_who_is_not_reached_is_summarised(site: Site, pickup: Pickup, name: str) -> None:
    call = site.run_call(Person(pickup))
    assert types(call.sent()) == ["call.ring", "call.hangup"]
    # Not the last line: a busy callee ends the call while the callback of the ringing is on its way.
    (ended,) = [line for line in site.lines(call) if line.startswith("ended")]
    assert ended.startswith(f"ended after 0 s: {name}")


def test_a_call_that_comes_in_gets_the_menu(site: Site) -> None:
    call = site.plivo.receive_call(person=presses("2", records_key="#"))
    call.wait_for_end()
    site.plivo.wait_until_idle()
    site.plivo.assert_all_answered()
    assert "answered, from 14155550123 to 14155550100" in site.lines(call)


def test_a_request_that_is_not_plivos_is_refused(site: Site) -> None:
    call = site.run_call(Person(Pickup.BUSY))
    (hangup,) = call.sent("hangup")
    forged = dict(hangup.parameters) | {"TotalCost": "99"}
    headers = {
        "x-plivo-signature-v3": "gWmv1pY7e7Y4cPSoT2dp6ZtGF2ZBdo6sTdtzfBwUvtg=",
        "x-plivo-signature-v3-nonce": "1",
    }
    for given in (headers, {}):
        assert httpx.post(site.url + HANGUP, data=forged, headers=given).status_code == 403
    assert not any("costs 99" in line for line in site.application.out)


def masked(lines: list[str]) -> list[str]:
    """Return lines without what is different in each run, sorted: the API may answer after it rings."""
    text = re.sub(r"\b[0-9a-f]{8}\b", "ID", "\n".join(lines))
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", text)
    return sorted(re.sub(r"\d+ s\b|\d\.\d{5}", "N", text).splitlines())


def test_the_commands_of_the_readme_print_what_it_shows() -> None:
    emulate, example = COMMANDS[:2]
    assert emulate[0] == ".venv/bin/callback-bridge"
    assert example[:2] == [".venv/bin/python", "examples/plivo_application/app.py"]
    with started(*emulate[1:], "--port", "0") as emulator:
        emulator.says("Callbacks appear below.")
        api = next(line.split()[-1] for line in emulator.err if line.startswith("  API "))
        ports = ["--port", str(free_port()), "--plivo", api.partition("/v1/")[0]]
        with started_application(*example[2:], *ports) as application:
            application.says("ended after")
        assert emulator.end() == 0
    assert masked(application.out) == masked(PRINTED[0].splitlines())
    assert application.err == []


def test_with_the_bridge_in_front_every_callback_is_an_event_and_a_copy(tmp_path: Path) -> None:
    _emulate, dev, example = COMMANDS[2:5]
    bridge_url, application_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    settings = copy_settings(tmp_path, bridge_url)
    options = dict(zip(dev[2::2], dev[3::2], strict=True))
    assert set(options) == {"--settings", "--forward-to"}
    assert example[2:4] == ["--public-url", "http://127.0.0.1:8080"]
    options |= {"--settings": str(settings), "--forward-to": application_url, "--kafka-port": "0"}
    words = [word for pair in options.items() for word in pair]
    with (
        started_application(
            "--public-url", bridge_url, "--port", application_url.rpartition(":")[2]
        ) as application,
        started("dev", *words, "--port", bridge_url.rpartition(":")[2]) as bridge,
    ):
        bridge.says("Events appear below.")
        sent = run_calls_at(bridge_url)
        eventually(lambda: len(copies(bridge)) == len(sent))
        prove_nothing_is_lost(read_servers(bridge), sent)
        assert bridge.end() == 0
    # The application found every signature to hold: its validator knows the bridge's URL.
    assert {line.rpartition(": ")[2] for line in copies(bridge)} == {"200 OK"}
    printed = [line[9:].partition(" after ")[0] for line in application.out]
    assert printed.count("ended") == 3
    assert "the colleague's leg: completed" in printed
    assert "event DialHangup" in printed
    assert any(line.startswith("voicemail of 8 s") for line in printed)


def run_calls_at(bridge_url: str) -> list[SentCallback]:
    """Make a call to the colleague, one to voicemail, and one that is busy; return what was sent."""
    urls = {"answer_url": bridge_url + ANSWER, "hangup_url": bridge_url + HANGUP}
    with EmulatedPlivo(**urls, speed=100) as plivo:  # type: ignore[arg-type]
        plivo.act(lambda one: one.world.people.update({COLLEAGUE: Person(hang_up=HangUp(9))}))
        plivo.place_call(person=presses("1"), ring_url=bridge_url + RING)
        plivo.place_call(person=replace(LISTENER, records_key="#"), ring_url=bridge_url + RING)
        plivo.place_call(person=Person(Pickup.BUSY), ring_url=bridge_url + RING)
        plivo.wait_until_idle()
        plivo.assert_all_answered()
        sent = plivo.sent()
        assert plivo.notes() == []
    assert {one.type for one in sent} == {
        "voice.call.answer",
        "voice.call.hangup",
        "voice.call.ring",
        "voice.dial.action",
        "voice.dial.answer",
        "voice.dial.connected",
        "voice.dial.hangup",
        "voice.getdigits.action",
        "voice.record.action",
        "voice.record.completed",
    }
    return sent


def copies(bridge: Started) -> list[str]:
    """Return the lines about what was forwarded."""
    return [line for line in bridge.err if " forwarded to " in line]


def prove_nothing_is_lost(servers: str, sent: list[SentCallback]) -> None:
    """Hold the topics against what was sent: an event of its type, and a journal record, for each."""
    topics = [kind.topic for kind in catalogue.load_catalogue().all_types]
    events = [orjson.loads(record.value) for record in read_back(servers, topics)]
    assert sorted(event["type"] for event in events) == sorted(
        f"com.plivo.{one.type}.v1" for one in sent
    )
    assert {event["data"]["verification"]["verdict"] for event in events} == {"verified"}
    assert len(read_back(servers, [JOURNAL_TOPIC])) == len(sent)
