"""Recordings: begin and end them, and describe them as callbacks do.

1. A recording that goes on has -1 as its durations and its end.
2. Instants are epoch milliseconds. Durations are in whole seconds and in milliseconds.
3. A recording under 500 ms has no transcription (Plivo's page). The moments when a file is ready, and
   when its words are known, are inferred.
"""

from datetime import datetime, timedelta
from typing import Final

from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.fields import compute_transcription_cost, format_ms, in_order
from bridge.emulator.machine.leg import Leg, Recording
from bridge.emulator.machine.world import World

READY_AFTER_S: Final = 1.0
TRANSCRIBED_AFTER_S: Final = 5.0
_TRANSCRIBED_MS_MIN: Final = 500


def begin_recording(
    world: World, leg: Leg, file_format: str = "mp3", *, conference_name: str = ""
) -> Recording:
    """Begin to record a leg now, or the conference that it is in."""
    uuid = world.new_uuid()
    account = leg.account.auth_id
    url = f"{world.conditions.media_url}/v1/Account/{account}/Recording/{uuid}.{file_format}"
    recording = Recording(uuid, url, world.now, leg, file_format, conference_name)
    world.add_recording(recording)
    return recording


def end_recording(recording: Recording, at: datetime) -> None:
    """End a recording."""
    recording.duration_ms = (at - recording.started_at) // timedelta(milliseconds=1)


def recording_fields(recording: Recording) -> Parameters:
    """Return the parameters of a recording by XML: rules 1 and 2."""
    duration_ms, ended_ms = recording.duration_ms, "-1"
    if duration_ms >= 0:
        ended_ms = format_ms(recording.started_at + timedelta(milliseconds=duration_ms))
    return in_order({
        "RecordUrl": recording.url,
        "RecordingDuration": str(round(duration_ms / 1000)) if duration_ms >= 0 else "-1",
        "RecordingDurationMs": str(duration_ms),
        "RecordingEndMs": ended_ms,
        "RecordingID": recording.id,
        "RecordingStartMs": format_ms(recording.started_at),
    })  # fmt: skip


def api_recording_fields(recording: Recording, **labels: str) -> Parameters:
    """Return the parameters of a recording by the API. ``labels`` say what was recorded."""
    ended_at = recording.started_at + timedelta(milliseconds=recording.duration_ms)
    return in_order({
        "record_url": recording.url,
        "recording_duration": str(round(recording.duration_ms / 1000)),
        "recording_duration_ms": str(recording.duration_ms),
        "recording_end_ms": format_ms(ended_at),
        "recording_id": recording.id,
        "recording_start_ms": format_ms(recording.started_at),
        **labels,
    })  # fmt: skip


def transcription_fields(world: World, leg: Leg, recording: Recording) -> Parameters:
    """Return the parameters of a transcription: rule 3."""
    is_long_enough = recording.duration_ms >= _TRANSCRIBED_MS_MIN
    cost = compute_transcription_cost(recording.duration_ms, world.conditions)
    return in_order({
        "call_uuid": leg.uuid,
        "duration": str(round(recording.duration_ms / 1000)),
        "error": "" if is_long_enough else "the recording is too short",
        "recording_id": recording.id,
        "transcription": leg.person.records_words if is_long_enough else "",
        "transcription_charge": cost if is_long_enough else "0.0000",
        "transcription_rate": world.conditions.transcription_rate,
    })  # fmt: skip
