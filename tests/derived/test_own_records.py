"""The samples of the bridge's own events and of journal records that are no callbacks."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from bridge.core.event import ContractNames
from bridge.derived.own_records import JOURNAL_FORMS, OWN_EVENTS, build_own_examples
from bridge.derived.schemas import (
    DEFAULT_BASE,
    KNOWN_WORDS,
    build_event_schema,
    build_form_schema,
)

SCHEMAS = {
    **{kind.name: build_event_schema(kind) for kind in OWN_EVENTS},
    **{form.name: build_form_schema(form) for form in JOURNAL_FORMS},
}
EXAMPLES = list(build_own_examples(ContractNames("", DEFAULT_BASE)))


def choices(schema: dict[str, Any], name: str = "") -> Iterator[tuple[str, object]]:
    """Yield the fields that may be null or one of some words, with each of these values."""
    if "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from choices(one, name)
    for field, one in schema.get("properties", {}).items():
        yield from choices(one, field)
    for word in schema.get(KNOWN_WORDS, ()):
        yield name, word
    if schema.get("type") == "null":
        yield name, None


def values(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if inner is None or isinstance(inner, str):
                yield name, inner
            yield from values(inner)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_word_and_every_null_of_a_schema_is_in_a_sample(name: str) -> None:
    shown = {
        pair
        for one in EXAMPLES
        if one.folder == name
        for pair in values(orjson.loads(one.record.value))
    }
    possible = set(choices(SCHEMAS[name]))
    assert possible
    assert possible - shown == set()


def test_every_form_is_recognised_by_a_member_that_no_other_form_has() -> None:
    members = {form.name: form.member for form in JOURNAL_FORMS}
    for one in EXAMPLES:
        found = orjson.loads(one.record.value)
        named = [name for name, member in members.items() if member in found]
        assert named == ([one.folder] if one.folder in members else [])


def test_the_path_of_a_sample_is_below_its_schema() -> None:
    paths = [one.path for one in EXAMPLES]
    assert len(set(paths)) == len(paths)
    assert "journal.answer/examples/not-text.json" in paths
