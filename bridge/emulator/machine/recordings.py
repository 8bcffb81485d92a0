"""Recordings: begin and end them, and describe them as callbacks do.

1. A recording that goes on has -1 as its durations and its end.
2. Instants are epoch milliseconds. Durations are in whole seconds and in milliseconds.
"""

from datetime import datetime, timedelta

from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.fields import format_ms, in_order
from bridge.emulator.machine.leg import Leg, Recording
from bridge.emulator.machine.world import World


def begin_recording(world: World, leg: Leg, file_format: str = "mp3") -> Recording:
    """Begin to record a leg now."""
    uuid = world.new_uuid()
    account = leg.account.auth_id
    url = f"{world.conditions.media_url}/v1/Account/{account}/Recording/{uuid}.{file_format}"
    return Recording(uuid, url, world.now)


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
