"""A record to be stored by Kafka."""

import base64
from typing import NamedTuple

import orjson

RecordHeader = tuple[str, bytes]


class Record(NamedTuple):
    """One Kafka record to publish. ``timestamp_ms`` is the receive time in epoch milliseconds."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[RecordHeader, ...]
    timestamp_ms: int


def encode_json(value: object) -> bytes:
    """Return JSON for a record's value, in no more memory than it needs.

    orjson's own byte string keeps all memory it reserved while writing, up to sixteen times the
    text, and thousands of records wait while Kafka is slow. A part of it is a copy, so one byte too
    many is written and left out.
    """
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)[:-1]


def text_or_base64(value: bytes | None) -> tuple[str | None, str | None]:
    """Return bytes as text, or as base64 if they are not UTF-8; the other one is None."""
    if value is None:
        return None, None
    try:
        return value.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(value).decode()


def json_field(name: str, value: bytes | None) -> dict[str, str | None]:
    """Return bytes as a field of JSON; it is called ``{name}_base64`` if they are not UTF-8."""
    text, encoded = text_or_base64(value)
    return {name: text} if encoded is None else {f"{name}_base64": encoded}
