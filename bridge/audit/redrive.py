"""Read dead letters, and run them again through today's code (redrive).

1. The letter's headers say what is missing: the event, unless only the journal record was refused; and
   the journal record, if it was refused.
2. The verdict is restored from the letter, not checked again: its token may be gone by now. Account,
   zone and receive time are restored too, and with them the event's id, which is the id it would have
   had then. A type declared since then is an exception: its events have ids of their own.
3. Headers of the published records name the letter and the time of the redrive. The letter stays:
   redriving it again publishes the same event again, under the same id.
4. A letter of stage ``forward`` lacks no record. Its callback is sent to its application again.
5. The event's record has the time of the redrive as its timestamp. With the receive time it could be
   older than its topic's retention, and Kafka would delete it before anybody reads it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import orjson

from bridge.audit.derive import NOT_A_JOURNAL_RECORD, REDRIVEN_AT, CannotDerive, Deriver
from bridge.core.dead_letter import (
    CALLBACK_ID,
    CALLBACK_TYPE,
    EVENT_ID,
    REASON,
    STAGE,
    TOPIC,
    TRIES,
    Stage,
)
from bridge.core.event import ContractNames, EventRecord, to_epoch_ms
from bridge.core.journal import (
    DEAD_LETTER_TOPIC,
    FORWARD_TO,
    JOURNAL_TOPIC,
    JSON_CONTENT_TYPE,
    EventName,
)
from bridge.core.parse import Parser
from bridge.core.record import Record, RecordHeader, encode_json
from bridge.normalise.time import to_rfc3339
from bridge.publish import Publisher, RecordRefused, TopicUnavailable
from bridge.publish.connection import KafkaConnection
from bridge.reader.journal import JournalledCallback, NotAJournalRecord, parse_journal_record
from bridge.reader.topic_reader import StoredRecord, read_topics
from bridge.reply.applications import TAKEN_CAUSES, ApplicationFailed, Applications

REDRIVEN_FROM: Final = "redriven_from"
TOPIC_UNAVAILABLE: Final = "topic_unavailable"

# Anyone with write access to the topic can store any text there. JSON has integers of 64 bits.
_TRIES_DIGITS_MAX: Final = 18

RedriveOutcome = Literal[
    "published", "would_be_published", "forwarded", "would_be_forwarded", "still_dead"
]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter read from its topic."""

    stored: StoredRecord

    def header(self, name: str) -> str:
        """Return a header as text, empty if the letter does not have it."""
        return self.stored.headers.get(name, b"").decode("utf-8", "replace")

    @property
    def id(self) -> str:
        """Return the id of the event, or of the callback if no event was made."""
        return self.header(EVENT_ID) or self.header(CALLBACK_ID)

    @property
    def topics(self) -> list[str]:
        """Return the topics that lack their record, as far as the letter says."""
        return [topic for topic in self.header(TOPIC).split(",") if topic]

    @property
    def position(self) -> str:
        """Return ``topic:partition:offset`` of the letter."""
        return f"{self.stored.topic}:{self.stored.partition}:{self.stored.offset}"

    @property
    def summary(self) -> dict[str, object]:
        """Return the letter's line in a list."""
        tries = self.header(TRIES)
        return {
            "id": self.id,
            "received_at": to_rfc3339(self.stored.timestamp),
            "stage": self.header(STAGE),
            "reason": self.header(REASON),
            "tries": int(tries) if tries.isdecimal() and len(tries) <= _TRIES_DIGITS_MAX else 0,
            "callback_type": self.header(CALLBACK_TYPE),
            "topics": self.topics,
            "position": self.position,
        }


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Selects letters; an empty set or None selects all."""

    ids: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    callback_type: str | None = None
    since: datetime | None = None

    def matches(self, letter: DeadLetter) -> bool:
        """Return True if the letter is selected."""
        return (
            (not self.ids or letter.id in self.ids)
            and (not self.reasons or letter.header(REASON) in self.reasons)
            and self.callback_type in {None, letter.header(CALLBACK_TYPE)}
            # The topic is not in the order of time: a letter that came from a spool, or after many tries
            # to forward it, is older than those before it.
            and (self.since is None or letter.stored.timestamp >= self.since)
        )


async def read_letters(
    connection: KafkaConnection, naming: ContractNames, letter_filter: LetterFilter
) -> AsyncGenerator[DeadLetter]:
    """Yield the selected letters that are on the topic now; raises CannotRead."""
    topic = naming.topic_prefix + DEAD_LETTER_TOPIC
    since = letter_filter.since
    stored = read_topics(connection, [topic], since=since, from_start=since is None, follow=False)
    async with aclosing(stored):
        async for one in stored:
            letter = DeadLetter(one)
            if letter_filter.matches(letter):
                yield letter


@dataclass(frozen=True, slots=True)
class RebuiltRecords:
    """Records to publish for a dead letter. ``event`` is None if only its journal record was missing."""

    event: EventRecord | None
    records: tuple[Record, ...]


class Redriver:
    """Rebuilds the missing records of dead letters with today's declarations."""

    def __init__(self, parser: Parser, naming: ContractNames) -> None:
        self._deriver = Deriver(parser, naming)
        self._naming = naming

    def rebuild(self, letter: DeadLetter, at: datetime) -> RebuiltRecords:
        """Return the records to publish for a letter: rules 1 to 3 and 5. Raises CannotDerive."""
        try:
            callback = parse_journal_record(letter.stored.value)
        except NotAJournalRecord as error:
            raise CannotDerive(NOT_A_JOURNAL_RECORD) from error
        journal = self._naming.topic_prefix + JOURNAL_TOPIC
        lacks_event = letter.topics != [journal]  # rule 1
        event = self._deriver.derive_event(callback, at) if lacks_event else None
        origin = (
            (REDRIVEN_AT, to_rfc3339(at).encode()),
            (REDRIVEN_FROM, letter.position.encode()),
        )
        records: list[Record] = []
        if event is not None:
            headers = (*event.record.headers, *origin)
            records.append(event.record._replace(headers=headers, timestamp_ms=to_epoch_ms(at)))
        if letter.header(STAGE) == Stage.PUBLISH and journal in letter.topics:
            records.append(_build_journal_record(letter, callback, event, journal, origin))
        return RebuiltRecords(event, tuple(records))


def _build_journal_record(
    letter: DeadLetter,
    callback: JournalledCallback,
    event: EventRecord | None,
    topic: str,
    origin: tuple[RecordHeader, ...],
) -> Record:
    """Return the journal record that was never published; it names today's event."""
    value: dict[str, Any] = orjson.loads(letter.stored.value)
    about = {CALLBACK_TYPE: letter.header(CALLBACK_TYPE), EVENT_ID: letter.header(EVENT_ID)}
    key = letter.stored.key
    if event is not None:
        name = EventName(id=event.id, type=event.type.event_type, topic=event.record.topic)
        value["events"] = [name]
        about = {CALLBACK_TYPE: event.type.name, EVENT_ID: event.id}
        key = event.record.key
    elif not about[EVENT_ID]:
        about = {CALLBACK_TYPE: about[CALLBACK_TYPE], CALLBACK_ID: letter.header(CALLBACK_ID)}
    if forward_to := letter.header(
        FORWARD_TO
    ):  # it was never sent on, because it was not on the journal
        about[FORWARD_TO] = forward_to
    headers = tuple((name, text.encode()) for name, text in about.items())
    return Record(
        topic=topic,
        key=key,
        value=encode_json(value),
        headers=(JSON_CONTENT_TYPE, *headers, *origin),
        timestamp_ms=to_epoch_ms(callback.raw.received_at),
    )


@dataclass(frozen=True, slots=True)
class RedriveResult:
    """The result for one letter; ``reason`` says why it is still dead."""

    letter: DeadLetter
    outcome: RedriveOutcome
    rebuilt: RebuiltRecords | None = None
    reason: str | None = None


async def redrive_all(
    letters: AsyncIterator[DeadLetter],
    redriver: Redriver,
    publisher: Publisher | None,
    now: Callable[[], datetime],
    applications: Applications,
) -> AsyncIterator[RedriveResult]:
    """Redrive letters one after the other; yield each result once it is final.

    Without a publisher nothing is published or sent. Raises Unavailable and CannotRead.
    """
    async for letter in letters:
        if letter.header(STAGE) == Stage.FORWARD:
            yield await _forward(letter, applications if publisher is not None else None)
            continue
        try:
            rebuilt = redriver.rebuild(letter, now())
            if publisher is not None:
                await publisher.publish(rebuilt.records)
        except (CannotDerive, RecordRefused) as error:
            yield RedriveResult(letter, "still_dead", reason=error.reason)
        except TopicUnavailable:
            yield RedriveResult(letter, "still_dead", reason=TOPIC_UNAVAILABLE)
        else:
            yield RedriveResult(letter, "published" if publisher else "would_be_published", rebuilt)


async def _forward(letter: DeadLetter, applications: Applications | None) -> RedriveResult:
    """Send the callback of a letter to its application again: rule 4. None: only look at it."""
    try:
        raw = parse_journal_record(letter.stored.value).raw
        if applications is not None:
            await applications.ask(letter.header(FORWARD_TO), raw, None)
    except NotAJournalRecord:
        return RedriveResult(letter, "still_dead", reason=NOT_A_JOURNAL_RECORD)
    except ApplicationFailed as error:
        if error.cause not in TAKEN_CAUSES:
            return RedriveResult(letter, "still_dead", reason=error.cause)
    return RedriveResult(letter, "would_be_forwarded" if applications is None else "forwarded")
