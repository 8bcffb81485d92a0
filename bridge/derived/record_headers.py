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
        "description": "When it was made of a dead letter, if it was.",
    },
    "redriven_from": {
        "type": "string",
        "description": "Where that letter lies: topic, partition and offset.",
    },
}


def _headers(properties: Schema, optional: Iterable[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _content_type(header: tuple[str, bytes]) -> Schema:
    name, value = header
    return {name: {"const": value.decode(), "description": "The type of the record's value."}}


def event_headers() -> Schema:
    """Return the schema of an event's record headers: its context attributes again."""
    attributes = {
        f"ce_{name}": rule for name, rule in attribute_schemas().items() if name != _NO_HEADER
    }
    return _headers({**_content_type(CONTENT_TYPE), **attributes, **_REDRIVEN}, optional=_REDRIVEN)


def journal_headers() -> Schema:
    """Return the schema of a journal record's headers."""
    meaning = "The type of the callback; blank where no event could be made of it."
    return _headers(
        {
            **_content_type(JSON_CONTENT_TYPE),
            "callback_type": {"type": "string", "description": meaning},
            "event_id": {**_ID, "description": "The id of the event made of it, if one was."},
            "callback_id": {**_ID, "description": "The id of its dead letter, if it is one."},
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
                "description": "How far the callback came.",
                KNOWN_WORDS: [str(stage) for stage in Stage],
            },
            REASON: {
                "type": "string",
                "description": "Why no further.",
                KNOWN_WORDS: [str(reason) for _, reason, _ in rows],
            },
            TRIES: {"type": "string", "description": "How often publishing was tried."},
            TOPIC: {
                "type": "string",
                "description": "The topics that lack its record, with commas; blank if not known.",
            },
            CALLBACK_TYPE: {
                "type": "string",
                "description": "The callback's type; blank where it is not known.",
            },
            EVENT_ID: {**_ID, "description": "The id of its event, if one was made."},
            CALLBACK_ID: {**_ID, "description": "The callback's id, if no event was made."},
        },
        optional=(EVENT_ID, CALLBACK_ID),
    )


def rejected_headers() -> Schema:
    """Return the schema of the headers of a rejected callback's sample."""
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
                "description": "What of the URL would have to be another for the signature to hold.",
                KNOWN_WORDS: ["", *map(str, MismatchVariant)],
            },
            "body_cut": {"type": "string", "description": "`true` if the body was cut."},
            "body_bytes": {"type": "string", "description": "How long the body was."},
        }
    )
