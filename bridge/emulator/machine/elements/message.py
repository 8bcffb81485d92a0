"""Message: send a message from within a call."""

from bridge.emulator.machine import messages
from bridge.emulator.machine.leg import Leg, Step
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node


async def send_message(world: World, leg: Leg, node: Node) -> Step | None:
    """Begin to send the messages. The call goes on at once.

    Without ``src`` the number of the account on this call sends them; that is inferred.
    """
    own_number = leg.caller if leg.direction == "outbound" else leg.callee
    messages.send_element(world, leg.account, node, own_number)
    return None
