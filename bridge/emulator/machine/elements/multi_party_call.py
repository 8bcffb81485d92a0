"""MultiPartyCall: a room for customers, agents and supervisors.

1. The first participant opens the call (initialized). It starts when one with ``startMpcOnEnter``
   enters, or when the API starts it. Until then participants wait, with ``waitMusicUrl``.
2. A participant leaves with its leg, when it is kicked, or when the call ends: after ``maxDuration``
   since it was opened, when one with ``endMpcOnExit`` leaves, when one without ``stayAlone`` remains
   of a call that has started, or by the API.
3. A leg that goes on when it has left asks ``onExitActionUrl`` for its next document. Without this URL
   it ends, with 4020 or, kicked, with 4030. The URL is called too if the leg has ended.
4. The call is recorded (``record``) when it has started and has ``recordMinMemberCount`` participants; a
   participant (``recordParticipantTrack``) when the call has started.
5. A participant on hold hears the hold music of its role. Only supervisors coach.
6. A full call (``maxParticipants``) is passed over.

Sources: Plivo's pages on conferencing and on multi-party calls. The order of events, rule 6 and what
happens without ``onExitActionUrl`` are inferred.
"""

from dataclasses import dataclass
from typing import Final

from bridge.emulator.machine.causes import DocumentSource, make_cause
from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.elements import mpc_events
from bridge.emulator.machine.elements.attributes import read_flag, read_integer, read_url
from bridge.emulator.machine.fields import base_fields
from bridge.emulator.machine.keypad import watch_digits
from bridge.emulator.machine.leg import Leg, LegOver, Step, Transferred
from bridge.emulator.machine.person import Phase
from bridge.emulator.machine.retries import UNSETTABLE
from bridge.emulator.machine.rooms import Control, Departure, Member, Room
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

_EXIT: Final = "voice.mpc.exit"
_ROLES: Final = {"agent": "Agent", "customer": "Customer", "supervisor": "Supervisor"}
_KEYS: Final = tuple("0123456789*#")
_PARTICIPANTS: Final = (2, 10)
_DURATION_S: Final = (300, 28_800)
_DURATION_DEFAULT_S: Final = 14_400
# The attributes that count for the whole call.
_SETTINGS: Final = (
    "agentHoldMusicMethod",
    "agentHoldMusicUrl",
    "customerHoldMusicMethod",
    "customerHoldMusicUrl",
    "record",
    "recordFileFormat",
    "recordMinMemberCount",
    "recordingCallbackMethod",
    "recordingCallbackUrl",
    "startRecordingAudio",
    "startRecordingAudioMethod",
    "statusCallbackEvents",
    "statusCallbackMethod",
    "statusCallbackUrl",
    "stopRecordingAudio",
    "stopRecordingAudioMethod",
    "waitMusicMethod",
    "waitMusicUrl",
)


@dataclass(frozen=True, slots=True)
class _Stay:
    """One participant's stay."""

    world: World
    node: Node
    room: Room
    member: Member


async def multi_party_call(world: World, leg: Leg, node: Node) -> Step | None:
    """Enter a multi-party call, and stay until the participant leaves."""
    name, auth_id = node.text.strip(), leg.account.auth_id
    room = world.multi_party_calls.find(auth_id, name)
    members_max = _read_within(node, "maxParticipants", _PARTICIPANTS[1], *_PARTICIPANTS)
    if room is not None and len(room.members) >= members_max:
        world.note(leg.uuid, f"line {node.line}: the multi-party call {name!r} is full")
        return None
    is_new = room is None
    if room is None:
        room = Room(auth_id, name, world.new_uuid(), world.now)
        world.multi_party_calls.add(room)
    stay = _Stay(world, node, room, world.multi_party_calls.enter(room, leg, world.now))
    _join(stay, is_new=is_new)
    try:
        departure = await _remain(stay)
    except (LegOver, Transferred):
        fields = _leave(stay)
        if leg.ended.is_set:
            fields = base_fields(leg, world.conditions, **fields)
            world.notify(leg, _EXIT, _find_exit_url(node), fields, UNSETTABLE)
        raise
    return _go_on(stay, departure, _leave(stay))


def _join(stay: _Stay, *, is_new: bool) -> None:
    """Tell that the participant is there, and do what its entry causes."""
    world, node, room, member = stay.world, stay.node, stay.room, stay.member
    room.settings.update(
        {name: node.attributes[name] for name in _SETTINGS if name in node.attributes}
    )
    member.role = _ROLES.get(node.attributes.get("role", "").strip().lower(), "")
    if not member.role:
        world.note(
            member.leg.uuid, f"line {node.line}: no role that Plivo knows; taken as Customer"
        )
        member.role = "Customer"
    member.stays_alone = read_flag(node, "stayAlone", default=False)
    member.is_muted = read_flag(node, "mute", default=False)
    member.is_recorded = read_flag(node, "recordParticipantTrack", default=False)
    member.is_coaching = member.role == "Supervisor" and read_flag(node, "coachMode", default=True)
    if is_new:
        mpc_events.report(world, room, member.leg, "MPCInitialized")
        limit_s = _read_within(node, "maxDuration", _DURATION_DEFAULT_S, *_DURATION_S)
        world.scheduler.start(_end_at_limit(world, room, limit_s))
    mpc_events.report_member(world, room, member, "ParticipantJoin")
    mpc_events.play_url(world, member.leg, _read_sound(node, "enterSound"))
    if room.started_at is None and read_flag(node, "startMpcOnEnter", default=True):
        _start(stay)
    elif room.started_at is None:
        mpc_events.play(world, room, member.leg, "waitMusicUrl", "waitMusicMethod")
    _begin_recordings(stay)
    if read_flag(node, "hold", default=False):
        _hold(stay)


def _start(stay: _Stay) -> None:
    """Start the call: rule 1."""
    if stay.room.started_at is None:
        stay.room.started_at = stay.world.now
        mpc_events.report(stay.world, stay.room, stay.member.leg, "MPCStart")


def _begin_recordings(stay: _Stay) -> None:
    """Begin the recordings that are due: rule 4."""
    world, room = stay.world, stay.room
    if room.started_at is None:
        return
    count = room.settings.get("recordMinMemberCount", "").strip()
    is_wanted = room.settings.get("record", "").strip().lower() == "true"
    if is_wanted and room.track is None and len(room.members) >= (2 if count == "2" else 1):
        room.track = mpc_events.record(world, room, stay.member.leg)
    for member in room.members:
        if member.is_recorded and member.track is None:
            member.track = mpc_events.record(world, room, member.leg, member)


async def _remain(stay: _Stay) -> Departure:
    """Stay until the participant must leave; return why: rule 2."""
    world, room, member = stay.world, stay.room, stay.member

    def hear(_digit: str) -> None:
        mpc_events.report_member(world, room, member, "ParticipantDigitInput")

    keys = _KEYS if mpc_events.wants(room, mpc_events.DIGIT_EVENTS) else ()
    member.leg.enter(Phase.MULTIPARTY, listens=bool(keys))
    watcher = world.scheduler.start(watch_digits(member.leg, keys, hear))
    departs, controls = member.departs, member.controls
    try:
        while await world.scheduler.wait_first(departs, controls.arrived) is not departs:
            _act(stay, controls.take())
    finally:
        watcher.stop(LegOver())
    return departs.value


def _act(stay: _Stay, control: Control | None) -> None:
    """Act on what others do to the participant, or to the call."""
    world, room, leg = stay.world, stay.room, stay.member.leg
    match control:
        case Control.HOLD:
            _hold(stay)
        case Control.KICK:
            stay.member.departs.set(Departure.KICKED)
        case Control.START_ROOM:
            _start(stay)
            _begin_recordings(stay)
        case Control.END_ROOM:
            room.end()
        case Control.PAUSE_RECORDING:
            mpc_events.pause_recording(world, room, leg)
        case Control.RESUME_RECORDING:
            mpc_events.resume_recording(world, room, leg)
        case _:
            _change(stay, control)


def _change(stay: _Stay, control: Control | None) -> None:
    """Change the state of a participant, and tell, if it is not in this state already."""
    member, event = stay.member, ""
    match control:
        case Control.MUTE if not member.is_muted:
            member.is_muted, event = True, "ParticipantMute"
        case Control.UNMUTE if member.is_muted:
            member.is_muted, event = False, "ParticipantUnmute"
        case Control.UNHOLD if member.is_on_hold:
            member.is_on_hold, event = False, "ParticipantUnhold"
        case Control.COACH if member.role == "Supervisor" and not member.is_coaching:
            member.is_coaching, event = True, "ParticipantCoachModeStart"
        case Control.UNCOACH if member.is_coaching:
            member.is_coaching, event = False, "ParticipantCoachModeStop"
        case Control.TALK if not member.is_talking and not member.is_muted:
            member.is_talking, event = True, "ParticipantSpeakStart"
        case Control.HUSH if member.is_talking:
            member.is_talking, event = False, "ParticipantSpeakStop"
        case _:
            return
    mpc_events.report_member(stay.world, stay.room, member, event)


def _hold(stay: _Stay) -> None:
    """Put a participant on hold: rule 5."""
    world, room, member = stay.world, stay.room, stay.member
    if member.is_on_hold:
        return
    member.is_on_hold = True
    mpc_events.report_member(world, room, member, "ParticipantHold")
    role = "customer" if member.role == "Customer" else "agent"
    mpc_events.play(world, room, member.leg, f"{role}HoldMusicUrl", f"{role}HoldMusicMethod")


def _leave(stay: _Stay) -> Parameters:
    """Tell that the participant has left, and do what its exit causes. Return the fields of the exit."""
    world, room, member = stay.world, stay.room, stay.member
    world.multi_party_calls.leave(room, member)
    mpc_events.report_member(world, room, member, "ParticipantExit")
    mpc_events.play_url(world, member.leg, _read_sound(stay.node, "exitSound"))
    if member.track is not None:
        mpc_events.complete_recording(world, room, member.leg, member.track, member)
    is_alone = len(room.members) == 1 and room.started_at is not None
    if read_flag(stay.node, "endMpcOnExit", default=False) or (
        is_alone and not room.members[0].stays_alone
    ):
        room.end()
    if not room.members:
        if room.track is not None:
            mpc_events.complete_recording(world, room, member.leg, room.track)
        mpc_events.report_end(world, room, member.leg)
    return {
        "MPCFriendlyName": room.name,
        "MPCUUID": room.uuid,
        "MemberID": member.id,
        "ParticipantCallUUID": member.leg.uuid,
        "ParticipantEndTime": mpc_events.format_offset(world.now),
        "ParticipantJoinTime": mpc_events.format_offset(member.joined_at),
        "ParticipantRole": member.role,
    }


def _go_on(stay: _Stay, departure: Departure, fields: Parameters) -> Step:
    """Return the step to the next document; without one the leg ends: rule 3."""
    url = _find_exit_url(stay.node)
    if url[0]:
        return Step(_EXIT, *url, DocumentSource.ACTION, fields)
    is_kicked = departure is Departure.KICKED
    cause = make_cause("4030", "API Request") if is_kicked else make_cause("4020", "Plivo")
    stay.member.leg.end(cause, stay.world.now)
    raise LegOver


async def _end_at_limit(world: World, room: Room, limit_s: float) -> None:
    if await world.scheduler.wait_first(room.closed, timeout_s=limit_s) is None:
        room.end()


def _find_exit_url(node: Node) -> tuple[str, str]:
    return read_url(node, "onExitActionUrl", "onExitActionMethod")


def _read_sound(node: Node, name: str) -> tuple[str, str]:
    method = node.attributes.get(f"{name}Method", "").strip().upper() or "GET"
    return node.attributes.get(name, "").strip(), method


def _read_within(node: Node, name: str, default: int, least: int, most: int) -> int:
    """Return a whole number; the default if it is missing or out of range."""
    value = read_integer(node, name, default)
    return value if least <= value <= most else default
