"""Build the legs of a call from what its callbacks say.

1. A callback describes the leg that is its key. Callbacks of a ``<Dial>`` describe the dialled leg,
   which may also have callbacks of its own: what they say is stored under the dialled leg's id.
2. For each field of a leg the latest callback that has a value counts; null is no value. Values of
   verified callbacks take precedence over those of unverified ones.
3. The first leg is the one that the others lead back to: ``data.correlation.call`` names it.
4. Legs belong to one call if a callback names both of them as call, leg, other leg or parent. Legs
   that only met in a MultiPartyCall belong to separate calls, and so does their cost.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from bridge.calls.found import Json, TimelineEntry

_DIAL_PREFIX: Final = "voice.dial."
_DIAL_ACTION: Final = "voice.dial.action"

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
    """One leg: what its callbacks say about it, and the callbacks.

    ``not_verified`` are the fields whose values come only from unverified callbacks.
    """

    id: str
    role: str
    is_of_call: bool
    fields: Json = field(default_factory=dict[str, Any])
    entries: list[TimelineEntry] = field(default_factory=list[TimelineEntry])
    not_verified: set[str] = field(default_factory=set[str])

    def update(self, fields: Mapping[str, Any], entry: TimelineEntry) -> None:
        """Add the fields of a callback: rule 2."""
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
        """Return True if any callback says that it was answered."""
        if self.list_entries("voice.call.answer", "voice.dial.answer", "voice.dial.connected"):
            return True
        return bool(self.fields.get("answered_at") or self.fields.get("duration_s"))

    @property
    def has_ended(self) -> bool:
        """Return True if it has a hangup."""
        return bool(self.list_entries("voice.call.hangup", "voice.dial.hangup"))


def build_legs(entries: Sequence[TimelineEntry], identity: str) -> list[Leg]:
    """Return the legs, those of the requested call first, its first leg in front: rules 1 to 4."""
    ids = _find_call_ids(entries, identity)
    found: dict[str, Leg] = {}
    first: str | None = None
    for entry in entries:
        for leg_id, names in _list_described_legs(entry):
            leg = found.setdefault(leg_id, Leg(leg_id, "other", leg_id in ids))
            if leg.is_of_call:
                first = first or entry.correlation.get("call")
            if entry not in leg.entries:
                leg.entries.append(entry)
            leg.update({ours: entry.data.get(name) for name, ours in names.items()}, entry)
            if names is _DIALLED_FIELDS:
                leg.role = "dialled"
    if first in found:
        found[first].role = "first"
    return sorted(found.values(), key=lambda leg: (not leg.is_of_call, leg.role != "first"))


def _find_call_ids(entries: Sequence[TimelineEntry], identity: str) -> set[str]:
    """Return the ids of all legs of the call that ``identity`` belongs to: rule 4."""
    groups = [set(entry.linked_ids) for entry in entries]
    ids = {identity}
    # Add every group that shares an id, until none adds any more.
    while more := set[str]().union(*[group for group in groups if not group.isdisjoint(ids)]) - ids:
        ids |= more
    return ids


def _list_described_legs(entry: TimelineEntry) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the legs a callback describes, with the mapping of its fields to theirs: rule 1."""
    leg, other = entry.correlation.get("leg"), entry.correlation.get("other_leg")
    is_of_dialled = entry.type.startswith(_DIAL_PREFIX) and entry.type != _DIAL_ACTION
    if leg is not None and not is_of_dialled:
        yield leg, _OWN_FIELDS
    if other is not None and is_of_dialled:
        yield other, _DIALLED_FIELDS


def sum_costs(legs: Sequence[Leg]) -> str | None:
    """Return the total cost of the call's legs in the account's currency; None if no leg has one.

    Unverified costs count only if no callback of the call is verified: see ``is_cost_verified``.
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
    """Return True if any callback of the call is verified: only verified costs are summed then."""
    return any(entry.is_verified for leg in legs if leg.is_of_call for entry in leg.entries)
