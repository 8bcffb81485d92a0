"""TypeScript types of what the topics hold, computed from the JSON Schemas.

1. A type's events are an interface named for it (``VoiceCallHangupV1``); ``PlivoEvent`` is any of
   them, told apart by ``type``.
2. What several schemas define alike is there once. A set of words is open: its known words, or any
   other text.
3. A schema that says something not translated here fails the derivation: nothing is passed over.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bridge.core.catalogue import Catalogue
from bridge.core.event import JOURNAL_SCHEMA_PATH
from bridge.derived.schemas import KNOWN_WORDS, Schema

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*", re.ASCII)
_SCALARS: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
# What a schema may say that no type can: of the values, or for readers.
_UNTYPED: Final = frozenset(
    {
        "$defs",
        "$id",
        "$schema",
        "default",
        "description",
        "format",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "pattern",
        "title",
    }
)
_TYPED: Final = frozenset(
    {
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "items",
        "prefixItems",
        "properties",
        "required",
        "type",
        KNOWN_WORDS,
    }
)

# Keeps the known words for completion, where `string` alone would swallow them.
_OTHER: Final = "(string & {})"
_HEAD: Final = """\
// What callback-bridge publishes. Derived from the JSON Schemas: do not edit.
//
// A field that may be absent is optional; null means that it came and could not be read, or is not
// known. Within a major version there may come new optional fields, and new words in the sets that
// end in `(string & {})`. Money is decimal text, times are RFC 3339 UTC.
"""


class Untranslatable(ValueError):
    """A schema says something that has no translation here (rule 3)."""


def type_name(event_type: str) -> str:
    """Return the interface's name of a CloudEvents type or of a schema's definition."""
    words = re.split(r"[^A-Za-z0-9]+", event_type.removeprefix("com.plivo."))
    return "".join(word[:1].upper() + word[1:] for word in words)


def declarations(catalogue: Catalogue, payloads: Mapping[str, Schema]) -> str:
    """Return the text of ``index.d.ts``: every event's type, and the journal record's.

    ``payloads`` are their schemas, by path.
    """
    schemas = [payloads[kind.schema_path] for kind in catalogue.all_types]
    journal = payloads[JOURNAL_SCHEMA_PATH]
    parts = [_HEAD, _envelope(schemas[0])]
    parts += [
        _interface(name, definition) for name, definition in _definitions([*schemas, journal])
    ]
    for schema in schemas:
        name = type_name(schema["title"])
        parts.append(_interface(f"{name}Data", schema["properties"]["data"]))
        parts.append(
            _comment(schema["description"])
            + f"export interface {name} extends CloudEvent<{_quoted(schema['title'])}, {name}Data>"
            " {}\n"
        )
    parts.append(_interface("JournalRecord", journal))
    parts.append(_by_type(schemas))
    return "\n".join(parts)


def _envelope(schema: Schema) -> str:
    """Return the attributes that every event has, whatever its type."""
    properties: dict[str, Schema] = schema["properties"]
    required = set(schema["required"])
    lines = [
        _property(name, one, required=name in required)
        for name, one in properties.items()
        if name not in {"type", "data"}
    ]
    return (
        "/** The CloudEvents envelope of every event. */\n"
        "export interface CloudEvent<Type extends string, Data> {\n"
        "  /** What happened; the major version is part of it. */\n  type: Type;\n"
        + "".join(lines)
        + "  data: Data;\n}\n"
    )


def _definitions(schemas: list[Schema]) -> Iterator[tuple[str, Schema]]:
    """Yield each definition of the schemas once, by its name (rule 2)."""
    found: dict[str, str] = {}
    for schema in schemas:
        for name, definition in schema.get("$defs", {}).items():
            text = _interface(name, definition)
            if name not in found:
                found[name] = text
                yield name, definition
            elif found[name] != text:
                message = f"{name} is defined in two ways"
                raise Untranslatable(message)


def _by_type(schemas: list[Schema]) -> str:
    names = {schema["title"]: type_name(schema["title"]) for schema in schemas}
    lines = [f"  {_quoted(title)}: {name};\n" for title, name in names.items()]
    return (
        "/** Every event's interface, by its type. */\n"
        "export interface PlivoEvents {\n" + "".join(lines) + "}\n\n"
        "/** Any event of a type known here. Others may come: have a default. */\n"
        "export type PlivoEvent = PlivoEvents[keyof PlivoEvents];\n"
    )


def _interface(name: str, schema: Schema) -> str:
    return (
        _comment(schema.get("description"))
        + f"export interface {type_name(name)} {{\n{_members(schema)}}}\n"
    )


def _members(schema: Schema) -> str:
    _checked(schema)
    required = set(schema.get("required", ()))
    return "".join(
        _property(name, one, required=name in required)
        for name, one in schema.get("properties", {}).items()
    )


def _property(name: str, schema: Schema, *, required: bool) -> str:
    key = name if _PLAIN_KEY.fullmatch(name) else _quoted(name)
    mark = "" if required else "?"
    return f"{_comment(schema.get('description'), '  ')}  {key}{mark}: {_type(schema)};\n"


def _type(schema: Schema) -> str:
    """Return the type that a schema's values have (rule 3)."""
    _checked(schema)
    if "$ref" in schema:
        return type_name(schema["$ref"].removeprefix("#/$defs/"))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    if "const" in schema or KNOWN_WORDS in schema:
        known = schema.get(KNOWN_WORDS)
        return " | ".join([*map(_quoted, known), _OTHER]) if known else _quoted(schema["const"])
    match schema.get("type"):
        case "array":
            return _array(schema)
        case "object":
            return _object(schema)
        case other:
            return _scalar(other)


def _array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"[{', '.join(_type(one) for one in schema['prefixItems'])}]"
    return f"Array<{_type(schema['items'])}>"


def _object(schema: Schema) -> str:
    if schema.get("properties"):
        message = f"an object without a name: {sorted(schema['properties'])}"
        raise Untranslatable(message)
    values: Schema | bool = schema.get("additionalProperties", True)
    return f"Record<string, {'unknown' if isinstance(values, bool) else _type(values)}>"


def _scalar(name: object) -> str:
    if not isinstance(name, str) or name not in _SCALARS:
        message = f"type {name!r}"
        raise Untranslatable(message)
    return _SCALARS[name]


def _checked(schema: Mapping[str, object]) -> None:
    unknown = schema.keys() - _UNTYPED - _TYPED
    if unknown:
        message = f"keywords {sorted(unknown)}"
        raise Untranslatable(message)


def _quoted(value: object) -> str:
    if not isinstance(value, str):
        message = f"constant {value!r}"
        raise Untranslatable(message)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _comment(text: str | None, indent: str = "") -> str:
    if not text:
        return ""
    return f"{indent}/** {text.strip().replace('*/', '* /')} */\n"
