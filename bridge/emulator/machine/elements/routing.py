"""Hangup and Redirect: where the call goes."""

from bridge.emulator.machine.causes import DocumentSource, make_cause
from bridge.emulator.machine.elements.attributes import read_integer
from bridge.emulator.machine.leg import Leg, LegOver, Step
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

# The reasons of <Hangup> are for a call that was not answered yet.
_REASONS = {"busy": "3010", "rejected": "3020"}


async def hang_up(world: World, leg: Leg, node: Node) -> Step | None:
    """End the leg, at once or after ``schedule`` seconds."""
    delay_s = read_integer(node, "schedule", 0)
    if delay_s:
        world.end_later(leg, delay_s, make_cause("6000", "Answer XML"))
        return None
    reason = _REASONS.get(node.attributes.get("reason", ""))
    code = reason if reason and leg.answered_at is None else "4000"
    leg.end(make_cause(code, "Answer XML"), world.now)
    raise LegOver


async def redirect(_world: World, _leg: Leg, node: Node) -> Step | None:
    """Go on with the document of another URL."""
    method = node.attributes.get("method", "").strip().upper() or "POST"
    return Step("voice.call.redirect", node.text.strip(), method, DocumentSource.REDIRECT)
