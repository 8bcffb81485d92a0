"""Add participants to a multi-party call, as the API does: Plivo's page on adding a participant.

1. The destinations ring at once, each after its own delay. The first that answers is added; the others
   end with 9000. New calls wait for the calls per second of the account.
2. A call that goes on leaves what it executes, and enters.
3. The status URL gets the ring, the answer and the end of each new call. No page gives their
   parameters: they have those of usual calls.
4. The events of ``add-participant-api-events`` are not sent: no page gives their parameters.
"""

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bridge.emulator.machine import people
from bridge.emulator.machine.causes import DocumentSource, make_cause
from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.documents import run_documents
from bridge.emulator.machine.fields import answer_fields, hangup_fields, ring_fields
from bridge.emulator.machine.leg import Account, CallUrls, Leg, LegOver, Parties, Step
from bridge.emulator.machine.retries import UNSETTABLE
from bridge.emulator.machine.tasks import Signal
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

_STATUS: Final = "voice.mpc.call_status"


@dataclass(frozen=True, slots=True)
class ParticipantOrder:
    """Whom to add, and how. ``element`` is the ``<MultiPartyCall>`` that each of them executes.

    ``ring_timeouts_s`` and ``delays_s`` have one for each callee.
    """

    account: Account
    caller: str
    callees: tuple[str, ...]
    element: Node
    request_uuid: str
    ring_timeouts_s: tuple[float, ...]
    delays_s: tuple[float, ...]
    status_url: tuple[str, str] = ("", "POST")
    caller_name: str = ""


def call_participants(world: World, order: ParticipantOrder, begins_at: datetime) -> list[Leg]:
    """Call the destinations of an order, and add the first that answers: rule 1."""
    waits_s = max(0.0, (begins_at - world.now).total_seconds())
    answered: Signal[Leg] = Signal()
    legs: list[Leg] = []
    for index, callee in enumerate(order.callees):
        person = world.find_person(callee, world.random)
        leg = world.add_leg(order.account, person, Parties("outbound", order.caller, callee))
        leg.request_uuid, leg.caller_name = order.request_uuid, order.caller_name
        delay_s = waits_s + order.delays_s[index]
        leg.task = world.scheduler.start_now(
            _run(world, leg, order, answered, delay_s, order.ring_timeouts_s[index])
        )
        legs.append(leg)
    world.scheduler.start(_end_losers(world, legs, answered))
    return legs


def add_call(leg: Leg, element: Node) -> None:
    """Let a call that goes on enter: rule 2."""
    leg.transfer(make_step(element))


def make_step(element: Node) -> Step:
    """Return the step to a document that has this element alone."""
    document = Node("Response", 1, {}, [element])
    return Step("voice.call.transfer", "", "POST", DocumentSource.TRANSFER, document=document)


async def _run(  # noqa: PLR0913, PLR0917 (what one call depends on)
    world: World,
    leg: Leg,
    order: ParticipantOrder,
    answered: Signal[Leg],
    delay_s: float,
    ring_timeout_s: float,
) -> None:
    with contextlib.suppress(LegOver):
        await world.scheduler.sleep(delay_s + leg.person.rings_after_s)
        if people.rings(leg.person):
            leg.rang, leg.session_at = True, world.now
            _report(world, leg, order, ring_fields(leg))
        if await people.pick_up(world, leg, ring_timeout_s):
            answered.set(leg)
            _report(world, leg, order, answer_fields(leg, world.conditions))
            people.act(world, leg)
            urls = CallUrls(answer=("", "POST"))
            await run_documents(world, leg, urls, make_step(order.element))
    _report(world, leg, order, hangup_fields(leg, world.conditions))


async def _end_losers(world: World, legs: list[Leg], answered: Signal[Leg]) -> None:
    winner = await answered
    for leg in legs:
        if leg is not winner:
            leg.end(make_cause("9000", "Plivo"), world.now)


def _report(world: World, leg: Leg, order: ParticipantOrder, fields: Parameters) -> None:
    """Say what became of a call: rule 3."""
    world.notify(leg, _STATUS, order.status_url, fields, UNSETTABLE)
