"""Read and change conferences: Plivo's page on conferences.

1. An account sees its own conferences and those of its subaccounts, by name.
2. Members are named by their ids, joined with commas, or by ``all``.
3. A member that is kicked leaves the conference, and its call goes on; one that is hung up does not, and
   neither do the members of a conference that is hung up (seen on a clone of Plivo).
4. Not documented, so inferred: ``member_id`` of an answer is a list if several are named.
"""

from http import HTTPStatus
from typing import Final

from bridge.emulator.api.answers import Answer, Body, Json, refuse_argument, refuse_unknown
from bridge.emulator.api.call_actions import read_recording_order
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.machine import api_actions
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.rooms import Control, Member, Room
from bridge.reply.urls import is_absolute

_DONE: Final = Answer(HTTPStatus.NO_CONTENT, {})


def list_conferences(machine: Machine, request: ApiRequest) -> Answer:
    """List the names of conferences that go on."""
    names: list[Json] = [room.name for room in _find_rooms(machine, request)]
    return Answer(HTTPStatus.OK, {"conferences": names})


def get_conference(machine: Machine, request: ApiRequest) -> Answer:
    """Return a conference with its members."""
    room, now = _find_room(machine, request), machine.world.now
    members: list[Json] = [
        {
            "call_uuid": member.leg.uuid,
            "caller_name": member.leg.caller_name,
            "deaf": member.is_deaf,
            "direction": member.leg.direction,
            "from": member.leg.caller,
            "join_time": str(int((now - member.joined_at).total_seconds())),
            "member_id": member.id,
            "muted": member.is_muted,
            "to": member.leg.callee,
        }
        for member in room.members
    ]
    return Answer(
        HTTPStatus.OK,
        {
            "conference_member_count": str(len(room.members)),
            "conference_name": room.name,
            "conference_run_time": str(int((now - room.opened_at).total_seconds())),
            "members": members,
        },
    )


def hang_up_conference(machine: Machine, request: ApiRequest) -> Answer:
    """End the calls of all members of a conference."""
    _hang_up(machine, _find_room(machine, request).members)
    return _DONE


def hang_up_conferences(machine: Machine, request: ApiRequest) -> Answer:
    """End the calls of all members of all conferences."""
    for room in _find_rooms(machine, request):
        _hang_up(machine, room.members)
    return _DONE


def hang_up_members(machine: Machine, request: ApiRequest) -> Answer:
    """End the calls of members: rule 3."""
    _hang_up(machine, _find_members(machine, request))
    return _DONE


def kick_members(machine: Machine, request: ApiRequest) -> Answer:
    """Let members leave the conference: rule 3."""
    return _control(machine, request, Control.KICK, "kicked")


def mute_members(machine: Machine, request: ApiRequest) -> Answer:
    """Let the others not hear members."""
    return _control(machine, request, Control.MUTE, "muted")


def unmute_members(machine: Machine, request: ApiRequest) -> Answer:
    """Let the others hear members again."""
    _control(machine, request, Control.UNMUTE, "unmuted")
    return _DONE


def deafen_members(machine: Machine, request: ApiRequest) -> Answer:
    """Let members not hear the others."""
    members = _find_members(machine, request)
    for member in members:
        member.is_deaf = True
    return _accept("deaf", members)


def undeafen_members(machine: Machine, request: ApiRequest) -> Answer:
    """Let members hear the others again."""
    for member in _find_members(machine, request):
        member.is_deaf = False
    return _DONE


def play_to_members(machine: Machine, request: ApiRequest) -> Answer:
    """Play a sound file to members."""
    members = _find_members(machine, request)
    url = request.arguments.require_text("url")
    if not is_absolute(url):
        raise refuse_argument("url", "It must be an absolute URL.")
    for member in members:
        machine.world.note(member.leg.uuid, f"{url} is played")
    return _accept("play queued into conference", members)


def speak_to_members(machine: Machine, request: ApiRequest) -> Answer:
    """Read a text to members."""
    members = _find_members(machine, request)
    text = request.arguments.require_text("text")
    for member in members:
        machine.world.note(member.leg.uuid, f"{text!r} is spoken")
    return _accept("speak queued into conference", members)


def stop_sound(machine: Machine, request: ApiRequest) -> Answer:
    """Stop what is played or spoken to members."""
    _find_members(machine, request)
    return _DONE


def start_recording(machine: Machine, request: ApiRequest) -> Answer:
    """Record a conference. The ``callback_url`` gets the recording, not the answer."""
    room = _find_room(machine, request)
    order = read_recording_order(request)
    recording = api_actions.start_conference_recording(machine.world, room, order)
    return Answer(
        HTTPStatus.ACCEPTED,
        {
            "message": "conference recording started",
            "recording_id": recording.id,
            "url": recording.url,
        },
    )


def stop_recording(machine: Machine, request: ApiRequest) -> Answer:
    """Stop the recordings of a conference."""
    if not api_actions.stop_recordings(_find_room(machine, request).api_recordings):
        raise refuse_unknown()
    return _DONE


def _find_rooms(machine: Machine, request: ApiRequest) -> list[Room]:
    return [room for room in machine.world.conferences if request.may_see(room.auth_id)]


def _find_room(machine: Machine, request: ApiRequest) -> Room:
    name = request.ids["conference_name"]
    for room in _find_rooms(machine, request):
        if room.name == name:
            return room
    raise refuse_unknown()


def _find_members(machine: Machine, request: ApiRequest) -> list[Member]:
    """Return the members that the path names: rule 2."""
    members = _find_room(machine, request).members
    asked = request.ids["member_ids"]
    if asked == "all":
        return list(members)
    by_id = {member.id: member for member in members}
    found = [by_id.get(one.strip()) for one in asked.split(",")]
    named = [member for member in found if member is not None]
    if len(named) < len(found):
        raise refuse_unknown()
    return named


def _hang_up(machine: Machine, members: list[Member]) -> None:
    for member in list(members):
        api_actions.hang_up(machine.world, member.leg)


def _control(machine: Machine, request: ApiRequest, control: Control, message: str) -> Answer:
    members = _find_members(machine, request)
    for member in members:
        member.controls.put(control)
    return _accept(message, members)


def _accept(message: str, members: list[Member]) -> Answer:
    ids: list[Json] = [member.id for member in members]
    body: Body = {"message": message, "member_id": ids[0] if len(ids) == 1 else ids}
    return Answer(HTTPStatus.ACCEPTED, body)
