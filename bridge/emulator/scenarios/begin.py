"""Begin the calls and messages of a scenario on a call machine."""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from random import Random
from typing import NamedTuple

from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.leg import Account, CallUrls, Parties
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.machine_detection import MachineDetection
from bridge.emulator.machine.message import MessageOrder
from bridge.emulator.machine.person import HangUp, Input, Person, Reception
from bridge.emulator.machine.world import FindPerson, answer_everybody
from bridge.emulator.scenarios.model import (
    CallModel,
    Episode,
    LoadModel,
    MachineDetectionModel,
    MessageModel,
    PersonModel,
    Scenario,
)


class ReceiverUrls(NamedTuple):
    """The URLs of the receiver, without methods; an empty one is not called."""

    answer: str
    ring: str = ""
    hangup: str = ""
    fallback: str = ""
    machine_detection: str = ""
    message: str = ""
    message_status: str = ""


def to_person(model: PersonModel) -> Person:
    """Return the person of a scenario."""
    hang_up = model.hang_up
    return Person(
        pickup=model.pickup,
        rings_after_s=model.rings_after_s,
        answers_after_s=model.answers_after_s,
        speaks_after_s=model.speaks_after_s,
        is_machine=model.is_machine,
        greeting_s=model.greeting_s,
        inputs=tuple(Input(**one.model_dump()) for one in model.inputs),
        hang_up=HangUp(hang_up.after_s, hang_up.phase) if hang_up is not None else None,
        records_s=model.records_s,
        records_words=model.records_words,
        records_key=model.records_key,
        receives=model.receives,
    )


def people_of(scenario: Scenario) -> FindPerson:
    """Return who is called at any number: the persons of a scenario's calls, by weight."""

    def find_person(number: str, random: Random) -> Person:
        episode = choose_episode(scenario, random)
        if not isinstance(episode, CallModel):
            return answer_everybody(number, random)
        return to_person(episode.others.get(number, episode.person))

    return find_person


def begin_call(
    machine: Machine, account: Account, call: CallModel, urls: ReceiverUrls, method: str = "POST"
) -> str:
    """Begin a call; return its id."""
    call_urls = CallUrls(
        (urls.answer, method),
        (urls.ring, method),
        (urls.hangup, method),
        (urls.fallback, method),
        reports_end=call.sends_hangup,
    )
    person = to_person(call.person)
    for number, other in call.others.items():
        machine.world.people[number.removeprefix("+")] = to_person(other)
    if call.direction == "inbound":
        parties = Parties("inbound", call.from_, call.to)
        return machine.receive(account, person, parties, call_urls).uuid
    order = CallOrder(
        account,
        call.from_,
        call.to,
        call_urls,
        caller_name=call.caller_name,
        sip_headers=call.sip_headers,
        ring_timeout_s=call.ring_timeout_s,
        time_limit_s=call.time_limit_s,
        hangup_on_ring_s=call.hangup_on_ring_s,
        machine_detection=_to_detection(call.machine_detection, urls, method),
        person=person,
    )
    return machine.place(order).uuid


def _to_detection(
    model: MachineDetectionModel | None, urls: ReceiverUrls, method: str
) -> MachineDetection | None:
    if model is None:
        return None
    url = urls.machine_detection if model.is_asynchronous else ""
    return MachineDetection(model.action, (url, method))


def begin_message(
    machine: Machine, account: Account, message: MessageModel, urls: ReceiverUrls
) -> None:
    """Begin a message, sent or received."""
    order = MessageOrder(account, message.from_, message.to, message.text)
    if message.direction == "inbound":
        machine.receive_message(replace(order, url=(urls.message, "POST")))
    else:
        url, reception = (urls.message_status, "POST"), Reception(message.status)
        machine.send_message(replace(order, url=url, reception=reception))


def plan_starts(load: LoadModel, random: Random) -> Iterator[float]:
    """Yield when each call begins, in seconds of emulated time since the start.

    Calls arrive as a Poisson process, so that they do not wait for each other. During the ramp the rate
    rises from 0 to the full rate.
    """
    if load.count == 1:
        yield 0.0
        return
    at_s, begun = 0.0, 0
    while load.count is None or begun < load.count:
        # Thinning: draw at the full rate, and keep each start with the probability of its instant.
        at_s += random.expovariate(load.rate_per_s)
        if load.duration_s is not None and at_s > load.duration_s:
            return
        if load.ramp_s and at_s < load.ramp_s and random.random() > at_s / load.ramp_s:
            continue
        begun += 1
        yield at_s


def choose_episode(scenario: Scenario, random: Random) -> Episode:
    """Return one of the kinds of calls, by weight."""
    bounds = list(accumulate(entry.weight for entry in scenario.entries))
    index = bisect(bounds, random.random() * bounds[-1])
    return scenario.entries[min(index, len(bounds) - 1)].episode
