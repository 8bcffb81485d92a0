"""The journal's samples show every shape that its schema allows."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import orjson
import pytest

from bridge.core import catalogue
from bridge.core.event import ContractNames
from bridge.core.verify import Scheme
from bridge.derived.journal_samples import JournalExample, build_journal_examples
from bridge.derived.schemas import DEFAULT_BASE, KNOWN_WORDS, build_journal_schema

SCHEMA = build_journal_schema()
EXAMPLES = list(build_journal_examples(catalogue.load_catalogue(), ContractNames("", DEFAULT_BASE)))


def value(example: JournalExample) -> dict[str, Any]:
    return orjson.loads(example.record.value)


def allowed(schema: dict[str, Any], place: str = "") -> Iterator[str]:
    """Yield what a value of the schema may be: its fields, null, an empty list, the known words."""
    if "$ref" in schema:
        yield from allowed(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], place)
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from allowed(one, place)
    elif "properties" in schema:
        for name, one in schema["properties"].items():
            yield from allowed(one, f"{place}.{name}")
    elif schema["type"] == "array":
        if not schema.get("minItems"):
            yield f"{place}: empty"
        for one in schema.get("prefixItems") or [schema["items"]]:
            yield from allowed(one, f"{place}[]")
    elif KNOWN_WORDS in schema:
        yield from (f"{place}: {word}" for word in schema[KNOWN_WORDS])
    else:
        yield f"{place}: {schema['type']}"


def shown(value: object, place: str = "") -> Iterator[str]:
    """Yield what a value is, in the words of ``allowed``."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from shown(inner, f"{place}.{name}")
        case list():
            if not value:
                yield f"{place}: empty"
            for inner in value:
                yield from shown(inner, f"{place}[]")
        case None:
            yield f"{place}: null"
        case int():
            yield f"{place}: integer"
        case _:
            yield from (f"{place}: string", f"{place}: {value}")


def test_whatever_the_schema_allows_a_sample_shows() -> None:
    possible = set(allowed(SCHEMA))
    assert {".body_base64: string", ".events: empty", ".reply.content_type: null"} < possible
    assert possible - {fact for one in EXAMPLES for fact in shown(value(one))} == set()


def test_every_signature_scheme_has_one_sample_and_no_signature_has_one() -> None:
    found = [value(one)["verification"]["scheme"] for one in EXAMPLES]
    assert found == [*Scheme, Scheme.V3_MA, None]
    assert [one.name for one in EXAMPLES] == [*Scheme, "asked", "unverified"]


def test_the_samples_differ_in_what_the_signature_covers() -> None:
    covers = {tuple(value(one)["verification"]["covers"]) for one in EXAMPLES}
    assert covers == {("url", "query", "body"), ("url", "query"), ("url",), ()}


@pytest.mark.parametrize("example", EXAMPLES, ids=[one.name for one in EXAMPLES])
def test_every_sample_is_valid(example: JournalExample) -> None:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(SCHEMA, format_checker=checker).validate(value(example))


def test_the_sample_without_an_event_has_a_dead_letter() -> None:
    (without,) = [one for one in EXAMPLES if one.letter is not None]
    assert value(without)["events"] == []
    assert without.letter is not None
    assert without.letter.value == without.record.value
