"""Build the Kafka records of a callback: the event and the journal record.

1. The event's id is a digest of account, type and sorted parameters, in their canonical encoding
   (``bridge.core.canonical``). Signature and receive time have no influence, and the nonce only for
   types that can repeat. So Plivo's retry of a callback, and every replay of it, have the same id as
   the first.
2. The event is a CloudEvent in structured JSON. Its context attributes are repeated in ``ce_*``
   headers, so that a consumer can filter without parsing.
3. The journal record is the callback as received. It is enough to check the signature again and to
   derive the event again. The value of a dead letter is the same, with the reason in the headers.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from bridge import __version__
from bridge.callbacks.model import CallbackType, Verification
from bridge.core.canonical import encode_canonical
from bridge.core.parameters import Parameters
from bridge.core.parse import Callback
from bridge.core.record import Record, encode_json
from bridge.core.request import NONCE_V2, NONCE_V3
from bridge.core.verify import Unverified, Verified
from bridge.normalise.time import to_rfc3339

# Without a charset. JSON is UTF-8, its media type defines no charset (RFC 8259, sections 8.1 and 11),
# and SDKs accept different spellings of it. The HTTP binding of the CloudEvents SDK for JavaScript
# (cloudevents 10.0.0 on npm) rejects ``charset=UTF-8``. SDKs for Java and Go ignore everything after
# the semicolon, so all of them accept the bare type.
CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json")
JSON_CONTENT_TYPE: Final = ("content-type", b"application/json")
JOURNAL_TOPIC: Final = "plivo.journal.v1"
DEAD_LETTER_TOPIC: Final = "plivo.bridge.deadletter.v1"
REJECTED_TOPIC: Final = "plivo.bridge.rejected.v1"
JOURNAL_SCHEMA_PATH: Final = "journal/1.0.json"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_PLAIN: Final = re.compile(rb"[ -~]*")


@dataclass(frozen=True, slots=True)
class SentReply:
    """What Plivo was answered with."""

    status: int
    content_type: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class ContractNames:
    """The names of the contract that an operator can choose."""

    topic_prefix: str
    schema_base: str


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event with the record to publish."""

    id: str
    type: CallbackType
    record: Record


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
    reply: ReplyGiven
    bridge_version: Annotated[str, Field(description="The version of the bridge that received it.")]


def compute_callback_id(
    account: str | None, kind: str, parameters: Parameters, nonce: str = ""
) -> str:
    """Return the 32 hex digits that identify a callback of type ``kind`` (rule 1).

    ``nonce`` is given for types whose parameters can legitimately repeat (the same digits pressed
    again).
    """
    pairs = parameters.sorted_body or parameters.sorted_query
    if parameters.body and parameters.query:
        pairs = sorted([*parameters.sorted_query, *parameters.sorted_body])
    canonical = encode_canonical([account, kind, nonce, pairs])
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def format_source(verdict: Verified | Unverified) -> str:
    """Return the CloudEvents source: the callback's account, and subaccount if there is one."""
    source = f"/plivo/accounts/{verdict.account or 'unknown'}"
    if isinstance(verdict, Verified) and verdict.subaccount:
        source += f"/subaccounts/{verdict.subaccount}"
    return source


def to_verification(verdict: Verified | Unverified) -> Verification:
    """Return the verdict as event and journal record state it."""
    if isinstance(verdict, Verified):
        return Verification(
            verdict="verified",
            scheme=verdict.scheme,
            key_id=verdict.key_id,
            covers=list(verdict.covers),
            fault=None,
        )
    return Verification(
        verdict="unverified", scheme=None, key_id=None, covers=[], fault=verdict.fault
    )


def to_epoch_ms(instant: datetime) -> int:
    """Return a timezone-aware instant as epoch milliseconds, rounded down."""
    return (instant - _EPOCH) // _MILLISECOND


def to_event(callback: Callback, naming: ContractNames, recorded_at: datetime) -> EventRecord:
    """Return the event of a callback: rules 1 and 2."""
    verdict = callback.verdict
    raw = verdict.raw
    kind = callback.type
    repeats = callback.recognition.can_repeat
    nonce = (
        (raw.header_values.get(NONCE_V3) or raw.header_values.get(NONCE_V2) or "")
        if repeats
        else ""
    )
    event_type = kind.event_type
    identity = compute_callback_id(verdict.account, event_type, verdict.parameters, nonce)
    received = to_rfc3339(raw.received_at)
    subject = callback.subject or identity
    attributes = {
        "specversion": "1.0",
        "id": identity,
        "source": format_source(verdict),
        "type": event_type,
        "subject": subject,
        "time": callback.happened_at or received,
        "dataschema": naming.schema_base + kind.schema_path,
        "partitionkey": subject,
        "recordedtime": to_rfc3339(recorded_at),
    }
    data: dict[str, object] = {
        "received_at": received,
        "time_source": callback.happened_source or "received",
        "recognised_by": callback.recognised_by,
        "verification": to_verification(verdict),
        **callback.fields,
        "context": callback.context,
        "undeclared": callback.undeclared,
        "unreadable": callback.unreadable,
    }
    if callback.zone_mismatch is not None:
        data["zone_mismatch"] = callback.zone_mismatch
    headers = [CONTENT_TYPE]
    headers += [("ce_" + name, value.encode()) for name, value in attributes.items()]
    record = Record(
        topic=naming.topic_prefix + kind.topic,
        key=subject.encode(),
        value=encode_json(
            {**attributes, "datacontenttype": "application/json", "data": data},
        ),
        headers=tuple(headers),
        timestamp_ms=to_epoch_ms(raw.received_at),
    )
    return EventRecord(identity, kind, record)


def to_journal_value(
    verdict: Verified | Unverified, *, events: Iterable[EventRecord], reply: SentReply
) -> JournalValue:
    """Return the journal record's value before it is encoded as JSON (rule 3)."""
    raw = verdict.raw
    target = raw.target
    value = JournalValue(
        method=raw.method,
        url_received=raw.origin + target,
        url_verified=raw.public_origin + target,
        public_origin=raw.public_origin,
        path=raw.path,
        query=raw.query,
        headers=list(raw.headers),
        remote_address=raw.remote_address,
        received_at=to_rfc3339(raw.received_at),
        source=format_source(verdict),
        zone=verdict.zone,
        verification=to_verification(verdict),
        events=[
            EventName(id=event.id, type=event.type.event_type, topic=event.record.topic)
            for event in events
        ],
        reply=ReplyGiven(
            status=reply.status, content_type=reply.content_type, body=reply.body.decode()
        ),
        bridge_version=__version__,
    )
    if _PLAIN.fullmatch(raw.body):
        value["body"] = raw.body.decode("ascii")
    else:
        value["body_base64"] = base64.b64encode(raw.body).decode("ascii")
    return value


def to_journal(
    callback: Callback, event: EventRecord, naming: ContractNames, reply: SentReply
) -> Record:
    """Return the journal record of a published callback; its key is the event's."""
    verdict = callback.verdict
    value = to_journal_value(verdict, events=[event], reply=reply)
    headers = (
        JSON_CONTENT_TYPE,
        ("callback_type", event.type.name.encode()),
        ("event_id", event.id.encode()),
    )
    return Record(
        topic=naming.topic_prefix + JOURNAL_TOPIC,
        key=event.record.key,
        value=encode_json(value),
        headers=headers,
        timestamp_ms=event.record.timestamp_ms,
    )
