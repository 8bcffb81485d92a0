"""Add, read and change participants of multi-party calls: Plivo's pages on participants.

Participants are named by their id, or by ``all``.
"""

from http import HTTPStatus
from typing import Final

from bridge.emulator.api.answers import (
    Answer,
    Body,
    refuse_argument,
    refuse_missing,
    refuse_unknown,
)
from bridge.emulator.api.multi_party_calls import (
    answer_recording,
    find_path,
    find_room,
    read_recording,
)
from bridge.emulator.api.pages import answer_page
from bridge.emulator.api.participant_orders import read_element, read_participant_order
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.machine import api_actions
from bridge.emulator.machine import participants as machine_participants
from bridge.emulator.machine.elements import mpc_events
from bridge.emulator.machine.elements.mpc_events import format_offset
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.rooms import Control, Member, Room
from bridge.reply.urls import is_absolute

_DONE: Final = Answer(HTTPStatus.NO_CONTENT, {})
# The effect of each argument of an update: control for true, control for false, word in the answer.
_UPDATES: Final = {
    "coach_mode": (Control.COACH, Control.UNCOACH, "coach_mode enable/disable"),
    "hold": (Control.HOLD, Control.UNHOLD, "hold/unhold"),
    "mute": (Control.MUTE, Control.UNMUTE, "mute/unmute"),
}


def add_participants(machine: Machine, request: ApiRequest) -> Answer:
    """Add a call that goes on, or call somebody and add who answers."""
    arguments = request.arguments
    element = read_element(machine, request)
    uuid = arguments.read_text("call_uuid")
    if uuid:
        leg = machine.world.legs.get(uuid)
        if leg is None or not request.may_see(leg.account.auth_id):
            raise refuse_unknown()
        if not api_actions.can_transfer(leg):
            raise refuse_unknown()
        machine_participants.add_call(leg, element)
        added = [{"call_uuid": uuid, "from": leg.caller, "to": leg.callee}]
    else:
        order = read_participant_order(request, element)
        begins_at = machine.queue.reserve(request.account.main_auth_id)
        legs = machine_participants.call_participants(machine.world, order, begins_at)
        added = [{"call_uuid": one.uuid, "from": one.caller, "to": one.callee} for one in legs]
    body: Body = {
        "calls": [{**one} for one in added],
        "message": "add participant action initiated",
        "request_uuid": request.api_id,
    }
    return Answer(HTTPStatus.CREATED, body)


def list_participants(machine: Machine, request: ApiRequest) -> Answer:
    """List the participants of a call."""
    room = find_room(machine, request)
    return answer_page(
        room.members,
        lambda member: _show_member(member, room, request),
        request.arguments,
        path=f"{find_path(request)}Participant/",
        total_name="count",
    )


def get_participant(machine: Machine, request: ApiRequest) -> Answer:
    """Return one participant."""
    room, member = _find_participant(machine, request)
    return Answer(HTTPStatus.OK, _show_member(member, room, request))


def update_participants(machine: Machine, request: ApiRequest) -> Answer:
    """Mute, hold or coach participants, or stop that."""
    arguments = request.arguments
    room, members = _find_members(machine, request)
    asked = [name for name in _UPDATES if name in arguments]
    if not asked:
        raise refuse_missing("mute")
    messages: Body = {}
    for name in asked:
        on, off, words = _UPDATES[name]
        control = on if arguments.read_flag(name) else off
        for member in members:
            member.controls.put(control)
        messages[name] = f"MPC: {room.name} {words} member(s) succeeded"
    body: Body = {"message": messages, "request_uuid": request.api_id}
    return Answer(HTTPStatus.ACCEPTED, body)


def kick_participants(machine: Machine, request: ApiRequest) -> Answer:
    """Let participants leave the call."""
    _, members = _find_members(machine, request)
    for member in members:
        member.controls.put(Control.KICK)
    return _DONE


def play_to_participants(machine: Machine, request: ApiRequest) -> Answer:
    """Play a sound file to participants."""
    room, members = _find_members(machine, request)
    url = request.arguments.require_text("url")
    if not is_absolute(url):
        raise refuse_argument("url", "It must be an absolute URL.")
    for member in members:
        machine.world.note(member.leg.uuid, f"{url} is played")
    return _answer_sound("play queued into MPC", room, members)


def speak_to_participants(machine: Machine, request: ApiRequest) -> Answer:
    """Read a text to participants."""
    room, members = _find_members(machine, request)
    text = request.arguments.require_text("text")
    for member in members:
        machine.world.note(member.leg.uuid, f"{text!r} is spoken")
    return _answer_sound("speak queued into MPC", room, members)


def stop_sound(machine: Machine, request: ApiRequest) -> Answer:
    """Stop what is played or spoken to participants."""
    _find_members(machine, request)
    return _DONE


def record_participant(machine: Machine, request: ApiRequest) -> Answer:
    """Record a participant."""
    room, member = _find_participant(machine, request)
    if member.track is not None:
        raise refuse_argument("member_id", "It is recorded already.")
    read_recording(request.arguments, room)
    member.track = mpc_events.record(machine.world, room, member.leg, member)
    return answer_recording(room, member.track.recording.id, member.track.recording.url)


def stop_recording_participant(machine: Machine, request: ApiRequest) -> Answer:
    """Stop the recording of a participant."""
    room, member = _find_participant(machine, request)
    if member.track is None:
        raise refuse_unknown()
    track, member.track = member.track, None
    member.is_recorded = False
    mpc_events.complete_recording(machine.world, room, member.leg, track, member)
    return _DONE


def _find_members(machine: Machine, request: ApiRequest) -> tuple[Room, list[Member]]:
    room, asked = find_room(machine, request), request.ids["member_id"]
    members = [one for one in room.members if asked in {one.id, "all"}]
    if not members:
        raise refuse_unknown()
    return room, members


def _find_participant(machine: Machine, request: ApiRequest) -> tuple[Room, Member]:
    room, members = _find_members(machine, request)
    return room, members[0]


def _show_member(member: Member, room: Room, request: ApiRequest) -> Body:
    return {
        "billed_amount": None,
        "billed_duration": None,
        "call_uuid": member.leg.uuid,
        "coach_mode": member.is_coaching,
        "duration": None,
        "exit_cause": None,
        "exit_time": None,
        "hold": member.is_on_hold,
        "join_time": format_offset(member.joined_at),
        "member_id": member.id,
        "mpc_uuid": room.uuid,
        "mute": member.is_muted,
        "resource_uri": f"{find_path(request)}Participant/{member.id}/",
        "role": member.role.lower(),
    }


def _answer_sound(message: str, room: Room, members: list[Member]) -> Answer:
    body: Body = {
        "message": message,
        "mpcMemberId": [member.id for member in members],
        "mpcName": room.name,
    }
    return Answer(HTTPStatus.ACCEPTED, body)
