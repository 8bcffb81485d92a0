"""PreAnswer: what the caller hears before the call is answered.

Plivo's newest page allows Speak, Play and Wait; its SDKs also nest GetDigits, Redirect, Message and
DTMF.
"""

from bridge.emulator.machine.elements.digits import get_digits
from bridge.emulator.machine.elements.message import send_message
from bridge.emulator.machine.elements.prompts import play, send_digits, speak, wait
from bridge.emulator.machine.elements.routing import redirect
from bridge.emulator.machine.leg import Leg, Step
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

_EXECUTE = {
    "DTMF": send_digits,
    "GetDigits": get_digits,
    "Message": send_message,
    "Play": play,
    "Redirect": redirect,
    "Speak": speak,
    "Wait": wait,
}


async def pre_answer(world: World, leg: Leg, node: Node) -> Step | None:
    """Execute the nested elements. The leg stays as it is: ringing, if it was not answered yet."""
    for child in node.children:
        execute = _EXECUTE.get(child.name)
        step = await execute(world, leg, child) if execute is not None else None
        if step is not None:
            return step
    return None
