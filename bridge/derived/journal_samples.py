"""Samples of journal records: one for each verdict, made by the real core.

1. The verdict shapes a journal record most, so each signature scheme has a sample, and so has a
   callback without a signature. The samples are not one for each type of callback: the journal
   stores a request, and requests of two types differ only in their text.
2. These samples also show the other forms that a reader must handle: a body that is not plain text,
   an answer with XML, headers and lists that are empty, a callback without an event. A test compares
   them with the journal's schema: a sample must show each form that the schema allows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, assert_never

import orjson

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.catalogue import SHARED_PATH, Catalogue
from bridge.core.dead_letter import to_dead_letter
from bridge.core.event import ContractNames, to_event
from bridge.core.journal import Asked, SentReply, to_journal
from bridge.core.parameters import FORM, JSON, Pair, parse_form, parse_parameters
from bridge.core.parse import NoEventReason, Parser
from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.core.verify import Scheme
from bridge.derived.samples import NONCE, ORIGIN, RECORDED_AT, request, verifier, with_signature

_XML: Final = SentReply(200, "application/xml", b"<Response><Speak>Hello</Speak></Response>")
_EMPTY: Final = SentReply(200, None, b"")


@dataclass(frozen=True, slots=True)
class JournalExample:
    """One journal record. ``letter`` is the dead letter, where the callback has no event."""

    name: str
    shows: str
    record: Record
    letter: Record | None = None

    @property
    def path(self) -> str:
        """Return the path of its file, below the folder of the schemas."""
        return f"journal/examples/{self.name}.json"


def build_journal_examples(catalogue: Catalogue, naming: ContractNames) -> Iterator[JournalExample]:
    """Yield a journal record for each signature scheme, and one of a callback without a signature."""
    verify = replace(verifier(), accept_agentstack=True).verify
    parse = Parser(catalogue).parse
    for scheme in Scheme:
        shows, raw, reply = _signed(scheme, catalogue)
        callback = parse(verify(raw, parse_parameters(raw)), None)
        event = to_event(callback, naming, RECORDED_AT)
        yield JournalExample(scheme, shows, to_journal(callback, event, naming, reply))
    yield _asked(catalogue, naming)
    raw = request("GET", SHARED_PATH, query="Colour=blue")
    verdict = verify(raw, parse_parameters(raw))
    _, (letter, journal) = to_dead_letter(verdict, NoEventReason.NO_IDENTITY, naming, _EMPTY)
    shows = "No signature; no event, because it does not say which call or message it is about."
    yield JournalExample("unverified", shows, journal, letter)


def _asked(catalogue: Catalogue, naming: ContractNames) -> JournalExample:
    """Return the record of a callback that a customer's application answers."""
    _, raw, _ = _signed(Scheme.V3_MA, catalogue)
    verdict = verifier().verify(raw, parse_parameters(raw))
    callback = Parser(catalogue).parse(verdict, None)
    event = to_event(callback, naming, RECORDED_AT)
    shows = "The same GET, for which an application is asked: its answer is in a record of its own."
    return JournalExample("asked", shows, to_journal(callback, event, naming, Asked("ivr")))


def _signed(scheme: Scheme, catalogue: Catalogue) -> tuple[str, RawCallback, SentReply]:
    """Return what a sample shows, its request signed by ``scheme``, and what Plivo was answered."""

    def sample(name: str) -> tuple[str, tuple[Pair, ...]]:
        form = next(iter(catalogue.by_name[name].samples.values()))
        return form, parse_form(form)[0]

    match scheme:
        case Scheme.V3:
            form, pairs = sample("voice.call.hangup")
            raw = request("POST", SHARED_PATH, FORM, form)
            message = signature.build_v3_message("POST", ORIGIN + raw.path, (), pairs, NONCE)
            return "A form.", with_signature(raw, wire.SIGNATURE_V3, wire.NONCE_V3, message), _EMPTY
        case Scheme.V3_MA:
            form, pairs = sample("voice.call.answer")
            raw = request("GET", SHARED_PATH, query=form)
            message = signature.build_v3_message("GET", ORIGIN + raw.path, pairs, (), NONCE)
            shows = "A GET, answered with XML."
            return shows, with_signature(raw, wire.SIGNATURE_MA_V3, wire.NONCE_V3, message), _XML
        case Scheme.V2 | Scheme.V2_MA:
            form, _ = sample("messaging.message.status")
            raw = request("POST", SHARED_PATH, FORM, form)
            message = signature.build_v2_message(ORIGIN + raw.path, NONCE)
            name = wire.SIGNATURE_V2 if scheme is Scheme.V2 else wire.SIGNATURE_MA_V2
            shows = "A form. The signature covers the URL alone."
            return shows, with_signature(raw, name, wire.NONCE_V2, message), _EMPTY
        case Scheme.V3_AGENTSTACK:
            _, pairs = sample("messaging.message.inbound")
            members = {**dict(pairs), "Text": "Grüße"}
            raw = request("POST", SHARED_PATH, JSON, orjson.dumps(members).decode())
            encoded = signature.encode_as_python(list(members.items()))
            message = signature.build_agentstack_message(
                "POST", ORIGIN + raw.path, "", encoded, NONCE
            )
            shows = "A JSON body that is not plain ASCII text, and therefore stored as base64."
            return shows, with_signature(raw, wire.SIGNATURE_V3, wire.NONCE_V3, message), _EMPTY
        case _:
            assert_never(scheme)
