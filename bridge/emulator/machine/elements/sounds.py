"""Sounds that a document names by URL: Plivo fetches XML with only Play, Speak and Wait.

Plivo's open-source ancestor plays nothing if the fetch fails, ignores every other element, and fetches a
sound once, also one that it repeats.
"""

from bridge.callbacks.model import Reply
from bridge.emulator.machine.commands import Failure
from bridge.emulator.machine.deliveries import METHODS, Callback
from bridge.emulator.machine.elements.prompts import duration_s
from bridge.emulator.machine.fields import base_fields
from bridge.emulator.machine.leg import Leg
from bridge.emulator.machine.retries import RetryPolicy
from bridge.emulator.machine.world import World
from bridge.reply.check import check_document
from bridge.reply.elements import ROOT, SOUND_ELEMENTS
from bridge.reply.tree import NotWellFormed, parse_tree
from bridge.reply.urls import is_absolute


async def fetch_sound(
    world: World, leg: Leg, kind: str, url: tuple[str, str], policy: RetryPolicy | None = None
) -> float | None:
    """Fetch the sound of a URL for a leg; ``kind`` is the type of the callback.

    Return its length in seconds; None if there is nothing to play. A word as ``beep:1`` needs no fetch.
    """
    address, method = url
    if not is_absolute(address) or method not in METHODS:
        return None
    fields = base_fields(leg, world.conditions)
    callback = Callback(kind, leg.uuid, leg.account.auth_id, address, method, fields, policy)
    outcome = await world.deliveries.deliver(callback)
    if isinstance(outcome, Failure) or not outcome.is_success:
        world.note(leg.uuid, f"{kind} has no answer: nothing is played")
        return None
    for finding in check_document(outcome.body, Reply.SOUND):
        world.note(leg.uuid, f"{kind}: {finding}")
    return _measure(world, outcome.body)


def _measure(world: World, body: bytes) -> float | None:
    try:
        root = parse_tree(body).root
    except NotWellFormed:
        return None
    played = [node for node in root.children if node.name in SOUND_ELEMENTS]
    if root.name != ROOT or not played:
        return None
    return sum(duration_s(world, node) for node in played)
