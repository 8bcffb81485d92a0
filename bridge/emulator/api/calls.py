"""Place, find and end calls: Plivo's pages on the Call API.

1. A call that goes on is shown only with ``status=live``, one that waits only with ``status=queued``,
   one that has ended only without a status.
2. Several destinations make several requests: ``request_uuid`` is a list. Not documented, so inferred:
   the message is ``call queued`` if any of them waits.
3. A caller in a record has a ``+``, as in the fixtures of SDKs; its destination has none.
4. A list has the calls that ended in the last 7 days, or in at most 30 days if a filter says which.
"""

from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Final

from bridge.emulator.api.answers import Answer, Body, Json, refuse_argument, refuse_unknown
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.call_orders import read_call_orders
from bridge.emulator.api.filters import (
    matches_number,
    read_integer_test,
    read_time_test,
    with_comparisons,
)
from bridge.emulator.api.pages import answer_page
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.api.times import format_offset
from bridge.emulator.machine import api_actions
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.fields import format_utc
from bridge.emulator.machine.leg import Leg
from bridge.emulator.machine.machine import Machine
from bridge.emulator.records import CallRecord

_WINDOW: Final = timedelta(days=7)
_WINDOW_MAX: Final = timedelta(days=30)
_FILTERS: Final = (
    "subaccount",
    "call_direction",
    "from_number",
    "to_number",
    "parent_call_uuid",
    "hangup_cause_code",
    "hangup_source",
    *with_comparisons("bill_duration", "end_time"),
)


def place_calls(machine: Machine, request: ApiRequest) -> Answer:
    """Place a call to each destination, or let it wait for its turn."""
    orders = read_call_orders(request.account, request.arguments)
    parent = orders[0].parent_uuid
    must_be_there = request.arguments.read_flag("error_if_parent_not_found")
    if parent and must_be_there and parent not in machine.world.legs:
        raise refuse_unknown()
    placed = [machine.queue.place(order) for order in orders]
    uuids: list[Json] = [uuid for uuid, _ in placed]
    message = "call fired" if all(begins for _, begins in placed) else "call queued"
    return Answer(
        HTTPStatus.CREATED,
        {"message": message, "request_uuid": uuids if len(uuids) > 1 else uuids[0]},
    )


def list_calls(machine: Machine, request: ApiRequest) -> Answer:
    """List live calls, waiting ones, or the records of ended ones: rule 1."""
    match request.arguments.read_choice("status", ("live", "queued")):
        case "live":
            return _answer_ids(_find_live(machine, request))
        case "queued":
            return _answer_ids([uuid for uuid, _ in _find_waiting(machine, request)])
        case _:
            return _list_records(machine, request)


def get_call(machine: Machine, request: ApiRequest) -> Answer:
    """Return one call: rule 1."""
    uuid = request.ids["call_uuid"]
    match request.arguments.read_choice("status", ("live", "queued")):
        case "live":
            return Answer(HTTPStatus.OK, _show_live(machine, request.find_live_leg(machine)))
        case "queued":
            waiting = dict(_find_waiting(machine, request)).get(uuid)
            if waiting is None:
                raise refuse_unknown()
            return Answer(HTTPStatus.OK, _show_waiting(uuid, waiting))
        case _:
            record = request.records.calls.get(uuid)
            if record is None or not request.may_see(record.auth_id):
                raise refuse_unknown()
            return Answer(HTTPStatus.OK, show_record(record))


def hang_up_call(machine: Machine, request: ApiRequest) -> Answer:
    """End a call, or cancel one that waits."""
    if request.ids["call_uuid"] in dict(_find_waiting(machine, request)):
        machine.queue.cancel(request.ids["call_uuid"])
        return Answer(HTTPStatus.NO_CONTENT, {})
    api_actions.hang_up(machine.world, request.find_live_leg(machine))
    return Answer(HTTPStatus.NO_CONTENT, {})


def cancel_request(machine: Machine, request: ApiRequest) -> Answer:
    """Cancel a call that waits or that was not answered yet."""
    uuid = request.ids["request_uuid"]
    if uuid in dict(_find_waiting(machine, request)):
        machine.queue.cancel(uuid)
        return Answer(HTTPStatus.NO_CONTENT, {})
    leg = machine.world.legs.get(uuid)
    is_ringing = leg is not None and leg.request_uuid == uuid and leg.answered_at is None
    if (
        leg is None
        or not is_ringing
        or leg.ended.is_set
        or not request.may_see(leg.account.auth_id)
    ):
        raise refuse_unknown()
    api_actions.hang_up(machine.world, leg)
    return Answer(HTTPStatus.NO_CONTENT, {})


def show_record(record: CallRecord) -> Body:
    """Return a call as the API shows it when it has ended."""
    zone, cause = record.zone, record.cause
    is_outbound = record.direction == "outbound" and not record.caller.startswith("sip:")
    return {
        "answer_time": format_offset(record.answered_at, zone) if record.answered_at else None,
        "bill_duration": record.duration_s,
        "billed_duration": record.billed_s,
        "call_direction": record.direction,
        "call_duration": record.duration_s,
        "call_uuid": record.call_uuid,
        "end_time": format_offset(record.ended_at, zone),
        "from_number": f"+{record.caller}" if is_outbound else record.caller,
        "hangup_cause_code": int(cause.code),
        "hangup_cause_name": cause.name,
        "hangup_source": cause.source,
        "initiation_time": format_offset(record.began_at, zone),
        "parent_call_uuid": record.parent_uuid or None,
        "resource_uri": f"/v1/Account/{record.auth_id}/Call/{record.call_uuid}/",
        "stir_attestation": record.stir_attestation,
        "stir_verification": record.stir_verification,
        "to_number": record.callee,
        "total_amount": record.amount,
        "total_rate": f"{Decimal(record.rate):.5f}",
    }


def _show_live(machine: Machine, leg: Leg) -> Body:
    conditions = machine.world.conditions
    return {
        "call_status": leg.status,
        "call_uuid": leg.uuid,
        "caller_name": leg.caller_name,
        "direction": leg.direction,
        "from": leg.caller,
        "request_uuid": leg.request_uuid,
        "session_start": format_utc(leg.session_at),
        "stir_attestation": conditions.stir_attestation,
        "stir_verification": conditions.stir_verification,
        "to": leg.callee,
    }


def _show_waiting(uuid: str, order: CallOrder) -> Body:
    return {
        "call_status": "queued",
        "call_uuid": uuid,
        "caller_name": order.caller_name,
        "direction": "outbound",
        "from": order.caller,
        "request_uuid": uuid,
        "to": order.callee,
    }


def _answer_ids(uuids: list[str]) -> Answer:
    return Answer(HTTPStatus.OK, {"calls": [*uuids]})


def _find_live(machine: Machine, request: ApiRequest) -> list[str]:
    """Return the ids of live calls, oldest first."""
    arguments = request.arguments
    _check_directions(arguments)
    return [
        leg.uuid
        for leg in machine.world.legs.values()
        if not leg.ended.is_set
        and request.may_see(leg.account.auth_id)
        and leg.direction.startswith(arguments.read_text("call_direction"))
        and matches_number(arguments.read_text("from_number"), leg.caller)
        and matches_number(arguments.read_text("to_number"), leg.callee)
    ]


def _find_waiting(machine: Machine, request: ApiRequest) -> list[tuple[str, CallOrder]]:
    return [
        (uuid, order)
        for uuid, order in machine.queue.waiting.items()
        if request.may_see(order.account.auth_id)
    ]


def _list_records(machine: Machine, request: ApiRequest) -> Answer:
    arguments = request.arguments
    _check_directions(arguments)
    equal = {
        name: arguments.read_text(name)
        for name in ("subaccount", "parent_call_uuid", "hangup_cause_code")
        if name in arguments
    }
    source = arguments.read_text("hangup_source").lower()
    bills = read_integer_test(arguments, "bill_duration")
    ends = read_time_test(
        arguments, "end_time", machine.world.now, window=_WINDOW, window_max=_WINDOW_MAX
    )

    def is_wanted(record: CallRecord) -> bool:
        values = {
            "subaccount": record.auth_id,
            "parent_call_uuid": record.parent_uuid,
            "hangup_cause_code": record.cause.code,
        }
        return (
            request.may_see(record.auth_id)
            and all(values[name] == text for name, text in equal.items())
            and record.direction.startswith(arguments.read_text("call_direction"))
            and matches_number(arguments.read_text("from_number"), record.caller)
            and matches_number(arguments.read_text("to_number"), record.callee)
            and record.cause.source.lower().startswith(source)
            and bills(record.duration_s)
            and ends(record.ended_at.replace(microsecond=0))
        )

    found = [record for record in request.records.calls if is_wanted(record)]
    return answer_page(
        found, show_record, arguments, path=f"{request.path}Call/", filter_names=_FILTERS
    )


def _check_directions(arguments: Arguments) -> None:
    if arguments.read_text("call_direction") not in {"", "inbound", "outbound"}:
        raise refuse_argument("call_direction", "It must be inbound or outbound.")
