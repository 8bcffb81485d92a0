"""The compiled reading agrees with the declarations, whatever comes in.

1. A second reading, as slow as it is simple, finds the same fields, undeclared parameters and
   unreadable ones. It goes through the model's fields and asks of each parameter whether it fills
   the field. Local times are compared by their text, because the callback as a whole resolves them.
2. The pydantic model of the type accepts the data of the event, and holds the same values.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.callbacks.model import CallbackType, Param, list_fields
from bridge.core.catalogue import load_catalogue
from bridge.core.field_map import _iter_marks
from bridge.core.parameters import JSON, Pair, group_values
from bridge.core.parse import Callback, NoEvent
from bridge.normalise import (
    ParsedBy,
    ParsedInZone,
    ParsedTogether,
    ParseText,
    Unreadable,
    fold_name,
)
from tests.support.factories import (
    HANGUP,
    TEXT,
    UUID,
    event_of,
    parser,
    raw_callback,
    samples,
    vouched,
)

TYPES = load_catalogue()
SAMPLES = samples(TYPES)
STREAM = TYPES.by_name["voice.stream.status"]  # two of its fields are read from `Event`
NAMES = sorted(
    {
        name
        for kind in TYPES.all_types
        for _, parameter, _ in list_fields(kind.model).values()
        for name in parameter.names
    }
    | {"X-PH-Campaign", "x-ph-shift", "Digits1", "NewOne"}
)


def respell(name: str) -> list[str]:
    snake = re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return [name, name.lower(), name.upper(), snake]


NAME = st.sampled_from(NAMES).flatmap(lambda name: st.sampled_from(respell(name))) | TEXT
ODD_VALUE = st.sampled_from(["", "-1", "1970-01-01 00:00:00", "\udcff", "a\udcfeb", "é"])
VALUE = st.sampled_from(sorted({value for _, pairs in SAMPLES for _, value in pairs})) | ODD_VALUE
PAIR = st.tuples(NAME, VALUE | TEXT)


@st.composite
def received(draw: st.DrawFn) -> tuple[CallbackType, list[Pair]]:
    """Return a sample with parameters added, repeated, spelled in other ways, and shuffled."""
    kind, sample = draw(st.sampled_from(SAMPLES))
    pairs = [*sample, *draw(st.lists(PAIR, max_size=4))]
    for name, value in draw(st.lists(st.sampled_from(pairs), max_size=3)):
        again = draw(st.sampled_from([value, ""]) | VALUE)
        pairs.append((draw(st.sampled_from(respell(name))), again))
    return kind, draw(st.permutations(pairs))


def is_text(text: str) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in text)


def written(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class SlowReading:
    """What the fields of a type are, read from its declaration parameter by parameter."""

    def __init__(self, kind: CallbackType, pairs: list[Pair], *, is_json: bool) -> None:
        self.declared = list_fields(kind.model)
        self.values = group_values(pairs)
        self.is_json = is_json
        names = ["Direction"] if "Direction" in self.values or not is_json else list(self.values)
        directions = [
            text
            for name in names
            if fold_name(name) == "direction"
            for text in self.values.get(name, [])
            if text
        ]
        self.direction = directions[0].lower() if directions else None
        self.fields: dict[str, Any] = {}
        self.unreadable: list[tuple[str | None, str, tuple[str, ...], str]] = []
        self.undeclared = {
            name: texts
            for name, texts in self.values.items()
            if self.is_utf8(name) and not any(self.fills(name, field) for field in self.declared)
        }
        for name in self.values:
            if not self.is_utf8(name) and not self.is_exact(name):
                self.refuse(None, name, "not_utf8")
        for field, (annotation, _, metadata) in self.declared.items():
            for mark in (*metadata, *_iter_marks(annotation)):
                if isinstance(mark, ParsedBy):
                    self.read_one(field, mark.parse)
                elif isinstance(mark, ParsedInZone):
                    self.read_one(field, mark.make_parser(None))
                elif isinstance(mark, ParsedTogether):
                    self.read_group(field, mark)

    def is_utf8(self, name: str) -> bool:
        return is_text(name) and all(map(is_text, self.values[name]))

    def is_exact(self, name: str) -> bool:
        """Say whether it is the exact name of a field that is parsed from one parameter."""
        return any(
            name in parameter.names and not self.is_group(field)
            for field, (_, parameter, _) in self.declared.items()
        )

    def is_group(self, field: str) -> bool:
        annotation, _, metadata = self.declared[field]
        return any(isinstance(one, ParsedTogether) for one in (*metadata, *_iter_marks(annotation)))

    def fills(self, name: str, field: str) -> bool:
        """Say whether the field is parsed from the parameter of this name."""
        _, parameter, _ = self.declared[field]
        if self.is_exact(name):
            return name in parameter.names
        others = [of for of in self.declared if self.is_another_spelling(name, of)]
        alone = [of for of in others if not self.is_group(of)]
        if alone:
            return field in alone
        if others:
            return field in others
        return self.goes_on(name, parameter)

    def is_another_spelling(self, name: str, field: str) -> bool:
        _, parameter, _ = self.declared[field]
        if parameter.prefix or parameter.numbered:
            return False
        may_differ = self.is_json or parameter.case_insensitive or self.is_group(field)
        return may_differ and fold_name(name) in map(fold_name, parameter.names)

    def goes_on(self, name: str, parameter: Param) -> bool:
        if parameter.prefix:
            return name.lower().startswith(tuple(map(str.lower, parameter.names)))
        return parameter.numbered and any(
            re.fullmatch(re.escape(one) + "[0-9]+", name) for one in parameter.names
        )

    def refuse(self, field: str | None, name: str, reason: str) -> None:
        texts = tuple(map(written, self.values[name]))
        self.unreadable.append((field, written(name), texts, reason))

    def iter_texts(self, field: str) -> Iterator[tuple[str, str]]:
        """Yield the parameters of a field with their text: the exact names, then other spellings."""
        names = list(filter(self.is_exact, self.declared[field][1].names))
        for name in [*names, *(one for one in self.values if not self.is_exact(one))]:
            if name not in self.values or not self.fills(name, field):
                continue
            if not self.is_utf8(name) and not self.is_exact(name):
                continue
            texts = {text for text in self.values[name] if text}
            refused_as = None if self.is_group(field) else field
            if len(texts) > 1:
                self.refuse(refused_as, name, "repeated")
            elif any(not is_text(text) for text in texts):
                self.refuse(refused_as, name, "not_utf8")
            elif texts:
                yield name, texts.pop()
                continue
            if texts and refused_as:
                self.fields[field] = None

    def read_one(self, field: str, parse: ParseText) -> None:
        found: dict[str, object] = {}
        for name, text in self.iter_texts(field):
            try:
                found[name] = parse(text)
            except Unreadable as error:
                self.refuse(field, name, error.reason)
                self.fields[field] = None
        values = list(found.values())
        if values and (field in self.fields or any(one != values[0] for one in values)):
            # A field of which one parameter is unreadable is not read from another one.
            for name in found:
                self.refuse(field, name, "spellings_disagree")
            self.fields[field] = None
        elif values:
            self.fields[field] = values[0]

    def read_group(self, field: str, mark: ParsedTogether) -> None:
        texts = dict(self.iter_texts(field))
        if texts:
            self.fields[field] = mark.parse(texts, self.direction)


def unread(callback: Callback) -> list[tuple[str | None, str, tuple[str, ...], str]]:
    return [
        (one["field"], one["parameter"], tuple(one["text"]), one["reason"])
        for one in callback.unreadable
    ]


def without_instants(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with the text only of times that a callback resolves as a whole."""
    return {
        name: value["text"]
        if name in {"started_at", "answered_at", "ended_at"} and value
        else value
        for name, value in fields.items()
        if name != "correlation"
    }


# What it runs is measured where the other tests run it: to measure all of this takes twice as long.
@pytest.mark.no_cover
@settings(max_examples=300)
@given(received(), st.booleans(), st.booleans())
@example((STREAM, [("StreamID", "x"), ("Event", "a"), ("event", "b")]), True, True)  # noqa: FBT003
def test_the_compiled_reading_agrees_with_the_declarations_and_the_models(
    sent: tuple[CallbackType, list[Pair]],
    is_json: bool,  # noqa: FBT001 (drawn)
    has_path: bool,  # noqa: FBT001 (drawn)
) -> None:
    kind, pairs = sent
    if is_json:
        pairs = [(written(name), written(value)) for name, value in pairs]
        members = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs]
        raw = raw_callback("", "{" + ",".join(members) + "}", content_type=JSON)
    else:
        raw = raw_callback("", urlencode(pairs, errors="surrogateescape"))
    try:
        callback = parser(TYPES).parse(vouched(raw), kind if has_path else None)
    except NoEvent:
        return
    slow = SlowReading(callback.type, pairs, is_json=is_json)
    assert without_instants(callback.fields) == without_instants(slow.fields)
    assert callback.undeclared == slow.undeclared
    assert sorted(unread(callback), key=repr) == sorted(slow.unreadable, key=repr)
    data = orjson.loads(event_of(callback).record.value)["data"]
    model = callback.type.model.model_validate(data)
    assert model.model_dump(by_alias=True, exclude_unset=True) == data


def test_each_field_of_a_hangup_is_read_by_both() -> None:
    raw = raw_callback("", urlencode(HANGUP))
    callback = parser(TYPES).parse(vouched(raw), None)
    slow = SlowReading(callback.type, list(HANGUP), is_json=False)
    assert without_instants(callback.fields) == without_instants(slow.fields)
    assert slow.fields["call_uuid"] == UUID
    assert len(slow.fields) == len(HANGUP)
