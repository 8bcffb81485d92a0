"""Encode the records of a callback as one row of the spool file, and decode it.

1. A row's content is a Zstandard frame, which any tool can read (``zstd -d``). It starts with a line of
   JSON: for each record its time stamp, the length of its value, and its headers. The values follow.
2. The records of a callback repeat each other: headers repeat the event's attributes, the event's texts
   stand in the journal record too. Compressing them together stores such texts once, and Kafka
   still gets the accepted records later, byte for byte.
3. A frame has a checksum. Content that does not match it is never published.
4. The key and the topics stand beside the content: they are needed without it.
"""

import base64
import threading
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import orjson
import zstandard

from bridge.core.record import Record, RecordHeader

ROW_BYTES: Final = 64  # estimate of the bytes of a row beside its texts
COLUMNS: Final = "number, spooled_at_ms, tries, records, key, topics, content"
# Level 3 saves 2 % more bytes for 20 % more time.
_LEVEL: Final = 1
# Far above the size of any callback. A damaged frame may claim any length.
_DECODED_BYTES_MAX: Final = 268_435_456


class ContentDamaged(Exception):
    """The content of a row does not match its checksum, or cannot be decoded."""


class _Zstandard(threading.local):
    """A thread's own contexts: two threads must not use one at the same time."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_zstandard: Final = _Zstandard()


class SpoolEntry(NamedTuple):
    """A callback of the file without its content."""

    number: int
    key: bytes
    records: int
    size_bytes: int


class SpooledCallback(NamedTuple):
    """A callback of the file, decoded."""

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
    def entry(self) -> SpoolEntry:
        """Return the callback without its content."""
        return SpoolEntry(self.number, self.key, len(self.records), self.size_bytes)


class EncodedCallback(NamedTuple):
    """A row of the file, in the order of COLUMNS.

    ``number`` is 0 until it is in a file; ``records`` is how many there are in ``content``.
    """

    number: int
    spooled_at_ms: int
    tries: int
    records: int
    key: bytes
    topics: str
    content: bytes

    @property
    def size_bytes(self) -> int:
        """Return the bytes that it counts for."""
        return len(self.key) + len(self.topics.encode()) + len(self.content) + ROW_BYTES

    @property
    def decoded_bytes(self) -> int:
        """Return how large the content is when it is decoded."""
        try:
            return zstandard.frame_content_size(self.content)
        except zstandard.ZstdError:
            return len(self.content)

    @property
    def entry(self) -> SpoolEntry:
        """Return the callback without its content."""
        return SpoolEntry(self.number, self.key, self.records, self.size_bytes)


def encode_callback(records: Sequence[Record], spooled_at_ms: int) -> EncodedCallback:
    """Return the row of a callback, whose records all have one key: rules 1, 2 and 4."""
    head = [
        (record.timestamp_ms, len(record.value), encode_headers(record.headers))
        for record in records
    ]
    values = [record.value for record in records]
    return EncodedCallback(
        number=0,
        spooled_at_ms=spooled_at_ms,
        tries=0,
        records=len(records),
        key=records[0].key,
        topics=orjson.dumps([record.topic for record in records]).decode(),
        content=_zstandard.compressor.compress(b"".join([orjson.dumps(head), b"\n", *values])),
    )


def encode_headers(headers: Sequence[RecordHeader]) -> list[tuple[str, str | dict[str, str]]]:
    """Return headers as JSON: a value that is not UTF-8 is an object with its base64."""
    try:
        return [(name, value.decode()) for name, value in headers]
    except UnicodeDecodeError:
        return [(name, _encode_header(value)) for name, value in headers]


def _encode_header(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def decode_callback(encoded: EncodedCallback) -> SpooledCallback:
    """Return a callback with the records that were encoded; raises ContentDamaged: rule 3."""
    try:
        records = tuple(_decode_records(encoded))
    except (zstandard.ZstdError, KeyError, TypeError, ValueError) as error:
        raise ContentDamaged from error
    return SpooledCallback(
        number=encoded.number,
        spooled_at_ms=encoded.spooled_at_ms,
        tries=encoded.tries,
        records=records,
        size_bytes=encoded.size_bytes,
    )


def _decode_records(encoded: EncodedCallback) -> Iterator[Record]:
    if encoded.decoded_bytes > _DECODED_BYTES_MAX:
        raise ValueError
    content = _zstandard.decompressor.decompress(encoded.content)
    begin = content.index(b"\n") + 1
    head = orjson.loads(content[: begin - 1])
    for topic, (timestamp_ms, length, headers) in zip(
        orjson.loads(encoded.topics), head, strict=True
    ):
        yield Record(
            topic=topic,
            key=encoded.key,
            value=content[begin : begin + length],
            headers=tuple(
                [
                    (name, text.encode() if isinstance(text, str) else _decode_header(text))
                    for name, text in headers
                ]
            ),
            timestamp_ms=timestamp_ms,
        )
        begin += length


def _decode_header(value: dict[str, str]) -> bytes:
    return base64.b64decode(value["base64"])
