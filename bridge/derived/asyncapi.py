"""The AsyncAPI document of every topic, computed from the declarations, the topic plan and the samples.

1. It describes the bridge as the application, so its operations are ``send``. A consumer receives.
2. It repeats nothing that has a file beside it. A payload is a reference to the type's JSON Schema, and
   the payload of an example is a reference to the example's file.
3. The headers of records have schemas here, because no other file describes them.
4. Partitions, replicas and retention are the defaults. Topic names have no prefix.
"""

from collections.abc import Iterable
from typing import Final

import orjson

from bridge import __version__
from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import Catalogue
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
from bridge.core.event import CONTENT_TYPE, ContractNames
from bridge.core.journal import (
    DEAD_LETTER_TOPIC,
    JOURNAL_KIND,
    JOURNAL_SCHEMA_PATH,
    JOURNAL_TOPIC,
    JSON_CONTENT_TYPE,
    REJECTED_TOPIC,
)
from bridge.core.keyring import Keyring
from bridge.core.nonce_guard import NonceGuard
from bridge.core.own_event import OwnEventType
from bridge.core.parameters import parse_parameters
from bridge.core.record import Record
from bridge.core.rejected import to_rejected
from bridge.core.url_mismatch import MismatchVariant
from bridge.core.verify import VerificationFault, Verifier
from bridge.derived.journal_samples import JournalExample
from bridge.derived.own_records import JOURNAL_FORMS, OWN_EVENTS, JournalForm, OwnExample
from bridge.derived.samples import Example, sign_sample
from bridge.derived.schemas import DEFAULT_BASE, KNOWN_WORDS, Schema, build_attribute_schemas
from bridge.derived.topics import PlannedTopic, Sizing, plan
from bridge.settings.kafka import TopicSettings

VERSION: Final = "3.0.0"
BINDING_VERSION: Final = "0.5.0"
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"

_ABOUT: Final = """\
All topics of the bridge: one for each callback type, one for the calls that it requests, the journal \
with every callback as it came, the dead letters, and a sample of the rejected callbacks.

The application is the bridge, so the operations are `send`. A consumer receives. Operators can \
configure a prefix for all topic names (`BRIDGE_TOPIC_PREFIX`), and partitions, replicas and retention \
(`BRIDGE_TOPICS_…`). This document has the defaults. Kafka's default partitioner (murmur2 of the key) \
selects the partition. New versions can add fields to a payload, and words to the sets in `examples`. \
Treat a word that you do not know as unknown."""
_ID: Final = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
# Kafka's binding of CloudEvents writes this attribute as the header `content-type`, without `ce_`.
_NO_HEADER: Final = "datacontenttype"
_CALLBACK_NAMES: Final[Schema] = {
    "callback_type": {
        "type": "string",
        "description": "The type of the callback; empty if it is not known.",
    },
    "event_id": {**_ID, "description": "The id of its event, if it has one."},
    "callback_id": {**_ID, "description": "The id of the callback, if it has no event."},
}
_FORWARD_TO: Final[Schema] = {
    "forward_to": {
        "type": "string",
        "description": "The application that the callback is sent on to, if a rule says so.",
    }
}
_REDRIVEN: Final[Schema] = {
    "redriven_at": {
        "type": "string",
        "format": "date-time",
        "description": "When a redrive published it, if one did.",
    },
    "redriven_from": {
        "type": "string",
        "description": "The dead letter that it was made from: `topic:partition:offset`.",
    },
}
_NAMING: Final = ContractNames("", DEFAULT_BASE)
_EVENT_HEADERS: Final = "event-headers"
_ORDER: Final = "Records of one key are in the order in which the bridge received their callbacks."


def _headers(properties: Schema, optional: Iterable[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _content_type(header: tuple[str, bytes]) -> Schema:
    name, value = header
    return {name: {"const": value.decode(), "description": "The type of the record's value."}}


def _event_headers() -> Schema:
    """Return the schema of an event's record headers, which repeat its context attributes."""
    attributes = {
        f"ce_{name}": rule for name, rule in build_attribute_schemas().items() if name != _NO_HEADER
    }
    return _headers({**_content_type(CONTENT_TYPE), **attributes, **_REDRIVEN}, optional=_REDRIVEN)


def _journal_headers() -> Schema:
    """Return the schema of a journal record's headers."""
    return _headers(
        {
            **_content_type(JSON_CONTENT_TYPE),
            **_CALLBACK_NAMES,
            **_FORWARD_TO,
            **_REDRIVEN,
        },
        optional=("event_id", "callback_id", *_FORWARD_TO, *_REDRIVEN),
    )


def _dead_letter_headers() -> Schema:
    """Return the schema of a dead letter's headers."""
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
                KNOWN_WORDS: list(dict.fromkeys(str(reason) for _, reason, _ in rows)),
            },
            TRIES: {
                "type": "string",
                "description": "The number of attempts to publish or forward.",
            },
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
            **_FORWARD_TO,
        },
        optional=(EVENT_ID, CALLBACK_ID, *_FORWARD_TO),
    )


def _rejected_headers() -> Schema:
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


def _file(path: str) -> Schema:
    """Return a reference to a file. ``path`` is relative to the folder of the document."""
    return {"$ref": f"./{path}"}


def _schema(schema: Schema) -> Schema:
    return {"schemaFormat": SCHEMA_FORMAT, "schema": schema}


def _example(name: str, shows: str, record: Record, payload: Schema) -> Schema:
    return {
        "name": name,
        "summary": shows,
        "headers": {header: value.decode() for header, value in record.headers},
        "payload": payload,
    }


def _message(
    topic: PlannedTopic, key: str, headers: Schema, schema_path: str, examples: list[Schema]
) -> Schema:
    return {
        "name": topic.name,
        "summary": topic.holds,
        "contentType": examples[0]["headers"]["content-type"],
        "headers": _schema(headers),
        "payload": _schema(_file(schema_path)),
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": key},
                "bindingVersion": BINDING_VERSION,
            }
        },
        "examples": examples,
    }


def _channel_messages(topic: PlannedTopic) -> dict[str, str]:
    """Return the message of each form of a topic's records, by its name in the channel."""
    forms = JOURNAL_FORMS if topic.name == JOURNAL_TOPIC else ()
    return {
        "record": topic.name,
        **{form.kind.value: _form_message_name(form) for form in forms},
    }


def _channel(topic: PlannedTopic) -> Schema:
    return {
        "address": topic.name,
        "title": topic.name,
        "description": f"{topic.holds} {_ORDER}",
        "messages": {
            name: {"$ref": f"#/components/messages/{message}"}
            for name, message in _channel_messages(topic).items()
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "replicas": topic.replication_factor,
                "topicConfiguration": {
                    name: value.split(",") if name == "cleanup.policy" else int(value)
                    for name, value in topic.configs.items()
                },
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _operation(topic: PlannedTopic) -> Schema:
    channel = f"#/channels/{topic.name}"
    return {
        "action": "send",
        "title": f"Publish to {topic.name}",
        "summary": topic.holds,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _channel_messages(topic)],
    }


def _rejected(kind: CallbackType) -> Record:
    """Return the record of a callback whose signature is wrong."""
    raw = sign_sample(kind, "Colour=blue")
    verifier = Verifier(Keyring(()), NonceGuard())
    verdict = verifier.mark_unverified(
        raw, parse_parameters(raw), VerificationFault.WRONG_SIGNATURE
    )
    return to_rejected(verdict, None, _NAMING)


def _typed_event_headers(event_type: str) -> Schema:
    return {
        "type": "object",
        "allOf": [{"$ref": f"#/components/schemas/{_EVENT_HEADERS}/schema"}],
        "properties": {"ce_type": {"const": event_type}},
    }


def _event_message(topic: PlannedTopic, kind: CallbackType, examples: Iterable[Example]) -> Schema:
    fields = kind.describe_key(lambda field: f"`data.{field}`")
    headers = _typed_event_headers(kind.event_type)
    shown = [
        _example(one.slug, one.shows, one.event.record, _file(one.path))
        for one in examples
        if one.type is kind
    ]
    key = f"The event's `partitionkey`: {fields}."
    return _message(topic, key, headers, kind.schema_path, shown)


def _own_event_message(
    topic: PlannedTopic, kind: OwnEventType, examples: Iterable[OwnExample]
) -> Schema:
    shown = _own_examples(kind.name, examples)
    headers = _typed_event_headers(kind.event_type)
    return _message(
        topic, f"The event's `partitionkey`: {kind.key}.", headers, kind.schema_path, shown
    )


def _form_message_name(form: JournalForm) -> str:
    return f"{JOURNAL_TOPIC}.{form.kind}"


def _form_message(topic: PlannedTopic, form: JournalForm, examples: Iterable[OwnExample]) -> Schema:
    """Return the message of a journal record that is no callback."""
    headers = _headers(
        {
            **_content_type(JSON_CONTENT_TYPE),
            JOURNAL_KIND: {"const": form.kind.value, "description": "What the record is."},
            **(_CALLBACK_NAMES if form.is_joined else {}),
        },
        optional=("event_id", "callback_id"),
    )
    shown = _own_examples(form.name, examples)
    message = _message(topic, form.key, headers, form.schema_path, shown)
    return {**message, "name": _form_message_name(form), "summary": form.meaning}


def _own_examples(folder: str, examples: Iterable[OwnExample]) -> list[Schema]:
    return [
        _example(one.slug, one.shows, one.record, _file(one.path))
        for one in examples
        if one.folder == folder
    ]


def build_asyncapi(
    catalogue: Catalogue,
    examples: Iterable[Example],
    journal: Iterable[JournalExample],
    own: Iterable[OwnExample],
) -> Schema:
    """Return the AsyncAPI document with these examples of events and of journal records."""
    topics = {one.name: one for one in plan(catalogue, "", Sizing(**TopicSettings().model_dump()))}
    examples, journal, own = list(examples), list(journal), list(own)
    messages = {
        kind.topic: _event_message(topics[kind.topic], kind, examples)
        for kind in catalogue.all_types
    }
    messages |= {
        kind.topic: _own_event_message(topics[kind.topic], kind, own) for kind in OWN_EVENTS
    }
    rejected = _rejected(next(kind for kind in catalogue.types if kind.key_fields))
    for name, key, headers, shown in (
        (
            JOURNAL_TOPIC,
            "The key of the callback's event, or of its dead letter.",
            _journal_headers(),
            [_example(one.name, one.shows, one.record, _file(one.path)) for one in journal],
        ),
        (
            DEAD_LETTER_TOPIC,
            "The id of the call, message or session, if the callback names one; else the callback's id.",
            _dead_letter_headers(),
            [
                _example(one.name, one.shows, one.letter, _file(one.path))
                for one in journal
                if one.letter is not None
            ],
        ),
        (
            REJECTED_TOPIC,
            "Why the callback is not verified.",
            _rejected_headers(),
            [
                _example(
                    "wrong-signature",
                    "No known token makes this signature.",
                    rejected,
                    orjson.loads(rejected.value),
                )
            ],
        ),
    ):
        messages[name] = _message(topics[name], key, headers, JOURNAL_SCHEMA_PATH, shown)
    messages |= {
        _form_message_name(form): _form_message(topics[JOURNAL_TOPIC], form, own)
        for form in JOURNAL_FORMS
    }
    return {
        "asyncapi": VERSION,
        "id": "urn:callback-bridge:topics",
        "info": {
            "title": "callback-bridge: topics",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic) for name, topic in topics.items()},
        "operations": {f"send-{name}": _operation(topic) for name, topic in topics.items()},
        "components": {
            "messages": messages,
            "schemas": {_EVENT_HEADERS: _schema(_event_headers())},
        },
    }
