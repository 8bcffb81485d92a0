"""What is true of every call, whatever its documents and its people do."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine import api_actions
from bridge.emulator.machine.api_actions import RecordingOrder
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.leg import CallUrls, Leg, Parties
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.message import MessageOrder
from bridge.emulator.machine.rooms import Control
from bridge.emulator.machine.streams import StreamEvent
from bridge.emulator.machine.world import World
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.documents import Act, Play, plays
from tests.emulator.machines import ACCOUNT, BEGIN, CALLEE, CALLER, Receiver, url_of
from tests.emulator.recognition import check_recognised

RECORDING = RecordingOrder("an-api-id", url_of("recorded"), url_of("words"))
URLS = CallUrls(url_of("answer"), url_of("ring"), url_of("hangup"), url_of("two"))
# A call has a time limit of minutes here, an incoming one of a day. Then messages are still retried.
LAST_EVENT = BEGIN + timedelta(days=2)


def perform(play: Play) -> VirtualDriver:
    """Run a play until nothing is left to do."""
    others = list(play.others)
    machine = Machine(World(BEGIN, seed=play.seed, find_person=lambda _, at: at.choice(others)))
    driver = VirtualDriver(machine, Receiver({}, play.outcomes), latency_s=play.latency_s)
    order = CallOrder(
        ACCOUNT,
        CALLER,
        CALLEE,
        URLS,
        time_limit_s=play.time_limit_s,
        hangup_on_ring_s=play.hangup_on_ring_s,
        machine_detection=play.detection,
    )
    legs = [machine.place(replace(order, person=person)) for person in play.called]
    legs += [
        machine.receive(ACCOUNT, person, Parties("inbound", CALLEE, CALLER), URLS)
        for person in play.callers
    ]
    for act in sorted(play.acts, key=lambda one: one.after_s):
        driver.run(until=BEGIN + timedelta(seconds=act.after_s))
        do(machine, act, legs[act.call % len(legs)])
    driver.run(until=LAST_EVENT)
    return driver


def do(machine: Machine, act: Act, leg: Leg) -> None:
    """Let something happen to a call from outside."""
    match act.name:
        case "press":
            machine.press(leg.uuid, "12#")
        case "say":
            machine.say(leg.uuid, "yes I have a question")
        case "message":
            machine.receive_message(MessageOrder(ACCOUNT, CALLEE, CALLER, "Hi", url=url_of("one")))
        case "hang up":
            machine.hang_up(leg.uuid)
        case Control():
            machine.control(leg.uuid, act.name)
        case StreamEvent():
            machine.stream(leg.uuid, act.name, "a detail")
        case name:
            ask_api(machine, name, leg)


def ask_api(machine: Machine, name: str, leg: Leg) -> None:
    """Let the API do something to a call."""
    world = machine.world
    match name:
        case "transfer" | "transfer both":
            for one in (leg, leg.bridged) if "both" in name else (leg,):
                if one is not None and api_actions.can_transfer(one):
                    api_actions.transfer(world, one, url_of("two"))
        case "record":
            api_actions.start_recording(world, leg, RECORDING)
        case "record the rooms":
            for room in world.conferences:
                api_actions.start_conference_recording(world, room, RECORDING)
        case "stop":
            api_actions.stop_recordings(leg.api_recordings)
        case "end":
            machine.hang_up(leg.uuid, by_api=True)


@given(plays)
def test_every_leg_that_begins_ends_once_and_time_moves_forward(play: Play) -> None:
    driver = perform(play)
    legs = driver.machine.world.legs
    assert Counter(one.call_uuid for one in driver.ended) == Counter(legs.keys())
    assert driver.sent_at == sorted(driver.sent_at)
    assert all(leg.started_at <= (leg.ended_at or BEGIN) for leg in legs.values())


@given(plays)
def test_a_hangup_callback_is_sent_once_for_each_call(play: Play) -> None:
    driver = perform(play)
    hangups = [
        one.subject
        for one in driver.requests
        if one.type == "voice.call.hangup" and one.attempt == 1
    ]
    calls = [uuid for uuid, leg in driver.machine.world.legs.items() if leg.a_leg is None]
    assert set(hangups) <= set(calls)
    assert len(hangups) == len(set(hangups))
    assert len(hangups) >= len(play.called) + len(play.callers)


@settings(max_examples=50)
@given(plays)
def test_the_bridge_knows_every_callback(types: Catalogue, play: Play) -> None:
    driver = perform(play)
    # One of each kind: calls that ask for each other's documents send thousands.
    unlike = {(one.type, tuple(one.parameters)): one for one in driver.requests}
    driver.requests = list(unlike.values())
    check_recognised(types, driver)


@settings(max_examples=50)
@given(plays)
def test_the_same_seed_sends_the_same_requests_at_the_same_times(play: Play) -> None:
    first, second = perform(play), perform(play)
    assert first.requests == second.requests
    assert first.sent_at == second.sent_at
    assert first.ended == second.ended
    assert first.notes == second.notes
