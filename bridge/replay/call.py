"""Everything stored about one call or message, found by its id.

1. The id is the key of its records (see ``keyed``).
2. The journal says what came, and in which order. Records of several partitions are merged by
   timestamp, and no partition is reordered.
3. An event says what a callback means. The journal names it, so its topic is read until all are found.
   One that is no longer there is derived from the journal by today's code, and says so; so is one whose
   topic is not there, and the topic is named.
4. Where to begin is a hint, and no call is cut by it: what is found is looked for once more, from a day
   before the first record of it on, for no call is longer.
5. Other ids a callback is correlated with are looked for too, from a day before the first record on.
   What is beyond ROUNDS_MAX steps or IDS_MAX ids is named, and not read. No conference and no
   MultiPartyCall is followed: callbacks of a conference are keyed by the calls in it, its recordings by
   a name that others may have too, and no callback that is keyed by a call names a MultiPartyCall. Who
   asks for a MultiPartyCall's own id finds its callbacks, and the calls they name.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import groupby
from typing import Any, Final, Literal, cast

import orjson
from aiokafka.structs import ConsumerRecord

from bridge.event import EventName
from bridge.replay.derive import DERIVED, CannotDerive, Deriver
from bridge.replay.journal import Journalled, NotAJournalRecord, journalled
from bridge.replay.keyed import Keyed
from bridge.replay.reading import missing_topics
from bridge.replay.window import Window

ROUNDS_MAX: Final = 4
IDS_MAX: Final = 32
CALLBACKS_MAX: Final = 10_000
_DAY_MS: Final = 86_400_000
_LINKS: Final = ("call", "leg", "other_leg", "parent_call")

Json = dict[str, Any]
_EventKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One callback: as it came, and the event that is of it, if there is one.

    ``key`` is its record's. ``event_from`` says whether the event was read or derived: rule 3.
    ``fault`` is why today's code makes none. ``replay_id`` is whose copy the record is, if it is one.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str
    callback: Journalled
    event: Json | None
    event_from: Literal["published", "derived"] | None
    fault: str | None = None
    replay_id: str | None = None

    @property
    def place(self) -> str:
        """Return where the callback lies: topic, partition and offset."""
        return f"{self.topic}:{self.partition}:{self.offset}"

    @property
    def named(self) -> EventName | None:
        """Return the event the journal names: the bridge makes one at most."""
        return next(iter(self.callback.value["events"]), None)

    @property
    def data(self) -> Json:
        """Return the event's data; without an event there is none."""
        return cast("Json", self.event["data"]) if self.event else {}

    @property
    def type(self) -> str:
        """Return the callback type's name, such as ``voice.call.ring``; blank without an event."""
        if self.event is None:
            return ""
        return str(self.event["type"]).removeprefix("com.plivo.").rpartition(".v")[0]


@dataclass(slots=True)
class Found:
    """What was found, in the journal's order: rule 2. ``read`` is the time of what was read."""

    id: str
    read: Window = field(default_factory=Window)
    entries: list[Entry] = field(default_factory=list[Entry])
    followed: list[str] = field(default_factory=list[str])
    not_followed: list[str] = field(default_factory=list[str])
    missing_topics: list[str] = field(default_factory=list[str])
    is_cut: bool = False
    """There are more than CALLBACKS_MAX callbacks: these are the first."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look: the journal's topic, and those of the events that can be read."""

    journal: str
    events: frozenset[str]


async def find(
    identity: str, within: Window, *, keyed: Keyed, sources: Sources, deriver: Deriver
) -> Found:
    """Return everything stored about an id, and what it is correlated with. Raises CannotRead."""
    found = Found(identity, within)
    asked = [identity]
    known = {identity}
    for number in range(ROUNDS_MAX):
        keys = {sources.journal: {one.encode() for one in asked}}
        stream = keyed.read("reading the journal", keys, within)
        async with aclosing(stream):
            await _take(stream, found, deriver)
        new = [one for one in _linked(found.entries) if one not in known]
        asked = new[: IDS_MAX - len(known)] if number + 1 < ROUNDS_MAX else []
        found.not_followed = new[len(asked) :]
        known.update(asked)
        found.followed += asked
        within = _around(within, found.entries)
        if number == 0 and _begins_earlier(within, found.read):
            asked = [identity, *asked]  # rule 4
            found.read = within
        if not asked or found.is_cut:
            break
    found.entries = _in_order(found.entries)
    await _add_events(found, keyed, sources.events)
    return found


async def _take(stream: AsyncIterator[ConsumerRecord], found: Found, deriver: Deriver) -> None:
    """Take callbacks that were not taken yet, with their events as today's code has them."""
    taken = {entry.place for entry in found.entries}
    async for record in stream:
        if f"{record.topic}:{record.partition}:{record.offset}" in taken:
            continue
        if len(found.entries) == CALLBACKS_MAX:
            found.is_cut = True
            return
        entry = _entry(record, deriver)
        if entry is not None:
            found.entries.append(entry)


def _entry(record: ConsumerRecord, deriver: Deriver) -> Entry | None:
    """Return the callback of a record, None for what is no journal record."""
    try:
        callback = journalled(record.value or b"")
    except NotAJournalRecord:
        return None
    event: Json | None = None
    fault: str | None = None
    try:
        derived = deriver.event_of(callback, callback.raw.received_at)
        event = cast("Json", orjson.loads(derived.record.value))
    except CannotDerive as error:
        fault = error.reason
    replay_id = dict(record.headers).get("replay_id")
    return Entry(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=(record.key or b"").decode("utf-8", "replace"),
        callback=callback,
        event=event,
        event_from="derived" if event else None,
        fault=fault,
        replay_id=None if replay_id is None else replay_id.decode("utf-8", "replace"),
    )


def _linked(entries: Iterable[Entry]) -> Iterable[str]:
    """Return the ids the callbacks are correlated with, each once: rule 5."""
    return dict.fromkeys(
        one
        for entry in entries
        for name in _LINKS
        if (one := entry.data.get("correlation", {}).get(name)) is not None
    )


def _around(within: Window, entries: Sequence[Entry]) -> Window:
    """Return where to look for what belongs to these callbacks: rules 4 and 5."""
    if within.since_ms is None or not entries:
        return within
    first_ms = min(entry.timestamp_ms for entry in entries)
    return replace(within, since_ms=max(0, first_ms - _DAY_MS))


def _begins_earlier(one: Window, other: Window) -> bool:
    return one.since_ms is not None and other.since_ms is not None and one.since_ms < other.since_ms


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return callbacks of several readings in one order: rule 2."""
    by_offset = sorted(entries, key=lambda entry: (entry.partition, entry.offset))
    lanes = [list(lane) for _, lane in groupby(by_offset, key=lambda entry: entry.partition)]
    # To merge compares the next one of each lane, whether a lane is sorted by time or not.
    return list(merge(*lanes, key=lambda entry: entry.timestamp_ms))


async def _add_events(found: Found, keyed: Keyed, readable: Collection[str]) -> None:
    """Put the events that were published beside their callbacks: rule 3."""
    keys: dict[str, set[bytes]] = {}
    missing: set[_EventKey] = set()
    for entry in found.entries:
        if entry.named is not None and entry.named["topic"] in readable:
            keys.setdefault(entry.named["topic"], set()).add(entry.key.encode())
            missing.add((entry.named["id"], entry.callback.value["received_at"]))
    found.missing_topics = await missing_topics(keyed.connection, list(keys)) if keys else []
    keys = {topic: of for topic, of in keys.items() if topic not in found.missing_topics}
    if not keys:
        return
    published: dict[_EventKey, Json] = {}
    within = Window(min(entry.timestamp_ms for entry in found.entries))
    stream = keyed.read("reading events", keys, within)
    async with aclosing(stream):
        async for record in stream:
            event = _event(record)
            if event is not None:
                key = (event["id"], event["data"].get("received_at"))
                published.setdefault(key, event)
                missing.discard(key)
                if not missing:
                    break
    found.entries = [_with_event(entry, published) for entry in found.entries]


def _with_event(entry: Entry, published: Mapping[_EventKey, Json]) -> Entry:
    if entry.named is None:
        return entry
    # A retry has the same id, and an event of its own.
    event = published.get((entry.named["id"], entry.callback.value["received_at"]))
    return entry if event is None else replace(entry, event=event, event_from="published")


def _event(record: ConsumerRecord) -> Json | None:
    """Return the event of a record, None for what is none, or was derived later."""
    if any(name == DERIVED for name, _ in record.headers):
        return None
    try:
        event: object = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return None
    fields = cast("Json", event) if isinstance(event, dict) else {}
    is_event = {"id", "type", "time"} <= fields.keys() and isinstance(fields.get("data"), dict)
    return fields if is_event else None
