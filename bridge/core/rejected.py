"""Build the record of a callback that failed verification.

1. An unauthenticated client wrote it, so everything about it is limited: the number of samples per
   minute, the bytes of the body, and on Kafka the retention time and size of the topic.
2. The record's key is the fault, a word of ours. So a flood of one kind fills one partition.
3. Callbacks that are not sampled are only counted, like every callback.
"""

from typing import Final

from bridge.core.event import ContractNames, to_epoch_ms
from bridge.core.journal import JSON_CONTENT_TYPE, REJECTED_TOPIC, SentReply, to_journal_value
from bridge.core.record import Record, encode_json
from bridge.core.url_mismatch import MismatchVariant
from bridge.core.verify import Unverified

BODY_BYTES_MAX: Final = 8_192

# The body is the same problem document for every rejected callback, so it is not stored.
_REFUSAL: Final = SentReply(403, None, b"")


def to_rejected(
    verdict: Unverified, variant: MismatchVariant | None, naming: ContractNames
) -> Record:
    """Return the record of a rejected callback, its body cut at ``BODY_BYTES_MAX``."""
    raw = verdict.raw
    cut = verdict._replace(raw=raw._replace(body=raw.body[:BODY_BYTES_MAX]))
    headers = {
        "rejected_fault": verdict.fault,
        "rejected_variant": variant or "",
        "body_cut": "true" if len(raw.body) > BODY_BYTES_MAX else "false",
        "body_bytes": str(len(raw.body)),
    }
    return Record(
        topic=naming.topic_prefix + REJECTED_TOPIC,
        key=verdict.fault.encode(),
        value=encode_json(to_journal_value(cut, event=None, reply=_REFUSAL)),
        headers=(JSON_CONTENT_TYPE, *((name, value.encode()) for name, value in headers.items())),
        timestamp_ms=to_epoch_ms(raw.received_at),
    )
