"""Build the journal record of a callback, whose value dead letters and rejected callbacks have too.

1. The journal record is the callback as received, and what the bridge did with it. It is enough to
   check the signature again and to derive the event again.
2. The value of a dead letter is the same, with the reason in the headers (``bridge.core.dead_letter``).
   So is that of a rejected callback, with the fault in the headers and the body cut
   (``bridge.core.rejected``).
3. The journal also holds records that are no callbacks. Their header ``journal_kind`` says what they
   are; a callback has no such header. A reader that does not know a kind skips its records.
4. A notification that is to be sent on has the name of its application in the header ``forward_to``.
"""

import base64
from enum import StrEnum
from typing import Annotated, Final, NamedTuple, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from bridge import __version__
from bridge.callbacks.model import Verification
from bridge.core.event import ContractNames, EventRecord, to_receipt
from bridge.core.parse import Callback
from bridge.core.record import Record, RecordHeader, encode_json
from bridge.core.verify import Unverified, Verified

JSON_CONTENT_TYPE: Final = ("content-type", b"application/json")
JOURNAL_TOPIC: Final = "plivo.journal.v1"
DEAD_LETTER_TOPIC: Final = "plivo.bridge.deadletter.v1"
REJECTED_TOPIC: Final = "plivo.bridge.rejected.v1"
FORWARD_TO: Final = "forward_to"
JOURNAL_SCHEMA_PATH: Final = "journal/1.0.json"
JOURNAL_KIND: Final = "journal_kind"

_PLAIN: Final = bytes(range(ord(" "), ord("~") + 1))


class JournalKind(StrEnum):
    """The kinds of journal records that are no callbacks: the values of their header (rule 3)."""

    ANSWER = "answer"
    """The answer of a customer's application to a callback."""

    REQUEST = "request"
    """A request of ours to Plivo, and its outcome."""


class SentReply(NamedTuple):
    """The reply to Plivo."""

    status: int
    content_type: str | None
    body: bytes


class Asked(NamedTuple):
    """In place of a reply: the customer's application that is being asked for it."""

    application: str


class EventName(TypedDict):
    """An event made from the callback."""

    id: Annotated[str, Field(description="The event's id.")]
    type: Annotated[str, Field(description="Its CloudEvents type.")]
    topic: Annotated[str, Field(description="The topic that it was published to.")]


class ReplyGiven(TypedDict):
    """The reply to Plivo."""

    status: Annotated[int, Field(description="HTTP status.")]
    content_type: Annotated[str | None, Field(description="Its content type, if it had a body.")]
    body: Annotated[str, Field(description="Its body.")]


class JournalValue(TypedDict):
    """A callback as received, and what the bridge did with it."""

    method: Annotated[str, Field(description="`GET` or `POST`.")]
    url_received: Annotated[str, Field(description="The URL as it reached the bridge.")]
    url_verified: Annotated[
        str, Field(description="The URL that the signature was checked against.")
    ]
    public_origin: Annotated[
        str, Field(description="Scheme, authority and path prefix of that URL.")
    ]
    path: Annotated[str, Field(description="The path, percent-encoded.")]
    query: Annotated[str, Field(description="The query, percent-encoded.")]
    headers: Annotated[
        list[tuple[str, str]], Field(description="The headers that were kept, names in lower case.")
    ]
    body: NotRequired[Annotated[str, Field(description="The body, if it is plain text.")]]
    body_base64: NotRequired[Annotated[str, Field(description="The body in base64, otherwise.")]]
    remote_address: Annotated[str, Field(description="The peer's address.")]
    received_at: Annotated[
        str, Field(description="RFC 3339 UTC.", json_schema_extra={"format": "date-time"})
    ]
    source: Annotated[str, Field(description="The account, as in the event's `source`.")]
    zone: Annotated[
        str | None, Field(description="The account's time zone, in which local times were parsed.")
    ]
    verification: Verification
    events: Annotated[list[EventName], Field(description="The events made from it, if any.")]
    reply: Annotated[
        ReplyGiven | None,
        Field(
            description="Null if a rule forwarded the callback to an application: the answer has a "
            "record of its own."
        ),
    ]
    reply_from: NotRequired[
        Annotated[
            str,
            Field(description="The application that a rule forwarded the callback to, if one did."),
        ]
    ]
    bridge_version: Annotated[str, Field(description="The version of the bridge that received it.")]


def to_journal_value(
    verdict: Verified | Unverified, *, event: EventRecord | None, reply: SentReply | Asked
) -> JournalValue:
    """Return the journal record's value before it is encoded as JSON: rules 1 and 4.

    ``event`` is the event made from the callback, if any.
    """
    raw = verdict.raw
    body, target = raw.body, raw.target
    received_at, source, verification = to_receipt(verdict) if event is None else event.receipt
    value: JournalValue = {
        "method": raw.method,
        "url_received": raw.origin + target,
        "url_verified": raw.public_origin + target,
        "public_origin": raw.public_origin,
        "path": raw.path,
        "query": raw.query,
        "headers": list(raw.headers.lines),
        "remote_address": raw.remote_address,
        "received_at": received_at,
        "source": source,
        "zone": verdict.zone,
        "verification": verification,
        "events": [] if event is None else [_name_event(event)],
        "reply": None,
        "bridge_version": __version__,
    }
    if isinstance(reply, Asked):
        value["reply_from"] = reply.application
    else:
        value["reply"] = {
            "status": reply.status,
            "content_type": reply.content_type,
            "body": reply.body.decode(),
        }
    if body.translate(None, _PLAIN):
        value["body_base64"] = base64.b64encode(body).decode("ascii")
    else:
        value["body"] = body.decode("ascii")
    return value


def _name_event(event: EventRecord) -> EventName:
    return {"id": event.id, "type": event.type.event_type, "topic": event.record.topic}


def to_journal(
    callback: Callback,
    event: EventRecord,
    naming: ContractNames,
    reply: SentReply | Asked,
    *,
    forward_to: str | None = None,
) -> Record:
    """Return the journal record of a published callback; its key is the event's.

    ``forward_to`` is the application that it is to be sent on to: rule 4.
    """
    verdict = callback.verdict
    value = to_journal_value(verdict, event=event, reply=reply)
    headers: tuple[RecordHeader, ...] = (
        JSON_CONTENT_TYPE,
        ("callback_type", event.type.name.encode()),
        ("event_id", event.id.encode()),
    )
    if forward_to is not None:
        headers += ((FORWARD_TO, forward_to.encode()),)
    topic, published = naming.topic_prefix + JOURNAL_TOPIC, event.record
    return Record(topic, published.key, encode_json(value), headers, published.timestamp_ms)
