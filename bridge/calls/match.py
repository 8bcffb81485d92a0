"""Match calls with the destinations of a request.

1. A call belongs to the destination whose request UUID its callbacks name: Plivo gives each destination
   its own. In every callback captured so far it is also the call's id.
2. Without a match, it belongs to the destination that it calls, if one of its callbacks has the
   request's reference: Plivo's answer with the UUIDs was lost, or does not come in asynchronous mode.
3. A call that only has the reference fits no destination. Any other call is not of this request.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.calls.found import Json, TimelineEntry
from bridge.core.parse import REFERENCE_PARAMETER
from bridge.normalise.phone import parse_party


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination as it was requested. ``parameters`` are those of the request."""

    number: str
    outcome: str
    status: int | None
    explanation: str
    request_uuid: str | None
    requested_at: datetime
    parameters: Mapping[str, Any]


Calls = Mapping[str, Sequence[TimelineEntry]]
"""The callbacks of each call, by its id."""


def group_by_call(entries: Iterable[TimelineEntry]) -> Calls:
    """Return the callbacks of each call. One without an event belongs to the call that is its key."""
    calls: dict[str, list[TimelineEntry]] = {}
    for entry in entries:
        calls.setdefault(entry.correlation.get("call") or entry.key, []).append(entry)
    return calls


def match_calls(
    calls: Calls, destinations: Sequence[Destination], reference: str
) -> tuple[Mapping[str, Calls], Calls]:
    """Return the calls of each destination, by its number, and the calls that fit none: rules 1 to 3."""
    by_uuid = {one.request_uuid: one.number for one in destinations if one.request_uuid}
    by_party = {_name_party(one.number): one.number for one in destinations}
    matched: dict[str, dict[str, Sequence[TimelineEntry]]] = {}
    unmatched: dict[str, Sequence[TimelineEntry]] = {}
    for call, entries in calls.items():
        uuids = [call, *(one.correlation.get("request") for one in entries)]
        number = next((by_uuid[one] for one in uuids if one in by_uuid), None)
        has_reference = any(reference in read_references(one) for one in entries)
        if number is None and has_reference:
            number = next((found for one in entries if (found := _called(one, by_party))), None)
        if number is not None:
            matched.setdefault(number, {})[call] = entries
        elif has_reference:
            unmatched[call] = entries
    return matched, unmatched


def read_references(entry: TimelineEntry) -> Sequence[str]:
    """Return the references of requests that a callback's URL has."""
    context: Mapping[str, Sequence[str]] = entry.data.get("context") or {}
    return context.get(REFERENCE_PARAMETER, ())


def _called(entry: TimelineEntry, by_party: Mapping[str, str]) -> str | None:
    """Return the destination that a callback of a first leg names as the called party."""
    party: Json | None = entry.data.get("to")
    if party is None or entry.correlation.get("parent_call") is not None:
        return None
    return by_party.get(party["e164"] or _name_party(party["text"]))


def _name_party(text: str) -> str:
    """Return one name for all spellings of a number or an address."""
    return parse_party(text)["e164"] or text.strip().lower()
