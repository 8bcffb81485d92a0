"""Encode a record as a row of the spool file, and decode the rows of a callback."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from bridge.core.record import Record, RecordHeader

UNREADABLE_HEADER: Final = "spool_headers_unreadable"
ROW_BYTES: Final = 64  # estimate of what a row takes beside its texts
COLUMNS: Final = "callback, spooled_at_ms, tries, parked, timestamp_ms, topic, key, headers, value"

Row = tuple[int, int, int, int, int, str, bytes, str, bytes]


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """The columns of one record, and the bytes that it counts for."""

    timestamp_ms: int
    topic: str
    key: bytes
    headers: str
    value: bytes
    size_bytes: int

    @property
    def columns(self) -> tuple[int, str, bytes, str, bytes]:
        """Return the record's columns, which stand behind the callback's."""
        return self.timestamp_ms, self.topic, self.key, self.headers, self.value


@dataclass(frozen=True, slots=True)
class SpoolRange:
    """The rows of one callback, from ``number`` on, without their content."""

    number: int
    key: bytes
    records: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SpooledCallback:
    """One callback of the file. Its number is that of its first record."""

    number: int
    spooled_at_ms: int
    tries: int
    records: tuple[Record, ...]
    size_bytes: int

    @property
    def key(self) -> bytes:
        """Return the key, which all records of a callback share."""
        return self.records[0].key

    @property
    def range(self) -> SpoolRange:
        """Return the callback's rows without their content."""
        return SpoolRange(self.number, self.key, len(self.records), self.size_bytes)


def encode(record: Record) -> EncodedRecord:
    """Return the row of a record. Headers are JSON; a value that is not UTF-8 is base64 in it."""
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
    """Return a record's headers. Text that does not decode becomes the only header.

    A flipped bit on the disk must not keep the callbacks behind this one from Kafka.
    """
    try:
        return tuple((name, _decode_header(value)) for name, value in orjson.loads(text))
    except (KeyError, TypeError, ValueError):
        return ((UNREADABLE_HEADER, text.encode()),)


def _decode_header(text: str | dict[str, str]) -> bytes:
    return text.encode() if isinstance(text, str) else base64.b64decode(text["base64"])


def decode_callback(rows: Sequence[Row]) -> SpooledCallback:
    """Return the callback that has these rows."""
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
    size_bytes = sum(sizes) + ROW_BYTES * len(rows)
    return SpooledCallback(number, spooled_at_ms, tries, records, size_bytes)
