"""Read and change multi-party calls: Plivo's pages on multi-party calls.

1. A call is named ``name_`` and its name, or ``uuid_`` and its id. Calls that have ended are not found:
   an emulator does not keep them.
2. A request that changes a call is answered 202 or 204, as Plivo's page on it says.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from bridge.emulator.api.answers import Answer, Body, refuse_argument, refuse_unknown
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.pages import answer_page
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.machine.elements import mpc_events
from bridge.emulator.machine.elements.mpc_events import format_offset
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.rooms import Control, Room

_DONE: Final = Answer(HTTPStatus.NO_CONTENT, {})


def list_calls(machine: Machine, request: ApiRequest) -> Answer:
    """List the calls that go on: rule 1."""
    arguments = request.arguments
    name, status = arguments.read_text("friendly_name"), arguments.read_text("status").lower()
    found = [
        room
        for room in find_rooms(machine, request)
        if name in {"", room.name}
        and status in {"", _read_status(room).lower()}
        and arguments.read_text("sub_account") in {"", room.auth_id}
    ]
    return answer_page(
        found,
        lambda room: _show(room, request),
        arguments,
        path=f"{request.path}MultiPartyCall/",
        filter_names=("friendly_name", "status", "sub_account"),
        total_name="count",
    )


def get_call(machine: Machine, request: ApiRequest) -> Answer:
    """Return a call that goes on."""
    return Answer(HTTPStatus.OK, _show(find_room(machine, request), request))


def start_call(machine: Machine, request: ApiRequest) -> Answer:
    """Start a call whose participants wait."""
    room = find_room(machine, request)
    if room.started_at is not None:
        raise refuse_unknown()
    room.members[0].controls.put(Control.START_ROOM)
    return _DONE


def end_call(machine: Machine, request: ApiRequest) -> Answer:
    """End a call: all participants leave."""
    find_room(machine, request).end()
    return _DONE


def start_recording(machine: Machine, request: ApiRequest) -> Answer:
    """Record a call."""
    room = find_room(machine, request)
    if room.track is not None:
        raise refuse_argument("mpc_id", "It is recorded already.")
    read_recording(request.arguments, room)
    room.track = mpc_events.record(machine.world, room, room.members[0].leg)
    return answer_recording(room, room.track.recording.id, room.track.recording.url)


def stop_recording(machine: Machine, request: ApiRequest) -> Answer:
    """Stop the recording of a call."""
    room = find_room(machine, request)
    if room.track is None:
        raise refuse_unknown()
    track, room.track = room.track, None
    room.settings["record"] = "false"  # the next participant does not begin it again
    mpc_events.complete_recording(machine.world, room, room.members[0].leg, track)
    return _DONE


def pause_recording(machine: Machine, request: ApiRequest) -> Answer:
    """Pause the recording of a call."""
    return _control_recording(machine, request, Control.PAUSE_RECORDING)


def resume_recording(machine: Machine, request: ApiRequest) -> Answer:
    """Go on with the recording of a call."""
    return _control_recording(machine, request, Control.RESUME_RECORDING)


def find_rooms(machine: Machine, request: ApiRequest) -> list[Room]:
    """Return the calls that go on, and that the account may see."""
    return [room for room in machine.world.multi_party_calls if request.may_see(room.auth_id)]


def find_room(machine: Machine, request: ApiRequest) -> Room:
    """Return the call that the path names: rule 1."""
    kind, _, name = request.ids["mpc_id"].partition("_")
    read: Callable[[Room], str] = _read_uuid if kind == "uuid" else _read_name
    for room in find_rooms(machine, request):
        if read(room) == name:
            return room
    raise refuse_unknown()


def _read_uuid(room: Room) -> str:
    return room.uuid


def _read_name(room: Room) -> str:
    return room.name


def find_path(request: ApiRequest) -> str:
    """Return the path of the call that a request names."""
    return f"{request.path}MultiPartyCall/{request.ids['mpc_id']}/"


def _control_recording(machine: Machine, request: ApiRequest, control: Control) -> Answer:
    room = find_room(machine, request)
    if room.track is None:
        raise refuse_unknown()
    room.members[0].controls.put(control)
    return _DONE


def read_recording(arguments: Arguments, room: Room) -> None:
    """Take over the arguments of a recording: they count for the whole call."""
    url, method = arguments.read_url("recording_callback_url", "recording_callback_method")
    file_format = arguments.read_choice("file_format", ("mp3", "wav"))
    if url:
        room.settings |= {"recordingCallbackUrl": url, "recordingCallbackMethod": method}
    if file_format:
        room.settings["recordFileFormat"] = file_format


def _read_status(room: Room) -> str:
    return "Active" if room.started_at is not None else "Initialized"


def _show(room: Room, request: ApiRequest) -> Body:
    path = f"{request.path}MultiPartyCall/uuid_{room.uuid}/"
    owner = request.directory.accounts[room.auth_id]
    recording = "not-recording"
    if room.track is not None:
        recording = "recording" if room.track.paused_at is None else "paused"
    return {
        "billed_amount": None,
        "billed_duration": None,
        "creation_time": format_offset(room.opened_at),
        "duration": None,
        "end_time": None,
        "friendly_name": room.name,
        "mpc_uuid": room.uuid,
        "participants": f"{path}Participant/",
        "recording": recording,
        "resource_uri": path,
        "start_time": format_offset(room.started_at) if room.started_at else None,
        "status": _read_status(room),
        "stay_alone": any(member.stays_alone for member in room.members),
        "sub_account": room.auth_id if owner.parent_auth_id else None,
        "termination_cause": None,
        "termination_cause_code": None,
    }


def answer_recording(room: Room, recording_id: str, url: str) -> Answer:
    """Return the answer to a recording that began."""
    body: Body = {
        "message": f"MPC: {room.name} record started",
        "recording_id": recording_id,
        "recording_url": url,
    }
    return Answer(HTTPStatus.ACCEPTED, body)
