"""Read the records of a request that dials, and go on reading what is new.

1. A request is found by its reference, which is the key of its journal records; by a request UUID, which
   is the key of a destination's event; or by the id of one of its calls, whose callbacks have the
   reference in their URL. If none of these leads to it, the whole window is searched for a journal
   record that names the id. Nothing is searched if the local ledger has the request.
2. From a minute before the request was sent, journal and requested topic are read in every partition:
   only its callbacks say which calls a request has whose answer was lost.
   The request may have been sent a day before the record that led to it.
3. Plivo ends a call after 24 hours at the latest, so reading ends 30 hours after the request.
4. Each further reading begins where the last one ended.
"""

from collections.abc import Callable, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import orjson
from aiokafka.structs import ConsumerRecord

from bridge.audit.derive import Deriver
from bridge.calls.find import to_entry
from bridge.calls.match import read_references
from bridge.calls.request import RequestRecords
from bridge.core.event import to_epoch_ms
from bridge.core.requested import REQUESTED
from bridge.originate.entry import LedgerEntry
from bridge.reader.by_key import KeyReader
from bridge.reader.journal import is_callback
from bridge.reader.topic_reader import find_missing_topics
from bridge.reader.window import Window, find_ranges

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 24 * 60 * _MINUTE_MS
_SEARCH_MS: Final = 30 * 60 * _MINUTE_MS


@dataclass(frozen=True, slots=True)
class RequestTopics:
    """The topics to read: the journal, and that of requested calls."""

    journal: str
    requested: str


@dataclass(slots=True)
class RequestReader:
    """Reads one request. ``within`` is where its records are searched."""

    reader: KeyReader
    topics: RequestTopics
    deriver: Deriver
    within: Window
    _topics: list[str] = field(default_factory=list[str])
    _next: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])

    async def find(self, identity: str, entry: LedgerEntry | None = None) -> RequestRecords | None:
        """Return the records of the request with this reference or id, None if there is none: rule 1.

        ``entry`` is what the local ledger has about it. Raises CannotRead.
        """
        self._topics = [self.topics.journal]
        if not await find_missing_topics(self.reader.connection, [self.topics.requested]):
            self._topics.append(self.topics.requested)
        reference = entry.reference if entry else await self._find_reference(identity)
        if reference is None:
            return None
        records = RequestRecords(reference, self.deriver)
        if entry is not None:
            records.set_ledger(entry)
        keys = {self.topics.journal: {reference.encode()}}
        since_ms = self.within.since_ms
        if since_ms is not None:
            self.within = replace(self.within, since_ms=max(0, since_ms - _DAY_MS))
        stream = self.reader.read("reading the request", keys, self.within)
        async with aclosing(stream):
            async for record in stream:
                records.add(record)
        await self._read(records)
        return records

    async def read_new(self, records: RequestRecords) -> bool:
        """Add what was stored since the last reading: rule 4. Return whether there was anything.

        Raises CannotRead.
        """
        self.reader = replace(self.reader, show_progress=_show_nothing)
        return await self._read(records)

    async def _read(self, records: RequestRecords) -> bool:
        within = self._find_window(records)
        found = await find_ranges(self.reader.connection, self._topics, within)
        begins = [max(one.begin, self._next.get((one.topic, one.partition), 0)) for one in found]
        ranges = [
            replace(one, begin=begin)
            for one, begin in zip(found, begins, strict=True)
            if begin < one.end
        ]
        stream = self.reader.scan(
            "reading its callbacks",
            ranges,
            lambda one: within.contains(one.timestamp) and records.concerns(one),
        )
        is_new = False
        async with aclosing(stream):
            async for record in stream:
                records.add(record)
                is_new = True
        self._next |= {(one.topic, one.partition): one.end for one in ranges}
        return is_new

    def _find_window(self, records: RequestRecords) -> Window:
        """Return where the records of the calls can be: rules 2 and 3."""
        sent = records.requested_at
        if sent is None:
            return self.within
        sent_ms = to_epoch_ms(sent)
        ends = [one for one in (self.within.until_ms, sent_ms + _SEARCH_MS) if one is not None]
        return Window(sent_ms - _MINUTE_MS, min(ends))

    async def _find_reference(self, identity: str) -> str | None:
        """Return the reference of the request that an id belongs to: rule 1."""
        keys = {topic: {identity.encode()} for topic in self._topics}
        stream = self.reader.read("looking for the request", keys, self.within)
        async with aclosing(stream):
            async for record in stream:
                reference = self._read_reference(record)
                if reference is not None:
                    return reference
        text = identity.encode()
        stream = self.reader.scan(
            "looking for the request",
            await find_ranges(self.reader.connection, [self.topics.journal], self.within),
            lambda one: (
                self.within.contains(one.timestamp)
                and not is_callback(one)
                and text in (one.value or b"")
            ),
        )
        async with aclosing(stream):
            async for record in stream:
                reference = self._read_reference(record)
                if reference is not None:
                    return reference
        return None

    def _read_reference(self, record: ConsumerRecord) -> str | None:
        """Return the reference that a record has, whichever of the three kinds it is."""
        if record.topic == self.topics.journal and is_callback(record):
            entry = to_entry(record, self.deriver)
            return next(iter(read_references(entry)), None) if entry is not None else None
        try:
            value = orjson.loads(record.value or b"")
            data = value["data"] if value.get("type") == REQUESTED.event_type else value
            return str(data["reference"])
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
            return None


@contextmanager
def _show_nothing(_activity: str, _total: int) -> Generator[Callable[[int], None]]:
    yield lambda _: None
