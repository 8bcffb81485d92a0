"""Derive events from the journal with today's code, and compare them with the published ones.

1. A journal record is parsed by today's declarations, with the verdict, account and zone it got then;
   settings give the names. So the derived event differs only if the code differs, or if one of the two
   records is not what the bridge stored.
2. It is compared with the published event by the rules of ``compare``. The journal names that event.
   An event with another id is another event, whether the published one is still stored or not.
3. A record that had no event then and has one today is ``new``; one that had an event then and has
   none today is ``gone``. With neither it cannot be derived, now as then.
4. If the published event is no longer on its topic, and its id is today's, nothing can be compared.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from bridge.audit.compare import Difference, find_differences
from bridge.audit.reverify import ReverifyResult, ReverifyVerdict
from bridge.callbacks.model import CallbackType
from bridge.core.event import ContractNames, EventName, EventRecord, to_event
from bridge.core.parse import NoEvent, NoEventReason, Parser
from bridge.reader.journal import JournalledCallback, NotAJournalRecord, parse_journal_record

# The header of what was derived later: it is not what was published.
DERIVED_HEADER: Final = "derived"
NOT_A_JOURNAL_RECORD: Final = "not_a_journal_record"

# Of such a callback nobody makes an event: nothing would change.
_CALLBACK_FAULTS: Final = frozenset(NoEventReason) - {NoEventReason.BRIDGE_FAULT}


class DeriveState(StrEnum):
    """What today's code makes of a journal record: rules 2 to 4."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"
    CANNOT_DERIVE = "cannot_derive"
    EVENT_EXPIRED = "event_expired"
    REPEATED = "repeated"
    """The journal has the very callback twice: looked at once."""


@dataclass(frozen=True, slots=True)
class DeriveResult:
    """The result for one journal record. ``source`` is its position: topic:partition:offset.

    ``id`` and ``callback_type`` are those of the event, today's if there is one.
    """

    state: DeriveState
    source: str
    id: str | None = None
    callback_type: str | None = None
    reason: str | None = None
    differences: tuple[Difference, ...] = ()
    event: EventRecord | None = None


class CannotDerive(Exception):
    """Today's code makes no event of the callback. ``reason`` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Deriver:
    """Derives events from journal records with today's declarations: rule 1."""

    def __init__(self, parser: Parser, naming: ContractNames) -> None:
        self._parser = parser
        self._naming = naming
        self._routes: dict[str, CallbackType] = {kind.path: kind for kind in parser.catalogue.types}

    def derive_event(self, callback: JournalledCallback, at: datetime) -> EventRecord:
        """Return the event of a callback, built at the instant ``at``; raises CannotDerive."""
        try:
            parsed = self._parser.parse(callback.verdict, self._routes.get(callback.raw.path))
            return to_event(parsed, self._naming, at)
        except NoEvent as error:
            raise CannotDerive(error.reason) from error
        except Exception as error:
            # Whatever the fault is, it is this callback's: the others are still to be judged.
            raise CannotDerive(NoEventReason.BRIDGE_FAULT) from error

    def derive_and_compare(
        self, value: bytes, published: bytes | None, *, source: str, at: datetime
    ) -> DeriveResult:
        """Return the result for a journal record and the event published for it, if any."""
        try:
            callback = parse_journal_record(value)
        except NotAJournalRecord:
            return DeriveResult(DeriveState.CANNOT_DERIVE, source, reason=NOT_A_JOURNAL_RECORD)
        named = _published_event(callback)
        try:
            event = self.derive_event(callback, at)
        except CannotDerive as error:
            was = named is not None or published is not None
            state = DeriveState.GONE if was else DeriveState.CANNOT_DERIVE
            event_id, kind = (named["id"], named["type"]) if named else (None, None)
            return DeriveResult(state, source, event_id, kind, reason=error.reason)
        found = _compare(event, named, published)
        if found is not None:
            state = DeriveState.CHANGED if found else DeriveState.UNCHANGED
        else:
            state = DeriveState.NEW if named is None else DeriveState.EVENT_EXPIRED
        return DeriveResult(
            state, source, event.id, event.type.event_type, differences=found or (), event=event
        )


def _published_event(callback: JournalledCallback) -> EventName | None:
    """Return the event that the journal names: the bridge makes at most one."""
    return next(iter(callback.value["events"]), None)


def _compare(
    event: EventRecord, named: EventName | None, published: bytes | None
) -> tuple[Difference, ...] | None:
    """Return the differences, None if there is nothing to compare with: rules 2 and 4."""
    if published is not None:
        return find_differences(published, event.record.value)
    if named is None or named["id"] == event.id:
        return None
    sides = (("id", named["id"], event.id), ("type", named["type"], event.type.event_type))
    return tuple(Difference(*side) for side in sides if side[1] != side[2])


@dataclass(slots=True)
class DeriveSummary:
    """Counts of all results. ``fields`` counts the events in which each declared field differs."""

    states: Counter[DeriveState] = field(default_factory=Counter[DeriveState])
    reasons: Counter[tuple[DeriveState, str]] = field(
        default_factory=Counter[tuple[DeriveState, str]]
    )
    fields: Counter[str] = field(default_factory=Counter[str])
    reverified: Counter[tuple[str | None, ReverifyVerdict]] = field(
        default_factory=Counter[tuple[str | None, ReverifyVerdict]]
    )

    @property
    def records(self) -> int:
        """Return the number of journal records."""
        return self.states.total()

    def add(self, judged: DeriveResult) -> None:
        """Count a result."""
        self.states[judged.state] += 1
        if judged.reason is not None:
            self.reasons[judged.state, judged.reason] += 1
        self.fields.update({one.field for one in judged.differences})

    def add_reverified(self, recheck: ReverifyResult) -> None:
        """Count a signature that was verified again."""
        self.reverified[recheck.key_id, recheck.verdict] += 1

    def list_faults(self) -> Sequence[str]:
        """Return the codes an auditor has to look at; empty if nothing changed."""
        found = [
            state
            for state in (DeriveState.CHANGED, DeriveState.NEW, DeriveState.GONE)
            if self.states[state]
        ]
        if any(
            state is DeriveState.CANNOT_DERIVE and reason not in _CALLBACK_FAULTS
            for state, reason in self.reasons
        ):
            found.append(DeriveState.CANNOT_DERIVE)
        checks = {checked for _, checked in self.reverified}
        return [
            *found,
            *sorted(checks & {ReverifyVerdict.DOES_NOT_HOLD, ReverifyVerdict.KEY_UNKNOWN}),
        ]
