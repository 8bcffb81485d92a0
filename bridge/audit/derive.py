"""The journal through today's code, beside what was published.

1. A journal record is recalled with the verdict, account and zone of then, and parsed by today's
   declarations; settings give the names. So its event differs only where the code does, or where one
   of the two records is not what the bridge stored.
2. It is compared with the event that was published, by the rules of ``differing``. The journal names
   that event. One of another id is another event, whether the published one is still there or not.
3. A record without an event then that has one today is ``new``; one with an event then that has none
   today is ``gone``. Without either it cannot be derived, then as now.
4. Where the published event is no longer on its topic, and its id is today's, nothing can be said.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from bridge.audit.compare import Difference, differences
from bridge.audit.reverify import Checked, Recheck
from bridge.callbacks.model import CallbackType
from bridge.core.event import Event, EventName, Naming, to_event
from bridge.core.parse import NoEvent, NoEventReason, Parser
from bridge.reader.journal import Journalled, NotAJournalRecord, journalled

# The header of what was derived later: it is not what was published.
DERIVED: Final = "derived"
NOT_A_JOURNAL_RECORD: Final = "not_a_journal_record"

# Of such a callback nobody makes an event: nothing would change.
_OF_THE_CALLBACK: Final = frozenset(NoEventReason) - {NoEventReason.BRIDGE_FAULT}


class State(StrEnum):
    """What today's code makes of a journal record: rules 2 to 4."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"
    CANNOT_DERIVE = "cannot_derive"
    NOT_THERE = "not_there"
    REPEATED = "repeated"
    """The journal has the very callback twice: looked at once."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One journal record, judged. ``source`` is where it lies: topic:partition:offset.

    ``id`` and ``callback_type`` are the event's, today's if there is one.
    """

    state: State
    source: str
    id: str | None = None
    callback_type: str | None = None
    reason: str | None = None
    differences: tuple[Difference, ...] = ()
    event: Event | None = None


class CannotDerive(Exception):
    """Today's code makes no event of the callback. ``reason`` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Deriver:
    """Makes events of journal records with today's declarations: rule 1."""

    def __init__(self, parser: Parser, naming: Naming) -> None:
        self._parser = parser
        self._naming = naming
        self._routes: dict[str, CallbackType] = {kind.path: kind for kind in parser.catalogue.types}

    def event_of(self, callback: Journalled, at: datetime) -> Event:
        """Return the event of a callback, built ``at`` that instant; raises CannotDerive."""
        try:
            parsed = self._parser.parse(callback.verdict, self._routes.get(callback.raw.path))
            return to_event(parsed, self._naming, at)
        except NoEvent as error:
            raise CannotDerive(error.reason) from error
        except Exception as error:
            # Whatever the fault is, it is this callback's: the others are still to be judged.
            raise CannotDerive(NoEventReason.BRIDGE_FAULT) from error

    def judged(self, value: bytes, published: bytes | None, *, source: str, at: datetime) -> Judged:
        """Return what becomes of a journal record beside the event that was published of it, if any."""
        try:
            callback = journalled(value)
        except NotAJournalRecord:
            return Judged(State.CANNOT_DERIVE, source, reason=NOT_A_JOURNAL_RECORD)
        named = _named(callback)
        try:
            event = self.event_of(callback, at)
        except CannotDerive as error:
            was = named is not None or published is not None
            state = State.GONE if was else State.CANNOT_DERIVE
            event_id, kind = (named["id"], named["type"]) if named else (None, None)
            return Judged(state, source, event_id, kind, reason=error.reason)
        found = _differences(event, named, published)
        if found is not None:
            state = State.CHANGED if found else State.UNCHANGED
        else:
            state = State.NEW if named is None else State.NOT_THERE
        return Judged(
            state, source, event.id, event.type.event_type, differences=found or (), event=event
        )


def _named(callback: Journalled) -> EventName | None:
    """Return the event that was made of the callback then: the bridge makes one at most."""
    return next(iter(callback.value["events"]), None)


def _differences(
    event: Event, named: EventName | None, published: bytes | None
) -> tuple[Difference, ...] | None:
    """Return what differs, None where there is nothing to compare with: rules 2 and 4."""
    if published is not None:
        return differences(published, event.record.value)
    if named is None or named["id"] == event.id:
        return None
    sides = (("id", named["id"], event.id), ("type", named["type"], event.type.event_type))
    return tuple(Difference(*side) for side in sides if side[1] != side[2])


@dataclass(slots=True)
class Tally:
    """What was found in all. ``fields`` counts the events each declared field differs in."""

    states: Counter[State] = field(default_factory=Counter[State])
    reasons: Counter[tuple[State, str]] = field(default_factory=Counter[tuple[State, str]])
    fields: Counter[str] = field(default_factory=Counter[str])
    rechecks: Counter[tuple[str | None, Checked]] = field(
        default_factory=Counter[tuple[str | None, Checked]]
    )

    @property
    def records(self) -> int:
        """Return how many journal records were judged."""
        return self.states.total()

    def add(self, judged: Judged) -> None:
        """Count a journal record."""
        self.states[judged.state] += 1
        if judged.reason is not None:
            self.reasons[judged.state, judged.reason] += 1
        self.fields.update({one.field for one in judged.differences})

    def add_recheck(self, recheck: Recheck) -> None:
        """Count a signature that was checked again."""
        self.rechecks[recheck.key_id, recheck.checked] += 1

    def faults(self) -> Sequence[str]:
        """Return, in words, what an auditor has to look at; none if all is as it was."""
        found = [state for state in (State.CHANGED, State.NEW, State.GONE) if self.states[state]]
        if any(
            state is State.CANNOT_DERIVE and reason not in _OF_THE_CALLBACK
            for state, reason in self.reasons
        ):
            found.append(State.CANNOT_DERIVE)
        checks = {checked for _, checked in self.rechecks}
        return [*found, *sorted(checks & {Checked.DOES_NOT_HOLD, Checked.KEY_UNKNOWN})]
