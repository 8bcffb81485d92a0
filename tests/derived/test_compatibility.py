"""Which changes of a schema are breaking, and which are additions."""

from typing import Any

import pytest

from bridge.derived.compatibility import find_additions, find_breaks

Schema = dict[str, Any]

EVENT: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "duration_s": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "verdict": {"type": "string", "examples": ["verified", "not_verified"]},
        "party": {"$ref": "#/$defs/Party"},
        "context": {"type": "object", "additionalProperties": {"type": "array"}},
        "unreadable": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["id", "verdict"],
    "$defs": {"Party": {"type": "object", "properties": {"text": {"type": "string"}}}},
}


def with_property(name: str, schema: Schema) -> Schema:
    return {**EVENT, "properties": {**EVENT["properties"], name: schema}}


def without_property(name: str) -> Schema:
    return {**EVENT, "properties": {k: v for k, v in EVENT["properties"].items() if k != name}}


ADDITIONS = {
    "nothing": EVENT,
    "an optional field": with_property("caller_name", {"type": "string"}),
    "a known value": with_property(
        "verdict", {"type": "string", "examples": ["verified", "not_verified", "new"]}
    ),
    "a field becomes required": {**EVENT, "required": ["id", "verdict", "party"]},
    "a description": with_property(
        "duration_s", {**EVENT["properties"]["duration_s"], "title": "x"}
    ),
    "never null again": with_property("duration_s", {"type": "integer"}),
    "a definition renamed": {
        **with_property("party", {"$ref": "#/$defs/One"}),
        "$defs": {"One": EVENT["$defs"]["Party"]},
    },
}
BREAKS = {
    "a field removed": (without_property("duration_s"), "duration_s: removed"),
    "a type changed": (with_property("id", {"type": "integer"}), "id: type was"),
    "a pattern changed": (with_property("id", {"type": "string"}), "id: pattern was"),
    "a required field made optional": (
        {**EVENT, "required": ["id"]},
        "no longer required: verdict",
    ),
    "a known value lost": (
        with_property("verdict", {"type": "string", "examples": ["verified"]}),
        "known words removed: ['not_verified']",
    ),
    "null allowed": (
        with_property("id", {"anyOf": [EVENT["properties"]["id"], {"type": "null"}]}),
        "id:",
    ),
    "another alternative": (
        with_property(
            "duration_s", {"anyOf": [{"type": "integer"}, {"type": "null"}, {"type": "string"}]}
        ),
        "was not allowed before",
    ),
    "a field inside a definition removed": (
        {**EVENT, "$defs": {"Party": {"type": "object", "properties": {}}}},
        "party.text: removed",
    ),
    "the values of a map changed": (
        with_property("context", {"type": "object", "additionalProperties": {"type": "string"}}),
        "context.*: type was",
    ),
    "the items of a list changed": (
        with_property("unreadable", {"type": "array", "items": {"type": "object"}}),
        "unreadable[]: type was",
    ),
}


@pytest.mark.parametrize("new", ADDITIONS.values(), ids=ADDITIONS.keys())
def test_an_addition_is_not_breaking(new: Schema) -> None:
    assert find_breaks(EVENT, new) == []


@pytest.mark.parametrize(("new", "expected"), BREAKS.values(), ids=BREAKS.keys())
def test_any_other_change_is_breaking_and_named_with_its_place(new: Schema, expected: str) -> None:
    assert any(expected in line for line in find_breaks(EVENT, new)), find_breaks(EVENT, new)


ADDED = {
    "nothing": [],
    "an optional field": ["caller_name: added"],
    "a known value": ["verdict: known words added: ['new']"],
    "a field becomes required": ["the schema: now required: party"],
    "a description": [],
    "never null again": ["duration_s: no longer null"],
    "a definition renamed": [],
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_is_named(name: str) -> None:
    assert find_additions(EVENT, ADDITIONS[name]) == ADDED[name]


@pytest.mark.parametrize(("new", "_"), BREAKS.values(), ids=BREAKS.keys())
def test_a_breaking_change_is_not_an_addition(new: Schema, _: str) -> None:
    assert find_additions(EVENT, new) == []


INSIDE = {
    "a field of a definition": (
        {
            **EVENT,
            "$defs": {
                "Party": {
                    "type": "object",
                    "properties": {"text": {"type": "string"}, "kind": {"type": "string"}},
                }
            },
        },
        "party.kind: added",
    ),
    "a known value of a list's items": (
        with_property("unreadable", {"type": "array", "items": {"examples": ["new"]}}),
        "unreadable[]: known words added: ['new']",
    ),
    "a known value of a map's values": (
        with_property("context", {"type": "object", "additionalProperties": {"examples": ["new"]}}),
        "context.*: known words added: ['new']",
    ),
}


@pytest.mark.parametrize(("new", "expected"), INSIDE.values(), ids=INSIDE.keys())
def test_an_addition_inside_is_named_with_its_place(new: Schema, expected: str) -> None:
    assert find_additions(EVENT, new) == [expected]
