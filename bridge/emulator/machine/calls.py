"""The life of a call: placed or received, rung, answered, executed, ended.

1. ``ring_timeout_s`` counts from the first ring, ``hangup_on_ring_s`` too, ``time_limit_s`` from the
   answer. A leg that one of the last two ends has the code 6000, and so has an incoming call that
   lasts 24 hours.
2. Synchronous machine detection delays the answer callback until it knows. Asynchronous detection sends
   a callback of its own, only for a machine. With ``hangup`` a machine's leg ends with 9100.
3. A hangup callback is sent once for each call, answered or not. An inbound call whose application has
   no hangup URL gets it on the answer URL (seen at Plivo's open-source ancestor).
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.emulator.machine import people
from bridge.emulator.machine.causes import make_cause
from bridge.emulator.machine.documents import run_documents
from bridge.emulator.machine.fields import base_fields, hangup_fields, in_order, ring_fields
from bridge.emulator.machine.leg import Account, CallUrls, Leg, LegOver, Parties
from bridge.emulator.machine.machine_detection import MachineDetection, detect
from bridge.emulator.machine.person import Person
from bridge.emulator.machine.world import World

TIME_LIMIT_S_MAX: Final = 86_400
_SCHEDULED: Final = make_cause("6000", "API Request")


@dataclass(frozen=True, slots=True)
class CallOrder:
    """One call to place, to one destination."""

    account: Account
    caller: str
    callee: str
    urls: CallUrls
    uuid: str | None = None
    """The id of request and call: Plivo's are equal. None: a new one."""
    caller_name: str = ""
    sip_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    ring_timeout_s: float = 120.0
    time_limit_s: float = 14_400.0
    hangup_on_ring_s: float | None = None
    machine_detection: MachineDetection | None = None
    send_digits: str = ""
    """Digits that Plivo sends to the callee after the answer."""
    sends_on_preanswer: bool = False
    """Whether it sends them before the answer, when early media starts."""
    parent_uuid: str = ""
    """The call that the API request named as parent."""
    person: Person | None = None
    """The called person; None: the world has one for the number."""


def place(world: World, order: CallOrder) -> Leg:
    """Begin an outbound call."""
    person = order.person or world.find_person(order.callee, world.random)
    uuid = order.uuid or world.new_uuid()
    leg = world.add_leg(
        order.account, person, Parties("outbound", order.caller, order.callee), uuid
    )
    leg.request_uuid = uuid
    leg.caller_name, leg.sip_headers = order.caller_name, order.sip_headers
    leg.parent_uuid = order.parent_uuid
    # At once: a call that ends before it runs would otherwise report nothing.
    leg.task = world.scheduler.start_now(_run_outbound(world, leg, order))
    return leg


def receive(
    world: World, account: Account, person: Person, parties: Parties, urls: CallUrls
) -> Leg:
    """Begin an inbound call: ``person`` calls a number of the account."""
    leg = world.add_leg(account, person, parties)
    leg.task = world.scheduler.start_now(_run_inbound(world, leg, urls))
    return leg


async def _run_outbound(world: World, leg: Leg, order: CallOrder) -> None:
    with contextlib.suppress(LegOver):
        if await _ring(world, leg, order):
            people.act(world, leg)
            if order.send_digits and not order.sends_on_preanswer:
                world.note(leg.uuid, f"the digits {order.send_digits} are sent to the callee")
            world.end_later(leg, min(order.time_limit_s, TIME_LIMIT_S_MAX), _SCHEDULED)
            await _detect_machine(world, leg, order)
            await run_documents(world, leg, order.urls)
    _report_end(world, leg, order.urls, order.urls.hangup)


async def _run_inbound(world: World, leg: Leg, urls: CallUrls) -> None:
    people.act(world, leg)
    world.end_later(leg, TIME_LIMIT_S_MAX, make_cause("6000", "Plivo"))  # rule 1
    with contextlib.suppress(LegOver):
        await run_documents(world, leg, urls)
    _report_end(world, leg, urls, urls.hangup if urls.hangup[0] else urls.answer)


def _report_end(world: World, leg: Leg, urls: CallUrls, url: tuple[str, str]) -> None:
    """Send the hangup callback: rule 3."""
    if urls.reports_end:
        world.notify(leg, "voice.call.hangup", url, hangup_fields(leg, world.conditions))


async def _ring(world: World, leg: Leg, order: CallOrder) -> bool:
    """Ring until the leg is answered, or ends."""
    await world.scheduler.sleep(leg.person.rings_after_s)
    if people.rings(leg.person):
        leg.rang, leg.session_at = True, world.now
        world.notify(leg, "voice.call.ring", order.urls.ring, ring_fields(leg))
        if order.send_digits and order.sends_on_preanswer:
            world.note(leg.uuid, f"the digits {order.send_digits} are sent before the answer")
        if order.hangup_on_ring_s is not None:
            world.end_later(leg, order.hangup_on_ring_s, _SCHEDULED)
    return await people.pick_up(world, leg, order.ring_timeout_s)


async def _detect_machine(world: World, leg: Leg, order: CallOrder) -> None:
    """Detect a machine: rule 2."""
    detection = order.machine_detection
    if detection is None:
        return
    if detection.url[0]:
        world.scheduler.start(_detect_beside_call(world, leg, detection))
        return
    is_machine, after_s = detect(leg.person, detection)
    await world.scheduler.sleep(after_s)
    leg.machine_flag = "true" if is_machine else "false"
    if is_machine and detection.action == "hangup":
        leg.end(make_cause("9100", "API Request"), world.now)
        raise LegOver


async def _detect_beside_call(world: World, leg: Leg, detection: MachineDetection) -> None:
    is_machine, after_s = detect(leg.person, detection)
    ended = await world.scheduler.wait_first(leg.ended, timeout_s=after_s)
    if ended is not None or not is_machine:
        return
    fields = base_fields(
        leg, world.conditions, Event="MachineDetection", IfMachine=detection.action, Machine="true"
    )
    for absent in ("BillRate", "STIRAttestation", "STIRVerification", "SessionStart"):
        del fields[absent]
    world.notify(leg, "voice.call.machine_detection", detection.url, in_order(fields))
    if detection.action == "hangup":
        leg.end(make_cause("9100", "API Request"), world.now)
