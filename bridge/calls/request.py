"""The state of a request that dials: its destinations, and the calls that its callbacks show.

1. The journal's records of a request name its destinations, in order, a record for each part. If one of
   them is gone, the events name them too.
2. ``match`` says which call belongs to which destination. A call that fits none is listed apart.
3. Callbacks of another account count for nothing, and those that are not verified count only where
   no verified one says otherwise (see ``found`` and ``legs``).
4. A destination has ended with its hangup. Before, its latest callback says what it does. Without any
   callback it is queued if Plivo took the request, and unknown if no answer tells.
5. An ``unknown`` request is resolved by a verified callback: then Plivo did dial. A callback that is
   not verified proves nothing.
6. A callback is missing only if the request has a URL with our reference for it, because a URL of the
   customer's own may lead elsewhere. All other gaps are found as in ``call show``.
7. After so many hours without a hangup, a call is no longer in progress: its state is unknown.
8. Parts that the records do not describe are shown as the local ledger has them. One that was not sent
   has ended: nothing more comes of it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, cast

import orjson
from aiokafka.structs import ConsumerRecord

from bridge.audit.derive import Deriver
from bridge.calls.find import to_entry
from bridge.calls.found import FoundCall, Json, TimelineEntry, find_account
from bridge.calls.gaps import CALL_LENGTH_MAX_H, Gap, find_gaps
from bridge.calls.legs import Leg, build_legs, is_cost_verified, sum_costs
from bridge.calls.match import Calls, Destination, group_by_call, match_calls
from bridge.calls.request_part import RequestPart, read_account
from bridge.core.journal import JOURNAL_KIND, JournalKind
from bridge.core.parse import REFERENCE_PARAMETER
from bridge.core.requested import REQUESTED
from bridge.originate.entry import LedgerEntry
from bridge.reader.journal import is_callback
from bridge.reader.selection import format_position
from bridge.reader.window import Window

# A request of a thousand destinations, with up to a hundred callbacks each.
CALLBACKS_MAX: Final = 100_000
_UUID: Final = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ANSWERS: Final = frozenset({"voice.call.answer", "voice.call.fallback"})
_RING: Final = "voice.call.ring"
# Codes of gaps, each with the missing callback and the parameter of its URL: rule 6.
_MISSING: Final = {
    "answer_without_ring": (_RING, "ring_url"),
    "hangup_without_answer": ("voice.call.answer", "answer_url"),
    "hangup_missing": ("voice.call.hangup", "hangup_url"),
}


class CallState(StrEnum):
    """The states of a destination: rule 4."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    ENDED = "ended"
    NOT_PLACED = "not_placed"
    """Plivo refused the request."""
    NOT_SENT = "not_sent"
    """The local ledger has a request that was not sent."""
    UNKNOWN = "unknown"


ENDED_STATES: Final = frozenset({CallState.ENDED, CallState.NOT_PLACED, CallState.NOT_SENT})


@dataclass(frozen=True, slots=True)
class DestinationState:
    """One destination and what became of it.

    ``calls`` are the ids of its calls: usually one. ``leg`` is the first leg of the latest.
    ``missing`` are the types of callbacks that should have come, ``gaps`` what else is wrong.
    """

    destination: Destination
    state: CallState
    calls: tuple[str, ...] = ()
    leg: Leg | None = None
    cost: str | None = None
    is_cost_verified: bool = True
    missing: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    has_verified_callback: bool = False

    @property
    def is_resolved(self) -> bool:
        """Return True if callbacks show that an ``unknown`` request was dialled: rule 5."""
        return self.destination.outcome == "unknown" and self.has_verified_callback

    @property
    def was_answered(self) -> bool:
        """Return True if a callback says that it was answered."""
        return self.leg is not None and _was_answered(self.leg)


@dataclass(frozen=True, slots=True)
class UnmatchedCall:
    """A call with the request's reference that fits no destination: rule 2."""

    id: str
    state: CallState
    leg: Leg | None


@dataclass(frozen=True, slots=True)
class RequestState:
    """A request and its calls, as the records show them.

    ``parts_found`` are on Kafka, ``parts_only_in_ledger`` are not: rule 8.
    """

    reference: str
    account: str | None
    client: str | None
    requested_at: datetime | None
    parts_found: int
    parts_only_in_ledger: int
    parts: int
    destinations: tuple[DestinationState, ...]
    unmatched: tuple[UnmatchedCall, ...]
    callbacks: int
    callbacks_of_other_accounts: int
    is_truncated: bool

    @property
    def has_ended(self) -> bool:
        """Return True if every part is known and every destination has ended."""
        states = {one.state for one in self.destinations}
        parts_known = self.parts_found + self.parts_only_in_ledger
        return bool(states) and states <= ENDED_STATES and parts_known == self.parts

    @property
    def total_cost(self) -> str | None:
        """Return the sum of the costs, in the account's currency; None if none is known."""
        costs = [Decimal(one.cost) for one in self.destinations if one.cost is not None]
        return f"{sum(costs, Decimal()):f}" if costs else None

    def count_states(self) -> Counter[CallState]:
        """Return how many destinations have each state."""
        return Counter(one.state for one in self.destinations)


@dataclass(slots=True)
class RequestRecords:
    """The records of a request, collected one by one.

    ``reference`` is the request's. ``account`` is the owner of its calls, None until a record of the
    request says so.
    """

    reference: str
    deriver: Deriver
    account: str | None = None
    is_truncated: bool = False
    _parts: dict[int, RequestPart] = field(default_factory=dict[int, RequestPart])
    _events: dict[int, RequestPart] = field(default_factory=dict[int, RequestPart])
    _ledger: dict[int, RequestPart] = field(default_factory=dict[int, RequestPart])
    _entries: dict[str, TimelineEntry] = field(default_factory=dict[str, TimelineEntry])
    _ids: set[bytes] = field(default_factory=set[bytes])

    @property
    def requested_at(self) -> datetime | None:
        """Return when its first part was sent; None if no record of it is stored."""
        return min((one.requested_at for one in self._list_destinations()), default=None)

    def concerns(self, record: ConsumerRecord) -> bool:
        """Return whether a record is about the request, as far as is known by now.

        All callbacks of a call have one key, so the first one that has the reference leads to those
        that have not.
        """
        value = record.value or b""
        key = record.key or b""
        if self.reference.encode() in value:
            if is_callback(record):
                self._ids.add(key)
            return True
        if not self._ids:
            return False
        return key in self._ids or not self._ids.isdisjoint(_UUID.findall(value))

    def add(self, record: ConsumerRecord) -> None:
        """Add a record of the journal or of the requested topic; others are ignored."""
        kind = next((value for name, value in record.headers if name == JOURNAL_KIND), None)
        if kind is not None:
            value = _parse_object(record.value)
            if kind == JournalKind.REQUEST.encode() and value.get("reference") == self.reference:
                self._add_part(value)
            return
        event = _parse_object(record.value)
        if event.get("type") == REQUESTED.event_type:
            self._add_event(event)
            return
        if len(self._entries) == CALLBACKS_MAX:
            self.is_truncated = True
            return
        entry = to_entry(record, self.deriver)
        if entry is not None:
            self._entries[format_position(record)] = entry

    def set_ledger(self, entry: LedgerEntry) -> None:
        """Take over what the local ledger has about the request now: rule 8."""
        for one in entry.parts:
            self._ledger[one.part] = part = RequestPart.from_ledger(entry, one)
            self._note_request(part, entry.account)

    def _add_part(self, value: Json) -> None:
        try:
            part = RequestPart.from_record(value)
            numbers, uuids = value["destinations"], value["request_uuids"]
            by_order = uuids if len(uuids) == len(numbers) else [None] * len(numbers)
            for number, uuid in zip(numbers, by_order, strict=True):
                part.add(number, uuid, value, value["body"])
            number, account = int(value["part"]), read_account(value)
        except (KeyError, TypeError, ValueError):
            return  # anyone who can write to the topic can store a record of any form there
        self._parts[number] = part
        self._note_request(part, account)

    def _add_event(self, event: Json) -> None:
        try:
            data: Json = event["data"]
            part = RequestPart.from_record(data)
            part.add(data["to"]["text"], data["request_uuid"], data, data["parameters"])
            number, account = int(data["part"]), read_account(event)
        except (KeyError, TypeError, ValueError):
            return
        if data.get("reference") == self.reference:
            self._events.setdefault(number, part).destinations.update(part.destinations)
            self._note_request(part, account)

    def _note_request(self, part: RequestPart, account: str) -> None:
        self.account = account
        uuids = (one.request_uuid for one in part.destinations.values())
        self._ids.update(uuid.encode() for uuid in uuids if uuid is not None)

    def build_state(self, now: datetime) -> RequestState:
        """Return what the records and the ledger show: rules 1 to 8."""
        destinations = self._list_destinations()
        entries = sorted(self._entries.values(), key=lambda one: one.timestamp_ms)
        owner = self.account or find_account(entries, self.reference)
        own = [one for one in entries if one.account in {None, owner}]
        calls, unmatched = match_calls(group_by_call(own), destinations, self.reference)
        parts = self._events | self._parts
        first = next(iter((self._ledger | parts).values()), None)
        return RequestState(
            reference=self.reference,
            account=owner,
            client=first.client if first else None,
            requested_at=self.requested_at,
            parts_found=len(parts),
            parts_only_in_ledger=len(self._ledger.keys() - parts.keys()),
            parts=first.parts if first else 1,
            destinations=tuple(
                _build_destination_state(one, calls.get(one.number, {}), self.reference, now)
                for one in destinations
            ),
            unmatched=tuple(
                UnmatchedCall(call, _find_state(leg), leg)
                for call, found in unmatched.items()
                for leg in [_first_leg(build_legs(found, call), call)]
            ),
            callbacks=len(own),
            callbacks_of_other_accounts=len(entries) - len(own),
            is_truncated=self.is_truncated,
        )

    def _list_destinations(self) -> list[Destination]:
        """Return the destinations: rules 1 and 8."""
        found: dict[str, Destination] = {}
        for parts in (self._ledger, self._events, self._parts):
            for _, part in sorted(parts.items()):
                found |= part.destinations
        # In the order of the journal's records, then those that only the ledger or events name.
        order = [
            number
            for parts in (self._parts, self._ledger)
            for _, part in sorted(parts.items())
            for number in part.destinations
        ]
        return [found[number] for number in dict.fromkeys((*order, *found))]


def _build_destination_state(
    destination: Destination, calls: Calls, reference: str, now: datetime
) -> DestinationState:
    if not calls:
        state, silent = _describe_silence(destination, reference, now)
        return DestinationState(destination, state, missing=silent)
    latest: Leg | None = None
    states: list[CallState] = []
    legs: list[Leg] = []
    gaps: list[Gap] = []
    for call, entries in calls.items():
        found = build_legs(entries, call)
        latest = _first_leg(found, call) or latest
        own = find_gaps(FoundCall(call, Window(), list(entries)), found, now)
        overdue = any(one.code == "hangup_missing" and one.subject == call for one in own)
        states.append(CallState.UNKNOWN if overdue else _find_state(_first_leg(found, call)))
        legs += [one for one in found if one.is_of_call]
        gaps += own
    missing = [
        kind
        for code, (kind, url) in _MISSING.items()
        if any(one.code == code and one.subject in calls for one in gaps)
        and _leads_here(destination, url, reference)
    ]
    if len(calls) > 1:
        gaps.append(Gap("several_calls", destination.number, f"{len(calls)} calls were placed"))
    return DestinationState(
        destination,
        state=next((one for one in states if one is not CallState.ENDED), CallState.ENDED),
        calls=tuple(calls),
        leg=latest,
        cost=sum_costs(legs),
        is_cost_verified=is_cost_verified(legs),
        missing=tuple(missing),
        gaps=tuple(one for one in gaps if one.code not in _MISSING),
        has_verified_callback=any(one.is_verified for found in calls.values() for one in found),
    )


def _describe_silence(
    destination: Destination, reference: str, now: datetime
) -> tuple[CallState, tuple[str, ...]]:
    """Return the state of a destination without callbacks, and what is missing: rules 4, 6 and 7."""
    if destination.outcome == "refused":
        return CallState.NOT_PLACED, ()
    if destination.outcome == "not_sent":
        return CallState.NOT_SENT, ()
    if destination.outcome != "accepted":
        return CallState.UNKNOWN, ()
    if now - destination.requested_at <= timedelta(hours=CALL_LENGTH_MAX_H):
        return CallState.QUEUED, ()
    kind, url = _MISSING["hangup_missing"]
    return CallState.UNKNOWN, (kind,) if _leads_here(destination, url, reference) else ()


def _leads_here(destination: Destination, url: str, reference: str) -> bool:
    """Return whether a URL of the request leads to a bridge of ours: rule 6."""
    return f"{REFERENCE_PARAMETER}={reference}" in str(destination.parameters.get(url, ""))


def _first_leg(legs: Sequence[Leg], call: str) -> Leg | None:
    return next((leg for leg in legs if leg.id == call), None)


def _was_answered(leg: Leg) -> bool:
    return leg.was_answered or bool(leg.list_entries(*_ANSWERS))


def _find_state(leg: Leg | None) -> CallState:
    """Return the state that the callbacks of a call's first leg show: rule 4."""
    if leg is None:
        return CallState.UNKNOWN
    if leg.has_ended:
        return CallState.ENDED
    if not _was_answered(leg) and {one.type for one in leg.entries} == {_RING}:
        return CallState.RINGING
    return CallState.IN_PROGRESS


def _parse_object(value: bytes | None) -> Json:
    try:
        found: object = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    return cast("Json", found) if isinstance(found, dict) else {}
