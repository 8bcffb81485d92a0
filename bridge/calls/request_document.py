"""A request and its calls as one JSON document: everything ``request show`` can print."""

from typing import Any

from bridge.calls.request import DestinationState, RequestState, UnmatchedCall
from bridge.normalise.time import to_rfc3339


def build_request_document(state: RequestState) -> dict[str, Any]:
    """Return everything that is known about a request."""
    requested_at = state.requested_at
    return {
        "reference": state.reference,
        "account": state.account,
        "client": state.client,
        "requested_at": None if requested_at is None else to_rfc3339(requested_at),
        "has_ended": state.has_ended,
        "parts": state.parts,
        "parts_found": state.parts_found,
        "parts_only_in_ledger": state.parts_only_in_ledger,
        "counts": {
            "destinations": len(state.destinations),
            "answered": sum(one.was_answered for one in state.destinations),
            **{name.value: count for name, count in sorted(state.count_states().items())},
        },
        "total_cost": state.total_cost,
        "callbacks": state.callbacks,
        "callbacks_of_other_accounts": state.callbacks_of_other_accounts,
        "is_truncated": state.is_truncated,
        "destinations": [build_destination(one) for one in state.destinations],
        "calls_of_no_destination": [_unmatched(one) for one in state.unmatched],
    }


def build_destination(one: DestinationState) -> dict[str, Any]:
    """Return one destination and what became of it."""
    wanted, fields = one.destination, one.leg.fields if one.leg else {}
    return {
        "destination": wanted.number,
        "request_uuid": wanted.request_uuid,
        "outcome": wanted.outcome,
        "is_resolved": one.is_resolved,
        "status": wanted.status,
        "explanation": wanted.explanation,
        "state": one.state.value,
        "answered": one.was_answered,
        "answered_at": fields.get("answered_at"),
        "ended_at": fields.get("ended_at"),
        "duration_s": fields.get("duration_s"),
        "bill_duration_s": fields.get("bill_duration_s"),
        "hangup": fields.get("hangup"),
        "cost": one.cost,
        "cost_is_verified": one.is_cost_verified,
        "missing": list(one.missing),
        "gaps": [{"code": gap.code, "subject": gap.subject, "text": gap.text} for gap in one.gaps],
        "calls": list(one.calls),
    }


def _unmatched(one: UnmatchedCall) -> dict[str, Any]:
    fields = one.leg.fields if one.leg else {}
    about = {"id": one.id, "state": one.state.value}
    return {**about, "from": fields.get("from"), "to": fields.get("to")}
