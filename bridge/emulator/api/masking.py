"""Begin, find, change and end masking sessions: Plivo's page on the Session API.

1. The virtual number is one of the account's. Which one Plivo takes is not documented: here it is the
   first that no other session of one of the parties has.
2. Only the URLs, the limits and the recording of a session can be changed. PINs are not emulated.
3. The form of a session, and of the answers, is that of the tests of Plivo's SDKs.
"""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Final

from bridge.emulator.api.answers import Answer, Body, Refused, refuse_argument, refuse_unknown
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.pages import answer_page
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.machine import masking
from bridge.emulator.machine.fields import compute_cost, format_go
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.masking import MaskingOrder, MaskingSession

_STATUSES: Final = ("active", "in-progress", "expired")
_FORMATS: Final = ("mp3", "wav")
_FILTERS: Final = ("first_party", "second_party", "virtual_number", "status", "subaccount")


def begin_session(machine: Machine, request: ApiRequest) -> Answer:
    """Begin a session: rule 1."""
    arguments = request.arguments
    first, second = _read_number(arguments, "first_party"), _read_number(arguments, "second_party")
    if first == second:
        raise refuse_argument("second_party", "It is the first party too.")
    number = _choose_number(machine, request, {first, second})
    order = MaskingOrder(request.account, first, second, number)
    order = replace(
        _change(order, arguments),
        calls_first_party=arguments.read_flag("initiate_call_to_first_party"),
    )
    session = machine.mask(order)
    return Answer(
        HTTPStatus.CREATED,
        {
            "message": "Session created",
            "session": _show(machine, session),
            "session_uuid": session.uuid,
            "virtual_number": f"+{number}",
        },
    )


def change_session(machine: Machine, request: ApiRequest) -> Answer:
    """Change a session that has not expired: rule 2."""
    session, now = _find(machine, request), machine.world.now
    if session.status_at(now) == "expired":
        raise Refused(HTTPStatus.BAD_REQUEST, "the session has expired")
    masking.change(session, _change(session.order, request.arguments), now)
    return Answer(HTTPStatus.OK, {"message": "Session updated", "session": _show(machine, session)})


def end_session(machine: Machine, request: ApiRequest) -> Answer:
    """Let a session expire now."""
    session = _find(machine, request)
    if session.status_at(machine.world.now) != "expired":
        masking.expire_at(session, machine.world.now)
    return Answer(HTTPStatus.OK, {"message": "Session Deleted"})


def get_session(machine: Machine, request: ApiRequest) -> Answer:
    """Return one session."""
    return Answer(HTTPStatus.OK, {"response": _show(machine, _find(machine, request))})


def list_sessions(machine: Machine, request: ApiRequest) -> Answer:
    """List sessions, newest first."""
    arguments = request.arguments
    arguments.read_choice("status", _STATUSES)
    equal = {
        name: arguments.read_text(name).removeprefix("+") for name in _FILTERS if name in arguments
    }

    def is_wanted(session: MaskingSession) -> bool:
        order = session.order
        values = {
            "first_party": order.first_party,
            "second_party": order.second_party,
            "virtual_number": order.virtual_number,
            "status": session.status_at(machine.world.now),
            "subaccount": order.account.auth_id,
        }
        return request.may_see(order.account.auth_id) and all(
            values[name] == text for name, text in equal.items()
        )

    newest_first = reversed(machine.masking_sessions.values())
    page = answer_page(
        [one for one in newest_first if is_wanted(one)],
        lambda one: _show(machine, one),
        arguments,
        path=f"{request.path}Masking/Session/",
        filter_names=_FILTERS,
    )
    return Answer(page.status, {"response": page.body})


def _find(machine: Machine, request: ApiRequest) -> MaskingSession:
    session = machine.masking_sessions.get(request.ids["session_uuid"])
    if session is None or not request.may_see(session.order.account.auth_id):
        raise refuse_unknown()
    return session


def _read_number(arguments: Arguments, name: str) -> str:
    number = arguments.require_text(name).removeprefix("+")
    if not (number.isascii() and number.isdigit()):
        raise refuse_argument(name, "It must be a number.")
    return number


def _choose_number(machine: Machine, request: ApiRequest, parties: set[str]) -> str:
    """Return the virtual number of a new session: rule 1."""
    now = machine.world.now
    taken = {
        one.order.virtual_number
        for one in machine.masking_sessions.values()
        if one.status_at(now) != "expired"
        and {one.order.first_party, one.order.second_party} & parties
    }
    for number in request.directory.numbers.values():
        if number.auth_id == request.account.auth_id and number.number not in taken:
            return number.number
    raise Refused(HTTPStatus.BAD_REQUEST, "no virtual number is free for these parties")


def _change(order: MaskingOrder, arguments: Arguments) -> MaskingOrder:
    """Return an order with what the arguments say about it: rule 2."""
    has_url, has_recording = "callback_url" in arguments, "recording_callback_url" in arguments
    url = arguments.read_url("callback_url", "callback_method")
    recording_url = arguments.read_url("recording_callback_url", "recording_callback_method")
    return replace(
        order,
        url=url if has_url else order.url,
        recording_url=recording_url if has_recording else order.recording_url,
        records=arguments.read_flag("record") if "record" in arguments else order.records,
        file_format=arguments.read_choice("record_file_format", _FORMATS, order.file_format),
        ring_timeout_s=arguments.read_integer("ring_timeout", int(order.ring_timeout_s)),
        call_time_limit_s=arguments.read_integer("call_time_limit", int(order.call_time_limit_s)),
        expires_after_s=arguments.read_integer("session_expiry", int(order.expires_after_s)),
    )


def _show(machine: Machine, session: MaskingSession) -> Body:
    order, world = session.order, machine.world
    cost = compute_cost(session.billed_s, world.conditions)
    path = f"/v1/Account/{order.account.auth_id}/Masking/Session/{session.uuid}/"
    return {
        "amount": 0,
        "call_time_limit": int(order.call_time_limit_s),
        "callback_method": order.url[1],
        "callback_url": order.url[0],
        "created_time": format_go(session.begun_at),
        "duration": int((session.expires_at - session.begun_at).total_seconds()),
        "expiry_time": format_go(session.expires_at),
        "first_party": order.first_party,
        "initiate_call_to_first_party": order.calls_first_party,
        "interaction": None,
        "last_interaction_time": _show_time(session.last_call_at),
        "modified_time": format_go(session.changed_at),
        "record": order.records,
        "record_file_format": order.file_format,
        "recording_callback_method": order.recording_url[1],
        "recording_callback_url": order.recording_url[0],
        "resource_uri": path,
        "ring_timeout": int(order.ring_timeout_s),
        "second_party": order.second_party,
        "session_uuid": session.uuid,
        "status": session.status_at(world.now),
        "total_call_amount": cost,
        "total_call_billed_duration": session.billed_s,
        "total_call_count": session.calls_ended,
        "total_session_amount": cost,
        "virtual_number": order.virtual_number,
    }


def _show_time(instant: datetime | None) -> str:
    return "" if instant is None else format_go(instant)
