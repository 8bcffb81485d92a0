"""TypeScript types of events and journal records, computed from the JSON Schemas.

1. Each event type has an interface (``VoiceCallHangupV1``). ``PlivoEvent`` is the union of them, which
   TypeScript narrows by ``type``.
2. A definition that several schemas share is written once. A set of words is open: its known words, or
   any other text.
3. A keyword or type that is not translated here is an error. Nothing is ignored silently.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bridge.core.catalogue import Catalogue
from bridge.core.journal import JOURNAL_SCHEMA_PATH
from bridge.derived.own_records import JOURNAL_FORMS, JournalForm, list_event_types
from bridge.derived.schemas import KNOWN_WORDS, Schema

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*", re.ASCII)
_SCALARS: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
# Keywords that a TypeScript type cannot express (rules for values), or that are for readers.
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

# With `string`, TypeScript would reduce the union to `string`, and editors could not complete words.
_OTHER: Final = "(string & {})"
_HEAD: Final = """\
// What callback-bridge publishes. Derived from the JSON Schemas: do not edit.
//
// A field that may be absent is optional. Null means that Plivo sent the parameter, but its value is
// unreadable or not known. A new version of the same major version can add optional fields, and words to
// the sets that end in `(string & {})`. Money is decimal text, times are RFC 3339 UTC.
"""


class Untranslatable(ValueError):
    """A schema has a keyword or type that is not translated here (rule 3)."""


def type_name(event_type: str) -> str:
    """Return the name of the interface for a CloudEvents type or a definition of a schema."""
    words = re.split(r"[^A-Za-z0-9]+", event_type.removeprefix("com.plivo."))
    return "".join(word[:1].upper() + word[1:] for word in words)


def form_type_name(form: JournalForm) -> str:
    """Return the name of the interface for a journal record that is no callback."""
    return type_name(form.name)


def render_typescript(catalogue: Catalogue, payloads: Mapping[str, Schema]) -> str:
    """Return the text of ``index.d.ts``: the types of all events and of journal records.

    ``payloads`` are the schemas, by path.
    """
    schemas = [payloads[kind.schema_path] for kind in list_event_types(catalogue).values()]
    journal = payloads[JOURNAL_SCHEMA_PATH]
    forms = {form_type_name(form): payloads[form.schema_path] for form in JOURNAL_FORMS}
    parts = [_HEAD, _envelope(schemas[0])]
    shared = _definitions([*schemas, journal, *forms.values()])
    parts += [_interface(name, definition) for name, definition in shared]
    for schema in schemas:
        name = type_name(schema["title"])
        parts.append(_interface(f"{name}Data", schema["properties"]["data"]))
        parts.append(
            _comment(schema["description"])
            + f"export interface {name} extends CloudEvent<{_quoted(schema['title'])}, {name}Data>"
            " {}\n"
        )
    parts.append(_interface("JournalRecord", journal))
    parts += [_interface(name, schema) for name, schema in forms.items()]
    parts.append(_by_type(schemas))
    return "\n".join(parts)


def _envelope(schema: Schema) -> str:
    """Return the interface of the attributes that all event types share."""
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
    """Yield each definition of the schemas once, with its name (rule 2)."""
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
        "/** Any event of a known type. Newer types are possible: write a default case. */\n"
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
    """Return the TypeScript type of a schema's values (rule 3)."""
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
