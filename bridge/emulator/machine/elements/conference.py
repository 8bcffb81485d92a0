"""Conference: a room for several legs.

1. ``waitSound`` is fetched before the leg enters, ``enterSound`` and ``exitSound`` when it enters and
   leaves; all by POST. A full room (``maxMembers`` of the leg that comes) is passed over.
2. A member enters at once, also while the conference waits for one with ``startConferenceOnEnter``.
3. A member leaves with its leg, by the ``*`` of ``hangupOnStar``, when it is kicked, or when the
   conference ends: at the ``timeLimit`` of the member that entered last, when a member with
   ``endConferenceOnExit`` leaves, or when one member with ``stayAlone="false"`` remains.
4. The first member, if it is not muted, has the floor. Afterwards a member that begins to talk gets it.
5. With ``record`` the conference is recorded from the entry of this member until it is empty. The record
   callback follows when the file is ready.
6. ``action`` is requested when the member has left, also if its leg has ended.

Callbacks after the first have the ids of call and conference, and custom SIP headers. Plivo's
open-source ancestor does rules 1, 2, 4 and 6 so, and most of rule 3.
"""

from dataclasses import dataclass
from typing import Final

from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.elements.action import ask_action
from bridge.emulator.machine.elements.attributes import read_flag, read_integer, read_url
from bridge.emulator.machine.elements.sounds import fetch_sound
from bridge.emulator.machine.fields import in_order, sip_header_fields
from bridge.emulator.machine.keypad import STAR, parse_patterns, watch_digits
from bridge.emulator.machine.leg import Leg, LegOver, Step, Transferred
from bridge.emulator.machine.person import Phase
from bridge.emulator.machine.recordings import (
    READY_AFTER_S,
    TRANSCRIBED_AFTER_S,
    begin_recording,
    end_recording,
    recording_fields,
    transcription_fields,
)
from bridge.emulator.machine.rooms import Control, Departure, Member, Room, Track
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

_MEMBERS_MAX: Final = 20
_TIME_LIMIT_S: Final = 86_400
_SOUND: Final = "voice.conference.sound"
_FORMATS: Final = frozenset({"mp3", "wav"})


@dataclass(frozen=True, slots=True)
class _Stay:
    """One member's stay in a conference."""

    world: World
    node: Node
    room: Room
    member: Member


async def conference(world: World, leg: Leg, node: Node) -> Step | None:
    """Enter a conference, and stay until the member leaves."""
    await fetch_sound(world, leg, _SOUND, (read_url(node, "waitSound")[0], "POST"))
    name, auth_id = node.text.strip(), leg.account.auth_id
    room = world.conferences.find(auth_id, name)
    members_max = min(read_integer(node, "maxMembers", _MEMBERS_MAX) or _MEMBERS_MAX, _MEMBERS_MAX)
    if room is not None and len(room.members) >= members_max:
        world.note(leg.uuid, f"line {node.line}: the conference {name!r} is full")
        return None
    room = room or world.conferences.add(Room(auth_id, name, world.new_uuid(), world.now))
    stay = _Stay(world, node, room, world.conferences.enter(room, leg, world.now))
    _enter(stay)
    try:
        await _remain(stay)
    except (LegOver, Transferred):
        fields = _leave(stay)
        if leg.ended.is_set:
            ask_action(world, leg, node, "voice.conference.action", fields)
        raise
    return ask_action(world, leg, node, "voice.conference.action", _leave(stay))


def _enter(stay: _Stay) -> None:
    """Tell that the member is there, and do what its entry causes: rules 1 to 5."""
    world, node, room, member = stay.world, stay.node, stay.room, stay.member
    leg, is_first = member.leg, len(room.members) == 1
    member.is_muted = read_flag(node, "muted", default=False)
    member.stays_alone = read_flag(node, "stayAlone", default=True)
    _report(
        stay,
        "enter",
        BillRate=world.conditions.bill_rate,
        CallStatus=leg.status,
        CallerName=leg.caller_name,
        ConferenceFirstMember="true" if is_first else "false",
        Direction=leg.direction,
        Event="ConferenceEnter",
        From=leg.caller,
        To=leg.callee,
    )
    _play(stay, "enterSound")
    if is_first and not member.is_muted:
        _take_floor(stay)
    if room.started_at is None and read_flag(node, "startConferenceOnEnter", default=True):
        room.started_at = world.now
    if room.limit is not None:
        room.limit.stop(LegOver())
    limit_s = read_integer(node, "timeLimit", _TIME_LIMIT_S) or _TIME_LIMIT_S
    room.limit = world.scheduler.start(_end_at_limit(world, room, limit_s))
    if room.track is None and read_flag(node, "record", default=False):
        file_format = node.attributes.get("recordFileFormat", "").strip().lower()
        file_format = file_format if file_format in _FORMATS else "mp3"
        room.track = Track(begin_recording(world, leg, file_format, conference_name=room.name))
        world.scheduler.start(_report_recording(stay, room.track))


async def _remain(stay: _Stay) -> None:
    """Stay until the member must leave: rule 3."""
    world, node, member = stay.world, stay.node, stay.member
    leaves_on_star = read_flag(node, "hangupOnStar", default=False)
    patterns = parse_patterns(node.attributes.get("digitsMatch", ""))
    heard = (*patterns, STAR) if leaves_on_star else patterns

    def hear(digits: str) -> None:
        if digits == STAR and leaves_on_star:
            member.departs.set(Departure.BY_ITSELF)
        else:
            _report(stay, "digits", ConferenceDigitsMatch=digits)

    member.leg.enter(Phase.CONFERENCE, listens=bool(heard))
    watcher = world.scheduler.start(watch_digits(member.leg, heard, hear))
    try:
        while (
            await world.scheduler.wait_first(member.departs, member.controls.arrived)
            is not member.departs
        ):
            _act(stay, member.controls.take())
    finally:
        watcher.stop(LegOver())


def _act(stay: _Stay, control: Control | None) -> None:
    """Act on what others do to the member. Plivo has no holding or coaching in a conference."""
    member, room = stay.member, stay.room
    match control:
        case Control.MUTE | Control.UNMUTE:
            member.is_muted = control is Control.MUTE
            if member.is_muted and room.floor is member:
                room.floor = None
        case Control.TALK:
            _take_floor(stay)
        case Control.KICK:
            member.departs.set(Departure.KICKED)
        case Control.END_ROOM:
            room.end()
        case _:
            pass


def _take_floor(stay: _Stay) -> None:
    """Give the floor to a member that may talk: rule 4."""
    if stay.member.is_muted or stay.room.floor is stay.member:
        return
    stay.room.floor = stay.member
    if read_flag(stay.node, "floorEvent", default=False):
        _report(stay, "floor")


def _leave(stay: _Stay) -> Parameters:
    """Tell that the member has left, and do what its exit causes. Return the fields of the action."""
    room, member = stay.room, stay.member
    recording = room.track.recording if room.track is not None else None
    stay.world.conferences.leave(room, member)
    room.floor = None if room.floor is member else room.floor
    _report(
        stay,
        "exit",
        ConferenceLastMember="false" if room.members else "true",
        Event="ConferenceExit",
    )
    _play(stay, "exitSound")
    remains_alone = len(room.members) == 1 and not room.members[0].stays_alone
    if remains_alone or read_flag(stay.node, "endConferenceOnExit", default=False):
        room.end()
    return {
        "ConferenceMemberID": member.id,
        "ConferenceName": room.name,
        "ConferenceUUID": room.uuid,
        "RecordUrl": recording.url if recording is not None else "",
        "RecordingID": recording.id if recording is not None else "",
    }


async def _end_at_limit(world: World, room: Room, limit_s: float) -> None:
    if await world.scheduler.wait_first(room.closed, timeout_s=limit_s) is None:
        room.end()


async def _report_recording(stay: _Stay, track: Track) -> None:
    """Say where the recording of the conference is, and what was said: rule 5."""
    world, node, leg, recording = stay.world, stay.node, stay.member.leg, track.recording
    await stay.room.closed
    end_recording(recording, world.now)
    await world.scheduler.sleep(READY_AFTER_S)
    _report(stay, "record", **recording_fields(recording))
    url = read_url(node, "transcriptionUrl", "transcriptionMethod")
    if url[0]:
        await world.scheduler.sleep(TRANSCRIBED_AFTER_S)
        fields = transcription_fields(world, leg, recording)
        world.notify(leg, "voice.transcription", url, fields)


def _play(stay: _Stay, name: str) -> None:
    """Fetch a sound, while the conference goes on."""
    url = (read_url(stay.node, name)[0], "POST")
    stay.world.scheduler.start_now(fetch_sound(stay.world, stay.member.leg, _SOUND, url))


def _report(stay: _Stay, action: str, **more: str) -> None:
    fields = in_order({
        "CallUUID": stay.member.leg.uuid,
        "ConferenceAction": action,
        "ConferenceMemberID": stay.member.id,
        "ConferenceName": stay.room.name,
        "ConferenceUUID": stay.room.uuid,
        **sip_header_fields(stay.member.leg),
        **more,
    })  # fmt: skip
    url = read_url(stay.node, "callbackUrl", "callbackMethod")
    stay.world.notify(stay.member.leg, f"voice.conference.{action}", url, fields)
