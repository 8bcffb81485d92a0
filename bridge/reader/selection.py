"""Record filters of a replay.

1. A record is selected if every given kind of filter accepts it. A filter with several values accepts
   a record if one of the values matches.
2. A record is about a call or message if the id is the record's key, or occurs anywhere in its value.
   Events and callbacks of a call's legs, recordings and conferences have other keys but contain the
   call's id. An id is too long to occur by chance.
3. The callback type is read from the headers that every record of the bridge has. The account is read
   from the ``ce_source`` header or from the value's ``source``. A record without them has neither.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from aiokafka.structs import ConsumerRecord

from bridge.publish.connection import KafkaConnection
from bridge.reader.journal import decode_body
from bridge.reader.merged_reader import OffsetRange, RecordFilter
from bridge.reader.window import OffsetSelection, Window, find_ranges

Source = Literal["events", "journal"]
RecordPosition = tuple[str, int, int]
"""A topic, a partition, an offset."""

_ID: Final = re.compile(r"[0-9A-Za-z_-]{8,64}", re.ASCII)
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_OFFSETS: Final = re.compile(
    r"(?P<topic>[A-Za-z0-9._-]+):(?P<partition>\d{1,9}):(?P<first>\d{1,18})-(?P<last>\d{1,18})?",
    re.ASCII,
)
_POSITION: Final = re.compile(
    r"(?P<topic>[A-Za-z0-9._-]+):(?P<partition>\d{1,9}):(?P<offset>\d{1,18})", re.ASCII
)
_EVENT_TYPE: Final = re.compile(rb"com\.plivo\.(.+)\.v[0-9]+")


@dataclass(frozen=True, slots=True)
class Query:
    """The filters, in the words of the user. An empty query selects every record."""

    source: Source = "events"
    since: str | None = None
    until: str | None = None
    types: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    offsets: tuple[str, ...] = ()


def parse_id(text: str) -> str:
    """Return an id as records have it: a UUID in lower case, as Plivo sends it; raises ValueError."""
    if _ID.fullmatch(text) is None:
        message = f"{text!r} is not an id: give 8 to 64 letters, digits, - and _"
        raise ValueError(message)
    return text.lower() if is_uuid(text) else text


def is_uuid(text: str) -> bool:
    """Return True if an id has the form of a UUID."""
    return _UUID.fullmatch(text) is not None


def parse_offsets(text: str) -> OffsetSelection:
    """Return the offsets of ``topic:partition:from-to``; without ``to``, up to the end.

    Raises ValueError.
    """
    found = _OFFSETS.fullmatch(text)
    if found is None:
        message = f"{text!r} is not topic:partition:from-to, such as plivo.journal.v1:3:100-199"
        raise ValueError(message)
    first = int(found["first"])
    last = int(found["last"]) if found["last"] else None
    if last is not None and last < first:
        message = f"{text!r} ends before it begins"
        raise ValueError(message)
    return OffsetSelection(found["topic"], int(found["partition"]), first, last)


def parse_position(text: str) -> RecordPosition:
    """Return the position of ``topic:partition:offset``; raises ValueError."""
    found = _POSITION.fullmatch(text)
    if found is None:
        message = f"{text!r} is not topic:partition:offset, such as plivo.journal.v1:3:100"
        raise ValueError(message)
    return found["topic"], int(found["partition"]), int(found["offset"])


def format_position(record: ConsumerRecord) -> str:
    """Return ``topic:partition:offset`` of a record."""
    return f"{record.topic}:{record.partition}:{record.offset}"


async def find_query_ranges(
    connection: KafkaConnection, topics: Sequence[str], query: Query, within: Window
) -> list[OffsetRange]:
    """Return the ranges that may have selected records; raises CannotRead or RecordsMissing."""
    offsets = [parse_offsets(text) for text in query.offsets]
    named = list(dict.fromkeys(one.topic for one in offsets)) or topics
    return await find_ranges(connection, named, within, offsets)


def build_filter(query: Query, within: Window, skipped: Sequence[str] = ()) -> RecordFilter | None:
    """Return the filter of rule 1, None if every record is selected. ``skipped`` records are not."""
    tests: list[RecordFilter] = []
    if skipped:
        positions = frozenset(map(parse_position, skipped))
        tests.append(lambda one: (one.topic, one.partition, one.offset) not in positions)
    if within.until_ms is not None or within.since_ms is not None:
        tests.append(lambda record: within.contains(record.timestamp))
    if query.offsets:
        tests.append(_build_offset_filter(query.offsets))
    if query.types:
        names = frozenset(name.encode() for name in query.types)
        tests.append(lambda record: read_callback_type(record) in names)
    if query.accounts:
        accounts = frozenset(query.accounts)
        tests.append(lambda record: not accounts.isdisjoint(_read_event_source(record).split("/")))
    tests += [build_mention_filter(ids) for ids in (query.calls, query.messages) if ids]
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)


def _build_offset_filter(texts: Iterable[str]) -> RecordFilter:
    ranges: dict[tuple[str, int], list[OffsetSelection]] = {}
    for one in map(parse_offsets, texts):
        ranges.setdefault((one.topic, one.partition), []).append(one)

    def test(record: ConsumerRecord) -> bool:
        selections = ranges.get((record.topic, record.partition), ())
        return any(one.contains(record.offset) for one in selections)

    return test


def read_callback_type(record: ConsumerRecord) -> bytes | None:
    """Return the callback type's name from an event or a journal record: rule 3."""
    for name, value in record.headers:
        if name == "callback_type":
            return value
        if name == "ce_type" and value is not None:
            found = _EVENT_TYPE.fullmatch(value)
            return found[1] if found else value
    return None


def _read_event_source(record: ConsumerRecord) -> str:
    for name, value in record.headers:
        if name == "ce_source" and value is not None:
            return value.decode("utf-8", "replace")
    try:
        fields: Any = orjson.loads(record.value or b"")
        return str(fields["source"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""


def build_mention_filter(ids: Iterable[str]) -> RecordFilter:
    """Return a filter that accepts records about one of the ids: rule 2."""
    texts = [one.encode() for one in ids]

    def test(record: ConsumerRecord) -> bool:
        if record.key in texts:
            return True
        value = record.value or b""
        if any(text in value for text in texts):
            return True
        body = _decode_base64_body(value)
        return any(text in body for text in texts)

    return test


def _decode_base64_body(value: bytes) -> bytes:
    """Return a journal record's body if it is stored as base64, else nothing."""
    if b'"body_base64"' not in value:
        return b""
    try:
        return decode_body(orjson.loads(value))
    except (KeyError, TypeError, ValueError):  # the value is no journal record
        return b""
