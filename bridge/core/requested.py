"""Build the records of a request that asks Plivo to dial: one event per destination, one journal record.

1. An event says that a destination was requested, by which client, and whether Plivo took the request.
   It is built once the outcome is known. Its id is a digest of account, reference and destination, so
   publishing it again repeats the id. Nothing that was said is said differently later: what became of
   an ``unknown`` request is told by the callbacks that carry its reference.
2. Its subject and key is the destination's request UUID, which is the key of the call's events in
   every callback captured so far. Without one it is ``{reference}:{destination}``.
3. The journal record holds the request as sent, and its outcome. Its key is the reference, so all
   parts of a bulk request, and a request whose answer was lost, are found by it.
4. User and password of a URL are not stored. Parameters of an event leave out ``from`` and ``to``:
   the event has its own, and ``to`` can name a thousand others.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from bridge import __version__
from bridge.core.canonical import encode_canonical
from bridge.core.event import CONTENT_TYPE, ContractNames, to_epoch_ms
from bridge.core.identity import is_usable_id
from bridge.core.journal import (
    JOURNAL_KIND,
    JOURNAL_TOPIC,
    JSON_CONTENT_TYPE,
    EventName,
    JournalKind,
)
from bridge.core.own_event import OwnEventType
from bridge.core.record import Record, encode_json
from bridge.normalise.party import Party
from bridge.normalise.time import to_rfc3339

JOURNAL_REQUEST_SCHEMA_PATH: Final = "journal.request/1.0.json"

Outcome = Literal["accepted", "refused", "unknown"]

_CREDENTIALS: Final = re.compile(r"(?<=//)[^/?#\s]*@")
_SHOWN_APART: Final = frozenset({"from", "to"})


class PlacedRequest(NamedTuple):
    """A request to Plivo that dials, after its outcome is known.

    ``reference`` is our own id of the request, which its parts share: this is part ``part`` (from 1)
    of ``parts``. ``body`` is the JSON that was sent, ``requested_at`` when. ``request_uuids`` are
    Plivo's; they belong to the ``destinations`` in order if there is one for each. ``status`` is the
    HTTP status, None without an answer; ``explanation`` says in words what happened.
    """

    account: str
    reference: str
    client: str
    requested_at: datetime
    body: Mapping[str, object]
    destinations: tuple[str, ...]
    outcome: Outcome
    request_uuids: tuple[str, ...]
    api_id: str | None
    status: int | None
    explanation: str
    part: int = 1
    parts: int = 1


class CallRequestedData(BaseModel):
    """The bridge's client requested a call to one destination."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, frozen=True, defer_build=True)

    requested_at: Annotated[
        str,
        Field(
            description="When the request was sent, RFC 3339 UTC.",
            pattern="Z$",
            json_schema_extra={"format": "date-time"},
        ),
    ]
    reference: Annotated[
        str,
        Field(
            description="Our id of the request. Its callbacks repeat it in "
            "`data.context.bridge_reference`, unless the request has URLs of the customer's own."
        ),
    ]
    client: Annotated[str, Field(description="The client that sent it, with its version.")]
    from_: Annotated[Party, Field(alias="from", description="The caller id.")]
    to: Annotated[Party, Field(description="The destination.")]
    outcome: Annotated[
        Outcome,
        Field(
            description="`accepted`: Plivo took it. `refused`: Plivo will not dial. `unknown`: no "
            "answer tells, so Plivo may have dialled; the callbacks that arrive tell."
        ),
    ]
    status: Annotated[
        int | None, Field(description="HTTP status of Plivo's answer; null without an answer.")
    ]
    explanation: Annotated[str, Field(description="What happened, and what to do.")]
    request_uuid: Annotated[
        str | None,
        Field(description="Plivo's id of the request; `correlation.request` of the callbacks."),
    ]
    api_id: Annotated[str | None, Field(description="Plivo's id of the API call.")]
    parameters: Annotated[
        dict[str, Any],
        Field(
            description="The other parameters as sent, under Plivo's names. User and password of a "
            "URL are left out."
        ),
    ]
    part: Annotated[
        int, Field(description="The part of a bulk request that it was sent in, from 1.", ge=1)
    ]
    parts: Annotated[int, Field(description="The number of parts.", ge=1)]


class RequestValue(TypedDict):
    """A request to Plivo that dials, as sent, and its outcome."""

    reference: Annotated[str, Field(description="Our id of the request.")]
    client: Annotated[str, Field(description="The client that sent it, with its version.")]
    source: Annotated[str, Field(description="The account, as in the event's `source`.")]
    requested_at: Annotated[
        str, Field(description="RFC 3339 UTC.", json_schema_extra={"format": "date-time"})
    ]
    body: Annotated[
        dict[str, Any],
        Field(description="The JSON that was sent, but for user and password of its URLs."),
    ]
    destinations: Annotated[list[str], Field(description="The destinations, in order.")]
    outcome: Annotated[Outcome, Field(description="As in the events.")]
    request_uuids: Annotated[
        list[str], Field(description="Plivo's ids, in the order of the destinations if as many.")
    ]
    api_id: Annotated[str | None, Field(description="Plivo's id of the API call.")]
    status: Annotated[int | None, Field(description="HTTP status; null without an answer.")]
    explanation: Annotated[str, Field(description="What happened, and what to do.")]
    part: Annotated[int, Field(description="The part of a bulk request, from 1.", ge=1)]
    parts: Annotated[int, Field(description="The number of parts.", ge=1)]
    events: Annotated[list[EventName], Field(description="The events made of it.")]
    bridge_version: Annotated[str, Field(description="The version of the bridge that sent it.")]


REQUESTED: Final = OwnEventType(
    name="voice.call.requested",
    model=CallRequestedData,
    key="`data.request_uuid` or `{data.reference}:{data.to.text}`",
    meanings={
        "id": "Names the request of this destination: publishing it again repeats it.",
        "subject": "The request UUID, or reference and destination without one.",
        "time": "When the request was sent.",
    },
)


class RequestedEvent(NamedTuple):
    """The event of one destination, with the record to publish."""

    id: str
    record: Record


def compute_requested_id(account: str, reference: str, destination: str) -> str:
    """Return the 32 hex digits that identify the request of one destination: rule 1."""
    canonical = encode_canonical([account, REQUESTED.event_type, reference, destination])
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def remove_credentials(value: object) -> object:
    """Return a parameter without the user and password of a URL: rule 4."""
    return _CREDENTIALS.sub("", value) if isinstance(value, str) else value


def to_requested_events(
    request: PlacedRequest, naming: ContractNames, recorded_at: datetime
) -> tuple[RequestedEvent, ...]:
    """Return the event of each destination, in order: rules 1 and 2."""
    sent = {name: remove_credentials(value) for name, value in request.body.items()}
    shared = {name: value for name, value in sent.items() if name not in _SHOWN_APART}
    uuids: tuple[str | None, ...] = request.request_uuids
    if len(uuids) != len(request.destinations):
        uuids = (None,) * len(request.destinations)
    return tuple(
        _to_event(request, (destination, uuid), shared, naming, recorded_at=recorded_at)
        for destination, uuid in zip(request.destinations, uuids, strict=True)
    )


def _to_event(
    request: PlacedRequest,
    destination_and_uuid: tuple[str, str | None],
    parameters: Mapping[str, object],
    naming: ContractNames,
    *,
    recorded_at: datetime,
) -> RequestedEvent:
    # Here, because commands that read topics need the declarations above, and not the phone numbers.
    from bridge.normalise.phone import parse_party  # noqa: PLC0415

    destination, request_uuid = destination_and_uuid
    identity = compute_requested_id(request.account, request.reference, destination)
    subject = request_uuid or f"{request.reference}:{destination}"
    if not is_usable_id(subject):
        subject = identity
    requested_at = to_rfc3339(request.requested_at)
    attributes = {
        "specversion": "1.0",
        "id": identity,
        "source": f"/plivo/accounts/{request.account}",
        "type": REQUESTED.event_type,
        "subject": subject,
        "time": requested_at,
        "dataschema": naming.schema_base + REQUESTED.schema_path,
        "partitionkey": subject,
        "recordedtime": to_rfc3339(recorded_at),
    }
    data: dict[str, object] = {
        "requested_at": requested_at,
        "reference": request.reference,
        "client": request.client,
        "from": parse_party(str(request.body.get("from", ""))),
        "to": parse_party(destination),
        "outcome": request.outcome,
        "status": request.status,
        "explanation": request.explanation,
        "request_uuid": request_uuid,
        "api_id": request.api_id,
        "parameters": parameters,
        "part": request.part,
        "parts": request.parts,
    }
    headers = [CONTENT_TYPE, *(("ce_" + name, text.encode()) for name, text in attributes.items())]
    record = Record(
        topic=naming.topic_prefix + REQUESTED.topic,
        key=subject.encode(),
        value=encode_json({**attributes, "datacontenttype": "application/json", "data": data}),
        headers=tuple(headers),
        timestamp_ms=to_epoch_ms(request.requested_at),
    )
    return RequestedEvent(identity, record)


def to_request_journal(
    request: PlacedRequest, events: tuple[RequestedEvent, ...], naming: ContractNames
) -> Record:
    """Return the journal record of a request, with its ``events``: rule 3."""
    value: RequestValue = {
        "reference": request.reference,
        "client": request.client,
        "source": f"/plivo/accounts/{request.account}",
        "requested_at": to_rfc3339(request.requested_at),
        "body": {name: remove_credentials(value) for name, value in request.body.items()},
        "destinations": list(request.destinations),
        "outcome": request.outcome,
        "request_uuids": list(request.request_uuids),
        "api_id": request.api_id,
        "status": request.status,
        "explanation": request.explanation,
        "part": request.part,
        "parts": request.parts,
        "events": [
            {"id": event.id, "type": REQUESTED.event_type, "topic": event.record.topic}
            for event in events
        ],
        "bridge_version": __version__,
    }
    return Record(
        topic=naming.topic_prefix + JOURNAL_TOPIC,
        key=request.reference.encode(),
        value=encode_json(value),
        headers=(JSON_CONTENT_TYPE, (JOURNAL_KIND, JournalKind.REQUEST.encode())),
        timestamp_ms=to_epoch_ms(request.requested_at),
    )


def to_request_records(
    request: PlacedRequest, naming: ContractNames, recorded_at: datetime
) -> tuple[Record, ...]:
    """Return all records of a request: the events of its destinations, then the journal record."""
    events = to_requested_events(request, naming, recorded_at)
    return (*(event.record for event in events), to_request_journal(request, events, naming))
