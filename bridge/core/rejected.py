"""What failed verification: which of it is kept, and as what record.

1. It is what a stranger sent, so everything about it is bounded: how many a minute, how much of the
   body, and on Kafka the time and bytes the topic keeps.
2. The record's key is the fault: a word of ours. So a flood of one kind fills one partition.
3. What is not in the sample is only counted, as every callback is.
"""

from dataclasses import replace
from typing import Final

from bridge.core.event import (
    JSON_CONTENT_TYPE,
    REJECTED_TOPIC,
    ContractNames,
    SentReply,
    to_epoch_ms,
    to_journal_value,
)
from bridge.core.record import Record, encode_json
from bridge.core.url_mismatch import MismatchVariant
from bridge.core.verify import Unverified

BODY_BYTES_MAX: Final = 8_192

# The problem document every one of them is answered with is not repeated.
_REFUSAL: Final = SentReply(403, None, b"")


def to_rejected(
    verdict: Unverified, variant: MismatchVariant | None, naming: ContractNames
) -> Record:
    """Return the record of a callback that was rejected, its body cut at ``BODY_BYTES_MAX``."""
    raw = verdict.raw
    cut = replace(verdict, raw=replace(raw, body=raw.body[:BODY_BYTES_MAX]))
    headers = {
        "rejected_fault": verdict.fault,
        "rejected_variant": variant or "",
        "body_cut": "true" if len(raw.body) > BODY_BYTES_MAX else "false",
        "body_bytes": str(len(raw.body)),
    }
    return Record(
        topic=naming.topic_prefix + REJECTED_TOPIC,
        key=verdict.fault.encode(),
        value=encode_json(to_journal_value(cut, events=[], reply=_REFUSAL)),
        headers=(JSON_CONTENT_TYPE, *((name, of.encode()) for name, of in headers.items())),
        timestamp_ms=to_epoch_ms(raw.received_at),
    )
