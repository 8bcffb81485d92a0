"""Speak, Play and Wait: what the caller hears.

Durations are inferred: Plivo reads text at about fifteen characters a second, and a sound file has the
length that ``Conditions`` gives it. ``loop="0"`` repeats until the leg ends.
"""

from collections.abc import Iterator

from bridge.emulator.machine.elements.attributes import read_integer
from bridge.emulator.machine.leg import Leg, Step
from bridge.emulator.machine.person import Phase
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

# A loop without end is cut here; the time limit of a call (24 hours) ends before.
_LOOPS_MAX = 100_000


async def speak(world: World, leg: Leg, node: Node) -> Step | None:
    """Read a text to the leg."""
    leg.enter(Phase.PROMPT)
    await world.scheduler.sleep(duration_s(world, node))
    return None


play = speak


async def wait(world: World, leg: Leg, node: Node) -> Step | None:
    """Wait in silence."""
    leg.enter(Phase.WAIT)
    await world.scheduler.sleep(duration_s(world, node))
    return None


def duration_s(world: World, node: Node) -> float:
    """Return how long a Speak, Play or Wait lasts."""
    if node.name == "Wait":
        return max(1, read_integer(node, "length", 1))
    loops = read_integer(node, "loop", 1) or _LOOPS_MAX
    if node.name == "Play":
        return loops * world.conditions.played_s
    characters = sum(len(text.strip()) for text in _iter_texts(node))
    return loops * max(0.5, characters / world.conditions.spoken_characters_per_s)


def _iter_texts(node: Node) -> Iterator[str]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one.text
        waiting += one.children
