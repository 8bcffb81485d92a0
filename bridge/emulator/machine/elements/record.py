"""Record: what a caller says, or the whole session.

1. A beep, then the recording. It ends with a finish key, after ``timeout`` seconds of silence, after
   ``maxLength``, or with the leg. Then the action URL is called, except after the leg's end.
2. With ``recordSession`` the recording begins at once and ends with the leg; with ``startOnDialAnswer``
   it begins when a dialled leg answers. The action URL is called at once, with durations of -1.
3. ``callbackUrl`` is called when the file is ready, and ``transcriptionUrl`` when its words are known: a
   moment after the end of the recording, so after the hangup callback if the leg has ended.

Source: Plivo's page on Record. That a leg's end leaves out the action URL is what Plivo's open-source
ancestor does. The moments of rule 3 are inferred.
"""

from typing import Final

from bridge.emulator.machine.elements.action import ask_action
from bridge.emulator.machine.elements.attributes import read_flag, read_integer, read_url
from bridge.emulator.machine.elements.digits import BEEP_S, read_finish_keys
from bridge.emulator.machine.fields import base_fields
from bridge.emulator.machine.leg import Leg, Recording, Step
from bridge.emulator.machine.person import Phase
from bridge.emulator.machine.recordings import (
    READY_AFTER_S,
    TRANSCRIBED_AFTER_S,
    begin_recording,
    end_recording,
    recording_fields,
    transcription_fields,
)
from bridge.emulator.machine.tasks import Signal
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

_ACTION: Final = "voice.record.action"
_FORMATS: Final = frozenset({"mp3", "wav"})


async def record(world: World, leg: Leg, node: Node) -> Step | None:
    """Record the leg: rules 1 and 2."""
    if read_flag(node, "startOnDialAnswer", default=False):
        recording = _begin(world, leg, node)
        world.scheduler.start(_record_dialled(world, leg, node, recording))
        return _ask(world, leg, node, recording, "")
    if read_flag(node, "recordSession", default=False):
        recording = _begin(world, leg, node)
        world.scheduler.start(_record_beside_call(world, leg, node, recording))
        return _ask(world, leg, node, recording, "")
    if read_flag(node, "playBeep", default=True):
        leg.enter(Phase.PROMPT)
        await world.scheduler.sleep(BEEP_S)
    recording, over = _begin(world, leg, node), Signal[None]()
    world.scheduler.start(_report(world, leg, node, recording, over))
    try:
        key = await _listen(world, leg, node)
    finally:
        end_recording(recording, world.now)
        over.set(None)
    return _ask(world, leg, node, recording, key)


def _begin(world: World, leg: Leg, node: Node) -> Recording:
    file_format = node.attributes.get("fileFormat", "").strip().lower()
    return begin_recording(world, leg, file_format if file_format in _FORMATS else "mp3")


def _ask(world: World, leg: Leg, node: Node, recording: Recording, key: str) -> Step | None:
    fields = {**recording_fields(recording), "Digits": key}
    return ask_action(world, leg, node, _ACTION, fields)


async def _listen(world: World, leg: Leg, node: Node) -> str:
    """Record until rule 1 ends it; return the key that did, empty if none did."""
    leg.pressed.clear()
    leg.enter(Phase.RECORD)
    keys = read_finish_keys(node)
    silent_s = leg.person.records_s + max(1, read_integer(node, "timeout", 15))
    left_s = min(silent_s, max(1, read_integer(node, "maxLength", 60)))
    began_at = world.now
    while True:
        elapsed_s = (world.now - began_at).total_seconds()
        arrived = leg.pressed.arrived
        if await world.scheduler.wait_first(arrived, timeout_s=left_s - elapsed_s) is None:
            return ""
        key = leg.pressed.take()
        if key is not None and key in keys:
            return key


async def _record_beside_call(world: World, leg: Leg, node: Node, recording: Recording) -> None:
    """Record until the leg ends, or until ``maxLength`` if the element has it: rule 2."""
    length_s = read_integer(node, "maxLength", 0) or None
    await world.scheduler.wait_first(leg.ended, timeout_s=length_s)
    end_recording(recording, world.now)
    over: Signal[None] = Signal()
    over.set(None)
    await _report(world, leg, node, recording, over)


async def _record_dialled(world: World, leg: Leg, node: Node, recording: Recording) -> None:
    answered = leg.dial_answered  # the next Dial has a signal of its own
    if await world.scheduler.wait_first(leg.ended, answered) is answered:
        recording.started_at = world.now
        await _record_beside_call(world, leg, node, recording)


async def _report(
    world: World, leg: Leg, node: Node, recording: Recording, over: Signal[None]
) -> None:
    """Say where the recording is, and what it says: rule 3."""
    await over
    await world.scheduler.sleep(READY_AFTER_S)
    fields = base_fields(leg, world.conditions, **recording_fields(recording))
    url = read_url(node, "callbackUrl", "callbackMethod")
    world.notify(leg, "voice.record.completed", url, fields)
    url = read_url(node, "transcriptionUrl", "transcriptionMethod")
    if url[0]:
        await world.scheduler.sleep(TRANSCRIBED_AFTER_S)
        world.notify(leg, "voice.transcription", url, transcription_fields(world, leg, recording))
