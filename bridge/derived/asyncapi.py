"""The AsyncAPI document of every topic, computed from the declarations, the topic plan and the samples.

1. The application it describes is the bridge, so its operations are ``send``: a consumer receives.
2. It is whole in itself. A payload is the type's JSON Schema without its ``$id`` (which would change
   what its references mean here), with its definitions among the components; ``x-schema`` says which
   file it is.
3. Sizes and retention are the defaults, and names are without the prefix an operator may choose.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import orjson

from bridge import __version__
from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import Catalogue
from bridge.core.dead_letter import to_dead_letter
from bridge.core.event import (
    DEAD_LETTER_TOPIC,
    JOURNAL_SCHEMA_PATH,
    JOURNAL_TOPIC,
    REJECTED_TOPIC,
    ContractNames,
    SentReply,
)
from bridge.core.keyring import Keyring
from bridge.core.nonce_guard import NonceGuard
from bridge.core.parameters import parse_parameters
from bridge.core.parse import NoEventReason
from bridge.core.record import Record
from bridge.core.rejected import to_rejected
from bridge.core.verify import Unverified, VerificationFault, Verifier
from bridge.derived.record_headers import (
    dead_letter_headers,
    event_headers,
    journal_headers,
    rejected_headers,
)
from bridge.derived.samples import Example, signed
from bridge.derived.schemas import DEFAULT_BASE, Schema
from bridge.derived.topics import PlannedTopic, Sizing, plan
from bridge.settings.kafka import TopicSettings

VERSION: Final = "3.0.0"
BINDING_VERSION: Final = "0.5.0"
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"

_ABOUT: Final = """\
Every topic the bridge publishes to: one for each type of callback, the journal that keeps every \
callback as it came, the dead letters, and a sample of what failed verification.

The operations are the bridge's, so they are `send`; a consumer receives. An operator may put a \
prefix in front of every topic's name (`BRIDGE_TOPIC_PREFIX`), and choose partitions, replicas and \
retention (`BRIDGE_TOPICS_…`); what stands here are the defaults. Partitions are chosen by Kafka's \
own rule, murmur2 of the key. Payloads may gain fields, and the words in `examples` may become more: \
treat what you do not know as unknown."""
_NAMING: Final = ContractNames("", DEFAULT_BASE)
_ORDER: Final = "Records of one key are in the order in which the bridge received their callbacks."


class _Schemas:
    """The components' schemas; what several payloads define alike is there once."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def add(self, name: str, schema: Schema) -> Schema:
        """Add a schema with all it defines; return a reference to it."""
        schema = {key: value for key, value in schema.items() if key not in {"$id", "$schema"}}
        definitions: dict[str, Schema] = schema.pop("$defs", {})
        places = {inner: self._place(name, inner, of) for inner, of in definitions.items()}
        for inner, definition in definitions.items():
            self._put(places[inner], _moved(definition, places))
        return self._put(name, _moved(schema, places))

    def _place(self, owner: str, name: str, definition: Schema) -> str:
        known = self.components.get(name)
        # Only a definition that refers to nothing can be compared as it is; the others refer to these.
        alike = known is None or known["schema"] == definition or "$ref" in str(definition)
        return name if alike else f"{owner}.{name}"

    def _put(self, name: str, schema: Schema) -> Schema:
        component = {"schemaFormat": SCHEMA_FORMAT, "schema": schema}
        if self.components.setdefault(name, component) != component:
            message = f"{name} is defined in two ways"
            raise ValueError(message)
        return {"$ref": f"#/components/schemas/{name}"}


def _moved(value: Any, places: dict[str, str]) -> Any:  # noqa: ANN401 (any JSON)
    """Return a part of a schema with its references pointing to where the definitions are now."""
    if isinstance(value, list):
        return [_moved(item, places) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("Schema", value)
    return {
        key: f"#/components/schemas/{places[of.rpartition('/')[2]]}/schema"
        if key == "$ref"
        else _moved(of, places)
        for key, of in members.items()
    }


def _example(name: str, shows: str, record: Record) -> Schema:
    return {
        "name": name,
        "summary": shows,
        "headers": {header: value.decode() for header, value in record.headers},
        "payload": orjson.loads(record.value),
    }


def _message(
    topic: PlannedTopic, key: str, headers: Schema, payload: Schema, examples: list[Schema]
) -> Schema:
    return {
        "name": topic.name,
        "summary": topic.holds,
        "contentType": examples[0]["headers"]["content-type"],
        "headers": {"schemaFormat": SCHEMA_FORMAT, "schema": headers},
        "payload": payload,
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": key},
                "bindingVersion": BINDING_VERSION,
            }
        },
        "examples": examples,
    }


def _channel(topic: PlannedTopic) -> Schema:
    return {
        "address": topic.name,
        "title": topic.name,
        "description": f"{topic.holds} {_ORDER}",
        "messages": {"record": {"$ref": f"#/components/messages/{topic.name}"}},
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
        "messages": [{"$ref": f"{channel}/messages/record"}],
    }


def _without_identity(kind: CallbackType, fault: VerificationFault) -> Unverified:
    """Return a callback of ``kind`` that does not say what it is about, and does not verify."""
    raw = signed(kind, "Colour=blue")
    return Verifier(Keyring(()), NonceGuard()).mark_unverified(raw, parse_parameters(raw), fault)


def _dead_letter(kind: CallbackType) -> Record:
    verdict = _without_identity(kind, VerificationFault.NOT_CHECKED)
    reply = SentReply(200, None, b"")
    return to_dead_letter(verdict, NoEventReason.NO_IDENTITY, _NAMING, reply, route=kind)[1][0]


def _rejected(kind: CallbackType) -> Record:
    return to_rejected(_without_identity(kind, VerificationFault.WRONG_SIGNATURE), None, _NAMING)


def _one_of_each_product(examples: Iterable[Example]) -> Iterator[Example]:
    seen: set[str] = set()
    for example in examples:
        product = example.type.name.partition(".")[0]
        if product not in seen:
            seen.add(product)
            yield example


def _event_message(
    topic: PlannedTopic,
    kind: CallbackType,
    schema: Schema,
    examples: Iterable[Example],
    schemas: _Schemas,
) -> Schema:
    shown = [
        _example(example.slug, example.shows, example.event.record)
        for example in examples
        if example.type is kind
    ]
    fields = kind.describe_key(lambda field: f"`data.{field}`")
    key = f"The event's `partitionkey`: {fields}."
    payload = schemas.add(kind.event_type, schema)
    headers = event_headers(schema)
    return {**_message(topic, key, headers, payload, shown), "x-schema": kind.schema_path}


def document(
    catalogue: Catalogue, examples: Iterable[Example], payloads: Mapping[str, Schema]
) -> Schema:
    """Return the AsyncAPI document.

    ``examples`` are the samples with what became of them, ``payloads`` the schemas by their paths.
    """
    topics = {one.name: one for one in plan(catalogue, "", Sizing(**TopicSettings().model_dump()))}
    examples = list(examples)
    schemas = _Schemas()
    messages = {
        kind.topic: _event_message(
            topics[kind.topic], kind, payloads[kind.schema_path], examples, schemas
        )
        for kind in catalogue.all_types
    }
    journal = schemas.add("journal.v1", payloads[JOURNAL_SCHEMA_PATH])
    keyed = next(kind for kind in catalogue.types if kind.key_fields)
    for name, key, headers, shown in (
        (
            JOURNAL_TOPIC,
            "The key of its event, or of its dead letter.",
            journal_headers(),
            [
                _example(one.type.name, one.type.meaning, one.journal)
                for one in _one_of_each_product(examples)
            ],
        ),
        (
            DEAD_LETTER_TOPIC,
            "The call, message or session it is about, where that is known; else the callback's id.",
            dead_letter_headers(),
            [_example("no-identity", "It does not say what it is about.", _dead_letter(keyed))],
        ),
        (
            REJECTED_TOPIC,
            "Why it is not verified.",
            rejected_headers(),
            [_example("wrong-signature", "No token of ours made its signature.", _rejected(keyed))],
        ),
    ):
        message = _message(topics[name], key, headers, journal, shown)
        messages[name] = {**message, "x-schema": JOURNAL_SCHEMA_PATH}
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
        "components": {"messages": messages, "schemas": schemas.components},
    }
