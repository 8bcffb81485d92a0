"""Scenario files: what they may say, and the calls that they begin."""

from pathlib import Path
from random import Random

import pytest

from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.world import World
from bridge.emulator.scenarios.begin import ReceiverUrls, begin_call, choose_episode, plan_starts
from bridge.emulator.scenarios.files import BadScenario, list_shipped, load_scenario
from bridge.emulator.scenarios.model import CallModel, LoadModel, Scenario
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import ACCOUNT, BEGIN, HOST, Receiver

URLS = ReceiverUrls(
    f"{HOST}/answer", f"{HOST}/ring", f"{HOST}/hangup", machine_detection=f"{HOST}/machine"
)
SHIPPED = list_shipped()
MENU = "<GetDigits action='https://hooks.example.com/menu'><Speak>Press 1</Speak></GetDigits>"


def run(call: CallModel, urls: ReceiverUrls = URLS) -> VirtualDriver:
    machine = Machine(World(BEGIN))
    driver = VirtualDriver(machine, Receiver({"answer": "<Wait length='60'/>"}))
    begin_call(machine, ACCOUNT, call, urls)
    driver.run()
    return driver


def test_digits_and_numbers_without_quotes_are_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("title: x\ncall: {to: 14155550188, person: {inputs: [{digits: 0012}]}}\n")
    call = load_scenario(str(path)).call
    assert call is not None
    assert (call.to, call.person.inputs[0].digits) == ("14155550188", "0012")


def test_about_a_dozen_scenarios_come_with_the_bridge() -> None:
    assert len(SHIPPED) >= 12
    assert len({scenario.title for scenario in SHIPPED.values()}) == len(SHIPPED)


@pytest.mark.parametrize("name", [name for name, one in SHIPPED.items() if one.call is not None])
def test_a_shipped_call_begins_and_every_leg_ends_once(name: str) -> None:
    call = SHIPPED[name].call
    assert call is not None
    driver = run(call)
    assert len(driver.ended) == 1
    hangups = [one for one in driver.requests if one.type == "voice.call.hangup"]
    assert len(hangups) == call.sends_hangup


@pytest.mark.parametrize("direction", ["outbound", "inbound"])
@pytest.mark.parametrize("hangup", [URLS.hangup, ""])
def test_an_end_that_plivo_does_not_report_is_on_no_url(direction: str, hangup: str) -> None:
    call = CallModel.model_validate({"direction": direction, "sends_hangup": False})
    driver = run(call, URLS._replace(hangup=hangup))
    assert len(driver.ended) == 1
    assert "voice.call.hangup" not in {one.type for one in driver.requests}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("answered", "4000"),
        ("busy", "3010"),
        ("no-answer", "3000"),
        ("rejected", "3020"),
        ("machine-hangup", "9100"),
        ("time-limit", "6000"),
        ("hangup-on-ring", "6000"),
    ],
)
def test_a_shipped_call_ends_as_its_title_says(name: str, code: str) -> None:
    call = SHIPPED[name].call
    assert call is not None
    assert [one.code for one in run(call).ended] == [code]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("title: x", "set one of call, message and mix"),
        ("title: x\ncall: {}\nmessage: {}", "set one of call, message and mix"),
        ("title: x\ncall: {to: abc}", "call.to: Value error, must be a number such as"),
        ("title: x\ncall: {persn: {}}", "call.persn: Extra inputs are not permitted"),
        ("title: x\nmix: [{weight: 0, call: {}}]", "mix.0.weight: Input should be greater than 0"),
        ("title: x\ncall: {}\nload: {rate_per_s: 2}", "set count or duration_s"),
        (
            "title: x\ncall: {direction: inbound, time_limit_s: 5, caller_name: Ann}",
            "call: Value error, an inbound call has no caller_name, time_limit_s",
        ),
        (
            "title: x\ncall: {sip_headers: {Team: 'a b'}}",
            "call.sip_headers: Value error, names and values have letters and digits only",
        ),
        ("title: [", "is not YAML"),
        ("title: x\ncall: {to: 2026-13-45}", "'2026-13-45' cannot be read: month must be in 1..12"),
        ("title: x\ncall: {to: !!float abc}", "line 2, column 12"),
        ("title: x\ncall: {to: !!bool abc}", "'abc' cannot be read"),
        ("- 1", "Input should be a valid dictionary"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_of_the_fault(
    tmp_path: Path, text: str, fault: str
) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(text)
    with pytest.raises(BadScenario, match=r"one\.yaml") as error:
        load_scenario(str(path))
    assert fault in str(error.value)


def test_an_unknown_name_lists_the_shipped_scenarios() -> None:
    with pytest.raises(BadScenario, match="answered-menu"):
        load_scenario("bussy")


def test_numbers_and_digits_need_no_quotes(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("title: x\ncall: {to: 14155550199, person: {inputs: [{digits: 12}]}}")
    call = load_scenario(str(path)).call
    assert call is not None
    assert call.to == "14155550199"
    assert call.person.inputs[0].digits == "12"


def test_starts_are_repeatable_random_and_bounded() -> None:
    load = LoadModel(count=500, rate_per_s=10)
    starts = list(plan_starts(load, Random(1)))
    assert starts == list(plan_starts(load, Random(1))) != list(plan_starts(load, Random(2)))
    assert len(starts) == 500
    assert starts == sorted(starts)
    assert 40 < starts[-1] < 60


def test_a_ramp_begins_slowly_and_a_duration_ends_the_load() -> None:
    load = LoadModel(duration_s=100, rate_per_s=20, ramp_s=50)
    starts = list(plan_starts(load, Random(1)))
    assert starts[-1] <= 100
    assert sum(at_s < 10 for at_s in starts) < sum(90 < at_s <= 100 for at_s in starts) / 4


def test_a_mix_is_chosen_by_weight() -> None:
    mix = [
        {"weight": 3, "call": {"to": "14155550001"}},
        {"weight": 1, "message": {"text": "hello"}},
    ]
    scenario = Scenario.model_validate({"title": "x", "mix": mix})
    random = Random(1)
    chosen = [choose_episode(scenario, random) for _ in range(4_000)]
    assert 2_800 < sum(isinstance(one, CallModel) for one in chosen) < 3_200
