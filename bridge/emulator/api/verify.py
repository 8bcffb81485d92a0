"""Begin, find and validate verify sessions: Plivo's pages on the Verify API.

The words of an answer, and the form of a session, are those of the tests of Plivo's SDK for Go.
Statuses, and the words after a wrong code, are inferred. The code of a session is in the notes of the
machine.
"""

from http import HTTPStatus
from typing import Final, cast

from bridge.emulator.api.answers import Answer, Body, Json, Refused, refuse_argument, refuse_unknown
from bridge.emulator.api.pages import answer_page
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.machine.fields import format_iso
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.verify import VerifyAttempt, VerifyOrder, VerifySession

_STATUSES: Final = ("in-progress", "expired", "verified")
_CHANNELS: Final = ("sms", "voice")
_FILTERS: Final = ("status", "recipient", "app_uuid", "subaccount")


def begin_session(machine: Machine, request: ApiRequest) -> Answer:
    """Begin a session: send its code."""
    arguments = request.arguments
    recipient = arguments.require_text("recipient").removeprefix("+")
    if not (recipient.isascii() and recipient.isdigit()):
        raise refuse_argument("recipient", "It must be a number.")
    order = VerifyOrder(
        request.account,
        recipient,
        arguments.read_choice("channel", _CHANNELS, "sms"),
        arguments.read_url("url", "method"),
        code=arguments.read_text("otp"),
        code_digits=arguments.read_integer("code_length", 6, least=4, most=10),
        app_uuid=arguments.read_text("app_uuid"),
    )
    session = machine.verify(order)
    return Answer(
        HTTPStatus.ACCEPTED,
        {"error": "", "message": "Session initiated", "session_uuid": session.uuid},
    )


def validate_session(machine: Machine, request: ApiRequest) -> Answer:
    """Check a code."""
    session = _find(machine, request)
    if not machine.check_code(session.uuid, request.arguments.require_text("otp")):
        raise Refused(HTTPStatus.BAD_REQUEST, "the code is wrong, was used, or is too old")
    return Answer(
        HTTPStatus.OK,
        {
            "error": "",
            "message": "session validated successfully.",
            "session_uuid": session.uuid,
        },
    )


def get_session(machine: Machine, request: ApiRequest) -> Answer:
    """Return one session."""
    return Answer(HTTPStatus.OK, _show(machine, _find(machine, request)))


def list_sessions(machine: Machine, request: ApiRequest) -> Answer:
    """List sessions, newest first. Their list has another name than other lists, and no total."""
    arguments = request.arguments
    arguments.read_choice("status", _STATUSES)
    equal = {
        name: arguments.read_text(name).removeprefix("+") for name in _FILTERS if name in arguments
    }

    def is_wanted(session: VerifySession) -> bool:
        values = {
            "status": session.status_at(machine.world.now),
            "recipient": session.order.recipient,
            "app_uuid": session.order.app_uuid,
            "subaccount": session.order.account.auth_id,
        }
        return request.may_see(session.order.account.auth_id) and all(
            values[name] == text for name, text in equal.items()
        )

    newest_first = reversed(machine.verify_sessions.values())
    page = answer_page(
        [one for one in newest_first if is_wanted(one)],
        lambda one: _show(machine, one),
        arguments,
        path=f"{request.path}Verify/Session/",
        filter_names=_FILTERS,
    )
    meta = cast("Body", page.body["meta"])
    del meta["total_count"]
    return Answer(page.status, {"meta": meta, "sessions": page.body["objects"]})


def _find(machine: Machine, request: ApiRequest) -> VerifySession:
    session = machine.verify_sessions.get(request.ids["session_uuid"])
    if session is None or not request.may_see(session.order.account.auth_id):
        raise refuse_unknown()
    return session


def _show(machine: Machine, session: VerifySession) -> Body:
    order = session.order
    charges: list[Json] = [
        {"attempt_uuid": one.uuid, "channel": one.channel, "charge": "0.00000"}
        for one in session.attempts
    ]
    return {
        "app_uuid": order.app_uuid,
        "attempt_details": [_show_attempt(one) for one in session.attempts],
        "channel": order.channel,
        "charges": {
            "attempt_charges": charges,
            "total_charge": "0",
            "validation_charge": "0.0000",
        },
        "count": len(session.attempts),
        "created_at": format_iso(session.begun_at),
        "recipient": order.recipient,
        "session_uuid": session.uuid,
        "status": session.status_at(machine.world.now),
        "updated_at": format_iso(session.changed_at),
    }


def _show_attempt(attempt: VerifyAttempt) -> Body:
    return {
        "attempt_uuid": attempt.uuid,
        "channel": attempt.channel,
        "status": attempt.status,
        "time": format_iso(attempt.requested_at),
    }
