"""The dead letters of a call.

1. A dead letter is keyed by its call where the call is known, so its journal record is found like any
   other. Letters that earlier versions wrote, and those whose call is not known, are keyed by an id of
   their own. So the dead-letter topic is read in all its partitions, and a letter is of a call if its
   key is the call's id, or if that id is a UUID and stands anywhere in the callback.
2. The topic is usually small. Where the window holds more than SCAN_MAX letters, only those keyed by the
   call are looked for, unless everything is to be read; how many were left out is said.
3. A letter belongs to the journal record of the same callback: same time of receipt, method, URL and
   body. Where the journal has none, or not under the call's key, the letter is its only record here.
"""

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final

from aiokafka.structs import ConsumerRecord

from bridge.audit.redrive import Letter
from bridge.core.event import JournalValue
from bridge.reader.by_key import Keyed
from bridge.reader.selection import is_uuid, mentions
from bridge.reader.topic_reader import Stored
from bridge.reader.window import Window, stretches

SCAN_MAX: Final = 10_000

CallbackKey = tuple[str, str, str, str]


class LetterReader:
    """Reads the dead letters of calls. ``left_out`` counts the letters that were not read: rule 2."""

    def __init__(self, keyed: Keyed, topic: str) -> None:
        self._keyed = keyed
        self._topic = topic
        self.left_out = 0

    async def read(self, ids: Collection[str], within: Window) -> AsyncGenerator[ConsumerRecord]:
        """Yield the letters of the calls in the window: rules 1 and 2. Raises CannotRead."""
        keys = {one.encode() for one in ids}
        among = await stretches(self._keyed.connection, [self._topic], within)
        letters = sum(one.end - one.begin for one in among)
        if letters > SCAN_MAX and not self._keyed.everywhere:
            among = await self._keyed.among({self._topic: keys}, within)
            self.left_out = letters - sum(one.end - one.begin for one in among)
        about = mentions([one for one in ids if is_uuid(one)])

        def wanted(record: ConsumerRecord) -> bool:
            return within.holds(record.timestamp) and (record.key in keys or about(record))

        stream = self._keyed.scan("reading dead letters", among, wanted)
        async with aclosing(stream):
            async for record in stream:
                yield record


def letter_from(record: ConsumerRecord) -> Letter:
    """Return the dead letter of a record."""
    return Letter(
        Stored(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=datetime.fromtimestamp(record.timestamp / 1000, UTC),
            key=record.key or b"",
            value=record.value or b"",
            headers={name: of or b"" for name, of in record.headers},
        )
    )


def callback_key(value: JournalValue) -> CallbackKey:
    """Return what the journal record and the dead letter of one callback have in common: rule 3."""
    body = value.get("body", "") + value.get("body_base64", "")
    return value["received_at"], value["method"], value["url_received"], body
