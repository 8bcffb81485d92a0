"""Calls of the emulator's as the bridge stores them: an event and a journal record each callback."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from bridge.core import catalogue
from bridge.core.dead_letter import to_dead_letter
from bridge.core.event import ContractNames, EventRecord, to_event
from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC, Asked, SentReply, to_journal
from bridge.core.parse import NoEventReason
from bridge.core.record import Record
from bridge.derived.topics import Sizing, plan
from bridge.reply.document import ACKNOWLEDGEMENT
from tests.support.emulated_call import EmulatedCall, EmulatedCallback, answered_call
from tests.support.factories import (
    ACCOUNT,
    AUTH_ID,
    TOKEN,
    ZONE,
    parser,
    raw_callback,
    signed,
    verdict_on,
)
from tests.support.factories import verifier as verifier_of
from tests.support.kafka import Kafka, make_topics, running

TYPES = catalogue.load_catalogue()
SCHEMAS = "urn:callback-bridge:schemas:"
PLACED = datetime(2026, 3, 7, 14, 13, 28, tzinfo=UTC)
# The types these tests store: a topic takes a real broker a tenth of a second.
KINDS = [
    TYPES.by_name[name]
    for name in (
        "messaging.message.status",
        "unrecognised",
        "voice.call.answer",
        "voice.call.hangup",
        "voice.call.ring",
        "voice.conference.enter",
        "voice.dial.answer",
        "voice.dial.hangup",
    )
]
SIZING = Sizing(
    partitions=1,
    replication_factor=1,
    min_insync_replicas=1,
    event_retention_days=0,
    journal_retention_days=0,
    dead_letter_retention_days=0,
)


@dataclass(frozen=True)
class Taken:
    """One callback the bridge took in: its event, or its dead letter, and its journal record."""

    event: EventRecord | None
    journal: Record
    letter: Record | None = None

    @property
    def records(self) -> list[Record]:
        return [self.event.record, self.journal] if self.event else [self.journal]


def call_uuid(number: int) -> UUID:
    return UUID(int=0x5D0C0F1E_3D0B_4A6F_9C55_000000000000 + number)


def taken(
    step: EmulatedCallback,
    received_at: datetime,
    *,
    prefix: str = "",
    token: str = TOKEN,
    nonce: str = "05429567804466091622",
    reply: SentReply | Asked = ACKNOWLEDGEMENT,
    form: str | None = None,
    is_dead: bool = False,
    query: str = "",
    is_verified: bool = True,
) -> Taken:
    """Return a callback as it is stored; signed by ``token``, which may be one nobody knows now."""
    naming = ContractNames(prefix, SCHEMAS)
    raw = raw_callback(query, form or step.form, path=step.path)._replace(received_at=received_at)
    by = verifier_of(replace(ACCOUNT, tokens=(token,)))
    verdict = verdict_on(signed(raw, token if is_verified else "nobody's token", nonce), by)
    route = {kind.path: kind for kind in TYPES.types}.get(step.path)
    if is_dead:
        _, (letter, journal) = to_dead_letter(
            verdict, NoEventReason.BRIDGE_FAULT, naming, reply, route=route
        )
        return Taken(None, journal, letter)
    callback = parser(TYPES).parse(verdict, route)
    event = to_event(callback, naming, received_at + timedelta(milliseconds=1))
    return Taken(event, to_journal(callback, event, naming, reply))


def calls(
    count: int, *, placed_at: datetime = PLACED, prefix: str = "", token: str = TOKEN
) -> Iterator[Taken]:
    """Yield ring, answer and hangup of so many calls, one call a second."""
    for number in range(count):
        at = placed_at + timedelta(seconds=number)
        call = EmulatedCall(call_uuid(number), AUTH_ID, ZoneInfo(ZONE), at)
        for step, after_s in zip(answered_call(call), (2, 5, 70), strict=True):
            yield taken(step, at + timedelta(seconds=after_s), prefix=prefix, token=token)


def saying(record: Record, change: Mapping[str, object]) -> Record:
    """Return a record whose JSON value says something else in these fields of ``data``."""
    value = orjson.loads(record.value)
    value["data"] |= change
    return record._replace(value=orjson.dumps(value))


def journal_of(prefix: str) -> str:
    return prefix + JOURNAL_TOPIC


def letters_of(prefix: str) -> str:
    return prefix + DEAD_LETTER_TOPIC


async def make_all_topics(kafka: Kafka, prefix: str) -> None:
    """Make every topic there is, of one partition, as the commands need them."""
    await make_topics(kafka.connection, *plan(TYPES, prefix, SIZING))


async def make_some_topics(kafka: Kafka, prefix: str) -> None:
    """Make the journal, the dead letters and the topics of KINDS, of three partitions."""
    names = {prefix + kind.topic for kind in KINDS} | {journal_of(prefix), letters_of(prefix)}
    topics = plan(TYPES, prefix, replace(SIZING, partitions=3))
    await make_topics(kafka.connection, *(topic for topic in topics if topic.name in names))


async def store(kafka: Kafka, records: Sequence[Record]) -> None:
    """Publish records in their order, each in a batch of its own.

    The embedded broker says that a topic ends after the first record of its last batch.
    """
    async with running(kafka.publisher()) as publisher:
        for record in records:
            await publisher.publish([record])
