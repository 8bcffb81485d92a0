"""For consumers: parse the topics' records into typed events, drop duplicates, restore the order.

It has no Kafka client and no clock, and must not know how the events were made: any client can
use it. These names are its public API; the models of the data are in ``bridge.callbacks``.
"""

from bridge.consume.once import Deduplicator
from bridge.consume.order import Reorder, SortKey, find_call, make_sort_key
from bridge.consume.record import (
    Envelope,
    Event,
    Headers,
    JournalRecord,
    MalformedReason,
    MalformedRecord,
    UnknownWord,
    Unmodelled,
    parse_attributes,
    parse_event,
    parse_journal_record,
    read_journal_kind,
)

__all__ = [
    "Deduplicator",
    "Envelope",
    "Event",
    "Headers",
    "JournalRecord",
    "MalformedReason",
    "MalformedRecord",
    "Reorder",
    "SortKey",
    "UnknownWord",
    "Unmodelled",
    "find_call",
    "make_sort_key",
    "parse_attributes",
    "parse_event",
    "parse_journal_record",
    "read_journal_kind",
]
