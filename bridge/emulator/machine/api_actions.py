"""What an API request does to a call that goes on.

1. A leg that rings has no document yet, so there is nothing to transfer: not documented, so inferred.
2. A recording ends when it is stopped, at its time limit, or with its leg. Its callback is sent when the
   file is ready, and that of its transcription later.
3. A transfer of a leg that dialled ends the dialled leg. A dialled leg that is transferred leaves the
   Dial, which is over then. Not documented, so inferred.
4. Digits, speech and sounds that the API sends to a leg cause no callback. They are noted.
"""

import contextlib
from dataclasses import dataclass

from bridge.emulator.machine.causes import DocumentSource, make_cause
from bridge.emulator.machine.documents import run_documents
from bridge.emulator.machine.leg import ApiRecording, CallUrls, Leg, LegOver, Recording, Step
from bridge.emulator.machine.person import Phase
from bridge.emulator.machine.recordings import (
    READY_AFTER_S,
    TRANSCRIBED_AFTER_S,
    api_recording_fields,
    begin_recording,
    end_recording,
    transcription_fields,
)
from bridge.emulator.machine.tasks import Signal
from bridge.emulator.machine.world import World


@dataclass(frozen=True, slots=True)
class RecordingOrder:
    """What to record. Each URL has its method beside it; an empty URL is not called."""

    api_id: str
    callback: tuple[str, str] = ("", "POST")
    transcription: tuple[str, str] = ("", "POST")
    limit_s: float = 60.0
    file_format: str = "mp3"


def hang_up(world: World, leg: Leg) -> None:
    """End a leg. One that was not answered is cancelled."""
    code = "1000" if leg.answered_at is None else "4000"
    leg.end(make_cause(code, "API Request"), world.now)


def can_transfer(leg: Leg) -> bool:
    """Return whether a leg executes documents, or is connected with one that does: rules 1 and 3."""
    is_first = leg.a_leg is None or leg.parted.is_set
    is_busy = leg.phase is not Phase.RINGING if is_first else leg.bridged is not None
    return is_busy and not leg.ended.is_set


def transfer(world: World, leg: Leg, url: tuple[str, str]) -> None:
    """Let a leg execute the document of another URL: rule 3."""
    step = Step("voice.call.transfer", *url, DocumentSource.TRANSFER)
    if leg.a_leg is None or leg.parted.is_set:
        leg.transfer(step)
        return
    leg.task = world.scheduler.start(_run_dialled(world, leg, step))
    leg.parted.set(None)


async def _run_dialled(world: World, leg: Leg, step: Step) -> None:
    with contextlib.suppress(LegOver):
        await run_documents(world, leg, CallUrls(answer=("", "POST")), step)


def start_recording(world: World, leg: Leg, order: RecordingOrder) -> Recording:
    """Record a leg: rule 2."""
    begun = ApiRecording(begin_recording(world, leg, order.file_format), Signal())
    leg.api_recordings.append(begun)
    world.scheduler.start(_record(world, leg, begun, order))
    return begun.recording


def stop_recordings(leg: Leg, url: str = "") -> bool:
    """Stop the recording with a URL; all without one. Return whether there was any."""
    stopped = [one for one in leg.api_recordings if url in {"", one.recording.url}]
    for one in stopped:
        one.stopped.set(None)
    return bool(stopped)


async def _record(world: World, leg: Leg, begun: ApiRecording, order: RecordingOrder) -> None:
    recording = begun.recording
    await world.scheduler.wait_first(leg.ended, begun.stopped, timeout_s=order.limit_s)
    end_recording(recording, world.now)
    leg.api_recordings.remove(begun)
    await world.scheduler.sleep(READY_AFTER_S)
    fields = api_recording_fields(recording, api_id=order.api_id, call_uuid=leg.uuid)
    world.notify(leg, "voice.recording_api.completed", order.callback, fields)
    if order.transcription[0]:
        await world.scheduler.sleep(TRANSCRIBED_AFTER_S)
        fields = transcription_fields(world, leg, recording)
        world.notify(leg, "voice.transcription", order.transcription, fields)
