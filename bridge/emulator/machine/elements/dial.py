"""Dial: connect the leg (the A leg) to the first of several others (the B legs) that answers.

1. ``confirmSound`` and ``dialMusic`` are fetched by POST, for the A leg, before anybody is dialled.
2. All numbers ring at once. The first leg that answers, and accepts if it must, is connected. The others
   end with 9000. Elements after each other dial one after the other.
3. With ``confirmSound`` and ``confirmKey`` a leg that answered must press the key, during the sound or
   ``confirmTimeout`` seconds after it; else it ends with 9110. A wrong key is ignored. Without a key
   the sound is played, and the leg is connected.
4. The Dial is over when the connected leg ends, or when all legs have ended. The end of the A leg ends
   them all: 1000 if they still ring.
5. ``callbackUrl`` gets answer, connected, digits and hangup of each leg, in the captured form: with the
   A leg's ``CallUUID`` and without its parties.
6. ``action`` is requested after the Dial, also if the A leg has ended. ``DialStatus`` is ``completed``
   if a leg was connected, ``cancel`` if the A leg ended before that, else the status of the leg that
   ended last.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bridge.emulator.machine import people
from bridge.emulator.machine.causes import Cause, make_cause
from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.elements.action import ask_action
from bridge.emulator.machine.elements.attributes import read_flag, read_integer, read_url
from bridge.emulator.machine.elements.sounds import fetch_sound
from bridge.emulator.machine.fields import (
    bill_duration_s,
    format_local,
    in_order,
    sip_header_fields,
)
from bridge.emulator.machine.keypad import STAR, parse_patterns, watch_digits
from bridge.emulator.machine.leg import Leg, LegOver, Parties, Step, Transferred
from bridge.emulator.machine.person import Phase
from bridge.emulator.machine.tasks import Signal
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

# Not documented: the default of the Call API's ``ring_timeout``.
_RING_TIMEOUT_S: Final = 120
_TIME_LIMIT_S: Final = 14_400
# Not documented: FreeSWITCH, below Plivo's open-source ancestor, waits so long for a confirm key.
_CONFIRM_TIMEOUT_S: Final = 5
_TARGETS: Final = frozenset({"Number", "User", "Sip"})
_EVENTS: Final = {
    "answer": "DialAnswer",
    "connected": "DialConnected",
    "digits": "DialDigitsMatch",
    "hangup": "DialHangup",
}


class _Confirmation(NamedTuple):
    """The key that connects a leg: rule 3."""

    key: str
    sound_s: float
    timeout_s: float


@dataclass(slots=True)
class _BLeg:
    """A dialled leg. ``position`` is its place among the numbers, from 1."""

    leg: Leg
    position: int
    is_reported: bool = False  # its end


@dataclass(frozen=True, slots=True)
class _Dial:
    """One Dial. ``over`` are the legs that have ended, in order."""

    world: World
    a_leg: Leg
    node: Node
    confirmation: _Confirmation | None
    b_legs: list[_BLeg] = field(default_factory=list[_BLeg])
    over: list[Leg] = field(default_factory=list[Leg])
    connected: Signal[_BLeg] = field(default_factory=Signal[_BLeg])


async def dial(world: World, leg: Leg, node: Node) -> Step | None:
    """Dial, and wait until nobody is connected any more."""
    leg.enter(Phase.DIAL)
    if not any(child.name in _TARGETS for child in node.children):
        world.note(leg.uuid, f"line {node.line}: <Dial> has no number that is known")
        return None
    confirmation = await _prepare_confirmation(world, leg, node)
    await fetch_sound(world, leg, "voice.dial.sound", (read_url(node, "dialMusic")[0], "POST"))
    order = _Dial(world, leg, node, confirmation)
    _start_b_legs(order)
    try:
        await _connect(order)
    except (LegOver, Transferred):
        _end_all(order)
        if leg.ended.is_set:
            _follow_action(order)
        raise
    return _follow_action(order)


async def _prepare_confirmation(world: World, leg: Leg, node: Node) -> _Confirmation | None:
    """Fetch the sound of a confirmation; None if nothing must be confirmed: rules 1 and 3."""
    url = (read_url(node, "confirmSound")[0], "POST")
    sound_s = await fetch_sound(world, leg, "voice.dial.sound", url)
    if sound_s is None:
        return None
    key = node.attributes.get("confirmKey", "").strip()
    return _Confirmation(key, sound_s, read_integer(node, "confirmTimeout", _CONFIRM_TIMEOUT_S))


def _start_b_legs(order: _Dial) -> None:
    """Dial all numbers at once: rule 2."""
    world, a_leg = order.world, order.a_leg
    targets = [child for child in order.node.children if child.name in _TARGETS]
    for position, target in enumerate(targets, 1):
        number = _strip_number(target.text)
        caller = _inherit(order, target, "callerId", a_leg.caller)
        person = world.find_person(number, world.random)
        leg = world.add_leg(
            a_leg.account, person, Parties("outbound", _strip_number(caller), number)
        )
        leg.a_leg = a_leg
        leg.caller_name = _inherit(order, target, "callerName", a_leg.caller_name)
        leg.sip_headers = dict(_iter_sip_headers(_inherit(order, target, "sipHeaders", "")))
        b_leg = _BLeg(leg, position)
        order.b_legs.append(b_leg)
        leg.task = world.scheduler.start(_run_b_leg(order, b_leg))
        world.scheduler.start(_wait_for_end(order, b_leg))


async def _run_b_leg(order: _Dial, b_leg: _BLeg) -> None:
    """Ring, and let the person accept: rules 2 and 3."""
    with contextlib.suppress(LegOver, Transferred):
        if await _ring(order, b_leg):
            _report(order, b_leg, "answer")
            people.act(order.world, b_leg.leg)
            if await _confirm(order, b_leg.leg):
                order.connected.set(b_leg)


async def _ring(order: _Dial, b_leg: _BLeg) -> bool:
    """Ring until the leg is answered, or ends. ``timeout`` counts from the dialling."""
    leg, world = b_leg.leg, order.world
    timeout_s = read_integer(order.node, "timeout", _RING_TIMEOUT_S) or _RING_TIMEOUT_S
    rings_after_s = leg.person.rings_after_s
    await world.scheduler.sleep(min(rings_after_s, timeout_s))
    if rings_after_s > timeout_s:
        leg.end(make_cause("6010", "Plivo"), world.now)
        return False
    if people.rings(leg.person):
        leg.rang, leg.session_at = True, world.now
    return await people.pick_up(world, leg, timeout_s - rings_after_s)


async def _confirm(order: _Dial, leg: Leg) -> bool:
    """Play the sound of a confirmation, and return whether the person accepts: rule 3."""
    asked, scheduler = order.confirmation, order.world.scheduler
    if asked is None:
        return True
    if not asked.key:
        leg.enter(Phase.PROMPT)
        await scheduler.sleep(asked.sound_s)
        return True
    leg.enter(Phase.INPUT)
    timer = scheduler.start_timer(asked.sound_s + asked.timeout_s)
    try:
        while await scheduler.wait_first(leg.pressed.arrived, timer) is not timer:
            if leg.pressed.take() == asked.key:
                return True
    finally:
        timer.cancel()
    leg.end(make_cause("9110", "Callee"), order.world.now)
    return False


async def _connect(order: _Dial) -> None:
    """Connect the first leg that can be; return when it has ended, or when all have: rule 4."""
    scheduler = order.world.scheduler
    while waiting := [one.leg.ended for one in order.b_legs if not one.leg.ended.is_set]:
        if await scheduler.wait_first(order.connected, *waiting) is order.connected:
            await _talk(order, order.connected.value)
            break
    for b_leg in order.b_legs:
        if b_leg.leg.ended.is_set:
            _report_end(order, b_leg)


async def _talk(order: _Dial, winner: _BLeg) -> None:
    """Connect a leg, and end the others; return when it has ended, or was transferred."""
    world, node, a_leg, b_leg = order.world, order.node, order.a_leg, winner.leg
    _report(order, winner, "connected")
    answered, a_leg.dial_answered = a_leg.dial_answered, Signal[None]()
    answered.set(None)
    a_leg.bridged, b_leg.bridged = b_leg, a_leg
    for loser in order.b_legs:
        if loser is not winner:
            loser.leg.end(make_cause("9000", "Plivo"), world.now)
            _report_end(order, loser)
    world.end_later(
        b_leg, read_integer(node, "timeLimit", _TIME_LIMIT_S), make_cause("6000", "Answer XML")
    )
    ends_on_star = read_flag(node, "hangupOnStar", default=False)
    patterns = parse_patterns(node.attributes.get("digitsMatch", ""))
    b_patterns = parse_patterns(node.attributes.get("digitsMatchBLeg", ""))

    def hear_a_leg(digits: str) -> None:
        if digits == STAR and ends_on_star:
            b_leg.end(make_cause("4000", "Caller"), world.now)
        else:
            _report(order, winner, "digits", DialDigitsMatch=digits, DialDigitsPressedBy="ALeg")

    def hear_b_leg(digits: str) -> None:
        _report(order, winner, "digits", DialDigitsMatch=digits, DialDigitsPressedBy="BLeg")

    heard = (*patterns, STAR) if ends_on_star else patterns
    a_leg.enter(Phase.DIAL, listens=bool(heard))
    b_leg.enter(Phase.DIAL, listens=bool(b_patterns))
    watchers = [
        world.scheduler.start(watch_digits(a_leg, heard, hear_a_leg)),
        world.scheduler.start(watch_digits(b_leg, b_patterns, hear_b_leg)),
    ]
    try:
        await world.scheduler.wait_first(b_leg.ended, b_leg.parted)
    finally:
        a_leg.bridged = b_leg.bridged = None
        for watcher in watchers:
            watcher.stop(LegOver())


def _end_all(order: _Dial) -> None:
    """End all legs, because the A leg ended or was transferred: rule 4."""
    ended = order.a_leg.ended
    source = ended.value.source if ended.is_set else "API Request"
    source = "Caller" if source == "Callee" else source  # the A leg calls the B leg
    code = "6000" if ended.is_set and ended.value.code == "6000" else "4000"
    for b_leg in order.b_legs:
        if b_leg.leg.parted.is_set:
            continue
        is_answered = b_leg.leg.answered_at is not None
        b_leg.leg.end(make_cause(code if is_answered else "1000", source), order.world.now)
        _report_end(order, b_leg)


async def _wait_for_end(order: _Dial, b_leg: _BLeg) -> None:
    await b_leg.leg.ended
    _report_end(order, b_leg)


def _report_end(order: _Dial, b_leg: _BLeg) -> None:
    """Send the hangup callback of a leg that has ended, once."""
    if b_leg.is_reported:
        return
    b_leg.is_reported = True
    order.over.append(b_leg.leg)
    _report(order, b_leg, "hangup", **_hangup_fields(order, b_leg.leg))


def _report(order: _Dial, b_leg: _BLeg, action: str, **more: str) -> None:
    """Send a callback about a leg: rule 5."""
    leg = b_leg.leg
    fields = {
        "CallUUID": order.a_leg.uuid,
        "DialALegUUID": order.a_leg.uuid,
        "DialAction": action,
        "DialBLegUUID": leg.uuid,
        "Event": _EVENTS[action],
        **sip_header_fields(order.a_leg),
        **more,
    }
    if action != "digits":
        fields |= {
            "DialBLegFrom": leg.caller if leg.caller.startswith("sip:") else "+" + leg.caller,
            "DialBLegPosition": str(b_leg.position),
            "DialBLegStatus": action,
            "DialBLegTo": leg.callee,
        }
    if action in {"answer", "connected"}:
        fields["DialBLegBillRate"] = order.world.conditions.bill_rate
    url = read_url(order.node, "callbackUrl", "callbackMethod")
    order.world.notify(order.a_leg, f"voice.dial.{action}", url, in_order(fields))


def _hangup_fields(order: _Dial, leg: Leg) -> Parameters:
    """Return the parameters that only a hangup has; its times are of the B leg."""
    cause, zone, conditions = leg.ended.value, leg.account.zone, order.world.conditions
    return {
        "AnswerTime": format_local(leg.answered_at, zone) if leg.answered_at else "",
        "BillRate": conditions.bill_rate,
        "DialBLegBillDuration": str(bill_duration_s(leg.duration_s, conditions)),
        "DialBLegDuration": str(leg.duration_s),
        "DialBLegHangupCause": cause.word,
        "DialBLegHangupCauseCode": cause.code,
        "DialBLegHangupCauseName": cause.name,
        "DialBLegHangupSource": cause.source,
        "EndTime": format_local(leg.ended_at or leg.started_at, zone),
        "STIRVerification": conditions.stir_verification,
        "StartTime": format_local(leg.started_at, zone),
    }


def _follow_action(order: _Dial) -> Step | None:
    """Return the step to the action URL: rule 6."""
    is_connected = order.connected.is_set
    b_leg = order.connected.value.leg if is_connected else order.over[-1]
    # A leg that was transferred goes on.
    cause: Cause = b_leg.ended.value if b_leg.ended.is_set else make_cause("4000", "API Request")
    fields = {
        "DialALegUUID": order.a_leg.uuid,
        "DialBLegUUID": b_leg.uuid if is_connected else "",
        "DialHangupCause": cause.word,
        "DialRingStatus": "true" if any(one.leg.rang for one in order.b_legs) else "false",
        "DialStatus": "completed" if is_connected else cause.status,
    }
    return ask_action(order.world, order.a_leg, order.node, "voice.dial.action", fields)


def _inherit(order: _Dial, target: Node, name: str, default: str) -> str:
    """Return an attribute of a number, else that of its Dial, else a default."""
    own = target.attributes.get(name, "").strip()
    return own or order.node.attributes.get(name, "").strip() or default


def _strip_number(text: str) -> str:
    """Return a number without ``+`` and spaces; a SIP address as it is."""
    text = text.strip()
    return text if "@" in text else text.removeprefix("+").replace(" ", "").replace("-", "")


def _iter_sip_headers(text: str) -> Iterator[tuple[str, str]]:
    for pair in text.split(","):
        name, sign, value = pair.strip().partition("=")
        if sign:
            yield name, value
