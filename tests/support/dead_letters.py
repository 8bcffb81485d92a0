"""Dead letters as tests make them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from bridge.audit.redrive import DeadLetter
from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import Catalogue
from bridge.core.dead_letter import PublishReason, to_dead_letter, to_publish_dead_letter
from bridge.core.event import to_event
from bridge.core.journal import to_journal
from bridge.core.parse import NoEventReason
from bridge.core.record import Record
from bridge.reader.topic_reader import StoredRecord
from bridge.reply.document import ACKNOWLEDGEMENT, EMPTY_DOCUMENT
from tests.support.factories import (
    HANGUP,
    NAMING,
    RECEIVED,
    RECORDED,
    parser,
    raw_callback,
    signed,
    verdict_on,
)

LATER = RECEIVED + timedelta(days=30)
FORM = urlencode(HANGUP)
LETTERS, JOURNAL = "test.plivo.bridge.deadletter.v1", "test.plivo.journal.v1"
HANGUPS = "test.plivo.voice.call.hangup.v1"
REDRIVEN = {
    "redriven_at": b"2026-04-06T14:14:44.250000Z",
    "redriven_from": f"{LETTERS}:3:17".encode(),
}


def letter_of(record: Record) -> DeadLetter:
    """Return the letter that a record is, once it has been on Kafka."""
    at = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
    return DeadLetter(
        StoredRecord(record.topic, 3, 17, at, record.key, record.value, dict(record.headers))
    )


def unparsed(
    body: str = FORM,
    path: str = "/plivo",
    reason: NoEventReason = NoEventReason.BRIDGE_FAULT,
    *,
    route: CallbackType | None = None,
) -> DeadLetter:
    """Return the letter of a callback an earlier version made no event of."""
    verdict = verdict_on(signed(raw_callback("team=blue", body, path=path)))
    return letter_of(to_dead_letter(verdict, reason, NAMING, ACKNOWLEDGEMENT, route=route)[1][0])


@dataclass
class Made:
    """A callback's records, and the letter of those of them that were refused."""

    types: Catalogue
    records: tuple[Record, Record] = field(init=False)
    event_id: str = field(init=False)

    def __post_init__(self) -> None:
        verdict = verdict_on(signed(raw_callback("team=blue", FORM)))
        callback = parser(self.types).parse(verdict, None)
        event = to_event(callback, NAMING, RECORDED)
        self.records = (event.record, to_journal(callback, event, NAMING, EMPTY_DOCUMENT))
        self.event_id = event.id

    def letter(self, *refused: int) -> DeadLetter:
        lacking = [self.records[number] for number in refused]
        reason = PublishReason.RECORD_TOO_LARGE
        return letter_of(
            to_publish_dead_letter(self.records, lacking, reason, tries=3, naming=NAMING)
        )
