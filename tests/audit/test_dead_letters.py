"""A redriven dead letter gives the missing records, with the same id."""

from dataclasses import replace
from urllib.parse import urlencode

import orjson
import pytest

from bridge.audit.derive import CannotDerive
from bridge.audit.redrive import DeadLetter, LetterFilter, RebuiltRecords, Redriver
from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import Catalogue
from bridge.core.dead_letter import PublishReason, to_dead_letter, to_publish_dead_letter
from bridge.core.keyring import Account
from bridge.core.parse import Callback, NoEventReason, Parser
from bridge.core.verify import Unverified, Verified
from bridge.reply.document import ACKNOWLEDGEMENT
from tests.support.dead_letters import (
    FORM,
    HANGUPS,
    JOURNAL,
    LATER,
    LETTERS,
    REDRIVEN,
    Made,
    letter_of,
    unparsed,
)
from tests.support.factories import (
    AUTH_ID,
    NAMING,
    UUID,
    ZONE,
    parser,
    raw_callback,
    signed,
    verdict_on,
    verifier,
)


@pytest.fixture
def made(types: Catalogue) -> Made:
    return Made(types)


def redriven(types: Catalogue, letter: DeadLetter) -> RebuiltRecords:
    return Redriver(parser(types), NAMING).rebuild(letter, LATER)


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


def test_the_stored_verdict_counts_even_if_its_token_is_gone(types: Catalogue) -> None:
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
    event, journal = Redriver(Parser(fewer), NAMING).rebuild(letter, LATER).records
    assert event.topic != HANGUPS
    (name,) = orjson.loads(journal.value)["events"]
    assert name["topic"] == event.topic
    assert name["id"] == dict(event.headers)["ce_id"].decode() != made.event_id


class FaultyParser(Parser):
    """A parser with a fault."""

    def parse(self, verdict: Verified | Unverified, route: CallbackType | None) -> Callback:
        raise KeyError(verdict.raw.body)


def test_what_still_cannot_be_read_is_still_dead_and_says_why(types: Catalogue) -> None:
    with pytest.raises(CannotDerive) as dead:
        redriven(types, unparsed("Event=Ring", reason=NoEventReason.NO_IDENTITY))
    assert dead.value.reason == "no_identity"


def test_a_fault_of_todays_code_leaves_the_letter_dead(types: Catalogue) -> None:
    with pytest.raises(CannotDerive) as dead:
        Redriver(FaultyParser(types), NAMING).rebuild(unparsed(), LATER)
    assert dead.value.reason == "bridge_fault"


def test_what_is_no_journal_record_is_still_dead(types: Catalogue) -> None:
    letter = DeadLetter(replace(unparsed().stored, value=b"{}"))
    with pytest.raises(CannotDerive) as dead:
        redriven(types, letter)
    assert dead.value.reason == "not_a_journal_record"


def test_a_letter_of_an_earlier_version_is_read_by_what_it_has(types: Catalogue) -> None:
    stored = unparsed().stored
    kept = {"content-type", "dlq_stage", "dlq_reason", "callback_id"}
    headers = {name: of for name, of in stored.headers.items() if name in kept}
    letter = DeadLetter(replace(stored, headers=headers))
    assert letter.summary == {
        "id": stored.headers["callback_id"].decode(),
        "received_at": "2026-03-07T14:14:44.250000Z",
        "stage": "parse",
        "reason": "bridge_fault",
        "tries": 0,
        "callback_type": "",
        "topics": [],
        "position": f"{LETTERS}:3:17",
    }
    assert len(redriven(types, letter).records) == 1


CHOICES: list[tuple[LetterFilter, bool]] = [
    (LetterFilter(), True),
    (LetterFilter(reasons=frozenset({"record_too_large", "no_identity"})), True),
    (LetterFilter(reasons=frozenset({"no_identity"})), False),
    (LetterFilter(callback_type="voice.call.hangup"), True),
    (LetterFilter(callback_type="voice.call.ring"), False),
    (LetterFilter(ids=frozenset({"nobody"})), False),
]


@pytest.mark.parametrize(("choice", "taken"), CHOICES)
def test_a_choice_takes_what_fits_all_of_it(
    made: Made, choice: LetterFilter, *, taken: bool
) -> None:
    letter = made.letter(0)
    assert choice.matches(letter) is taken
    assert replace(choice, ids=frozenset({letter.id})).matches(letter) is (
        taken or bool(choice.ids)
    )
