"""Find the dead letters of a call.

1. A dead letter is keyed by its call if the call is known, so it is found like a journal record.
   Letters of earlier versions, and those whose call is unknown, have an id of their own as key. So all
   partitions of the dead-letter topic are read. A letter belongs to a call if its key is the call's id,
   or if that id is a UUID and occurs anywhere in the callback.
2. The topic is usually small. If the window has more than SCAN_MAX letters, only those keyed by the
   call are read, unless all partitions are requested; the number of skipped letters is reported.
3. A letter belongs to the journal record of the same callback: same receive time, method, URL and
   body. If the journal has none under the call's key, the letter is the only record of it here.
"""

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from typing import Final

from aiokafka.structs import ConsumerRecord

from bridge.core.event import JournalValue
from bridge.reader.by_key import KeyReader
from bridge.reader.merged_reader import count_offsets
from bridge.reader.selection import build_mention_filter, is_uuid
from bridge.reader.window import Window, find_ranges

SCAN_MAX: Final = 10_000

CallbackKey = tuple[str, str, str, str]


class LetterReader:
    """Reads the dead letters of calls. ``skipped`` counts the letters that were not read: rule 2."""

    def __init__(self, reader: KeyReader, topic: str) -> None:
        self._keyed = reader
        self._topic = topic
        self.skipped = 0

    async def read(self, ids: Collection[str], within: Window) -> AsyncGenerator[ConsumerRecord]:
        """Yield the letters of the calls in the window: rules 1 and 2. Raises CannotRead."""
        keys = {one.encode() for one in ids}
        ranges = await find_ranges(self._keyed.connection, [self._topic], within)
        letters = count_offsets(ranges)
        if letters > SCAN_MAX and not self._keyed.all_partitions:
            ranges = await self._keyed.find_ranges({self._topic: keys}, within)
            self.skipped = letters - count_offsets(ranges)
        about = build_mention_filter([one for one in ids if is_uuid(one)])

        def wanted(record: ConsumerRecord) -> bool:
            return within.contains(record.timestamp) and (record.key in keys or about(record))

        stream = self._keyed.scan("reading dead letters", ranges, wanted)
        async with aclosing(stream):
            async for record in stream:
                yield record


def identify_callback(value: JournalValue) -> CallbackKey:
    """Return what the journal record and the dead letter of one callback have in common: rule 3."""
    body = value.get("body", "") + value.get("body_base64", "")
    return value["received_at"], value["method"], value["url_received"], body
