"""A record as a row of the spool's file, and back."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from bridge.core.record import Record, RecordHeader

UNREADABLE_HEADER: Final = "spool_headers_unreadable"
ROW_BYTES: Final = 64  # what a row takes beside its texts
COLUMNS: Final = "callback, spooled_at_ms, tries, parked, timestamp_ms, topic, key, headers, value"

Row = tuple[int, int, int, int, int, str, bytes, str, bytes]


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """A record as its row holds it, and the bytes that counts for."""

    timestamp_ms: int
    topic: str
    key: bytes
    headers: str
    value: bytes
    size_bytes: int

    @property
    def columns(self) -> tuple[int, str, bytes, str, bytes]:
        """Return what stands in its row behind the callback's own columns."""
        return self.timestamp_ms, self.topic, self.key, self.headers, self.value


@dataclass(frozen=True, slots=True)
class SpoolRange:
    """What one callback takes of the file, from its number on; nothing of what it says."""

    number: int
    key: bytes
    records: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SpooledCallback:
    """One callback in the file: numbered by its first record."""

    number: int
    spooled_at_ms: int
    tries: int
    records: tuple[Record, ...]
    size_bytes: int

    @property
    def key(self) -> bytes:
        """Return the key of all its records."""
        return self.records[0].key

    @property
    def range(self) -> SpoolRange:
        """Return what it takes of the file."""
        return SpoolRange(self.number, self.key, len(self.records), self.size_bytes)


def encode(record: Record) -> EncodedRecord:
    """Return a record as a row. Headers are JSON; what is no UTF-8 is base64 in it."""
    headers = orjson.dumps([[name, _encode_header(value)] for name, value in record.headers])
    size = len(record.topic.encode()) + len(record.key) + len(headers) + len(record.value)
    return EncodedRecord(
        timestamp_ms=record.timestamp_ms,
        topic=record.topic,
        key=record.key,
        headers=headers.decode(),
        value=record.value,
        size_bytes=size + ROW_BYTES,
    )


def _encode_header(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _decode_headers(text: str) -> tuple[RecordHeader, ...]:
    """Return a record's headers; text that is none of ours is kept as the one there is.

    A bit that fell over on the disk must not keep the callbacks behind it from Kafka.
    """
    try:
        return tuple((name, _decode_header(value)) for name, value in orjson.loads(text))
    except (KeyError, TypeError, ValueError):
        return ((UNREADABLE_HEADER, text.encode()),)


def _decode_header(text: str | dict[str, str]) -> bytes:
    return text.encode() if isinstance(text, str) else base64.b64decode(text["base64"])


def decode_callback(rows: Sequence[Row]) -> SpooledCallback:
    """Return the callback of which these are the rows."""
    number, spooled_at_ms, tries, *_ = rows[0]
    records = tuple(
        Record(
            topic=topic,
            key=key,
            value=value,
            headers=_decode_headers(headers),
            timestamp_ms=timestamp_ms,
        )
        for _, _, _, _, timestamp_ms, topic, key, headers, value in rows
    )
    sizes = (
        len(row[5].encode()) + len(row[6]) + len(row[7].encode()) + len(row[8]) for row in rows
    )
    return SpooledCallback(
        number, spooled_at_ms, tries, records, sum(sizes) + ROW_BYTES * len(rows)
    )
