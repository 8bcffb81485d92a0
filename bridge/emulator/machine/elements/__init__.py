"""Plivo's XML elements, as the call machine executes them: one file for each kind of element.

An element must not know what follows it: it returns the next document to fetch, or None to go on.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from bridge.emulator.machine.elements import (
    conference,
    dial,
    digits,
    message,
    multi_party_call,
    preanswer,
    prompts,
    record,
    routing,
    speech,
    stream,
)
from bridge.emulator.machine.leg import Leg, Step
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

Execute = Callable[[World, Leg, Node], Awaitable[Step | None]]

EXECUTE: Final[Mapping[str, Execute]] = {
    "DTMF": prompts.send_digits,
    "Conference": conference.conference,
    "Dial": dial.dial,
    "GetDigits": digits.get_digits,
    "GetInput": speech.get_input,
    "Hangup": routing.hang_up,
    "Message": message.send_message,
    "MultiPartyCall": multi_party_call.multi_party_call,
    "Play": prompts.play,
    "PreAnswer": preanswer.pre_answer,
    "Record": record.record,
    "Redirect": routing.redirect,
    "Speak": prompts.speak,
    "Stream": stream.stream,
    "Wait": prompts.wait,
}
"""The coroutine of each element, by its name."""
