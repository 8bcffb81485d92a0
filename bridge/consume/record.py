"""Parse a Kafka record into a typed event, or into a typed journal record.

1. The value decides what a record is. Its headers repeat the event's attributes, so that a consumer
   can skip records without parsing them.
2. A type or a major version that this version of the package does not know is still an event: its
   envelope is parsed, and its data is left as received. New words and new fields are accepted too.
3. Within a major version, words and optional fields may be added. A value that differs only in that
   is valid: unknown fields are kept, and unknown words are kept and listed.
4. Any other difference is not a value of that major version: ``MalformedRecord``.

Match on the data::

    match parse_event(record.value).data:
        case Hangup() as hangup:
            ...
        case Unmodelled():
            ...
"""

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Literal, TypeVar, cast

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, SchemaValidator

from bridge.callbacks.model import CallbackData
from bridge.core import catalogue
from bridge.core.journal import JOURNAL_KIND, JournalValue
from bridge.core.requested import REQUESTED, CallRequestedData

T = TypeVar("T")
# As confluent-kafka and aiokafka return them: names may repeat, and a value may be missing.
Headers = Iterable[tuple[str, bytes | None]]
MalformedReason = Literal[
    "no_value", "not_json", "not_an_event", "not_a_journal_record", "bad_data"
]

_ATTRIBUTE_PREFIX: Final = "ce_"
_TYPE: Final = re.compile(r"com\.plivo\.(?P<name>.+)\.v(?P<major>[1-9][0-9]*)", re.ASCII)
_REQUIRED: Final = (
    "id",
    "source",
    "type",
    "subject",
    "time",
    "dataschema",
    "partitionkey",
    "recordedtime",
)
_NOT_EXTENSIONS: Final = frozenset({*_REQUIRED, "specversion", "datacontenttype", "data"})

_UNKNOWN_WORD: Final = "literal_error"
_OBJECTS: Final = frozenset({"model-fields", "typed-dict"})
# Keys that do not describe the shape. They are not searched, because a default may look like a schema.
_BESIDE: Final = frozenset({"cls", "config", "default", "metadata", "serialization"})


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """A word of an open set that this version of the package does not know."""

    location: str
    """Its path in the value, as in ``from.kind``."""

    word: str


class MalformedRecord(Exception):
    """The record does not match the topic's schema; ``reason`` is a stable code."""

    def __init__(self, reason: MalformedReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: MalformedReason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event's CloudEvents attributes. ``extensions`` are those that only some events have."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    dataschema: str
    partitionkey: str
    recordedtime: datetime
    extensions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unmodelled:
    """The data of a type, or of a major version, that this package does not know (rule 2)."""

    reason: Literal["unknown_type", "unknown_version"]
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``unknown_words`` are in ``data`` as received, although its type does not list them."""

    envelope: Envelope
    data: CallbackData | CallRequestedData | Unmodelled
    unknown_words: tuple[UnknownWord, ...]


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One journal record or dead letter, and the words in it that this package does not know."""

    value: JournalValue
    unknown_words: tuple[UnknownWord, ...]


def parse_attributes(headers: Headers | None) -> dict[str, str]:
    """Return an event's attributes by name, from its record's headers alone (rule 1).

    Empty for records that are not events. Use it to filter before parsing.
    """
    return {
        name.removeprefix(_ATTRIBUTE_PREFIX): value.decode("utf-8", "replace")
        for name, value in headers or ()
        if name.startswith(_ATTRIBUTE_PREFIX) and value is not None
    }


def read_journal_kind(headers: Headers | None) -> str | None:
    """Return what a journal record is if it is no callback, such as ``request``; None for a callback.

    ``parse_journal_record`` parses callbacks alone, so a consumer of the journal skips all others.
    """
    kinds = [value for name, value in headers or () if name == JOURNAL_KIND]
    return (kinds[-1] or b"").decode("utf-8", "replace") if kinds else None


def parse_event(value: bytes | None) -> Event:
    """Return the event in a record's value; raises MalformedRecord."""
    found = _parse_object(value)
    envelope = _parse_envelope(found)
    data = found.get("data")
    if not isinstance(data, dict):
        raise MalformedRecord("not_an_event", "data is not an object")
    fields = cast("dict[str, object]", data)
    declared = _load_models().get(envelope.type)
    if declared is None:
        return Event(envelope, Unmodelled(_explain_unknown(envelope.type), fields), ())
    try:
        model, unknown_words = validate_open(declared, fields)
    except ValidationError as error:
        raise MalformedRecord("bad_data", _describe_fault(error)) from error
    return Event(envelope, model, unknown_words)


def parse_journal_record(value: bytes | None) -> JournalRecord:
    """Return the callback in the value of a journal record or dead letter; raises MalformedRecord."""
    if value is None:
        raise MalformedRecord("no_value", "the record has no value")
    try:
        found, unknown_words = validate_open(JournalValue, value)
    except ValidationError as error:
        is_json = error.errors(include_url=False)[0]["type"] != "json_invalid"
        reason: MalformedReason = "not_a_journal_record" if is_json else "not_json"
        raise MalformedRecord(reason, _describe_fault(error)) from error
    return JournalRecord(found, unknown_words)


@cache
def _load_models() -> dict[str, type[CallbackData] | type[CallRequestedData]]:
    types = {kind.event_type: kind.model for kind in catalogue.load_catalogue().all_types}
    return {**types, REQUESTED.event_type: CallRequestedData}


@cache
def _load_names() -> frozenset[str]:
    return frozenset(kind.name for kind in catalogue.load_catalogue().all_types) | {REQUESTED.name}


def _explain_unknown(event_type: str) -> Literal["unknown_type", "unknown_version"]:
    found = _TYPE.fullmatch(event_type)
    return "unknown_version" if found and found["name"] in _load_names() else "unknown_type"


def _parse_object(value: bytes | None) -> dict[str, object]:
    if value is None:
        raise MalformedRecord("no_value", "the record has no value")
    try:
        found: object = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise MalformedRecord("not_json", str(error)) from error
    if not isinstance(found, dict):
        raise MalformedRecord("not_an_event", "the value is not an object")
    return cast("dict[str, object]", found)


def _parse_envelope(found: Mapping[str, object]) -> Envelope:
    if found.get("specversion") != "1.0":
        raise MalformedRecord("not_an_event", "specversion is not 1.0")
    attributes: dict[str, str] = {}
    for name in _REQUIRED:
        value = found.get(name)
        if not isinstance(value, str) or not value:
            raise MalformedRecord("not_an_event", f"{name} is not text")
        attributes[name] = value
    return Envelope(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        subject=attributes["subject"],
        time=_parse_instant("time", attributes),
        dataschema=attributes["dataschema"],
        partitionkey=attributes["partitionkey"],
        recordedtime=_parse_instant("recordedtime", attributes),
        extensions={
            name: str(value) for name, value in found.items() if name not in _NOT_EXTENSIONS
        },
    )


def _parse_instant(name: str, attributes: Mapping[str, str]) -> datetime:
    try:
        instant = datetime.fromisoformat(attributes[name])
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (
        ValueError,
        OverflowError,
    ) as error:  # in UTC, the first and last day can be outside the calendar
        raise MalformedRecord("not_an_event", f"{name} is not a time") from error
    raise MalformedRecord("not_an_event", f"{name} has no offset")


def _describe_fault(error: ValidationError) -> str:
    """Return the first fault without the value, which may be too private for a log."""
    first = error.errors(include_url=False, include_input=False)[0]
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{'.'.join(map(str, first['loc'])) or 'value'}: {first['msg']}{more}"


def validate_open(model: type[T], value: object) -> tuple[T, tuple[UnknownWord, ...]]:
    """Return the typed value and its unknown words: rules 3 and 4.

    ``value`` is JSON in bytes, or parsed JSON. Raises pydantic's ValidationError.
    """
    shape = cast("Hashable", model)
    try:
        return cast("T", _validate(_build_validator(shape, any_word=False), value)), ()
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
    found = _validate(_build_validator(shape, any_word=True), value)
    if issubclass(model, BaseModel):
        fields, extra, given = cast("tuple[dict[str, Any], dict[str, Any], set[str]]", found)
        found = model.model_construct(given, **fields, **extra)
    words = [
        UnknownWord(".".join(map(str, fault["loc"])), str(fault["input"]))
        for fault in faults
        if fault["type"] == _UNKNOWN_WORD
    ]
    return cast("T", found), tuple(words)


def _validate(reader: SchemaValidator, value: object) -> object:
    # Strict: a number in quotes does not match the schema.
    if isinstance(value, bytes):
        return reader.validate_json(value, strict=True)
    return reader.validate_python(value, strict=True)


@cache
def _build_validator(model: Hashable, *, any_word: bool) -> SchemaValidator:
    """Return the model's validator with every object open, and every set of words if asked."""
    adapter = TypeAdapter(cast("type[object]", model))
    adapter.rebuild()  # a declaration's model is built when it is first needed: now
    schema = adapter.core_schema
    return SchemaValidator(cast("CoreSchema", _open_schema(schema, any_word=any_word)))


def _open_schema(schema: object, *, any_word: bool) -> object:
    if isinstance(schema, list):
        return [_open_schema(one, any_word=any_word) for one in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    found = cast("dict[str, object]", schema)
    if any_word and found.get("type") == "literal":
        return {"type": "str"}
    if any_word and found.get("type") == "model":
        # pydantic would use the class's own validator, which accepts known words only.
        return _open_schema(found["schema"], any_word=True)
    opened = {
        key: one if key in _BESIDE else _open_schema(one, any_word=any_word)
        for key, one in found.items()
    }
    kind = found.get("type")  # a string here, unless it is a field called "type"
    if isinstance(kind, str) and kind in _OBJECTS:
        opened["extra_behavior"] = "allow"
    return opened
