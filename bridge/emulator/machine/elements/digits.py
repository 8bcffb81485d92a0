"""GetDigits, and the collecting of digits.

1. The prompts are played, and listened through: the first digit interrupts them.
2. ``timeout`` counts from the end of the prompts to the first digit, ``digitTimeout`` between two
   digits. Digits end with the finish key, which is not one of them, or when there are ``numDigits``.
3. Without digits, or with one that is not in ``validDigits``, everything is repeated, ``retries`` times
   in all. Then the next element follows, and no callback is sent.
4. Digits that were pressed before the element began are forgotten.

Source: Plivo's page on input collection. Rule 4 and that all digits are checked together is what Plivo's
open-source ancestor does.
"""

from dataclasses import dataclass
from typing import Final

from bridge.emulator.machine.elements.action import ask_action
from bridge.emulator.machine.elements.attributes import read_flag, read_integer
from bridge.emulator.machine.elements.prompts import prompt
from bridge.emulator.machine.leg import Leg, Step
from bridge.emulator.machine.person import Phase
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

BEEP_S: Final = 0.3
_KEYS: Final = "1234567890*#"
_DIGITS_MAX: Final = 99


@dataclass(frozen=True, slots=True)
class DigitLimits:
    """When digits end. ``first_s`` is the time until the first digit, ``next_s`` until the next."""

    digits_max: int
    finish_keys: str
    first_s: float
    next_s: float


async def get_digits(world: World, leg: Leg, node: Node) -> Step | None:
    """Ask for digits: rules 1 to 3."""
    limits = DigitLimits(
        digits_max=min(max(1, read_integer(node, "numDigits", _DIGITS_MAX)), _DIGITS_MAX),
        finish_keys=read_finish_keys(node),
        first_s=max(1, read_integer(node, "timeout", 5)),
        next_s=max(1, read_integer(node, "digitTimeout", 2)),
    )
    valid = node.attributes.get("validDigits", "").strip() or _KEYS
    for _ in range(max(1, read_integer(node, "retries", 1))):
        digits = await _ask_once(world, leg, node, limits)
        if digits and set(digits) <= set(valid):
            return ask_action(world, leg, node, "voice.getdigits.action", {"Digits": digits})
        if digits and node.attributes.get("invalidDigitsSound", "").strip():
            await world.scheduler.sleep(world.conditions.played_s)
    return None


async def collect_digits(world: World, leg: Leg, limits: DigitLimits) -> str:
    """Return the digits that are pressed from now on: rule 2."""
    digits, timeout_s = "", limits.first_s
    while len(digits) < limits.digits_max:
        digit = leg.pressed.take()
        if digit is None:
            arrived = await world.scheduler.wait_first(leg.pressed.arrived, timeout_s=timeout_s)
            if arrived is None:
                break
        elif digit in limits.finish_keys:
            break
        else:
            digits, timeout_s = digits + digit, limits.next_s
    return digits


def read_finish_keys(node: Node) -> str:
    """Return the keys that end an input; empty if there is none."""
    keys = node.attributes.get("finishOnKey", "#").strip()
    return "" if keys == "none" else keys


async def _ask_once(world: World, leg: Leg, node: Node, limits: DigitLimits) -> str:
    leg.pressed.clear()
    leg.enter(Phase.INPUT)
    await prompt(world, leg, node.children, leg.pressed.arrived)
    if read_flag(node, "playBeep", default=False):
        await world.scheduler.wait_first(leg.pressed.arrived, timeout_s=BEEP_S)
    return await collect_digits(world, leg, limits)
