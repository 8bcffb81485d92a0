"""Derive a journal record by record, while its event topics are read once beside it.

1. Journal and event topics are read as one stream by ``reader.merged_reader``: fixed ends, no group.
   The events' end offsets are fixed after the journal's, because an event may be stored slightly later
   than its callback.
2. An event has the timestamp of its callback, so the events of a window are in that window. The
   exception is a redriven dead letter: its event has the time of the redrive, and is read as well.
3. Events that were derived earlier are left out: they are not what was published.
4. If journal records are selected by offset, their events lie between the records' lowest and highest
   timestamps; to find these the journal is read twice.
5. Journal records without an event at the end are reported as unmatched.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, cast

import orjson
from aiokafka.structs import ConsumerRecord

from bridge.audit.derive import DERIVED_HEADER, CannotDerive, Deriver, DeriveResult, DeriveState
from bridge.audit.join import EventJoin, JoinKey, PendingCallback, RepeatedCallback
from bridge.audit.redrive import REDRIVEN_AT
from bridge.publish.connection import KafkaConnection
from bridge.reader.journal import NotAJournalRecord, parse_journal_record
from bridge.reader.merged_reader import CHUNK_RECORDS, OffsetRange, RecordFilter, read_ranges
from bridge.reader.selection import Query, build_filter
from bridge.reader.window import Window, find_ranges
from bridge.replay.plan import find_query_ranges


@dataclass(frozen=True, slots=True)
class DeriveScope:
    """Which journal records to derive, and where their events may be."""

    journal: str
    events: Sequence[str]
    query: Query
    within: Window


@dataclass(frozen=True, slots=True)
class DeriveHooks:
    """What a run takes from outside: its time, and the callbacks it makes."""

    at: datetime
    on_read: Callable[[int], None] = lambda _: None
    on_callback: Callable[[str, bytes], None] = lambda _source, _value: None
    """Told of every journal record, by its place and value, before it is judged."""
    on_first: Callable[[str, bytes], None] = lambda _source, _value: None
    """Told of it once, however often the journal has it."""


@dataclass(frozen=True, slots=True)
class DeriveInput:
    """What to read, and which records of it are selected."""

    stretches: Sequence[OffsetRange]
    journal: str
    wanted: RecordFilter


async def find_derive_input(connection: KafkaConnection, scope: DeriveScope) -> DeriveInput:
    """Return what to read: rules 1 and 4. Raises CannotRead or RecordsMissing."""
    of_journal = build_filter(scope.query, scope.within)
    journal = await find_query_ranges(connection, [scope.journal], scope.query, scope.within)
    within = scope.within
    if scope.query.offsets:
        times = [
            record.timestamp
            async for chunk in read_ranges(connection, journal, record_filter=of_journal)
            for record in chunk
        ]
        journal = journal if times else []
        within = Window(min(times, default=0), max(times, default=0) + 1)
    events = await find_ranges(connection, scope.events, within) if journal else []
    of_events = build_filter(replace(scope.query, offsets=()), Window())

    def test(record: ConsumerRecord) -> bool:
        if record.topic == scope.journal:
            return of_journal is None or of_journal(record)
        names = [name for name, _ in record.headers]
        if DERIVED_HEADER in names or not (
            within.contains(record.timestamp) or REDRIVEN_AT in names
        ):
            return False
        return of_events is None or of_events(record)

    return DeriveInput([*journal, *events], scope.journal, test)


async def derive_journal_records(
    connection: KafkaConnection, derive_input: DeriveInput, deriver: Deriver, hooks: DeriveHooks
) -> AsyncGenerator[Sequence[DeriveResult]]:
    """Yield the result for every journal record, in lists of at most CHUNK_RECORDS.

    A list is empty if no record could be matched yet. Raises CannotRead, RecordsMissing, and
    CannotWrite if the temporary disk is full.
    """
    stream = read_ranges(
        connection, derive_input.stretches, record_filter=derive_input.wanted, on_read=hooks.on_read
    )
    with EventJoin() as pairs:
        judging = _JournalDeriver(derive_input.journal, pairs, deriver, hooks)
        async with aclosing(stream):
            async for chunk in stream:
                yield [
                    judged for record in chunk if (judged := judging.process(record)) is not None
                ]
        left = judging.derive_unmatched()
        while found := list(islice(left, CHUNK_RECORDS)):
            yield found


class _JournalDeriver:
    """Processes the stream, one record after the other."""

    def __init__(self, journal: str, join: EventJoin, deriver: Deriver, hooks: DeriveHooks) -> None:
        self._journal = journal
        self._pairs = join
        self._deriver = deriver
        self._watch = hooks

    def process(self, record: ConsumerRecord) -> DeriveResult | None:
        """Return the result that this record completes, None if it has to wait."""
        if record.topic == self._journal:
            callback = PendingCallback(record.partition, record.offset, record.value or b"")
            return self._process_callback(record, callback)
        key = _read_event_key(record)
        if key is None:
            return None
        value = record.value or b""
        met = self._pairs.match_event(key, value)
        return None if met is None else self._derive(met, value)

    def derive_unmatched(self) -> Iterator[DeriveResult]:
        """Yield the results of callbacks whose event was not found: rule 5."""
        for callback in self._pairs.unmatched_callbacks():
            yield self._derive(callback, None)

    def _process_callback(
        self, record: ConsumerRecord, callback: PendingCallback
    ) -> DeriveResult | None:
        source = self._source(callback)
        self._watch.on_callback(source, callback.value)
        key = self._find_key(record, callback)
        if key is None:
            return self._derive(callback, None)
        try:
            event = self._pairs.match_callback(key, callback)
        except RepeatedCallback:
            return DeriveResult(DeriveState.REPEATED, source, key.id)
        self._watch.on_first(source, callback.value)
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
            event = self._deriver.derive_event(parse_journal_record(callback.value), self._watch.at)
        except (NotAJournalRecord, CannotDerive):
            return None
        return JoinKey(event.id, received_at)

    def _derive(self, callback: PendingCallback, event: bytes | None) -> DeriveResult:
        return self._deriver.derive_and_compare(
            callback.value, event, source=self._source(callback), at=self._watch.at
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
