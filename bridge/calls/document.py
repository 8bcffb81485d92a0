"""A call as one JSON document: what ``call show`` says, in full."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bridge.calls.accounts import accounts_of
from bridge.calls.find import Entry, Found
from bridge.calls.gaps import duplicates_of, gaps_of
from bridge.calls.legs import Leg, is_cost_verified, legs_of, total_cost
from bridge.core.masking import url_shown
from bridge.normalise.time import rfc3339, zone_named
from bridge.replay.targets.columns import utc_from_ms


def document(found: Found, now: datetime) -> dict[str, Any]:
    """Return everything that was found."""
    accounts = accounts_of(found)
    own, places = accounts.own, accounts.other_places
    legs = legs_of(own.entries, found.id)
    since_ms, until_ms = found.read.since_ms, found.read.until_ms
    return {
        "id": found.id,
        "prefix": found.prefix,
        "kind": kind_of(own.entries, legs),
        "account": accounts.account,
        "other_accounts": accounts.other_accounts,
        "looked_since": None if since_ms is None else utc_from_ms(since_ms),
        "looked_until": None if until_ms is None else utc_from_ms(until_ms),
        "callbacks": len(found.entries),
        "is_cut": found.is_cut,
        "followed": found.followed,
        "not_followed": found.not_followed,
        "missing_topics": found.missing_topics,
        "dead_letters_left_out": found.letters_left_out,
        "callbacks_of_other_accounts": len(accounts.others),
        "total_cost": total_cost(legs),
        "total_cost_is_verified": is_cost_verified(legs),
        "legs": [_leg(leg) for leg in legs if leg.is_of_call],
        "legs_of_other_calls": [_leg(leg) for leg in legs if not leg.is_of_call],
        "timeline": [_entry(entry, is_other=entry.place in places) for entry in found.entries],
        "gaps": gaps_of(own, legs, now),
        "duplicates": duplicates_of(own.entries),
    }


def kind_of(entries: Sequence[Entry], legs: Sequence[Leg]) -> str | None:
    """Return whether it is a call or a message, ``other`` for anything else; None of nothing."""
    if not entries:
        return None
    if any(leg.is_of_call for leg in legs):
        return "call"
    return "message" if any("message_uuid" in entry.data for entry in entries) else "other"


def received(entry: Entry) -> tuple[str, str | None]:
    """Return when the callback came: in UTC, and in the account's zone if that is known."""
    instant = entry.callback.raw.received_at
    return rfc3339(instant), local(instant, entry)


def happened(entry: Entry) -> tuple[str | None, str | None]:
    """Return when it happened, by Plivo: in UTC and in the account's zone; None if Plivo is silent."""
    if entry.event is None or entry.data.get("time_source") == "received":
        return None, None
    utc = str(entry.event["time"])
    return utc, local(datetime.fromisoformat(utc), entry)


def local(instant: datetime, entry: Entry) -> str | None:
    """Return an instant in the account's zone, with its offset."""
    zone = zone_of(entry)
    return None if zone is None else instant.astimezone(zone).isoformat()


def zone_of(entry: Entry) -> ZoneInfo | None:
    """Return the zone the account had, None if that is not known."""
    name = entry.callback.value["zone"]
    return zone_named(name) if name else None


def _leg(leg: Leg) -> dict[str, Any]:
    about = {"id": leg.id, "role": leg.role, "callbacks": len(leg.entries)}
    return {**about, **leg.fields, "not_verified": sorted(leg.not_verified)}


def _dead_letter(entry: Entry) -> dict[str, Any] | None:
    """Return why a callback became a dead letter; None if it did not, or its letter was not found."""
    if entry.letter is None:
        return None
    names = ("id", "stage", "reason", "tries", "topics", "place")
    return {name: entry.letter.summary[name] for name in names}


def _entry(entry: Entry, *, is_other: bool) -> dict[str, Any]:
    value = entry.callback.value
    received_at, received_local = received(entry)
    happened_at, happened_local = happened(entry)
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
        "request": {"method": value["method"], "url": url_shown(value["url_verified"])},
        "reply": value["reply"],
        "event_id": entry.event["id"] if entry.event else None,
        "event_from": entry.event_from,
        "replay_id": entry.replay_id,
        "fault": entry.fault,
        "dead_letter": _dead_letter(entry),
        "place": entry.place,
        "bridge_version": value["bridge_version"],
        "data": entry.data,
    }
