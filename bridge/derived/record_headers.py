"""The headers records have, as schemas: by what they are the record of."""

from collections.abc import Iterable
from typing import Final

from bridge.core.dead_letter import (
    CALLBACK_ID,
    CALLBACK_TYPE,
    EVENT_ID,
    REASON,
    STAGE,
    TOPIC,
    TRIES,
    Stage,
    list_meanings,
)
from bridge.core.event import CONTENT_TYPE, JSON_CONTENT_TYPE
from bridge.core.url_mismatch import MismatchVariant
from bridge.core.verify import VerificationFault
from bridge.derived.schemas import KNOWN_WORDS, Schema, attribute_schemas

_ID: Final = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
# Kafka's binding of CloudEvents writes this attribute as the header `content-type`, without `ce_`.
_NO_HEADER: Final = "datacontenttype"
_REDRIVEN: Final[Schema] = {
    "redriven_at": {
        "type": "string",
        "format": "date-time",
        "description": "When a redrive published it, if one did.",
    },
    "redriven_from": {
        "type": "string",
        "description": "The dead letter that it was made from: topic, partition and offset.",
    },
}


def _headers(properties: Schema, optional: Iterable[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _content_type(header: tuple[str, bytes]) -> Schema:
    name, value = header
    return {name: {"const": value.decode(), "description": "The type of the record's value."}}


def event_headers() -> Schema:
    """Return the schema of an event's record headers, which repeat its context attributes."""
    attributes = {
        f"ce_{name}": rule for name, rule in attribute_schemas().items() if name != _NO_HEADER
    }
    return _headers({**_content_type(CONTENT_TYPE), **attributes, **_REDRIVEN}, optional=_REDRIVEN)


def journal_headers() -> Schema:
    """Return the schema of a journal record's headers."""
    meaning = "The type of the callback; empty if it is not known."
    return _headers(
        {
            **_content_type(JSON_CONTENT_TYPE),
            "callback_type": {"type": "string", "description": meaning},
            "event_id": {**_ID, "description": "The id of its event, if it has one."},
            "callback_id": {**_ID, "description": "The id of the callback, if it has no event."},
            **_REDRIVEN,
        },
        optional=("event_id", "callback_id", *_REDRIVEN),
    )


def dead_letter_headers() -> Schema:
    """Return the schema of a dead letter's headers; Kafka Connect's are there if they are asked for."""
    rows = list_meanings()
    return _headers(
        {
            **_content_type(JSON_CONTENT_TYPE),
            STAGE: {
                "type": "string",
                "description": "The stage at which the callback failed.",
                KNOWN_WORDS: [str(stage) for stage in Stage],
            },
            REASON: {
                "type": "string",
                "description": "Why it failed.",
                KNOWN_WORDS: [str(reason) for _, reason, _ in rows],
            },
            TRIES: {"type": "string", "description": "The number of attempts to publish."},
            TOPIC: {
                "type": "string",
                "description": "Topics whose record is missing, separated by commas; empty if unknown.",
            },
            CALLBACK_TYPE: {
                "type": "string",
                "description": "The callback's type; empty if it is not known.",
            },
            EVENT_ID: {**_ID, "description": "The id of its event, if it has one."},
            CALLBACK_ID: {**_ID, "description": "The id of the callback, if it has no event."},
        },
        optional=(EVENT_ID, CALLBACK_ID),
    )


def rejected_headers() -> Schema:
    """Return the schema of the headers of a rejected callback."""
    return _headers(
        {
            **_content_type(JSON_CONTENT_TYPE),
            "rejected_fault": {
                "type": "string",
                "description": "Why it is not verified.",
                KNOWN_WORDS: [str(fault) for fault in VerificationFault],
            },
            "rejected_variant": {
                "type": "string",
                "description": "What differs between the URL and the signed one; empty if unknown.",
                KNOWN_WORDS: ["", *map(str, MismatchVariant)],
            },
            "body_cut": {"type": "string", "description": "`true` if the body is truncated."},
            "body_bytes": {
                "type": "string",
                "description": "The length of the body before it was truncated.",
            },
        }
    )
