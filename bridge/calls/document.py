"""A call as one JSON document: everything ``call show`` can print."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bridge.calls.found import FoundCall, TimelineEntry, split_accounts
from bridge.calls.gaps import find_duplicates, find_gaps
from bridge.calls.legs import Leg, build_legs, is_cost_verified, sum_costs
from bridge.normalise.time import load_zone, to_rfc3339
from bridge.reader.window import format_utc_ms
from bridge.telemetry.masking import mask_url


def build_document(found: FoundCall, now: datetime) -> dict[str, Any]:
    """Return everything that was found."""
    accounts = split_accounts(found)
    own, other_positions = accounts.own, accounts.other_positions
    legs = build_legs(own.entries, found.id)
    since_ms, until_ms = found.searched.since_ms, found.searched.until_ms
    return {
        "id": found.id,
        "prefix": found.prefix,
        "kind": classify(own.entries, legs),
        "account": accounts.account,
        "other_accounts": accounts.other_accounts,
        "searched_since": None if since_ms is None else format_utc_ms(since_ms),
        "searched_until": None if until_ms is None else format_utc_ms(until_ms),
        "callbacks": len(found.entries),
        "is_truncated": found.is_truncated,
        "followed": found.followed,
        "not_followed": found.not_followed,
        "missing_topics": found.missing_topics,
        "dead_letters_skipped": found.letters_skipped,
        "callbacks_of_other_accounts": len(accounts.others),
        "total_cost": sum_costs(legs),
        "total_cost_is_verified": is_cost_verified(legs),
        "legs": [_leg_json(leg) for leg in legs if leg.is_of_call],
        "legs_of_other_calls": [_leg_json(leg) for leg in legs if not leg.is_of_call],
        "timeline": [
            _entry_json(entry, is_other=entry.position in other_positions)
            for entry in found.entries
        ],
        "gaps": find_gaps(own, legs, now),
        "duplicates": find_duplicates(own.entries),
    }


def classify(entries: Sequence[TimelineEntry], legs: Sequence[Leg]) -> str | None:
    """Return ``call``, ``message`` or ``other``; None if nothing was found."""
    if not entries:
        return None
    if any(leg.is_of_call for leg in legs):
        return "call"
    return "message" if any("message_uuid" in entry.data for entry in entries) else "other"


def receive_times(entry: TimelineEntry) -> tuple[str, str | None]:
    """Return when the callback arrived: in UTC, and in the account's zone if that is known."""
    instant = entry.callback.raw.received_at
    return to_rfc3339(instant), to_local(instant, entry)


def event_times(entry: TimelineEntry) -> tuple[str | None, str | None]:
    """Return when it happened according to Plivo, in UTC and in the account's zone; None if unknown."""
    if entry.event is None or entry.data.get("time_source") == "received":
        return None, None
    utc = str(entry.event["time"])
    return utc, to_local(datetime.fromisoformat(utc), entry)


def to_local(instant: datetime, entry: TimelineEntry) -> str | None:
    """Return an instant in the account's zone, with its offset."""
    zone = find_zone(entry)
    return None if zone is None else instant.astimezone(zone).isoformat()


def find_zone(entry: TimelineEntry) -> ZoneInfo | None:
    """Return the zone that the account had, None if unknown."""
    name = entry.callback.value["zone"]
    return load_zone(name) if name else None


def _leg_json(leg: Leg) -> dict[str, Any]:
    about = {"id": leg.id, "role": leg.role, "callbacks": len(leg.entries)}
    return {**about, **leg.fields, "not_verified": sorted(leg.not_verified)}


def _letter_json(entry: TimelineEntry) -> dict[str, Any] | None:
    """Return why a callback became a dead letter; None if it did not, or if no letter was found."""
    if entry.letter is None:
        return None
    names = ("id", "stage", "reason", "tries", "topics", "position")
    return {name: entry.letter.summary[name] for name in names}


def _answer_json(entry: TimelineEntry) -> dict[str, Any] | None:
    """Return the source of an application's answer; None if there is no record of one."""
    if entry.answer is None:
        return None
    return {name: value for name, value in entry.answer.items() if name != "reply"}


def _entry_json(entry: TimelineEntry, *, is_other: bool) -> dict[str, Any]:
    value = entry.callback.value
    received_at, received_local = receive_times(entry)
    happened_at, happened_local = event_times(entry)
    return {
        "received_at": received_at,
        "received_local": received_local,
        "zone": value["zone"],
        "happened_at": happened_at,
        "happened_local": happened_local,
        "type": entry.type or None,
        "path_type": None if entry.event else entry.header_type or None,
        "key": entry.key,
        "source": value["source"],
        "account": entry.account,
        "is_of_other_account": is_other,
        "verification": value["verification"],
        "request": {"method": value["method"], "url": mask_url(value["url_verified"])},
        "reply": entry.reply,
        "reply_from": value.get("reply_from"),
        "answer": _answer_json(entry),
        "event_id": entry.event["id"] if entry.event else None,
        "event_from": entry.event_from,
        "replay_id": entry.replay_id,
        "fault": entry.fault,
        "dead_letter": _letter_json(entry),
        "position": entry.position,
        "bridge_version": value["bridge_version"],
        "data": entry.data,
    }
