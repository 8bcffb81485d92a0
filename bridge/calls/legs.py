"""The legs of a call, put together from what its callbacks say.

1. A callback speaks of the leg it is keyed by. Those of a ``<Dial>`` speak of the leg that was dialled,
   which may have callbacks of its own besides: what they say is kept under its id.
2. Of a leg's callbacks the latest that says anything of a field is believed. Null says nothing. What a
   verified callback says goes before what others say.
3. The first leg is the one the others lead back to, which ``data.correlation.call`` names.
4. Legs are of one call where a callback names both as call, leg, other leg or parent. Those that only
   met in a MultiPartyCall are of calls of their own, and so is what they cost.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from bridge.calls.find import Json, TimelineEntry

_DIAL_PREFIX: Final = "voice.dial."
_DIAL_ACTION: Final = "voice.dial.action"
_CALL_IDS: Final = ("call", "leg", "other_leg", "parent_call")

_OWN_FIELDS: Final = {
    name: name
    for name in (
        "direction",
        "from",
        "to",
        "call_status",
        "started_at",
        "answered_at",
        "ended_at",
        "duration_s",
        "bill_duration_s",
        "bill_rate",
        "total_cost",
        "hangup",
        "stir",
        "machine",
    )
}
_DIALLED_FIELDS: Final = {
    "dial_b_leg_from": "from",
    "dial_b_leg_to": "to",
    "dial_b_leg_status": "call_status",
    "started_at": "started_at",
    "answered_at": "answered_at",
    "ended_at": "ended_at",
    "dial_b_leg_duration_s": "duration_s",
    "dial_b_leg_bill_duration_s": "bill_duration_s",
    "dial_b_leg_bill_rate": "bill_rate",
    "hangup": "hangup",
}


@dataclass(slots=True)
class Leg:
    """One leg: what its callbacks say of it, and which they are.

    ``not_verified`` are the fields of which only callbacks say anything whose signature did not hold.
    """

    id: str
    role: str
    is_of_call: bool
    fields: Json = field(default_factory=dict[str, Any])
    entries: list[TimelineEntry] = field(default_factory=list[TimelineEntry])
    not_verified: set[str] = field(default_factory=set[str])

    def update(self, fields: Mapping[str, Any], entry: TimelineEntry) -> None:
        """Note what a callback says: rule 2."""
        for name, value in fields.items():
            is_known = name in self.fields and name not in self.not_verified
            if value is None or (is_known and not entry.is_verified):
                continue
            self.fields[name] = value
            (self.not_verified.discard if entry.is_verified else self.not_verified.add)(name)

    def list_entries(self, *names: str) -> list[TimelineEntry]:
        """Return its callbacks of these types."""
        return [entry for entry in self.entries if entry.type in names]

    @property
    def was_answered(self) -> bool:
        """Say whether anything says that it was answered."""
        if self.list_entries("voice.call.answer", "voice.dial.answer", "voice.dial.connected"):
            return True
        return bool(self.fields.get("answered_at") or self.fields.get("duration_s"))

    @property
    def has_ended(self) -> bool:
        """Say whether a hangup of it came."""
        return bool(self.list_entries("voice.call.hangup", "voice.dial.hangup"))


def build_legs(entries: Sequence[TimelineEntry], identity: str) -> list[Leg]:
    """Return the legs, first those of the call an id is of, its first leg in front: rules 1 to 4."""
    ids = _find_call_ids(entries, identity)
    found: dict[str, Leg] = {}
    first: str | None = None
    for entry in entries:
        correlation = _correlation(entry)
        for leg_id, names in _list_described_legs(entry, correlation):
            leg = found.setdefault(leg_id, Leg(leg_id, "other", leg_id in ids))
            if leg.is_of_call:
                first = first or correlation.get("call")
            if entry not in leg.entries:
                leg.entries.append(entry)
            leg.update({ours: entry.data.get(name) for name, ours in names.items()}, entry)
            if names is _DIALLED_FIELDS:
                leg.role = "dialled"
    if first in found:
        found[first].role = "first"
    return sorted(found.values(), key=lambda leg: (not leg.is_of_call, leg.role != "first"))


def _find_call_ids(entries: Sequence[TimelineEntry], identity: str) -> set[str]:
    """Return the ids of the call that an id is of: rule 4."""
    groups = [
        {one for name in _CALL_IDS if (one := _correlation(entry).get(name)) is not None}
        for entry in entries
    ]
    ids = {identity}
    while more := set[str]().union(*[group for group in groups if not group.isdisjoint(ids)]) - ids:
        ids |= more
    return ids


def _correlation(entry: TimelineEntry) -> Mapping[str, str | None]:
    return entry.data.get("correlation") or {}


def _list_described_legs(
    entry: TimelineEntry, correlation: Mapping[str, str | None]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the legs a callback speaks of, and what its fields are called there: rule 1."""
    leg, other = correlation.get("leg"), correlation.get("other_leg")
    is_of_dialled = entry.type.startswith(_DIAL_PREFIX) and entry.type != _DIAL_ACTION
    if leg is not None and not is_of_dialled:
        yield leg, _OWN_FIELDS
    if other is not None and is_of_dialled:
        yield other, _DIALLED_FIELDS


def sum_costs(legs: Sequence[Leg]) -> str | None:
    """Return what the legs of the call cost in all, in the account's currency; None if none says.

    What is not verified counts only where nothing of the call is: see ``is_cost_verified``.
    """
    costs = [
        Decimal(leg.fields["total_cost"])
        for leg in legs
        if leg.is_of_call
        and "total_cost" in leg.fields
        and ("total_cost" not in leg.not_verified or not is_cost_verified(legs))
    ]
    return f"{sum(costs, Decimal()):f}" if costs else None


def is_cost_verified(legs: Iterable[Leg]) -> bool:
    """Say whether any callback of the call is verified: then its cost is of those alone."""
    return any(entry.is_verified for leg in legs if leg.is_of_call for entry in leg.entries)
