"""Compare two versions of a schema: find additions and breaking changes.

A change is breaking if a consumer of the old version could fail on new events. Optional fields and
known words may be added. Nothing may be removed, become optional, or change its type or its rule.
"""

from collections.abc import Iterator
from typing import Final, cast

from bridge.derived.schemas import KNOWN_WORDS, Schema

_RULES: Final = (
    "const",
    "format",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "pattern",
    "additionalProperties",
)


class _Document:
    """A schema with definitions, in which its references are looked up."""

    def __init__(self, schema: Schema) -> None:
        self._definitions: Schema = schema.get("$defs", {})

    def resolve(self, schema: Schema) -> Schema:
        """Return the definition that ``schema`` refers to, or ``schema`` itself."""
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].rpartition("/")[2]]
        return schema


def find_breaks(old: Schema, new: Schema) -> list[str]:
    """Return the breaking changes from ``old`` to ``new``, one sentence each."""
    return list(_breaks(old, new, _Document(old), _Document(new), ""))


def find_additions(old: Schema, new: Schema) -> list[str]:
    """Return the additions of ``new``, one sentence each. They break no consumer."""
    return list(_additions(old, new, _Document(old), _Document(new), ""))


def _types(schema: Schema) -> set[str]:
    kind = schema.get("type")
    return {kind} if isinstance(kind, str) else set(kind or ())


def _breaks(
    old: Schema, new: Schema, old_document: _Document, new_document: _Document, at: str
) -> Iterator[str]:
    old, new = old_document.resolve(old), new_document.resolve(new)
    if "anyOf" in old or "anyOf" in new:
        yield from _alternatives(old, new, old_document, new_document, at)
        return
    place = at or "the schema"
    if _types(old) != _types(new):
        yield f"{place}: type was {sorted(_types(old))}, is {sorted(_types(new))}"
    for rule in _RULES:
        before, after = old.get(rule), new.get(rule)
        if isinstance(before, dict) and isinstance(after, dict):
            rules = cast("Schema", before), cast("Schema", after)
            yield from _breaks(*rules, old_document, new_document, f"{at}.*")
        elif before != after:
            yield f"{place}: {rule} was {before!r}, is {after!r}"
    gone = [member for member in old.get(KNOWN_WORDS, ()) if member not in new.get(KNOWN_WORDS, ())]
    if gone:
        yield f"{place}: known words removed: {gone}"
    optional = sorted(set(old.get("required", ())) - set(new.get("required", ())))
    if optional:
        yield f"{place}: no longer required: {', '.join(optional)}"
    yield from _properties(old, new, old_document, new_document, at)


def _properties(
    old: Schema, new: Schema, old_document: _Document, new_document: _Document, at: str
) -> Iterator[str]:
    for name, schema in old.get("properties", {}).items():
        where = f"{at}.{name}" if at else name
        if name not in new.get("properties", {}):
            yield f"{where}: removed"
        else:
            yield from _breaks(schema, new["properties"][name], old_document, new_document, where)
    if isinstance(old.get("items"), dict):
        yield from _breaks(
            old["items"], new.get("items", {}), old_document, new_document, f"{at}[]"
        )


def _alternatives(
    old: Schema, new: Schema, old_document: _Document, new_document: _Document, at: str
) -> Iterator[str]:
    """Yield the alternatives of ``new`` that ``old`` did not allow."""
    before = old.get("anyOf", [old])
    for alternative in new.get("anyOf", [new]):
        if not any(
            not [*_breaks(one, alternative, old_document, new_document, at)] for one in before
        ):
            yield f"{at}: {alternative} was not allowed before"


def _additions(
    old: Schema, new: Schema, old_document: _Document, new_document: _Document, at: str
) -> Iterator[str]:
    old, new = old_document.resolve(old), new_document.resolve(new)
    if "anyOf" in old or "anyOf" in new:
        yield from _fewer_alternatives(old, new, old_document, new_document, at)
        return
    place = at or "the schema"
    known = [
        member for member in new.get(KNOWN_WORDS, ()) if member not in old.get(KNOWN_WORDS, ())
    ]
    if known:
        yield f"{place}: known words added: {known}"
    required = sorted(set(new.get("required", ())) - set(old.get("required", ())))
    if required:
        yield f"{place}: now required: {', '.join(required)}"
    for name, schema in new.get("properties", {}).items():
        where = f"{at}.{name}" if at else name
        if name in old.get("properties", {}):
            yield from _additions(
                old["properties"][name], schema, old_document, new_document, where
            )
        else:
            yield f"{where}: added"
    for rule, sign in (("items", "[]"), ("additionalProperties", ".*")):
        before, after = old.get(rule), new.get(rule)
        if isinstance(before, dict) and isinstance(after, dict):
            rules = cast("Schema", before), cast("Schema", after)
            yield from _additions(*rules, old_document, new_document, f"{at}{sign}")


def _fewer_alternatives(
    old: Schema, new: Schema, old_document: _Document, new_document: _Document, at: str
) -> Iterator[str]:
    """Yield the alternatives that ``new`` no longer allows, if it allows no new ones.

    Consumers of the old version can read all values that are left, so this is an addition.
    """
    if any(_alternatives(old, new, old_document, new_document, at)):
        return
    after = new.get("anyOf", [new])
    for one in old.get("anyOf", [old]):
        kept = [
            other for other in after if not any(_breaks(one, other, old_document, new_document, at))
        ]
        for other in kept:
            yield from _additions(one, other, old_document, new_document, at)
        if not kept:
            yield f"{at}: no longer {' or '.join(sorted(_types(old_document.resolve(one))))}"
