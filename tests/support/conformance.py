"""Every sample of every type as a callback, and the way it goes through the core."""

from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import orjson
from hypothesis import strategies as st

from bridge.callbacks.model import CallbackType, list_fields
from bridge.core.catalogue import load_catalogue
from bridge.core.event import EventRecord, to_event
from bridge.core.journal import to_journal
from bridge.core.parameters import Pair, parse_form
from bridge.core.parse import Callback, Parser
from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.derived.schemas import build_event_schema, build_journal_schema
from bridge.reply.document import ACKNOWLEDGEMENT
from tests.support.factories import NAMING, NONCE, RECORDED, TEXT, raw_callback, signed, verdict_on

TYPES = load_catalogue()
PARSER = Parser(TYPES)


@dataclass(frozen=True)
class Sample:
    """One sample of a declaration."""

    kind: CallbackType
    shows: str
    form: str

    @property
    def pairs(self) -> list[Pair]:
        return list(parse_form(self.form)[0])

    @property
    def route(self) -> CallbackType | None:
        return self.kind if self.kind.has_path else None

    def sent(self, nonce: str = NONCE, *, method: str = "POST") -> RawCallback:
        """Return the sample as Plivo would send it to the type's own path."""
        path = self.kind.path if self.kind.has_path else "/plivo"
        query, body = ("team=blue", self.form) if method == "POST" else (self.form, "")
        return signed(raw_callback(query, body, method=method, path=path), nonce=nonce)


SAMPLES = [
    Sample(kind, shows, form) for kind in TYPES.all_types for shows, form in kind.samples.items()
]
NAMES = [f"{sample.kind.name}: {sample.shows}" for sample in SAMPLES]


@dataclass(frozen=True)
class Taken:
    """What the core made of a callback."""

    callback: Callback
    event: EventRecord
    journal: Record

    @property
    def value(self) -> Any:
        """Return the event as its consumers read it."""
        return orjson.loads(self.event.record.value)


def through(
    raw: RawCallback, route: CallbackType | None, *, parser: Parser = PARSER, at: Any = RECORDED
) -> Taken:
    """Return what becomes of a callback; raises NoEvent."""
    callback = parser.parse(verdict_on(raw), route)
    event = to_event(callback, NAMING, at)
    return Taken(callback, event, to_journal(callback, event, NAMING, ACKNOWLEDGEMENT))


@cache
def schema_of(name: str) -> jsonschema_rs.Validator:
    """Return the validator of a type's events."""
    return jsonschema_rs.Draft202012Validator(
        build_event_schema(TYPES.by_name[name]), validate_formats=True
    )


@cache
def journals_schema() -> jsonschema_rs.Validator:
    """Return the validator of journal records."""
    return jsonschema_rs.Draft202012Validator(build_journal_schema(), validate_formats=True)


def assert_valid(taken: Taken) -> None:
    """Assert that event and journal record are what their schemas and the model say."""
    kind = taken.event.type
    schema_of(kind.name).validate(taken.value)
    journals_schema().validate(orjson.loads(taken.journal.value))
    model = kind.model.model_validate(taken.value["data"])
    assert not model.model_extra
    dumped = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert dumped == taken.value["data"]


# Names of this type, of others, in other spellings, and of nobody.
def names_for(kind: CallbackType) -> st.SearchStrategy[str]:
    own = [name for _, of, _ in list_fields(kind.model).values() for name in of.names]
    own += [f"{name}{end}" for name in own for end in ("", "0", "Name")]
    own += [name.lower() for name in own] + ["X-PH-Campaign", "CallUUID", "Event"]
    return st.sampled_from(sorted(set(own))) | TEXT


def values_for(sample: Sample) -> st.SearchStrategy[str]:
    known = {value for _, value in sample.pairs}
    odd = {"", "-1", "0", "true", "1e9", "2026-02-30 00:00:00", "2026-11-01 01:30:00", "1 of 0"}
    odd |= {"9" * 16, "+", "null", "A", "Hangup", "\x00", "\u202e"}
    return st.sampled_from(sorted(known | odd)) | TEXT


# What may be done to one pair: every one of them a list of pieces of a form.
NOT_UTF8 = st.sampled_from([b"%FF", b"\xfe", b"a%C3", b"%ED%A0%80"])


@st.composite
def degraded(draw: st.DrawFn, sample: Sample) -> bytes:
    """Draw a form of the sample with repeated, blank, undecodable, unknown and missing parts."""
    pieces: list[bytes] = []
    for name, value in sample.pairs:
        piece = urlencode([(name, value)]).encode()
        match draw(st.integers(0, 9)):
            case 0:
                pieces += [piece, piece]
            case 1:
                pieces += [piece, urlencode([(name, draw(values_for(sample)))]).encode()]
            case 2:
                pieces.append(urlencode([(name, "")]).encode())
            case 3:
                pieces.append(name.encode() + b"=" + draw(NOT_UTF8))
            case 4:
                pieces.append(urlencode([(name, draw(values_for(sample)))]).encode())
            case 5:
                pass
            case _:
                pieces.append(piece)
    more = st.tuples(names_for(sample.kind), values_for(sample))
    pieces += [urlencode([pair]).encode() for pair in draw(st.lists(more, max_size=4))]
    pieces += draw(st.lists(st.binary(max_size=6), max_size=1))
    return b"&".join(draw(st.permutations(pieces)))
