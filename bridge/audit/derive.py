"""Derive events from the journal with today's code, and compare them with the published ones.

1. A journal record is parsed by today's declarations, with the verdict, account and zone it got then;
   settings give the names. So the derived event differs only if the code differs, or if one of the two
   records is not what the bridge stored.
2. It is compared with the published event by the rules of ``compare``. The journal names that event.
   An event with another id is another event, whether the published one is still stored or not.
3. A record that had no event then and has one today is ``new``; one that had an event then and has
   none today is ``gone``. With neither it cannot be derived, now as then.
4. If the published event is no longer on its topic, and its id is today's, nothing can be compared.
5. Journal and event topics are read as one stream by ``reader.merged_reader``: fixed ends, no group.
   The events' end offsets are fixed after the journal's, because an event may be stored slightly later
   than its callback.
6. An event has the timestamp of its callback, so the events of a window are in that window. The
   exception is a redriven dead letter: its event has the time of the redrive, and is read as well.
7. Events that were derived earlier are left out: they are not what was published.
8. If journal records are selected by offset, their events lie between the records' lowest and highest
   timestamps; to find these the journal is read twice.
9. Journal records without an event at the end are reported as unmatched.
10. Journal records that are no callbacks are only counted: no event of today's is derived from them.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Final, cast

import orjson
from aiokafka.structs import ConsumerRecord

from bridge.audit.compare import Difference, find_differences
from bridge.audit.join import EventJoin, JoinKey, PendingCallback, RepeatedCallback
from bridge.audit.reverify import ReverifyResult, ReverifyVerdict
from bridge.callbacks.model import CallbackType
from bridge.core.event import ContractNames, EventRecord, to_event
from bridge.core.journal import EventName
from bridge.core.parse import NoEvent, NoEventReason, Parser
from bridge.publish.connection import KafkaConnection
from bridge.reader.journal import (
    JournalledCallback,
    NotAJournalRecord,
    is_callback,
    parse_journal_record,
)
from bridge.reader.merged_reader import CHUNK_RECORDS, OffsetRange, RecordFilter, read_ranges
from bridge.reader.selection import Query, build_filter, find_query_ranges
from bridge.reader.window import Window, find_ranges

# Header of an event that was derived later, and is not what was published.
DERIVED_HEADER: Final = "derived"
# Header of an event that a redriven dead letter became.
REDRIVEN_AT: Final = "redriven_at"
NOT_A_JOURNAL_RECORD: Final = "not_a_journal_record"

# The callback is at fault, not the code: no version makes an event of it.
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
    """The journal has the same callback again; only the first one counts."""


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
            # A fault in our code must not end the run: the other callbacks can still be derived.
            raise CannotDerive(NoEventReason.BRIDGE_FAULT) from error

    def derive_and_compare(
        self, value: bytes, published: bytes | None, *, source: str, at: datetime
    ) -> DeriveResult:
        """Return the result for a journal record and the event published for it, if any."""
        try:
            callback = parse_journal_record(value)
        except NotAJournalRecord:
            return DeriveResult(DeriveState.CANNOT_DERIVE, source, reason=NOT_A_JOURNAL_RECORD)
        named = callback.event_name
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
    """Counts of all results.

    ``fields`` counts the events in which each declared field differs, ``other_records`` the journal
    records that are no callbacks (rule 10).
    """

    states: Counter[DeriveState] = field(default_factory=Counter[DeriveState])
    reasons: Counter[tuple[DeriveState, str]] = field(
        default_factory=Counter[tuple[DeriveState, str]]
    )
    fields: Counter[str] = field(default_factory=Counter[str])
    reverified: Counter[tuple[str | None, ReverifyVerdict]] = field(
        default_factory=Counter[tuple[str | None, ReverifyVerdict]]
    )

    other_records: int = 0

    @property
    def records(self) -> int:
        """Return the number of callbacks."""
        return self.states.total()

    def add(self, result: DeriveResult) -> None:
        """Count a result."""
        self.states[result.state] += 1
        if result.reason is not None:
            self.reasons[result.state, result.reason] += 1
        self.fields.update({one.field for one in result.differences})

    def add_other_record(self) -> None:
        """Count a journal record that is no callback."""
        self.other_records += 1

    def add_reverified(self, result: ReverifyResult) -> None:
        """Count a signature that was verified again."""
        self.reverified[result.key_id, result.verdict] += 1

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
        verdicts = {verdict for _, verdict in self.reverified}
        bad = verdicts & {ReverifyVerdict.DOES_NOT_HOLD, ReverifyVerdict.KEY_UNKNOWN}
        return [*found, *sorted(bad)]


@dataclass(frozen=True, slots=True)
class DeriveScope:
    """Which journal records to derive, and where their events may be."""

    journal: str
    events: Sequence[str]
    query: Query
    within: Window


@dataclass(frozen=True, slots=True)
class DeriveHooks:
    """The time of a run, and its progress callbacks."""

    at: datetime
    on_read: Callable[[int], None] = lambda _: None
    on_callback: Callable[[str, bytes], None] = lambda _source, _value: None
    """Gets the position and value of every callback in the journal, before its result."""
    on_first: Callable[[str, bytes], None] = lambda _source, _value: None
    """Gets it once, however often the journal has it."""
    on_other_record: Callable[[], None] = lambda: None
    """Is called for every journal record that is no callback (rule 10)."""


@dataclass(frozen=True, slots=True)
class DeriveInput:
    """Offset ranges to read, and the filter of their records."""

    ranges: Sequence[OffsetRange]
    journal: str
    record_filter: RecordFilter


async def find_derive_input(connection: KafkaConnection, scope: DeriveScope) -> DeriveInput:
    """Return what to read: rules 5 to 8. Raises CannotRead or RecordsMissing."""
    journal_filter = build_filter(scope.query, scope.within)
    journal = await find_query_ranges(connection, [scope.journal], scope.query, scope.within)
    within = scope.within
    if scope.query.offsets:
        times = [
            record.timestamp
            async for chunk in read_ranges(connection, journal, record_filter=journal_filter)
            for record in chunk
        ]
        journal = journal if times else []
        within = Window(min(times, default=0), max(times, default=0) + 1)
    events = await find_ranges(connection, scope.events, within) if journal else []
    event_filter = build_filter(replace(scope.query, offsets=()), Window())

    def test(record: ConsumerRecord) -> bool:
        if record.topic == scope.journal:
            return journal_filter is None or journal_filter(record)
        names = [name for name, _ in record.headers]
        if DERIVED_HEADER in names or not (
            within.contains(record.timestamp) or REDRIVEN_AT in names
        ):
            return False
        return event_filter is None or event_filter(record)

    return DeriveInput([*journal, *events], scope.journal, test)


async def derive_journal_records(
    connection: KafkaConnection, derive_input: DeriveInput, deriver: Deriver, hooks: DeriveHooks
) -> AsyncGenerator[Sequence[DeriveResult]]:
    """Yield the result for every journal record, in lists of at most CHUNK_RECORDS.

    A list is empty if no record could be matched yet. Raises CannotRead, RecordsMissing, and
    CannotWrite if the temporary disk is full.
    """
    stream = read_ranges(
        connection,
        derive_input.ranges,
        record_filter=derive_input.record_filter,
        on_read=hooks.on_read,
    )
    with closing(EventJoin()) as join:
        journal_deriver = _JournalDeriver(derive_input.journal, join, deriver, hooks)
        async with aclosing(stream):
            async for chunk in stream:
                found = map(journal_deriver.process, chunk)
                yield [result for result in found if result is not None]
        unmatched = journal_deriver.derive_unmatched()
        while results := list(islice(unmatched, CHUNK_RECORDS)):
            yield results


class _JournalDeriver:
    """Processes the stream, one record after the other."""

    def __init__(self, journal: str, join: EventJoin, deriver: Deriver, hooks: DeriveHooks) -> None:
        self._journal = journal
        self._join = join
        self._deriver = deriver
        self._hooks = hooks

    def process(self, record: ConsumerRecord) -> DeriveResult | None:
        """Return the result that this record completes, None if it has to wait."""
        if record.topic == self._journal:
            if not is_callback(record):
                self._hooks.on_other_record()
                return None
            callback = PendingCallback(record.partition, record.offset, record.value or b"")
            return self._process_callback(record, callback)
        key = _read_event_key(record)
        if key is None:
            return None
        value = record.value or b""
        matched = self._join.match_event(key, value)
        return None if matched is None else self._derive(matched, value)

    def derive_unmatched(self) -> Iterator[DeriveResult]:
        """Yield the results of callbacks whose event was not found: rule 9."""
        for callback in self._join.unmatched_callbacks():
            yield self._derive(callback, None)

    def _process_callback(
        self, record: ConsumerRecord, callback: PendingCallback
    ) -> DeriveResult | None:
        source = self._source(callback)
        self._hooks.on_callback(source, callback.value)
        key = self._find_key(record, callback)
        if key is None:
            return self._derive(callback, None)
        try:
            event = self._join.match_callback(key, callback)
        except RepeatedCallback:
            return DeriveResult(DeriveState.REPEATED, source, key.id)
        self._hooks.on_first(source, callback.value)
        return None if event is None else self._derive(callback, event)

    def _find_key(self, record: ConsumerRecord, callback: PendingCallback) -> JoinKey | None:
        """Return the key of the callback's event, None if it had no event and has none today.

        The journal does not name the event of a dead letter, which may have been redriven since.
        """
        received_at = _parse_object(callback.value).get("received_at")
        if not isinstance(received_at, str):
            return None
        named = _read_header(record, "event_id")
        if named is not None:
            return JoinKey(named, received_at)
        try:
            event = self._deriver.derive_event(parse_journal_record(callback.value), self._hooks.at)
        except (NotAJournalRecord, CannotDerive):
            return None
        return JoinKey(event.id, received_at)

    def _derive(self, callback: PendingCallback, event: bytes | None) -> DeriveResult:
        return self._deriver.derive_and_compare(
            callback.value, event, source=self._source(callback), at=self._hooks.at
        )

    def _source(self, callback: PendingCallback) -> str:
        return f"{self._journal}:{callback.partition}:{callback.offset}"


def _read_event_key(record: ConsumerRecord) -> JoinKey | None:
    """Return the key of an event, None if the record is no event."""
    event = _parse_object(record.value or b"")
    try:
        event_id, received_at = event["id"], event["data"]["received_at"]
    except (KeyError, TypeError):
        return None
    return JoinKey(str(event_id), str(received_at))


def _parse_object(value: bytes) -> dict[str, Any]:
    """Return a record's value as a JSON object, empty if it is none."""
    try:
        fields: object = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else {}


def _read_header(record: ConsumerRecord, name: str) -> str | None:
    for key, value in record.headers:
        if key == name and value:
            return value.decode("utf-8", "replace")
    return None
