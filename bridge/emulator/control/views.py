"""Callbacks, calls and notes as JSON."""

from datetime import datetime

from bridge.emulator.history import Noted, SentCallback, Try
from bridge.emulator.machine.commands import Failure, Response
from bridge.emulator.machine.leg import Leg
from bridge.emulator.machine.message import Message

Json = dict[str, object]


def view_callback(callback: SentCallback) -> Json:
    """Return a callback with its tries."""
    request = callback.request
    return {
        "id": request.callback_id,
        "type": request.type,
        "call": request.subject,
        "method": request.method,
        "url": request.url,
        "auth_id": request.auth_id,
        "parameters": request.parameters,
        "answered": callback.is_answered,
        "waiting": callback.is_waiting,
        "tries": [_view_try(one) for one in callback.tries],
    }


def view_leg(leg: Leg) -> Json:
    """Return a leg. ``a_leg`` is the id of the first leg, if it is another one."""
    cause = leg.ended.value if leg.ended.is_set else None
    return {
        "call": leg.uuid,
        "a_leg": leg.a_leg.uuid if leg.a_leg is not None else None,
        "auth_id": leg.account.auth_id,
        "direction": leg.direction,
        "from": leg.caller,
        "to": leg.callee,
        "status": leg.status,
        "phase": leg.phase.value,
        "started_at": _view_time(leg.started_at),
        "answered_at": _view_time(leg.answered_at),
        "ended_at": _view_time(leg.ended_at),
        "duration_s": leg.duration_s,
        "hangup_cause": cause.word if cause else None,
        "hangup_code": cause.code if cause else None,
        "hangup_name": cause.name if cause else None,
        "hangup_source": cause.source if cause else None,
    }


def view_message(message: Message) -> Json:
    """Return a message. Its reports are callbacks whose ``call`` is its id."""
    return {
        "message": message.uuid,
        "auth_id": message.order.account.auth_id,
        "direction": message.direction,
        "from": message.order.source,
        "to": message.order.destination,
        "text": message.order.text,
        "state": message.state,
        "error_code": message.error_code,
        "units": message.units,
    }


def view_note(noted: Noted) -> Json:
    """Return a note."""
    return {"call": noted.subject, "at": _view_time(noted.at), "text": noted.note.text}


def _view_try(one: Try) -> Json:
    view: Json = {
        "attempt": one.request.attempt,
        "sent_at": _view_time(one.sent_at),
        "answered_at": _view_time(one.answered_at),
    }
    match one.outcome:
        case Response(status, content_type, body):
            text = body.decode("utf-8", "replace")
            return {
                **view,
                "status": status,
                "content_type": content_type,
                "body": text,
                "body_bytes": one.body_bytes,
            }
        case Failure(kind, detail):
            return {**view, "failure": kind, "detail": detail}
        case None:
            return view


def _view_time(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant is not None else None
