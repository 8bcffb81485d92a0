"""Build the event of a callback: its id, its attributes and its Kafka record.

1. The event's id is a digest of account, type and sorted parameters, in their canonical encoding
   (``bridge.core.canonical``). Signature and receive time have no influence, and the nonce only for
   types that can repeat. So Plivo's retry of a callback, and every replay of it, have the same id as
   the first.
2. The event is a CloudEvent in structured JSON. Its context attributes are repeated in ``ce_*``
   headers, so that a consumer can filter without parsing.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from bridge.callbacks.model import CallbackType, Verification
from bridge.core.canonical import encode_canonical
from bridge.core.parameters import Parameters
from bridge.core.parse import Callback
from bridge.core.record import Record, RecordHeader, encode_json
from bridge.core.request import NONCE_V2, NONCE_V3
from bridge.core.verify import Scheme, Unverified, Verified
from bridge.normalise.time import to_rfc3339

# Without a charset. JSON is UTF-8, its media type defines no charset (RFC 8259, sections 8.1 and 11),
# and SDKs accept different spellings of it. The HTTP binding of the CloudEvents SDK for JavaScript
# (cloudevents 10.0.0 on npm) rejects ``charset=UTF-8``. SDKs for Java and Go ignore everything after
# the semicolon, so all of them accept the bare type.
CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json")
_SPECVERSION: Final = "1.0"
_SPECVERSION_HEADER: Final = ("ce_specversion", _SPECVERSION.encode())
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_SCHEMES_V2: Final = frozenset({Scheme.V2, Scheme.V2_MA})


@dataclass(frozen=True, slots=True)
class ContractNames:
    """The names of the contract that an operator can choose."""

    topic_prefix: str
    schema_base: str


Receipt = tuple[str, str, Verification]
"""Time of receipt (RFC 3339), CloudEvents source and verification of a callback. Its event and its
journal record state the same."""


class EventRecord(NamedTuple):
    """An event with the record to publish. The journal record repeats the receipt."""

    id: str
    type: CallbackType
    record: Record
    receipt: Receipt


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


def find_nonce(verdict: Verified | Unverified) -> str:
    """Return the nonce that the callback was signed with, or an empty text.

    Beside a V2 signature anybody can write a V3 nonce, so the scheme decides which one it is.
    """
    values = verdict.raw.headers.values
    if isinstance(verdict, Verified) and verdict.scheme in _SCHEMES_V2:
        return values.get(NONCE_V2) or ""
    return values.get(NONCE_V3) or values.get(NONCE_V2) or ""


def format_source(verdict: Verified | Unverified) -> str:
    """Return the CloudEvents source: the callback's account, and subaccount if there is one."""
    source = f"/plivo/accounts/{verdict.account or 'unknown'}"
    if isinstance(verdict, Verified) and verdict.subaccount:
        source += f"/subaccounts/{verdict.subaccount}"
    return source


def to_verification(verdict: Verified | Unverified) -> Verification:
    """Return the verdict as event and journal record state it."""
    if isinstance(verdict, Verified):
        return {
            "verdict": "verified",
            "scheme": str(verdict.scheme),  # orjson calls Python for a member of an enumeration
            "key_id": verdict.key_id,
            "covers": list(verdict.covers),
            "fault": None,
        }
    return {
        "verdict": "unverified",
        "scheme": None,
        "key_id": None,
        "covers": [],
        "fault": verdict.fault,
    }


def to_receipt(verdict: Verified | Unverified) -> Receipt:
    """Return the receipt of a callback."""
    received_at = to_rfc3339(verdict.raw.received_at)
    return received_at, format_source(verdict), to_verification(verdict)


@lru_cache(maxsize=512)
def _name_type(
    topic_prefix: str, schema_base: str, event_type: str, topic: str, schema_path: str
) -> tuple[str, str, RecordHeader, RecordHeader]:
    """Return what all events of a type share: topic, schema, and the headers of type and schema."""
    dataschema = schema_base + schema_path
    return (
        topic_prefix + topic,
        dataschema,
        ("ce_type", event_type.encode()),
        ("ce_dataschema", dataschema.encode()),
    )


def to_epoch_ms(instant: datetime) -> int:
    """Return a timezone-aware instant as epoch milliseconds, rounded down."""
    return (instant - _EPOCH) // _MILLISECOND


def to_event(callback: Callback, naming: ContractNames, recorded_at: datetime) -> EventRecord:
    """Return the event of a callback: rules 1 and 2."""
    verdict = callback.verdict
    raw = verdict.raw
    kind = callback.type
    nonce = find_nonce(verdict) if callback.recognition.can_repeat else ""
    event_type = kind.event_type
    identity = compute_callback_id(verdict.account, event_type, verdict.parameters, nonce)
    topic, dataschema, type_header, dataschema_header = _name_type(
        naming.topic_prefix, naming.schema_base, event_type, kind.topic, kind.schema_path
    )
    receipt = received_at, source, verification = to_receipt(verdict)
    subject = callback.subject or identity
    time = callback.happened_at or received_at
    recorded_time = to_rfc3339(recorded_at)
    data: dict[str, object] = {
        "received_at": received_at,
        "time_source": callback.happened_source or "received",
        "recognised_by": callback.recognised_by,
        "verification": verification,
        **callback.fields,
        "context": callback.context,
        "undeclared": callback.undeclared,
        "unreadable": callback.unreadable,
    }
    if callback.zone_mismatch is not None:
        data["zone_mismatch"] = callback.zone_mismatch
    value = encode_json(
        {
            "specversion": _SPECVERSION,
            "id": identity,
            "source": source,
            "type": event_type,
            "subject": subject,
            "time": time,
            "dataschema": dataschema,
            "partitionkey": subject,
            "recordedtime": recorded_time,
            "datacontenttype": "application/json",
            "data": data,
        }
    )
    key = subject.encode()
    headers = (
        CONTENT_TYPE,
        _SPECVERSION_HEADER,
        ("ce_id", identity.encode()),
        ("ce_source", source.encode()),
        type_header,
        ("ce_subject", key),
        ("ce_time", time.encode()),
        dataschema_header,
        ("ce_partitionkey", key),
        ("ce_recordedtime", recorded_time.encode()),
    )
    record = Record(topic, key, value, headers, to_epoch_ms(raw.received_at))
    return EventRecord(identity, kind, record, receipt)
