"""The callbacks of a multi-party call and of its recordings.

1. ``statusCallbackEvents`` names groups of events; the others are not sent.
2. Attributes that count for the whole call are those of the latest document that has them.
3. The URLs have no retry settings. Callbacks go by POST and sounds by GET if no method is named.
4. A recording of the call has ``MPCName`` and ``MPCUUID``, one of a participant ``MemberID`` instead.
   Its callbacks are numbered from 1. Its duration is without pauses.

Sources: Plivo's pages on conferencing and on multi-party calls (events, fields, formats). Rule 2 is
inferred.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.elements.sounds import fetch_sound
from bridge.emulator.machine.fields import (
    bill_duration_s,
    compute_cost,
    in_order,
    sip_header_fields,
)
from bridge.emulator.machine.leg import Leg
from bridge.emulator.machine.recordings import READY_AFTER_S, begin_recording, end_recording
from bridge.emulator.machine.retries import UNSETTABLE
from bridge.emulator.machine.rooms import Member, Room, Track
from bridge.emulator.machine.world import World

DIGIT_EVENTS: Final = "participant-digit-input-events"
_GROUPS: Final = {
    "MPCInitialized": "mpc-state-changes",
    "MPCStart": "mpc-state-changes",
    "MPCEnd": "mpc-state-changes",
    "ParticipantSpeakStart": "participant-speak-events",
    "ParticipantSpeakStop": "participant-speak-events",
    "ParticipantDigitInput": DIGIT_EVENTS,
}
_OF_PARTICIPANTS: Final = "participant-state-changes"
_DEFAULT_EVENTS: Final = "mpc-state-changes,participant-state-changes"
_FORMATS: Final = frozenset({"mp3", "wav"})
_RESOURCES: Final = "https://api.plivo.com/v1/Account"


def format_offset(instant: datetime) -> str:
    """Return ``2026-03-07 14:13:40+00:00``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S+00:00")


def find_url(room: Room, name: str, method_name: str, method: str = "GET") -> tuple[str, str]:
    """Return a URL of the whole call, and its method: rule 2."""
    return room.settings.get(name, "").strip(), room.settings.get(method_name, "").upper() or method


def wants(room: Room, group: str) -> bool:
    """Return whether a group of events is sent: rule 1."""
    names = room.settings.get("statusCallbackEvents", "").strip() or _DEFAULT_EVENTS
    return group in {name.strip().lower() for name in names.split(",")}


def report(world: World, room: Room, leg: Leg, event: str, **more: str) -> None:
    """Send an event of the call; ``leg`` caused it."""
    if not wants(room, _GROUPS.get(event, _OF_PARTICIPANTS)):
        return
    fields = in_order({
        "EventName": event,
        "EventTimestamp": format_offset(world.now),
        "MPCName": room.name,
        "MPCUUID": room.uuid,
        **more,
    })  # fmt: skip
    url = find_url(room, "statusCallbackUrl", "statusCallbackMethod", "POST")
    world.notify(leg, "voice.mpc.status", url, fields, UNSETTABLE)


def report_member(world: World, room: Room, member: Member, event: str) -> None:
    """Send an event of a participant."""
    report(
        world,
        room,
        member.leg,
        event,
        MemberID=member.id,
        ParticipantCallUUID=member.leg.uuid,
        ParticipantCoachMode="true" if member.is_coaching else "false",
        ParticipantRole=member.role,
        **sip_header_fields(member.leg),
    )


def report_end(world: World, room: Room, leg: Leg) -> None:
    """Say that the call is over, and what it costs."""
    started_at = room.started_at or world.now
    duration_s = round((world.now - started_at).total_seconds())
    billed_s = bill_duration_s(duration_s, world.conditions)
    report(
        world,
        room,
        leg,
        "MPCEnd",
        MPCBilledAmount=compute_cost(billed_s, world.conditions),
        MPCBilledDuration=str(billed_s),
        MPCDuration=str(duration_s),
    )


def play(world: World, room: Room, leg: Leg, name: str, method_name: str) -> None:
    """Fetch a sound of the whole call, while the call goes on."""
    play_url(world, leg, find_url(room, name, method_name))


def play_url(world: World, leg: Leg, url: tuple[str, str]) -> None:
    """Fetch a sound, while the call goes on."""
    world.scheduler.start_now(fetch_sound(world, leg, "voice.mpc.sound", url, UNSETTABLE))


def record(world: World, room: Room, leg: Leg, member: Member | None = None) -> Track:
    """Begin to record the call, or one participant."""
    file_format = room.settings.get("recordFileFormat", "").strip().lower()
    track = Track(begin_recording(world, leg, file_format if file_format in _FORMATS else "mp3"))
    if member is None:
        play(world, room, leg, "startRecordingAudio", "startRecordingAudioMethod")
    _report_recording(world, room, leg, track, "Initiated", member)
    return track


def pause_recording(world: World, room: Room, leg: Leg) -> None:
    """Pause the recording of the call, if there is one."""
    track = room.track
    if track is not None and track.paused_at is None:
        track.paused_at = world.now
        _report_recording(world, room, leg, track, "Paused")


def resume_recording(world: World, room: Room, leg: Leg) -> None:
    """Go on with a recording that is paused."""
    track = room.track
    if track is not None and track.paused_at is not None:
        _add_pause(track, track.paused_at, world.now)
        _report_recording(world, room, leg, track, "Resumed")


def complete_recording(
    world: World, room: Room, leg: Leg, track: Track, member: Member | None = None
) -> None:
    """End a recording, and say where it is when the file is ready."""
    if track.paused_at is not None:
        _add_pause(track, track.paused_at, world.now)
    end_recording(track.recording, world.now)
    if member is None:
        play(world, room, leg, "stopRecordingAudio", "stopRecordingAudioMethod")
    world.scheduler.start(_report_when_ready(world, room, leg, track, member))


async def _report_when_ready(
    world: World, room: Room, leg: Leg, track: Track, member: Member | None
) -> None:
    await world.scheduler.sleep(READY_AFTER_S)
    recording = track.recording
    ended_at = recording.started_at + timedelta(milliseconds=recording.duration_ms)
    ended = {
        "RecordingDuration": str(round((recording.duration_ms - track.paused_ms) / 1000)),
        "RecordingEndTime": format_offset(ended_at),
    }
    _report_recording(world, room, leg, track, "Completed", member, **ended)


def _add_pause(track: Track, since: datetime, until: datetime) -> None:
    track.paused_ms += (until - since) // timedelta(milliseconds=1)
    track.paused_at = None


def _report_recording(  # noqa: PLR0913, PLR0917 (everything that the callback depends on)
    world: World,
    room: Room,
    leg: Leg,
    track: Track,
    event: str,
    member: Member | None = None,
    **more: str,
) -> None:
    """Send a callback about a recording: rule 4."""
    recording = track.recording
    track.callbacks += 1
    of: Parameters = {"MPCName": room.name, "MPCUUID": room.uuid}
    if member is not None:
        of = {"MemberID": member.id}
    fields = in_order({
        "EventName": f"{'MPC' if member is None else 'Participant'}Recording{event}",
        "EventTimestamp": format_offset(world.now),
        "RecordingFormat": recording.url.rpartition(".")[2],
        "RecordingResourceURL": f"{_RESOURCES}/{room.auth_id}/Recording/{recording.id}/",
        "RecordingStartTime": format_offset(recording.started_at),
        "RecordingURL": recording.url,
        "RecordingUUID": recording.id,
        "SequenceNumber": str(track.callbacks),
        **of,
        **more,
    })  # fmt: skip
    url = find_url(room, "recordingCallbackUrl", "recordingCallbackMethod", "POST")
    world.notify(leg, "voice.mpc.recording", url, fields, UNSETTABLE)
