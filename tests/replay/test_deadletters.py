"""Dead letters run again: what was lacking is made, with the same id, and what cannot be stays."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from bridge.callbacks.model import CallbackType
from bridge.catalogue import Catalogue
from bridge.dead_letter import PublishReason, to_dead_letter, to_publish_dead_letter
from bridge.event import to_event, to_journal
from bridge.parse import Callback, NoEventReason, Parser
from bridge.publish import (
    Publisher,
    RecordRefused,
    RecordTooLarge,
    TopicUnavailable,
    Unavailable,
)
from bridge.publish.memory import MemoryPublisher
from bridge.record import Record
from bridge.replay.deadletters import (
    Choice,
    Fate,
    Letter,
    Redriven,
    Redriver,
    StillDead,
    letters,
    redrive,
)
from bridge.replay.source import Stored
from bridge.reply.document import ACKNOWLEDGEMENT, EMPTY_DOCUMENT
from bridge.verify import Account, Unverified, Verified
from tests.kafka.client import Kafka, make_topics, planned, running
from tests.making import (
    AUTH_ID,
    HANGUP,
    NAMING,
    NONCE,
    RECEIVED,
    RECORDED,
    UUID,
    ZONE,
    parser,
    raw_callback,
    signed,
    verdict_on,
    verifier,
)

pytest_plugins = ("tests.kafka.fixtures",)

LATER = RECEIVED + timedelta(days=30)
FORM = urlencode(HANGUP)
LETTERS, JOURNAL = "test.plivo.bridge.deadletter.v1", "test.plivo.journal.v1"
HANGUPS = "test.plivo.voice.call.hangup.v1"
REDRIVEN = {
    "redriven_at": b"2026-04-06T14:14:44.250000Z",
    "redriven_from": f"{LETTERS}/3/17".encode(),
}


def letter_of(record: Record) -> Letter:
    """Return the letter that a record is, once it has been on Kafka."""
    at = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
    return Letter(Stored(record.topic, 3, 17, at, record.key, record.value, dict(record.headers)))


def unparsed(
    body: str = FORM,
    path: str = "/plivo",
    reason: NoEventReason = NoEventReason.BRIDGE_FAULT,
    *,
    route: CallbackType | None = None,
) -> Letter:
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

    def letter(self, *refused: int) -> Letter:
        lacking = [self.records[number] for number in refused]
        reason = PublishReason.RECORD_TOO_LARGE
        return letter_of(
            to_publish_dead_letter(self.records, lacking, reason, tries=3, naming=NAMING)
        )


@pytest.fixture
def made(types: Catalogue) -> Made:
    return Made(types)


def redriven(types: Catalogue, letter: Letter) -> Redriven:
    return Redriver(parser(types), NAMING).redriven(letter, LATER)


def test_an_unparsed_callback_becomes_the_event_it_would_have_been(
    types: Catalogue, made: Made
) -> None:
    (record,) = redriven(types, unparsed()).records
    first, _ = made.records
    assert (record.topic, record.key) == (HANGUPS, UUID.encode())
    assert dict(record.headers)["ce_id"] == made.event_id.encode()
    value, was = orjson.loads(record.value), orjson.loads(first.value)
    assert value.pop("recordedtime") == "2026-04-06T14:14:44.250000Z"
    assert was.pop("recordedtime") == "2026-03-07T14:14:44.251000Z"
    assert value == was


def test_what_is_redriven_says_when_and_from_which_letter(types: Catalogue) -> None:
    (record,) = redriven(types, unparsed()).records
    assert dict(record.headers).items() >= REDRIVEN.items()


def test_a_redriven_event_is_stamped_now_so_that_its_topic_keeps_it(
    types: Catalogue, made: Made
) -> None:
    event, journal = redriven(types, made.letter(0, 1)).records
    assert event.timestamp_ms == made.records[0].timestamp_ms + 30 * 86_400_000
    assert journal.timestamp_ms == made.records[1].timestamp_ms


@pytest.mark.parametrize(
    ("refused", "topics"),
    [((0,), [HANGUPS]), ((1,), [JOURNAL]), ((0, 1), [HANGUPS, JOURNAL])],
)
def test_what_a_letter_lacks_is_published_and_nothing_else(
    types: Catalogue, made: Made, refused: tuple[int, ...], topics: list[str]
) -> None:
    found = redriven(types, made.letter(*refused)).records
    assert [record.topic for record in found] == topics
    if HANGUPS in topics:
        assert dict(found[0].headers)["ce_id"] == made.event_id.encode()


@pytest.mark.parametrize("refused", [(1,), (0, 1)])
def test_a_journal_record_that_was_refused_is_what_it_was(
    types: Catalogue, made: Made, refused: tuple[int, ...]
) -> None:
    journal = redriven(types, made.letter(*refused)).records[-1]
    first = made.records[1]
    assert orjson.loads(journal.value) == orjson.loads(first.value)
    assert journal.key == first.key
    assert dict(journal.headers) == {**dict(first.headers), **REDRIVEN}


def test_the_journal_record_of_a_callback_without_an_event_keeps_its_id(types: Catalogue) -> None:
    verdict = verdict_on(signed(raw_callback("", "Event=Ring")))
    reason = NoEventReason.NO_IDENTITY
    identity, records = to_dead_letter(verdict, reason, NAMING, ACKNOWLEDGEMENT)
    refused = to_publish_dead_letter(
        records, [records[1]], PublishReason.RECORD_TOO_LARGE, tries=1, naming=NAMING
    )
    found = redriven(types, letter_of(refused))
    assert found.event is None
    (journal,) = found.records
    assert dict(journal.headers) == {**dict(records[1].headers), **REDRIVEN}
    assert (journal.key, journal.value) == (identity.encode(), records[1].value)


def test_the_verdict_of_then_counts_though_its_token_is_gone(types: Catalogue) -> None:
    raw = signed(raw_callback("team=blue", FORM))
    assert isinstance(verdict_on(raw), Verified)
    assert isinstance(verdict_on(raw, verifier(Account(AUTH_ID, ZONE, ("newer",)))), Unverified)
    (record,) = redriven(types, unparsed()).records
    verification = orjson.loads(record.value)["data"]["verification"]
    assert (verification["verdict"], verification["scheme"]) == ("verified", "v3")


def test_a_path_tells_the_type_again(types: Catalogue) -> None:
    kind = types.by_name["voice.call.fallback"]
    body = urlencode({"CallUUID": UUID, "Event": "StartApp", "From": "1", "To": "2"})
    found = redriven(types, unparsed(body, kind.path, route=kind))
    assert found.event is not None
    assert found.event.type is kind


def test_a_type_declared_since_has_its_own_event(types: Catalogue, made: Made) -> None:
    letter = made.letter(0, 1)
    fewer = Catalogue(
        tuple(kind for kind in types.types if kind.name != "voice.call.hangup"), types.unrecognised
    )
    event, journal = Redriver(Parser(fewer), NAMING).redriven(letter, LATER).records
    assert event.topic != HANGUPS
    (name,) = orjson.loads(journal.value)["events"]
    assert name["topic"] == event.topic
    assert name["id"] == dict(event.headers)["ce_id"].decode() != made.event_id


class Stumbling(Parser):
    """A parser with a fault."""

    def parse(self, verdict: Verified | Unverified, route: CallbackType | None) -> Callback:
        raise KeyError(verdict.raw.body)


def test_what_still_cannot_be_read_is_still_dead_and_says_why(types: Catalogue) -> None:
    with pytest.raises(StillDead) as dead:
        redriven(types, unparsed("Event=Ring", reason=NoEventReason.NO_IDENTITY))
    assert dead.value.reason == "no_identity"


def test_a_fault_of_todays_code_leaves_the_letter_dead(types: Catalogue) -> None:
    with pytest.raises(StillDead) as dead:
        Redriver(Stumbling(types), NAMING).redriven(unparsed(), LATER)
    assert dead.value.reason == "bridge_fault"


def test_what_is_no_journal_record_is_still_dead(types: Catalogue) -> None:
    letter = Letter(replace(unparsed().stored, value=b"{}"))
    with pytest.raises(StillDead) as dead:
        redriven(types, letter)
    assert dead.value.reason == "not_a_journal_record"


def test_a_letter_of_an_earlier_version_is_read_by_what_it_has(types: Catalogue) -> None:
    stored = unparsed().stored
    kept = {"content-type", "dlq_stage", "dlq_reason", "callback_id"}
    headers = {name: of for name, of in stored.headers.items() if name in kept}
    letter = Letter(replace(stored, headers=headers))
    assert letter.summary == {
        "id": stored.headers["callback_id"].decode(),
        "received_at": "2026-03-07T14:14:44.250000Z",
        "stage": "parse",
        "reason": "bridge_fault",
        "tries": 0,
        "callback_type": "",
        "topics": [],
        "place": f"{LETTERS}/3/17",
    }
    assert len(redriven(types, letter).records) == 1


CHOICES: list[tuple[Choice, bool]] = [
    (Choice(), True),
    (Choice(reasons=frozenset({"record_too_large", "no_identity"})), True),
    (Choice(reasons=frozenset({"no_identity"})), False),
    (Choice(callback_type="voice.call.hangup"), True),
    (Choice(callback_type="voice.call.ring"), False),
    (Choice(ids=frozenset({"nobody"})), False),
]


@pytest.mark.parametrize(("choice", "taken"), CHOICES)
def test_a_choice_takes_what_fits_all_of_it(made: Made, choice: Choice, *, taken: bool) -> None:
    letter = made.letter(0)
    assert choice.takes(letter) is taken
    assert replace(choice, ids=frozenset({letter.id})).takes(letter) is (taken or bool(choice.ids))


async def each(found: Iterable[Letter]) -> AsyncIterator[Letter]:
    for letter in found:
        yield letter


class Refusing(MemoryPublisher):
    """A publisher that meets the first of what it is given with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.errors = [error]

    async def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> None:
        if self.errors:
            raise self.errors.pop()
        await super().publish(records, deadline_s=deadline_s)


async def run(
    types: Catalogue, found: Sequence[Letter], publisher: Publisher | None
) -> list[tuple[Any, ...]]:
    redriver = Redriver(parser(types), NAMING)
    fates: list[Fate] = [
        fate async for fate in redrive(each(found), redriver, publisher, lambda: LATER)
    ]
    assert [fate.letter for fate in fates] == list(found)
    return [(fate.result, fate.reason) for fate in fates]


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


async def test_without_a_publisher_it_is_only_said_what_would_be(types: Catalogue) -> None:
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
        async for letter in letters(kafka.connection, naming, Choice())
    }
    assert found == expected
    chosen = Choice(reasons=frozenset({"no_identity"}))
    assert [
        letter.summary["reason"] async for letter in letters(kafka.connection, naming, chosen)
    ] == ["no_identity"]
