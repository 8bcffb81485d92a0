"""Digits that a person presses while a call goes on: ``digitsMatch`` and ``hangupOnStar``.

1. Patterns are separated by commas. A pattern matches when the last digits pressed are equal to it; of
   several, the longest. Then the digits before count no more.
2. Digits that nobody waited for are forgotten when somebody begins to wait.
"""

from collections.abc import Callable
from typing import Final

from bridge.emulator.machine.leg import Leg

STAR: Final = "*"
_PATTERN_DIGITS_MAX: Final = 64


def parse_patterns(text: str) -> tuple[str, ...]:
    """Return the patterns of an attribute: rule 1."""
    return tuple(filter(None, (pattern.strip() for pattern in text.split(","))))


async def watch_digits(leg: Leg, patterns: tuple[str, ...], report: Callable[[str], None]) -> None:
    """Report each pattern that the person of a leg presses. Runs until it is stopped."""
    leg.pressed.clear()
    pressed = ""
    while True:
        await leg.pressed.arrived
        pressed = (pressed + (leg.pressed.take() or ""))[-_PATTERN_DIGITS_MAX:]
        found = max(filter(pressed.endswith, patterns), key=len, default=None)
        if found is not None:
            pressed = ""
            report(found)
