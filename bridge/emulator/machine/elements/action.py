"""The action URL of an element: what Plivo asks when the element is over."""

from bridge.emulator.machine.causes import DocumentSource
from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.elements.attributes import read_flag, read_url
from bridge.emulator.machine.fields import base_fields
from bridge.emulator.machine.leg import Leg, Step
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node


def ask_action(world: World, leg: Leg, node: Node, kind: str, extra: Parameters) -> Step | None:
    """Return the step to the document of ``action``, None if the next element follows.

    With ``redirect="false"``, or if the leg has ended, the URL is called and its answer is ignored.
    ``kind`` is the type of the callback, ``extra`` are its parameters beside those of every request.
    """
    url, method = read_url(node, "action")
    if not url:
        return None
    if read_flag(node, "redirect", default=True) and not leg.ended.is_set:
        return Step(kind, url, method, DocumentSource.ACTION, extra)
    world.notify(leg, kind, (url, method), base_fields(leg, world.conditions, **extra))
    return None
