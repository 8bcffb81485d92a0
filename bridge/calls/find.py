"""Find everything stored about one call or message by its id.

1. The id is the key of its records (see ``reader.by_key``). Callbacks of a leg that is not the first
   leg have another key. So for an id that is no key, all partitions are searched for callbacks that
   name it.
2. The journal says which callbacks came, and in which order. Records of several partitions are merged
   by timestamp; the order within a partition is kept.
3. The event says what a callback means. The journal names it, so its topic is read until all events
   are found. An event that is no longer stored, or whose topic does not exist, is derived from the
   journal by today's code and marked as derived; missing topics are listed.
4. The start time is only a hint, and never cuts off part of a call: everything found is searched once
   more, from a day before its first record on. No call lasts longer.
5. Correlated ids are searched too, from a day before the first record on. Ids beyond ROUNDS_MAX steps
   or IDS_MAX ids are listed, and not read. Conferences and MultiPartyCalls are not followed. The
   callbacks of a conference are keyed by the calls in it; its recordings by a name that other
   conferences may have too; and no callback keyed by a call names a MultiPartyCall. To see a
   MultiPartyCall, search for its own id: that finds its callbacks and the calls they name.
6. Ids are followed only from callbacks of the call's own account (see ``found``). Callbacks of
   another account lead to no other id.
7. Dead letters are searched beside the journal. An event that was made later, by redriving a letter,
   is read like any other.
8. A dead letter is keyed by its call if the call is known, so it is found like a journal record.
   Letters of earlier versions, and those whose call is unknown, have an id of their own as key. So all
   partitions of the dead-letter topic are read. A letter belongs to a call if its key is the call's id,
   or if that id is a UUID and occurs anywhere in the callback.
9. The topic is usually small. If the window has more than SCAN_MAX letters, only those keyed by the
   call are read, unless all partitions are requested; the number of skipped letters is reported.
10. A letter belongs to the journal record of the same callback: same receive time, method, URL and
    body. If the journal has none under the call's key, the letter is the only record of it here.
11. An id may be named by its first characters, which is all that a table shows. The partition of an id
    follows from the whole id. So every partition is read, as far as the window reaches. An id that is
    unique in the window need not be unique before it.
12. The answer of a customer's application has a record of its own, with the key of its callback: see
    ``answers``.
"""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, replace
from heapq import merge
from itertools import groupby, pairwise, takewhile
from typing import Final, cast

import orjson
from aiokafka.structs import ConsumerRecord

from bridge.audit.derive import DERIVED_HEADER, CannotDerive, Deriver
from bridge.audit.redrive import DeadLetter
from bridge.calls.answers import attach_answers, collect_answer, find_stored_id, read_headers
from bridge.calls.found import (
    FoundCall,
    Json,
    TimelineEntry,
    split_by_account,
)
from bridge.core.dead_letter import CALLBACK_TYPE
from bridge.core.journal import EventName, JournalValue
from bridge.reader.by_key import KeyReader
from bridge.reader.journal import (
    NotAJournalRecord,
    is_answer,
    is_callback,
    parse_journal_record,
)
from bridge.reader.merged_reader import count_offsets
from bridge.reader.selection import build_mention_filter, format_position, is_uuid
from bridge.reader.topic_reader import find_missing_topics, to_stored_record
from bridge.reader.window import Window, find_ranges

CANDIDATES_MAX: Final = 1_000
ROUNDS_MAX: Final = 4
IDS_MAX: Final = 32
CALLBACKS_MAX: Final = 10_000
SCAN_MAX: Final = 10_000
_DAY_MS: Final = 86_400_000

_EventKey = tuple[str, str]
_CallbackKey = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class CallTopics:
    """The topics to search: journal, readable events, dead letters."""

    journal: str
    events: frozenset[str]
    letters: str


async def find_call(
    identity: str, within: Window, *, reader: KeyReader, topics: CallTopics, deriver: Deriver
) -> FoundCall:
    """Return everything stored about an id and its correlated ids. Raises CannotRead."""
    found = FoundCall(identity, within)
    ids = [identity]
    known = {identity}
    found.missing_topics = await find_missing_topics(reader.connection, [topics.letters])
    letters = None if found.missing_topics else LetterReader(reader, topics.letters)
    dead: dict[_CallbackKey, TimelineEntry] = {}
    for number in range(ROUNDS_MAX):
        keys = {topics.journal: {one.encode() for one in ids}}
        stream = reader.read("reading the journal", keys, within)
        async with aclosing(stream):
            await _collect(stream, found, deriver)
        if letters is not None:
            await _collect_letters(letters.read(ids, within), ids, dead=dead, deriver=deriver)
        if number == 0 and not found.entries and not dead:
            await _collect(_scan_for_leg(identity, within, reader, topics, deriver), found, deriver)
        entries = [*found.entries, *dead.values()]
        own, _ = split_by_account(_merge_in_order(entries), identity)
        linked = dict.fromkeys(one for entry in own for one in entry.linked_ids)
        new = [one for one in linked if one not in known]
        ids = new[: IDS_MAX - len(known)] if number + 1 < ROUNDS_MAX else []
        found.not_followed = new[len(ids) :]
        known.update(ids)
        found.followed += ids
        within = _widen(within, entries)
        if number == 0 and _begins_earlier(within, found.searched):
            ids = [identity, *ids]  # rule 4: search for the id itself again
            found.searched = within
        if not ids or found.is_truncated:
            break
    found.entries = _merge_in_order(_attach_letters(found.entries, dead))
    attach_answers(found)
    found.letters_skipped = letters.skipped if letters else 0
    await _attach_events(found, reader, topics.events)
    return found


async def _scan_for_leg(
    identity: str, within: Window, reader: KeyReader, topics: CallTopics, deriver: Deriver
) -> AsyncGenerator[ConsumerRecord]:
    """Yield journal records of callbacks that name an id which is not their key: rule 1."""
    text = identity.encode()
    ranges = await find_ranges(reader.connection, [topics.journal], within)
    stream = reader.scan(
        "looking for the leg",
        ranges,
        lambda one: within.contains(one.timestamp) and text in (one.value or b""),
    )
    async with aclosing(stream):
        async for record in stream:
            entry = to_entry(record, deriver)
            if entry is not None and identity in entry.ids:
                yield record


async def _collect(
    stream: AsyncIterator[ConsumerRecord], found: FoundCall, deriver: Deriver
) -> None:
    """Add callbacks that are not collected yet, each with the event today's code derives."""
    taken = {entry.position for entry in found.entries}
    async for record in stream:
        if format_position(record) in taken:
            continue
        if is_answer(record):
            collect_answer(record, found)
            continue
        if len(found.entries) == CALLBACKS_MAX:
            found.is_truncated = True
            return
        entry = to_entry(record, deriver)
        if entry is not None:
            found.entries.append(entry)


async def _collect_letters(
    stream: AsyncGenerator[ConsumerRecord],
    ids: Collection[str],
    *,
    dead: dict[_CallbackKey, TimelineEntry],
    deriver: Deriver,
) -> None:
    """Add dead letters, the first of each callback.

    A letter that today's code can parse, and that is about another call, merely mentions the id.
    """
    async with aclosing(stream):
        async for record in stream:
            entry = to_entry(record, deriver)
            if entry is not None and (entry.event is None or not entry.ids.isdisjoint(ids)):
                found = replace(entry, letter=DeadLetter(to_stored_record(record)))
                dead.setdefault(_identify_callback(entry.callback.value), found)
            if len(dead) == CALLBACKS_MAX:
                return


def _attach_letters(
    entries: Iterable[TimelineEntry], dead: Mapping[_CallbackKey, TimelineEntry]
) -> Iterator[TimelineEntry]:
    """Yield callbacks with their dead letters, then callbacks that are stored only as a dead letter."""
    left = dict(dead)
    for entry in entries:
        key = _identify_callback(entry.callback.value)
        left.pop(key, None)
        yield replace(entry, letter=dead[key].letter) if key in dead else entry
    yield from left.values()


def to_entry(record: ConsumerRecord, deriver: Deriver) -> TimelineEntry | None:
    """Return the callback of a record, None if it is no callback of the journal."""
    if not is_callback(record):
        return None
    try:
        callback = parse_journal_record(record.value or b"")
    except NotAJournalRecord:
        return None
    event: Json | None = None
    derived_event: EventName | None = None
    fault: str | None = None
    try:
        derived = deriver.derive_event(callback, callback.raw.received_at)
        event = cast("Json", orjson.loads(derived.record.value))
        topic, kind = derived.record.topic, derived.type.event_type
        derived_event = EventName(id=derived.id, type=kind, topic=topic)
    except CannotDerive as error:
        fault = error.reason
    headers = read_headers(record)
    return TimelineEntry(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=(record.key or b"").decode("utf-8", "replace"),
        callback=callback,
        event=event,
        event_from="derived" if event else None,
        fault=fault,
        replay_id=headers.get("replay_id"),
        derived_event=derived_event,
        header_type=headers.get(CALLBACK_TYPE, ""),
        stored_id=find_stored_id(headers),
    )


def _widen(within: Window, entries: Sequence[TimelineEntry]) -> Window:
    """Return the window in which to search for more of these callbacks' calls: rules 4 and 5."""
    if within.since_ms is None or not entries:
        return within
    first_ms = min(entry.timestamp_ms for entry in entries)
    return replace(within, since_ms=max(0, first_ms - _DAY_MS))


def _begins_earlier(one: Window, other: Window) -> bool:
    return one.since_ms is not None and other.since_ms is not None and one.since_ms < other.since_ms


def _merge_in_order(entries: Iterable[TimelineEntry]) -> list[TimelineEntry]:
    """Return callbacks of several readings in one order: rule 2."""
    by_offset = sorted(entries, key=lambda entry: (entry.topic, entry.partition, entry.offset))
    partitions = [
        list(partition)
        for _, partition in groupby(by_offset, key=lambda entry: (entry.topic, entry.partition))
    ]
    # A partition need not be sorted by time: heapq.merge() then still keeps its order.
    return list(merge(*partitions, key=lambda entry: entry.timestamp_ms))


async def _attach_events(found: FoundCall, reader: KeyReader, readable: Collection[str]) -> None:
    """Attach the published events to their callbacks: rules 3 and 7."""
    keys: dict[str, set[bytes]] = {}
    missing: set[_EventKey] = set()
    for entry in found.entries:
        name = entry.callback.event_name or entry.derived_event
        if name is not None and name["topic"] in readable:
            # The event of a redriven dead letter may have another key than the letter.
            event_keys = {entry.key, str((entry.event or {}).get("partitionkey"))}
            keys.setdefault(name["topic"], set()).update(map(str.encode, event_keys))
            missing.add((name["id"], entry.callback.value["received_at"]))
    if keys:
        found.missing_topics += await find_missing_topics(reader.connection, list(keys))
    keys = {topic: keys[topic] for topic in keys if topic not in found.missing_topics}
    if not keys:
        return
    published: dict[_EventKey, Json] = {}
    within = Window(min(entry.timestamp_ms for entry in found.entries))
    stream = reader.read("reading events", keys, within)
    async with aclosing(stream):
        async for record in stream:
            event = _parse_event(record)
            if event is not None:
                key = (event["id"], event["data"].get("received_at"))
                published.setdefault(key, event)
                missing.discard(key)
                if not missing:
                    break
    found.entries = [_attach_event(entry, published) for entry in found.entries]


def _attach_event(entry: TimelineEntry, published: Mapping[_EventKey, Json]) -> TimelineEntry:
    name = entry.callback.event_name or entry.derived_event
    if name is None:
        return entry
    # The receive time too, because Plivo's retry has the same id but an event of its own.
    event = published.get((name["id"], entry.callback.value["received_at"]))
    return entry if event is None else replace(entry, event=event, event_from="published")


def _parse_event(record: ConsumerRecord) -> Json | None:
    """Return the event of a record, None if it is no event or was derived later."""
    if any(name == DERIVED_HEADER for name, _ in record.headers):
        return None
    try:
        event: object = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return None
    fields = cast("Json", event) if isinstance(event, dict) else {}
    is_event = {"id", "type", "time"} <= fields.keys() and isinstance(fields.get("data"), dict)
    return fields if is_event else None


class LetterReader:
    """Reads the dead letters of calls. ``skipped`` counts the letters that were not read: rule 9."""

    def __init__(self, reader: KeyReader, topic: str) -> None:
        self._reader = reader
        self._topic = topic
        self.skipped = 0

    async def read(self, ids: Collection[str], within: Window) -> AsyncGenerator[ConsumerRecord]:
        """Yield the letters of the calls in the window: rules 8 and 9. Raises CannotRead."""
        keys = {one.encode() for one in ids}
        ranges = await find_ranges(self._reader.connection, [self._topic], within)
        letters = count_offsets(ranges)
        if letters > SCAN_MAX and not self._reader.all_partitions:
            ranges = await self._reader.find_ranges({self._topic: keys}, within)
            self.skipped = letters - count_offsets(ranges)
        mentions = build_mention_filter([one for one in ids if is_uuid(one)])

        def is_of_call(record: ConsumerRecord) -> bool:
            return within.contains(record.timestamp) and (record.key in keys or mentions(record))

        stream = self._reader.scan("reading dead letters", ranges, is_of_call)
        async with aclosing(stream):
            async for record in stream:
                yield record


def _identify_callback(value: JournalValue) -> _CallbackKey:
    """Return what the journal record and the dead letter of one callback have in common: rule 10."""
    body = value.get("body", "") + value.get("body_base64", "")
    return value["received_at"], value["method"], value["url_received"], body


@dataclass(slots=True)
class IdCandidate:
    """An id with the requested prefix, the time of its first record, and its number of callbacks."""

    id: str
    first_ms: int
    callbacks: int = 0


class AmbiguousPrefix(Exception):
    """Several ids have the prefix. ``candidates`` are at most CANDIDATES_MAX of them."""

    def __init__(self, prefix: str, candidates: Sequence[IdCandidate]) -> None:
        super().__init__(f"{len(candidates)} ids begin with {prefix}")
        self.prefix = prefix
        self.candidates = candidates

    @property
    def distinct_characters(self) -> int:
        """Return how many characters distinguish the candidates."""
        ids = sorted(one.id for one in self.candidates)
        return max(_common_length(one, other) for one, other in pairwise(ids)) + 1


def _common_length(one: str, other: str) -> int:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)


async def find_id(prefix: str, within: Window, *, reader: KeyReader, journal: str) -> str | None:
    """Return the only id in the window with this prefix, None if there is none: rule 11.

    If the prefix is itself a complete id, that id is returned. Raises AmbiguousPrefix and CannotRead.
    """
    found: dict[str, IdCandidate] = {}
    begins = prefix.encode()
    among = await find_ranges(reader.connection, [journal], within)
    stream = reader.scan(
        "looking for the id",
        among,
        lambda one: (
            (one.key or b"").startswith(begins)
            and within.contains(one.timestamp)
            and is_callback(one)
        ),
    )
    async with aclosing(stream):
        async for record in stream:
            key = (record.key or b"").decode("utf-8", "replace")
            if key not in found and len(found) == CANDIDATES_MAX:
                break
            found.setdefault(key, IdCandidate(key, record.timestamp)).callbacks += 1
    if prefix in found:
        return prefix
    if len(found) > 1:
        raise AmbiguousPrefix(prefix, list(found.values()))
    return next(iter(found), None)
