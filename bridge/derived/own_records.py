"""Declarations of all that the bridge publishes without a callback: its own events and journal records.

1. An own event is declared by an ``OwnEventType``. It has a topic, a schema and samples like the events
   of callbacks.
2. A record of the journal that is no callback has a form for its ``journal_kind``, with a schema of its
   own. Its record key, its samples and the member by which its value is recognised are declared here.
3. The samples are made by the real core.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bridge.callbacks.model import CallbackType
from bridge.core.answer import (
    ANSWER_SCHEMA_PATH,
    Answered,
    AnswerValue,
    Failure,
    to_answer_record,
)
from bridge.core.catalogue import Catalogue
from bridge.core.event import ContractNames, to_epoch_ms
from bridge.core.journal import JOURNAL_TOPIC, JournalKind, SentReply
from bridge.core.own_event import OwnEventType
from bridge.core.record import Record
from bridge.core.requested import (
    JOURNAL_REQUEST_SCHEMA_PATH,
    REQUESTED,
    PlacedRequest,
    RequestValue,
    to_request_records,
)
from bridge.derived.samples import AUTH_ID, ORIGIN, RECORDED_AT

PublishedType = CallbackType | OwnEventType

OWN_EVENTS: Final = (REQUESTED,)


@dataclass(frozen=True, slots=True)
class JournalForm:
    """A form of journal records that are no callbacks: rule 2.

    ``value`` is the TypedDict of the value, and ``member`` a member that no other form has. ``name``
    is the name of its schema, ``key`` a text about the record key. ``is_joined`` marks a form with the
    headers that name the callback which it belongs to.
    """

    kind: JournalKind
    value: type
    schema_path: str
    key: str
    member: str
    is_joined: bool = False

    @property
    def name(self) -> str:
        """Return the name of its schema, which is the folder of its versions."""
        return self.schema_path.partition("/")[0]

    @property
    def meaning(self) -> str:
        """Return the first sentence about the value."""
        return (self.value.__doc__ or "").strip().partition("\n")[0]


JOURNAL_FORMS: Final = (
    JournalForm(
        JournalKind.ANSWER,
        AnswerValue,
        ANSWER_SCHEMA_PATH,
        key="That of the callback's own record.",
        member="given_by",
        is_joined=True,
    ),
    JournalForm(
        JournalKind.REQUEST,
        RequestValue,
        JOURNAL_REQUEST_SCHEMA_PATH,
        key="The reference of the request.",
        member="request_uuids",
    ),
)


def list_event_types(catalogue: Catalogue) -> dict[str, PublishedType]:
    """Return every type of event by its name: those of callbacks, then the bridge's own."""
    kinds: tuple[PublishedType, ...] = (*catalogue.all_types, *OWN_EVENTS)
    return {kind.name: kind for kind in kinds}


@dataclass(frozen=True, slots=True)
class OwnExample:
    """A sample of an own event or of a journal form. ``folder`` is the name of its schema."""

    folder: str
    shows: str
    record: Record

    @property
    def slug(self) -> str:
        """Return ``shows`` as a file name."""
        return re.sub(r"[^a-z0-9]+", "-", self.shows.lower()).strip("-")

    @property
    def path(self) -> str:
        """Return the path of its file, below the folder of the schemas."""
        return f"{self.folder}/examples/{self.slug}.json"


_REFERENCE: Final = "0c7f6a52d1e84b6f9b1d3a2c5e4f7081"
_SENT_AT: Final = RECORDED_AT - timedelta(seconds=1)
_ACCEPTED: Final = PlacedRequest(
    account=AUTH_ID,
    reference=_REFERENCE,
    client="callback-bridge/1.0",
    requested_at=_SENT_AT,
    body={
        "from": "14155550100",
        "to": "14155550123<sip:anna@phone.plivo.com",
        "answer_url": f"{ORIGIN}/plivo/voice/call/answer?bridge_reference={_REFERENCE}#rp=all&rc=5",
        "hangup_url": f"{ORIGIN}/plivo/voice/call/hangup?bridge_reference={_REFERENCE}#rp=all&rc=5",
        "time_limit": 600,
        "machine_detection": "true",
    },
    destinations=("14155550123", "sip:anna@phone.plivo.com"),
    outcome="accepted",
    request_uuids=(
        "5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01",
        "64d3290a-87a6-46b4-a6e2-20f5f4e07a02",
    ),
    api_id="97ceeb52-58b6-11e1-86da-77300b68f8bb",
    status=201,
    explanation="Plivo took the request: calls fired",
)
_ONE_DESTINATION: Final = _ACCEPTED._replace(
    body={**_ACCEPTED.body, "to": "14155550123"}, destinations=("14155550123",), request_uuids=()
)
_SAMPLES: Final = {
    "accepted": _ACCEPTED,
    "refused": _ONE_DESTINATION._replace(
        outcome="refused",
        api_id=None,
        status=401,
        explanation="Plivo does not know the account or its token: check BRIDGE_ACCOUNTS",
    ),
    "unknown": _ONE_DESTINATION._replace(
        outcome="unknown",
        api_id=None,
        status=None,
        explanation="Plivo did not answer in time and may have dialled: do not repeat the request",
    ),
}


# Of a callback's record, an answer's record only repeats topic, key, timestamp and these headers.
_CALLBACK_HEADERS: Final = (
    ("callback_type", b"voice.call.answer"),
    ("event_id", b"0c9ad3c8d1b58ef0a9a7bb8d1a3e5f42"),
)
_HELLO: Final = b"<Response><Speak>Hello</Speak></Response>"
_ANSWERS: Final = {
    "used": Answered(
        "to the ivr", "ivr", "application", 41, None, SentReply(200, "text/xml", _HELLO)
    ),
    "fallback": Answered(
        "to the ivr",
        "ivr",
        "fallback",
        10_000,
        Failure("timeout", "no whole answer in 10 s"),
        SentReply(200, "application/xml", b"<Response><Hangup/></Response>"),
    ),
    "status": Answered(
        "to the ivr",
        "ivr",
        "status",
        3,
        Failure("status", "it answered 500"),
        SentReply(502, None, b""),
    ),
    "not text": Answered(
        "to the ivr", "ivr", "application", 7, None, SentReply(200, None, b"\xff")
    ),
}


def build_own_examples(naming: ContractNames) -> Iterator[OwnExample]:
    """Yield the samples of every own event and every journal form: rule 3."""
    for shows, request in _SAMPLES.items():
        event, *_, journal = to_request_records(request, naming, RECORDED_AT)
        yield OwnExample(REQUESTED.name, shows, event)
        yield OwnExample(JOURNAL_REQUEST_SCHEMA_PATH.partition("/")[0], shows, journal)
    callback = Record(
        topic=naming.topic_prefix + JOURNAL_TOPIC,
        key=b"5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01",
        value=b"",
        headers=_CALLBACK_HEADERS,
        timestamp_ms=to_epoch_ms(RECORDED_AT),
    )
    for shows, answered in _ANSWERS.items():
        folder = ANSWER_SCHEMA_PATH.partition("/")[0]
        yield OwnExample(folder, shows, to_answer_record(callback, answered))
