"""The checker, on histories made by hand: it passes what is in order, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC
from tests.chaos.callbacks import Callback
from tests.chaos.check import Exempt, Fault, duplicates, findings
from tests.chaos.history import Attempt, Found

HANGUPS = "plivo.voice.call.hangup.v1"


def callback(
    name: str, *, topic: str = HANGUPS, key: str = "call", genuine: bool = True
) -> Callback:
    return Callback(
        marker=f"marker-{name}",
        identity=f"id of {name}",
        topic=topic,
        key=key,
        method="POST",
        target="/",
        body="",
        headers=(),
        genuine=genuine,
    )


RING, HANGUP = callback("ring"), callback("hangup")


def attempt(
    of: Callback, begun_s: float, ended_s: float, status: int | None = 200, slot: str = "one"
) -> Attempt:
    return Attempt(of, slot, begun_s, ended_s, status)


def journal(of: Callback) -> Found:
    return Found(
        "journal", JOURNAL_TOPIC, of.key, of.identity, frozenset({of.marker}), verified=True
    )


def event(of: Callback) -> Found:
    return replace(journal(of), kind="event", topic=of.topic)


def both(*callbacks: Callback) -> list[Found]:
    return [*map(event, callbacks), *map(journal, callbacks)]


# The ring was answered before the hangup was begun.
HISTORY = [attempt(RING, 0, 1), attempt(HANGUP, 2, 3)]
SOUND = both(RING, HANGUP)


def faults(
    attempts: Sequence[Attempt], found: Sequence[Found], exempt: Exempt | None = None
) -> list[tuple[Fault, str]]:
    return [(one.fault, one.about) for one in findings(attempts, found, exempt or Exempt())]


def test_a_history_in_order_has_no_findings() -> None:
    assert faults(HISTORY, SOUND) == []


def test_a_lost_event_is_found() -> None:
    assert faults(HISTORY, [event(RING), journal(RING), journal(HANGUP)]) == [
        ("not in its topic", HANGUP.marker)
    ]


def test_a_missing_journal_record_is_found() -> None:
    assert faults(HISTORY, [event(RING), event(HANGUP), journal(HANGUP)]) == [
        ("not in the journal", RING.marker)
    ]


def test_an_event_on_another_types_topic_is_lost() -> None:
    moved = replace(event(RING), topic="plivo.voice.call.ring.v1")
    assert faults(HISTORY, [moved, event(HANGUP), journal(RING), journal(HANGUP)]) == [
        ("not in its topic", RING.marker)
    ]


@pytest.mark.parametrize("swapped", [0, 1], ids=["in the event topic", "in the journal"])
def test_a_swapped_pair_is_found_once_in_each_topic(swapped: int) -> None:
    halves = [[event(RING), event(HANGUP)], [journal(RING), journal(HANGUP)]]
    halves[swapped].reverse()
    assert faults(HISTORY, [*halves[0], *halves[1]]) == [("out of order", HANGUP.marker)]


def test_callbacks_of_two_types_are_held_in_order_by_the_journal() -> None:
    ring = replace(RING, topic="plivo.voice.call.ring.v1")
    attempts = [attempt(ring, 0, 1), attempt(HANGUP, 2, 3)]
    assert faults(attempts, [*both(HANGUP), *both(ring)]) == [("out of order", HANGUP.marker)]


@pytest.mark.parametrize(
    "attempts",
    [
        [attempt(RING, 0, 2.5), attempt(HANGUP, 2, 3)],
        [attempt(RING, 0, 1), attempt(HANGUP, 2, 3, slot="two")],
        [attempt(RING, 0, 1), attempt(HANGUP, 0.5, 0.6, None), attempt(HANGUP, 2, 3)],
        [attempt(RING, 0, 1), attempt(HANGUP, 2, 3), attempt(HANGUP, 4, 5, slot="two")],
        [attempt(RING, 0, 1, 503), attempt(HANGUP, 2, 3)],
    ],
    ids=["at the same time", "two bridges", "begun before", "tried elsewhere", "first refused"],
)
def test_what_has_no_order_may_be_swapped(attempts: list[Attempt]) -> None:
    assert faults(attempts, both(HANGUP, RING)) == []


def test_callbacks_of_different_keys_have_no_order() -> None:
    other = replace(HANGUP, key="another call")
    assert faults([attempt(RING, 0, 1), attempt(other, 2, 3)], both(other, RING)) == []


def test_a_record_that_is_there_twice_is_in_order_by_its_first() -> None:
    again = [*SOUND, event(RING), journal(RING)]
    assert faults(HISTORY, again) == []
    assert duplicates(again) == 2
    assert duplicates(SOUND) == 0


def test_a_late_duplicate_does_not_hide_a_swap() -> None:
    swapped = [event(RING), event(HANGUP), journal(HANGUP), journal(RING), journal(HANGUP)]
    assert faults(HISTORY, swapped) == [("out of order", HANGUP.marker)]


def test_a_duplicate_under_another_id_is_found() -> None:
    again = replace(event(RING), identity="id of nobody")
    assert faults(HISTORY, [*SOUND, again]) == [("under another id", RING.marker)]


def test_a_record_under_another_key_is_found() -> None:
    moved = replace(event(RING), key="another call")
    assert faults(HISTORY, [moved, event(HANGUP), journal(RING), journal(HANGUP)]) == [
        ("under another key", RING.marker)
    ]


@pytest.mark.parametrize("status", [403, 200])
def test_a_forged_callback_on_a_topic_is_found_whatever_it_was_answered(status: int) -> None:
    forged = callback("forged", genuine=False)
    found = faults([*HISTORY, attempt(forged, 4, 5, status)], [*SOUND, *both(forged)])
    assert found == [("not verified", forged.marker)] * 2


def test_a_record_that_says_itself_it_was_not_verified_is_found() -> None:
    unverified = replace(journal(RING), verified=False)
    assert faults(HISTORY, [event(RING), event(HANGUP), unverified, journal(HANGUP)]) == [
        ("not verified", RING.marker)
    ]


def test_a_record_of_nothing_that_was_sent_is_found() -> None:
    stranger = callback("stranger")
    assert faults(HISTORY, [*SOUND, event(stranger)]) == [("of no callback", stranger.marker)]


def test_a_record_of_two_callbacks_is_found() -> None:
    mixed = replace(event(RING), markers=frozenset({RING.marker, HANGUP.marker}))
    assert ("of no callback", "marker-hangup, marker-ring") in faults(HISTORY, [*SOUND, mixed])


def test_what_was_refused_may_be_there_or_not() -> None:
    attempts = [attempt(RING, 0, 1, 503), attempt(HANGUP, 2, 3, None)]
    assert faults(attempts, []) == []
    assert faults(attempts, SOUND) == []


def test_what_was_answered_at_the_second_attempt_is_asked_for() -> None:
    attempts = [attempt(RING, 0, 1, None), attempt(RING, 2, 3)]
    assert faults(attempts, [event(RING)]) == [("not in the journal", RING.marker)]


def test_a_dead_letter_counts_as_an_event_only_of_a_long_one_where_a_topic_refuses() -> None:
    letter = replace(event(HANGUP), kind="dead letter", topic=DEAD_LETTER_TOPIC)
    found = [event(RING), letter, journal(RING), journal(HANGUP)]
    refusing = Exempt(refusing=frozenset({HANGUPS}))
    long = [replace(one, callback=replace(one.callback, long=True)) for one in HISTORY]
    assert faults(HISTORY, found) == [("not in its topic", HANGUP.marker)]
    assert faults(HISTORY, found, refusing) == [("not in its topic", HANGUP.marker)]
    assert faults(long, found) == [("not in its topic", HANGUP.marker)]
    assert faults(long, found, refusing) == []


def test_a_topic_that_was_deleted_is_excused_only_for_what_came_before() -> None:
    found = [journal(RING), journal(HANGUP)]
    exempt = Exempt(emptied=((HANGUPS, 1.5),))
    assert faults(HISTORY, found, exempt) == [("not in its topic", HANGUP.marker)]
    assert faults(HISTORY, [event(HANGUP)], exempt) == [
        ("not in the journal", RING.marker),
        ("not in the journal", HANGUP.marker),
    ]


def test_a_callback_that_an_application_was_asked_about_needs_its_answer() -> None:
    asked = replace(journal(RING), asked=True)
    answer = replace(journal(RING), kind="answer", topic="answers", markers=frozenset())
    found = [event(RING), asked, *both(HANGUP)]
    assert [one.fault for one in findings(HISTORY, found)] == ["without its answer"]
    found = [event(RING), asked, answer, *both(HANGUP)]
    assert findings(HISTORY, found) == []
    assert duplicates(found) == 0
