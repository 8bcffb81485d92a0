"""Speak, Play, Wait and DTMF: what the other party hears.

1. Durations are inferred: Plivo reads text at about fifteen characters a second, and a sound file has
   the length that ``Conditions`` gives it. ``loop="0"`` repeats until the leg ends.
2. A wait ends early on a beep (``beep``), or on silence (``silence`` with ``minSilence``, in ms).
   A machine talks from the answer until its beep; a person listens, and is silent.
3. Input interrupts the prompts of an element that waits for input.
4. Digits are sent beside what follows, unless ``async`` is false.
"""

from collections.abc import Iterator
from typing import Any, Final

from bridge.emulator.machine.elements.attributes import read_flag, read_integer
from bridge.emulator.machine.leg import Leg, Step
from bridge.emulator.machine.person import Phase
from bridge.emulator.machine.tasks import Signal
from bridge.emulator.machine.world import World
from bridge.reply.elements import SOUND_ELEMENTS
from bridge.reply.tree import Node

# A loop without end is cut here; the time limit of a call (24 hours) ends before.
_LOOPS_MAX = 100_000
# The defaults of Plivo's page: a beep of 300 ms, and 500 ms of silence that confirm it.
_BEEP_S: Final = 0.8
# Inferred, except the pauses: Plivo's page on Dial, ``sendDigits``.
_DIGIT_S: Final = 0.25
_PAUSES_S: Final = {"w": 0.5, "W": 1.0}


async def speak(world: World, leg: Leg, node: Node) -> Step | None:
    """Read a text to the leg."""
    leg.enter(Phase.PROMPT)
    await world.scheduler.sleep(duration_s(world, node))
    return None


play = speak


async def wait(world: World, leg: Leg, node: Node) -> Step | None:
    """Wait in silence: rule 2."""
    leg.enter(Phase.WAIT)
    await world.scheduler.sleep(_find_wait_s(world, leg, node))
    return None


async def send_digits(world: World, leg: Leg, node: Node) -> Step | None:
    """Send digits as tones: rule 4."""
    if read_flag(node, "async", default=True):
        return None
    leg.enter(Phase.PROMPT)
    digits = node.text.strip() or node.attributes.get("digits", "").strip()
    await world.scheduler.sleep(sum(_PAUSES_S.get(digit, _DIGIT_S) for digit in digits))
    return None


async def prompt(world: World, leg: Leg, nodes: list[Node], *interrupts: Signal[Any]) -> None:
    """Play the prompts of an element that waits for input: rule 3. Its phase does not change."""
    for node in nodes:
        if node.name not in SOUND_ELEMENTS:
            continue
        is_wait = node.name == "Wait"
        timeout_s = _find_wait_s(world, leg, node) if is_wait else duration_s(world, node)
        if await world.scheduler.wait_first(*interrupts, timeout_s=timeout_s) is not None:
            return


def duration_s(world: World, node: Node) -> float:
    """Return how long a Speak, Play or Wait lasts."""
    if node.name == "Wait":
        return max(1, read_integer(node, "length", 1))
    loops = read_integer(node, "loop", 1) or _LOOPS_MAX
    if node.name == "Play":
        return loops * world.conditions.played_s
    characters = sum(len(text.strip()) for text in _iter_texts(node))
    return loops * max(0.5, characters / world.conditions.spoken_characters_per_s)


def _find_wait_s(world: World, leg: Leg, node: Node) -> float:
    """Return how long a Wait lasts on this leg: rule 2."""
    ends_s = duration_s(world, node)
    silence_ms = read_integer(node, "minSilence", 0) or read_integer(node, "min_silence", 0)
    talks_s = _find_greeting_left_s(world, leg)
    beep = node.attributes.get("beep", "").strip().lower()
    if beep not in {"", "false"} and talks_s > 0:
        ends_s = min(ends_s, talks_s + _BEEP_S)
    if silence_ms and read_flag(node, "silence", default=False):
        ends_s = min(ends_s, talks_s + silence_ms / 1000)
    return ends_s


def _find_greeting_left_s(world: World, leg: Leg) -> float:
    """Return how long a machine still talks until its beep; 0 for a person."""
    if not leg.person.is_machine or leg.answered_at is None:
        return 0.0
    talked_s = (world.now - leg.answered_at).total_seconds()
    return max(0.0, leg.person.greeting_s - talked_s)


def _iter_texts(node: Node) -> Iterator[str]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one.text
        waiting += one.children
