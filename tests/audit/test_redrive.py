"""Dead letters are redriven one after the other; no failure stops the next one."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bridge.audit.redrive import (
    DeadLetter,
    LetterFilter,
    Redriver,
    RedriveResult,
    read_letters,
    redrive_all,
)
from bridge.core.catalogue import Catalogue
from bridge.core.dead_letter import (
    ForwardReason,
    PublishReason,
    to_dead_letter,
    to_forward_dead_letter,
    to_publish_dead_letter,
)
from bridge.core.parse import NoEventReason
from bridge.core.record import Record
from bridge.publish import (
    Publisher,
    RecordRefused,
    RecordTooLarge,
    TopicUnavailable,
    Unavailable,
)
from bridge.publish.memory import MemoryPublisher
from bridge.reply.applications import Applications, NoApplications
from bridge.reply.document import ACKNOWLEDGEMENT
from tests.support.dead_letters import (
    HANGUPS,
    JOURNAL,
    LATER,
    Made,
    letter_of,
    unparsed,
)
from tests.support.factories import (
    NAMING,
    NONCE,
    parser,
    raw_callback,
    signed,
    verdict_on,
)
from tests.support.futures import started
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.notifications import FakeApplications, failed, notification

pytest_plugins = ("tests.support.kafka_fixtures",)


@pytest.fixture
def made(types: Catalogue) -> Made:
    return Made(types)


async def each(found: Iterable[DeadLetter]) -> AsyncIterator[DeadLetter]:
    for letter in found:
        yield letter


class Refusing(MemoryPublisher):
    """A publisher that meets the first of what it is given with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.errors = [error]

    @started
    async def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> None:
        if self.errors:
            raise self.errors.pop()
        await super().publish(records, deadline_s=deadline_s)


async def run(
    types: Catalogue,
    found: Sequence[DeadLetter],
    publisher: Publisher | None,
    applications: Applications | None = None,
) -> list[tuple[Any, ...]]:
    redriver = Redriver(parser(types), NAMING)
    redriven = redrive_all(
        each(found), redriver, publisher, lambda: LATER, applications or NoApplications()
    )
    fates: list[RedriveResult] = [fate async for fate in redriven]
    assert [fate.letter for fate in fates] == list(found)
    return [(fate.outcome, fate.reason) for fate in fates]


async def test_every_letter_has_its_fate_in_order(types: Catalogue, made: Made) -> None:
    publisher = MemoryPublisher()
    dead = unparsed("Event=Ring")
    assert await run(types, [unparsed(), dead, made.letter(0, 1)], publisher) == [
        ("published", None),
        ("still_dead", "no_identity"),
        ("published", None),
    ]
    assert [record.topic for record in publisher.records] == [HANGUPS, HANGUPS, JOURNAL]


async def test_twice_run_again_is_twice_published_under_one_id(types: Catalogue) -> None:
    publisher = MemoryPublisher()
    for _ in range(2):
        await run(types, [unparsed()], publisher)
    ids = {dict(record.headers)["ce_id"] for record in publisher.records}
    assert (len(publisher.records), len(ids)) == (2, 1)


async def test_what_an_application_did_not_take_is_sent_to_it_again(types: Catalogue) -> None:
    publisher = MemoryPublisher()
    applications = FakeApplications({"b": [failed("timeout")], "c": [failed("too_large")]})
    found = [undelivered("a"), undelivered("b"), undelivered("c"), undelivered("d", value=b"{}")]
    assert await run(types, found, publisher, applications) == [
        ("forwarded", None),
        ("still_dead", "timeout"),
        ("forwarded", None),
        ("still_dead", "not_a_journal_record"),
    ]
    assert applications.attempts == ["a", "b", "c"]
    assert publisher.records == []
    assert await run(types, [undelivered("a")], publisher) == [("still_dead", "not_configured")]


async def test_nothing_is_sent_to_an_application_for_a_look(types: Catalogue) -> None:
    applications = FakeApplications()
    found = [undelivered("a"), undelivered("b", value=b"{}")]
    assert await run(types, found, None, applications) == [
        ("would_be_forwarded", None),
        ("still_dead", "not_a_journal_record"),
    ]
    assert applications.attempts == []


def undelivered(name: str, value: bytes | None = None) -> DeadLetter:
    """Return the letter of a notification that its application did not take."""
    stored = notification(name)
    journal = Record(
        stored.topic, stored.key, value or stored.value, tuple(stored.headers.items()), 0
    )
    return letter_of(to_forward_dead_letter(journal, ForwardReason.TIMEOUT, tries=9, naming=NAMING))


async def test_a_journal_record_that_was_refused_is_sent_on_once_it_is_there(
    types: Catalogue, made: Made
) -> None:
    publisher = MemoryPublisher()
    event, journal = made.records
    made.records = event, journal._replace(headers=(*journal.headers, ("forward_to", b"pbx")))
    await run(types, [made.letter(1)], publisher)
    (record,) = publisher.records
    assert dict(record.headers)["forward_to"] == b"pbx"


async def test_without_a_publisher_the_result_is_only_reported(types: Catalogue) -> None:
    assert await run(types, [unparsed(), unparsed("Event=Ring")], None) == [
        ("would_be_published", None),
        ("still_dead", "no_identity"),
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RecordTooLarge("too large"), "record_too_large"),
        (RecordRefused("policy_violation", "no"), "policy_violation"),
        (TopicUnavailable(HANGUPS, "missing"), "topic_unavailable"),
    ],
)
async def test_what_kafka_still_does_not_take_is_still_dead_and_the_next_is_tried(
    types: Catalogue, error: Exception, reason: str
) -> None:
    publisher = Refusing(error)
    assert await run(types, [unparsed(), unparsed()], publisher) == [
        ("still_dead", reason),
        ("published", None),
    ]
    assert len(publisher.records) == 1


async def test_a_kafka_that_goes_away_ends_the_run(types: Catalogue) -> None:
    with pytest.raises(Unavailable):
        await run(types, [unparsed()], Refusing(Unavailable("away")))


async def test_letters_are_read_off_their_topic_and_chosen(kafka: Kafka, prefix: str) -> None:
    naming = replace(NAMING, topic_prefix=prefix)
    topic = prefix + "plivo.bridge.deadletter.v1"
    await make_topics(kafka.connection, planned(topic, partitions=2))
    verdict = verdict_on(signed(raw_callback("", "Event=Ring"), nonce=NONCE))
    expected: dict[str, str] = {}
    async with running(kafka.publisher()) as publisher:
        for reason in (NoEventReason.NO_IDENTITY, NoEventReason.BRIDGE_FAULT):
            identity, (record, _) = to_dead_letter(verdict, reason, naming, ACKNOWLEDGEMENT)
            await publisher.publish([record])
            expected[reason] = identity
    found = {
        letter.summary["reason"]: letter.id
        async for letter in read_letters(kafka.connection, naming, LetterFilter())
    }
    assert found == expected
    chosen = LetterFilter(reasons=frozenset({"no_identity"}))
    assert [
        letter.summary["reason"] async for letter in read_letters(kafka.connection, naming, chosen)
    ] == ["no_identity"]


@pytest.mark.kafka
async def test_a_letter_that_a_broker_still_refuses_does_not_keep_the_next_from_its_turn(
    types: Catalogue, made: Made, apache_kafka: str, prefix: str
) -> None:
    naming = replace(NAMING, topic_prefix=prefix)
    event, journal = (
        record._replace(topic=record.topic.replace(NAMING.topic_prefix, prefix))
        for record in made.records
    )
    kafka = Kafka(apache_kafka, idempotence=True)
    await make_topics(
        kafka.connection,
        planned(event.topic, max_message_bytes="1000"),
        planned(journal.topic),
    )
    lacking = [
        letter_of(
            to_publish_dead_letter(
                (event, journal), [refused], PublishReason.RECORD_TOO_LARGE, tries=3, naming=naming
            )
        )
        for refused in (event, journal, event, journal)
    ]
    async with running(kafka.publisher(topics=[event.topic, journal.topic])) as publisher:
        fates = redrive_all(
            each(lacking),
            Redriver(parser(types), naming),
            publisher,
            lambda: LATER,
            NoApplications(),
        )
        found = [(fate.outcome, fate.reason) async for fate in fates]
    assert found == [
        ("still_dead", "record_too_large"),
        ("published", None),
        ("still_dead", "record_too_large"),
        ("published", None),
    ]
