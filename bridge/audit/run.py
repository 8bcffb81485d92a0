"""A journal derived again, record by record, while the event topics are read beside it, once.

1. Journal and event topics are read as one stream, by ``reading``: fixed ends, no group. The events'
   ends are fixed after the journal's, because an event may be stored a little after its callback.
2. An event's timestamp is its callback's, so the events of a window are the window's. A dead letter
   that was run again is the exception: its event is stamped with that time, and read all the same.
3. Events that were derived earlier are left out: they are not what was published.
4. Journal records that were chosen by offsets have the events between their lowest and highest
   timestamp; for these the journal is read twice.
5. Who has not met its event at the end is judged without it.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, cast

import orjson
from aiokafka.structs import ConsumerRecord

from bridge.audit.derive import DERIVED, CannotDerive, Deriver, Judged, State
from bridge.audit.join import Callback, Key, Pairs, Repeated
from bridge.audit.redrive import REDRIVEN_AT
from bridge.publish.connection import Connection
from bridge.reader.journal import NotAJournalRecord, journalled
from bridge.reader.merged_reader import CHUNK_RECORDS, Stretch, Wanted, records
from bridge.reader.selection import Query, wanted
from bridge.reader.window import Window, stretches
from bridge.replay.planning import to_read


@dataclass(frozen=True, slots=True)
class Scope:
    """Which journal records are derived again, and where their events may be."""

    journal: str
    events: Sequence[str]
    query: Query
    within: Window


@dataclass(frozen=True, slots=True)
class Watch:
    """What a run takes from outside: its instant, and who wants to know what was read."""

    at: datetime
    on_read: Callable[[int], None] = lambda _: None
    on_callback: Callable[[str, bytes], None] = lambda _source, _value: None
    """Told of every journal record, by its place and value, before it is judged."""
    on_first: Callable[[str, bytes], None] = lambda _source, _value: None
    """Told of it once, however often the journal has it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is to be read, and which of it is wanted."""

    stretches: Sequence[Stretch]
    journal: str
    wanted: Wanted


async def to_derive(connection: Connection, scope: Scope) -> Reading:
    """Return what is to be read: rules 1 and 4. Raises CannotRead or RecordsMissing."""
    of_journal = wanted(scope.query, scope.within)
    journal = await to_read(connection, [scope.journal], scope.query, scope.within)
    within = scope.within
    if scope.query.offsets:
        times = [
            record.timestamp
            async for chunk in records(connection, journal, wanted=of_journal)
            for record in chunk
        ]
        journal = journal if times else []
        within = Window(min(times, default=0), max(times, default=0) + 1)
    events = await stretches(connection, scope.events, within) if journal else []
    of_events = wanted(replace(scope.query, offsets=()), Window())

    def test(record: ConsumerRecord) -> bool:
        if record.topic == scope.journal:
            return of_journal is None or of_journal(record)
        names = [name for name, _ in record.headers]
        if DERIVED in names or not (within.holds(record.timestamp) or REDRIVEN_AT in names):
            return False
        return of_events is None or of_events(record)

    return Reading([*journal, *events], scope.journal, test)


async def judgements(
    connection: Connection, reading: Reading, deriver: Deriver, watch: Watch
) -> AsyncGenerator[Sequence[Judged]]:
    """Yield every journal record of the scope, judged, in lists of at most CHUNK_RECORDS.

    A list is empty where nothing read could be judged yet. Raises CannotRead, RecordsMissing, and
    CannotWrite where what waits for its other half cannot be kept.
    """
    stream = records(connection, reading.stretches, wanted=reading.wanted, on_read=watch.on_read)
    with Pairs() as pairs:
        judging = _Judging(reading.journal, pairs, deriver, watch)
        async with aclosing(stream):
            async for chunk in stream:
                yield [judged for record in chunk if (judged := judging.taken(record)) is not None]
        left = judging.left()
        while found := list(islice(left, CHUNK_RECORDS)):
            yield found


class _Judging:
    """The stream's records, one after the other."""

    def __init__(self, journal: str, pairs: Pairs, deriver: Deriver, watch: Watch) -> None:
        self._journal = journal
        self._pairs = pairs
        self._deriver = deriver
        self._watch = watch

    def taken(self, record: ConsumerRecord) -> Judged | None:
        """Return what can be judged now that the record has come."""
        if record.topic == self._journal:
            callback = Callback(record.partition, record.offset, record.value or b"")
            return self._callback(record, callback)
        key = _key_of_event(record)
        if key is None:
            return None
        value = record.value or b""
        met = self._pairs.callback_of(key, value)
        return None if met is None else self._judged(met, value)

    def left(self) -> Iterator[Judged]:
        """Yield what has not met its event: rule 5."""
        for callback in self._pairs.waiting():
            yield self._judged(callback, None)

    def _callback(self, record: ConsumerRecord, callback: Callback) -> Judged | None:
        source = self._source(callback)
        self._watch.on_callback(source, callback.value)
        key = self._key(record, callback)
        if key is None:
            return self._judged(callback, None)
        try:
            event = self._pairs.event_of(key, callback)
        except Repeated:
            return Judged(State.REPEATED, source, key.id)
        self._watch.on_first(source, callback.value)
        return None if event is None else self._judged(callback, event)

    def _key(self, record: ConsumerRecord, callback: Callback) -> Key | None:
        """Return what its event is known by, None where it neither had one nor has one today.

        The journal does not name a dead letter's event; it may have been run again.
        """
        received_at = _fields(callback.value).get("received_at")
        if not isinstance(received_at, str):
            return None
        named = _header(record, "event_id")
        if named is not None:
            return Key(named, received_at)
        try:
            event = self._deriver.event_of(journalled(callback.value), self._watch.at)
        except (NotAJournalRecord, CannotDerive):
            return None
        return Key(event.id, received_at)

    def _judged(self, callback: Callback, event: bytes | None) -> Judged:
        return self._deriver.judged(
            callback.value, event, source=self._source(callback), at=self._watch.at
        )

    def _source(self, callback: Callback) -> str:
        return f"{self._journal}:{callback.partition}:{callback.offset}"


def _key_of_event(record: ConsumerRecord) -> Key | None:
    """Return what an event is known by, None for what is no event."""
    event = _fields(record.value or b"")
    try:
        event_id, received_at = event["id"], event["data"]["received_at"]
    except (KeyError, TypeError):
        return None
    return Key(str(event_id), str(received_at))


def _fields(value: bytes) -> dict[str, Any]:
    """Return a record's value as JSON, empty where it is no object."""
    try:
        fields: object = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else {}


def _header(record: ConsumerRecord, name: str) -> str | None:
    for key, value in record.headers:
        if key == name and value:
            return value.decode("utf-8", "replace")
    return None
