"""Let a person act on a leg: ring, pick up, give input, hang up."""

from typing import Final

from bridge.emulator.machine.causes import make_cause
from bridge.emulator.machine.leg import Leg
from bridge.emulator.machine.person import Person, Phase, Pickup
from bridge.emulator.machine.world import World

# How a leg ends that is not answered: the code, and who ended it.
_REFUSALS: Final = {
    Pickup.BUSY: ("3010", "Carrier"),
    Pickup.REJECTS: ("3020", "Callee"),
    Pickup.NO_ANSWER: ("3000", "Carrier"),
    Pickup.UNREACHABLE: ("3050", "Carrier"),
    Pickup.SIP_AUTH_FAILED: ("4240", "Callee"),
    Pickup.SIP_AUTH_TIMEOUT: ("4250", "Callee"),
}
_NEVER_RINGS: Final = frozenset(
    {Pickup.UNREACHABLE, Pickup.SIP_AUTH_FAILED, Pickup.SIP_AUTH_TIMEOUT}
)


def rings(person: Person) -> bool:
    """Return whether the phone of a person rings at all."""
    return person.rings and person.pickup not in _NEVER_RINGS


async def pick_up(world: World, leg: Leg, ring_timeout_s: float) -> bool:
    """Let a ringing phone ring until its person reacts; return whether the leg was answered."""
    person = leg.person
    reacts_after_s = max(0.0, person.answers_after_s - person.rings_after_s)
    if reacts_after_s > ring_timeout_s:
        await world.scheduler.sleep(ring_timeout_s)
        leg.end(make_cause("6010", "Plivo"), world.now)
        return False
    await world.scheduler.sleep(reacts_after_s)
    if person.pickup is Pickup.ANSWERS:
        leg.answered_at = world.now
        return True
    code, source = _REFUSALS[person.pickup]
    if person.pickup is Pickup.UNREACHABLE and leg.callee.startswith("sip:"):
        code = "2020"
    leg.end(make_cause(code, source), world.now)
    return False


def act(world: World, leg: Leg) -> None:
    """Let the person of a leg give its inputs, and hang up when its plan says so."""
    world.scheduler.start(_give_inputs(world, leg))
    world.scheduler.start(_hang_up(world, leg))


def hang_up(world: World, leg: Leg) -> None:
    """End a leg as its person does: before the answer a caller cancels, and a callee rejects."""
    is_caller = leg.direction == "inbound"
    unanswered = "1000" if is_caller else "3020"
    code = unanswered if leg.answered_at is None else "4000"
    leg.end(make_cause(code, "Caller" if is_caller else "Callee"), world.now)


async def _give_inputs(world: World, leg: Leg) -> None:
    while not leg.ended.is_set:
        changed = leg.phase_changed
        if leg.listens:
            await _give_input(world, leg)
        elif leg.phase is Phase.RECORD and leg.person.records_key:
            await _press_after_talking(world, leg)
        await world.scheduler.wait_first(leg.ended, changed)


async def _give_input(world: World, leg: Leg) -> None:
    """Give the next input, unless the leg stops waiting for it before."""
    given = leg.take_input()
    if given is None:
        return
    over = (leg.ended, leg.phase_changed)
    if await world.scheduler.wait_first(*over, timeout_s=given.after_s) is not None:
        return
    if given.speech:
        leg.spoken.put(given)
    for digit in given.digits:
        leg.pressed.put(digit)
        if await world.scheduler.wait_first(*over, timeout_s=given.digit_interval_s) is not None:
            return


async def _press_after_talking(world: World, leg: Leg) -> None:
    over = (leg.ended, leg.phase_changed)
    if await world.scheduler.wait_first(*over, timeout_s=leg.person.records_s) is None:
        leg.pressed.put(leg.person.records_key)


async def _hang_up(world: World, leg: Leg) -> None:
    plan = leg.person.hang_up
    if plan is None:
        return
    if plan.phase is None:
        if await world.scheduler.wait_first(leg.ended, timeout_s=plan.after_s) is None:
            hang_up(world, leg)
        return
    while not leg.ended.is_set:
        changed = leg.phase_changed
        is_due = leg.phase is plan.phase
        timeout_s = plan.after_s if is_due else None
        first = await world.scheduler.wait_first(leg.ended, changed, timeout_s=timeout_s)
        if first is None:
            hang_up(world, leg)
