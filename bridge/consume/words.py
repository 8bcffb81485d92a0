"""Reading what a newer bridge wrote: open sets of words, and fields not yet known.

1. Within a major version, words and optional fields may be added. A value that differs in nothing
   else is read: fields this version does not know stay, and so do words, which are listed.
2. Anything else that does not fit is no value of that major version, and is refused.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, SchemaValidator

T = TypeVar("T")

_UNKNOWN_WORD: Final = "literal_error"
_OBJECTS: Final = frozenset({"model-fields", "typed-dict"})
# What is beside a schema's shape: a default may look like a schema.
_BESIDE: Final = frozenset({"cls", "config", "default", "metadata", "serialization"})


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """A word of an open set that this version of the package does not know."""

    location: str
    """Where it stands, as in ``from.kind``."""

    word: str


def validate_open(model: type[T], value: object) -> tuple[T, tuple[UnknownWord, ...]]:
    """Return the typed value and the words in it that are unknown: rules 1 and 2.

    ``value`` is JSON in bytes, or what JSON was read into. Raises pydantic's ValidationError.
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
    # Strict: a number in quotes is not the schema's number.
    if isinstance(value, bytes):
        return reader.validate_json(value, strict=True)
    return reader.validate_python(value, strict=True)


@cache
def _build_validator(model: Hashable, *, any_word: bool) -> SchemaValidator:
    """Return the model's validator with every object open, and every set of words if asked."""
    schema = TypeAdapter(cast("type[object]", model)).core_schema
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
        # pydantic would take the class's own validator for it, whose sets are closed.
        return _open_schema(found["schema"], any_word=True)
    opened = {
        key: one if key in _BESIDE else _open_schema(one, any_word=any_word)
        for key, one in found.items()
    }
    kind = found.get("type")  # or a field of that name
    if isinstance(kind, str) and kind in _OBJECTS:
        opened["extra_behavior"] = "allow"
    return opened
