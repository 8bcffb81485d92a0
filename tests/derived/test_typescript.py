"""The TypeScript types match the schemas, or the build of the pack fails."""

from typing import Any

import pytest

from bridge.core.catalogue import Catalogue
from bridge.derived import typescript
from bridge.derived.own_records import list_event_types
from bridge.derived.schemas import build_schemas
from bridge.derived.typescript import Untranslatable, render_typescript, type_name


@pytest.fixture(scope="module")
def text(types: Catalogue) -> str:
    return render_typescript(types, build_schemas(types))


def test_every_type_has_an_interface_and_is_an_event(text: str, types: Catalogue) -> None:
    for kind in list_event_types(types).values():
        name = type_name(kind.event_type)
        assert f"export interface {name} extends CloudEvent<" in text
        assert f'  "{kind.event_type}": {name};\n' in text


def test_an_interface_name_joins_the_words_of_the_type_and_its_version() -> None:
    assert type_name("com.plivo.voice.mpc.call_status.v2") == "VoiceMpcCallStatusV2"


def test_a_set_of_words_is_open(text: str) -> None:
    assert '  verdict: "verified" | "unverified" | (string & {});\n' in text


def test_a_field_that_may_be_absent_is_optional_and_a_null_one_may_be_null(text: str) -> None:
    assert "  duration_s?: number | null;\n" in text
    assert "  utc: string | null;\n" in text


def test_a_definition_that_schemas_share_is_written_once(text: str) -> None:
    assert text.count("export interface Moment {") == 1


def schema(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "array", "items": {"type": "string"}}, "Array<string>"),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]},
            "[string, null]",
        ),
        ({"type": "object"}, "Record<string, unknown>"),
        ({"type": "object", "additionalProperties": {"$ref": "#/$defs/A"}}, "Record<string, A>"),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "number"),
        ({"const": 'a "word" \\'}, '"a \\"word\\" \\\\"'),
        ({"type": "boolean", "description": "Ends */ early."}, "boolean"),
    ],
)
def test_a_schema_is_translated(given: dict[str, Any], expected: str) -> None:
    found = typescript._interface("Anything", schema(field=given))
    assert f"field: {expected};\n" in found
    assert "Ends */" not in found


def test_a_key_that_is_not_an_identifier_is_quoted() -> None:
    assert '"a-b": string;' in typescript._interface("A", schema(**{"a-b": {"type": "string"}}))


@pytest.mark.parametrize(
    "given",
    [
        {"type": "string", "not": {}},
        {"type": "tuple"},
        {"type": ["string", "null"]},
        {"const": 1},
        {},
        {"type": "object", "properties": {"inner": {"type": "string"}}},
    ],
)
def test_a_schema_without_translation_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Untranslatable):
        typescript._interface("Anything", schema(field=given))


def test_one_name_for_two_definitions_is_refused() -> None:
    one = {"$defs": {"A": schema(field={"type": "string"})}}
    other = {"$defs": {"A": schema(field={"type": "integer"})}}
    with pytest.raises(Untranslatable, match="A is defined in two ways"):
        list(typescript._definitions([one, other]))
