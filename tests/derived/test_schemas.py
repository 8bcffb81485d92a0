"""The schemas accept what the core makes, and refuse wrong values."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from jsonschema_specifications import REGISTRY as SPECIFICATIONS

from bridge.core import catalogue
from bridge.core.catalogue import Catalogue
from bridge.core.event import ContractNames
from bridge.derived.samples import Example, build_examples
from bridge.derived.schemas import (
    DEFAULT_BASE,
    build_event_schema,
    build_journal_schema,
    build_schemas,
)

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ROOT = Path(__file__).parent.parent.parent
EXAMPLES = list(build_examples(catalogue.load_catalogue(), ContractNames("", DEFAULT_BASE)))
NAMES = [f"{example.type.name}: {example.shows}" for example in EXAMPLES]


def validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, format_checker=checker)


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_every_example_is_valid(example: Example) -> None:
    validator(build_event_schema(example.type)).validate(orjson.loads(example.event.record.value))
    validator(build_journal_schema()).validate(orjson.loads(example.journal.value))


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_no_example_has_undeclared_or_unreadable_parameters(example: Example) -> None:
    data = orjson.loads(example.event.record.value)["data"]
    assert data["unreadable"] == []
    # Of those that nothing recognises, no page names a field.
    assert data["undeclared"] == {} or not example.type.recognise
    assert "zone_mismatch" not in data


@pytest.mark.parametrize("path", sorted((ROOT / "schemas").glob("*/examples/*.json")), ids=str)
def test_every_committed_example_is_valid_by_its_committed_schema(path: Path) -> None:
    (schema,) = path.parent.parent.glob("1.*.json")
    validator(orjson.loads(schema.read_bytes())).validate(orjson.loads(path.read_bytes()))


def test_every_schema_is_a_schema(types: Catalogue) -> None:
    for schema in build_schemas(types).values():
        jsonschema.Draft202012Validator.check_schema(schema)


def keywords(schema: object) -> Iterator[str]:
    """Yield the keywords of a schema and of the schemas in it."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        yield keyword
        if keyword in {"properties", "$defs"}:
            inner = list(value.values())
        else:
            inner = value if isinstance(value, list) else [value]
        for one in inner if keyword not in {"default", "const", "examples"} else []:
            yield from keywords(one)


def test_a_schema_has_standard_keywords_only(types: Catalogue) -> None:
    standard = {"$schema", "$id"}  # in the metaschema itself, which is made of vocabularies
    for vocabulary in ("core", "applicator", "validation", "meta-data", "format-annotation"):
        uri = f"https://json-schema.org/draft/2020-12/meta/{vocabulary}"
        standard |= SPECIFICATIONS.contents(uri)["properties"].keys()
    for path, schema in build_schemas(types).items():
        assert set(keywords(schema)) <= standard, path


def instants(value: object, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the places of RFC 3339 times in a value; ``text`` is what Plivo sent."""
    if isinstance(value, str) and INSTANT.fullmatch(value) and place[-1] != "text":
        yield place
    elif isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from instants(inner, (*place, name))


def test_every_time_in_utc_is_a_date_time_in_the_schema(types: Catalogue) -> None:
    found = 0
    for example in EXAMPLES:
        checks = (
            (example.event.record, validator(build_event_schema(example.type))),
            (example.journal, validator(build_journal_schema())),
        )
        for record, check in checks:
            for place in instants(orjson.loads(record.value)):
                value = orjson.loads(record.value)
                inner = value
                for name in place[:-1]:
                    inner = inner[name]
                inner[place[-1]] = "at noon"
                assert not check.is_valid(value), (example.type.name, place)
                found += 1
    assert found > len(EXAMPLES)


def test_every_type_has_a_sample(types: Catalogue) -> None:
    assert {example.type.name for example in EXAMPLES} == set(types.by_name)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("id",), "not-a-digest"),
        (("time",), "2026-03-07 14:14:43"),
        (("type",), "com.plivo.voice.call.ring.v1"),
        (("data", "duration_s"), "66"),
        (("data", "total_cost"), 0.01),
        (("data", "ended_at"), "2026-03-07T14:14:43Z"),
        (("data", "ended_at", "utc"), "2026-03-07 14:14:43"),
        (("data", "ended_at", "utc"), "2026-03-07T09:14:43-05:00"),
        (("data", "verification"), None),
        (("data", "from", "kind"), 1),
    ],
)
def test_a_wrong_value_is_refused(types: Catalogue, place: tuple[str, ...], value: object) -> None:
    kind = types.by_name["voice.call.hangup"]
    found = next(example for example in EXAMPLES if example.type.name == kind.name)
    event = copy.deepcopy(orjson.loads(found.event.record.value))
    inner = event
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        validator(build_event_schema(kind)).validate(event)


def test_unknown_words_and_fields_are_valid(types: Catalogue) -> None:
    kind = types.by_name["voice.call.hangup"]
    found = next(example for example in EXAMPLES if example.type.name == kind.name)
    event = orjson.loads(found.event.record.value)
    event["data"]["from"]["kind"] = "satellite"
    event["data"]["ended_at"]["certainty"] = "prophesied"
    event["data"]["new_field"] = 1
    validator(build_event_schema(kind)).validate(event)
