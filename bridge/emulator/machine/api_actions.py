"""Actions of API requests on a call in progress.

1. A leg that rings has no document yet, so there is nothing to transfer: not documented, so inferred.
2. A recording ends when it is stopped, at its time limit, or with its leg or conference. Its callback is
   sent when the file is ready, and that of its transcription later.
3. A transfer of a leg that dialled ends the dialled leg. A dialled leg that is transferred leaves the
   Dial, which is over then. Not documented, so inferred.
4. Digits, speech and sounds that the API sends to a leg cause no callback. They are noted.
"""

import contextlib
from collections.abc import Iterable
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
from bridge.emulator.machine.rooms import Room
from bridge.emulator.machine.tasks import Signal
from bridge.emulator.machine.world import World


@dataclass(frozen=True, slots=True)
class RecordingOrder:
    """Order to record. Each URL has its method beside it; an empty URL is not called."""

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
    world.scheduler.start(_record_leg(world, leg, begun, order))
    return begun.recording


def start_conference_recording(world: World, room: Room, order: RecordingOrder) -> Recording:
    """Record a conference: rule 2. It has a member."""
    recording = begin_recording(
        world, room.members[0].leg, order.file_format, conference_name=room.name
    )
    begun = ApiRecording(recording, Signal())
    room.api_recordings.append(begun)
    world.scheduler.start(_record_conference(world, room, begun, order))
    return recording


def stop_recordings(recordings: Iterable[ApiRecording], url: str = "") -> bool:
    """Stop the recording with a URL; all without one. Return whether there was any."""
    stopped = [one for one in recordings if url in {"", one.recording.url}]
    for one in stopped:
        one.stopped.set(None)
    return bool(stopped)


async def _record_leg(world: World, leg: Leg, begun: ApiRecording, order: RecordingOrder) -> None:
    await world.scheduler.wait_first(leg.ended, begun.stopped, timeout_s=order.limit_s)
    leg.api_recordings.remove(begun)
    kind = "voice.recording_api.completed"
    await _report_recording(world, begun.recording, order, kind, call_uuid=leg.uuid)


async def _record_conference(
    world: World, room: Room, begun: ApiRecording, order: RecordingOrder
) -> None:
    await world.scheduler.wait_first(room.closed, begun.stopped, timeout_s=order.limit_s)
    room.api_recordings.remove(begun)
    kind = "voice.conference_recording_api.completed"
    await _report_recording(world, begun.recording, order, kind, conference_name=room.name)


async def _report_recording(
    world: World, recording: Recording, order: RecordingOrder, kind: str, **labels: str
) -> None:
    end_recording(recording, world.now)
    await world.scheduler.sleep(READY_AFTER_S)
    fields = api_recording_fields(recording, api_id=order.api_id, **labels)
    world.notify(recording.leg, kind, order.callback, fields)
    if order.transcription[0]:
        await world.scheduler.sleep(TRANSCRIBED_AFTER_S)
        fields = transcription_fields(world, recording.leg, recording)
        world.notify(recording.leg, "voice.transcription", order.transcription, fields)
