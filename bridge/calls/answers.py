"""Join the answers of the customer's applications to their callbacks.

An answer's record has the key, the timestamp and the id of its callback's record: see
``bridge.core.answer``. The id alone would not do: Plivo's retry of a callback has the same one, and an
answer of its own.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from aiokafka.structs import ConsumerRecord

from bridge.calls.found import FoundCall
from bridge.core.dead_letter import CALLBACK_ID, EVENT_ID
from bridge.reader.journal import NotAJournalRecord, parse_answer_record


def collect_answer(record: ConsumerRecord, found: FoundCall) -> None:
    """Add the answer in a record, the first one of its callback."""
    with suppress(NotAJournalRecord):
        key = find_stored_id(read_headers(record)), record.timestamp
        found.answers.setdefault(key, parse_answer_record(record.value or b""))


def attach_answers(found: FoundCall) -> None:
    """Attach the answers to the callbacks that were found."""
    found.entries = [
        replace(entry, answer=found.answers.get((entry.stored_id, entry.timestamp_ms)))
        for entry in found.entries
    ]


def read_headers(record: ConsumerRecord) -> dict[str, str]:
    """Return the headers of a record as text."""
    return {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}


def find_stored_id(headers: Mapping[str, str]) -> str:
    """Return the id of the event, or of the callback, that a record is about; empty if it names none."""
    return headers.get(EVENT_ID) or headers.get(CALLBACK_ID, "")
