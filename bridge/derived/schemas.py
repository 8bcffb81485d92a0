"""JSON Schemas (2020-12) of events and journal records, computed from the declarations."""

from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import LiteralSchema

from bridge.core.catalogue import Catalogue
from bridge.core.journal import JOURNAL_SCHEMA_PATH, JournalValue
from bridge.core.own_event import OwnEventType
from bridge.derived.own_records import JOURNAL_FORMS, JournalForm, PublishedType, list_event_types

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
DEFAULT_BASE: Final = "urn:callback-bridge:schemas:"

# The keyword that lists the known words of an open set. No other field has this keyword.
KNOWN_WORDS: Final = "examples"

_INSTANT: Final = {"type": "string", "format": "date-time", "pattern": "Z$"}
_ATTRIBUTES: Final[dict[str, tuple[str, Schema]]] = {
    "specversion": ("CloudEvents version.", {"const": "1.0"}),
    "id": (
        "Names the callback: Plivo's retries and every replay repeat it.",
        {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    ),
    "source": (
        "The account: `/plivo/accounts/{auth_id}`, then `/subaccounts/{auth_id}` for a subaccount.",
        {"type": "string", "pattern": "^/plivo/accounts/"},
    ),
    "type": ("What happened; the major version is part of it.", {"type": "string"}),
    "subject": (
        "The call (its first leg, if the callback names it), message or session it is about.",
        {"type": "string"},
    ),
    "time": (
        "When it happened; `data.time_source` names the field that it was taken from.",
        _INSTANT,
    ),
    "dataschema": ("The schema of exactly this version.", {"type": "string", "format": "uri"}),
    "partitionkey": ("The record's key.", {"type": "string"}),
    "recordedtime": ("When the bridge built the event.", _INSTANT),
    "datacontenttype": ("The type of `data`.", {"const": "application/json"}),
}


class _Generator(GenerateJsonSchema):
    """pydantic's generator, without titles (which repeat the names) and without closed sets."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 (as in pydantic)
        del schema
        return False

    def literal_schema(self, schema: LiteralSchema) -> JsonSchemaValue:
        """Return the schema of an open set of words, so that a new word breaks no consumer.

        The known words are in ``examples``, a keyword that every validator knows and none enforces.
        """
        found = super().literal_schema(schema)
        if "enum" in found:
            found[KNOWN_WORDS] = found.pop("enum")
        return found


def build_attribute_schemas() -> Schema:
    """Return the schema of each CloudEvents attribute that every event has."""
    return {name: {"description": meaning, **rule} for name, (meaning, rule) in _ATTRIBUTES.items()}


def build_event_schema(kind: PublishedType) -> Schema:
    """Return the schema of a type's events: the CloudEvents attributes and ``data``."""
    data = kind.model.model_json_schema(
        by_alias=True, mode="serialization", schema_generator=_Generator
    )
    definitions: Schema = data.pop("$defs", {})
    attributes = build_attribute_schemas()
    attributes["type"] = {"description": _ATTRIBUTES["type"][0], "const": kind.event_type}
    if isinstance(kind, OwnEventType):
        for name, meaning in kind.meanings.items():
            attributes[name] = {**attributes[name], "description": meaning}
    return {
        "$schema": DIALECT,
        "$id": DEFAULT_BASE + kind.schema_path,
        "title": kind.event_type,
        "description": kind.meaning,
        "type": "object",
        "properties": {**attributes, "data": data},
        "required": [*attributes, "data"],
        "$defs": definitions,
    }


def build_journal_schema() -> Schema:
    """Return the schema of callbacks in the journal, and of dead letters."""
    return _build_value_schema(JournalValue, JOURNAL_SCHEMA_PATH)


def build_form_schema(form: JournalForm) -> Schema:
    """Return the schema of journal records that are no callbacks."""
    return _build_value_schema(form.value, form.schema_path)


def _build_value_schema(value: type, path: str) -> Schema:
    body = TypeAdapter(value).json_schema(mode="serialization", schema_generator=_Generator)
    return {"$schema": DIALECT, "$id": DEFAULT_BASE + path, **body}


def build_schemas(catalogue: Catalogue) -> dict[str, Schema]:
    """Return every schema by its path, relative to the schema base."""
    kinds = list_event_types(catalogue).values()
    found = {kind.schema_path: build_event_schema(kind) for kind in kinds}
    found[JOURNAL_SCHEMA_PATH] = build_journal_schema()
    return found | {form.schema_path: build_form_schema(form) for form in JOURNAL_FORMS}
