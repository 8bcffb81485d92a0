"""What is missing in a call, contradicts itself, or came twice."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bridge.calls.found import FoundCall, TimelineEntry
from bridge.calls.gaps import Gap, find_duplicates, find_gaps
from bridge.calls.legs import build_legs
from bridge.reader.window import Window, build_window
from tests.support.call_stories import (
    ANSWER,
    HANGUP,
    MESSAGE,
    RING,
    A,
    B,
    at,
    changed,
    dial,
    dialled_call,
    entries,
    entry,
    hangup_of_b,
    report,
    steps,
)
from tests.support.emulated_call import EmulatedCallback
from tests.support.stored_calls import taken

SOON = at(120)
LATE = at(5 * 3600)


def gaps(found: list[TimelineEntry], now: datetime = LATE, **more: Any) -> list[Gap]:
    return find_gaps(FoundCall(A, entries=found, **more), build_legs(found, A), now)


def codes(*parts: tuple[EmulatedCallback, float], now: datetime = LATE) -> list[str]:
    return [gap.code for gap in gaps(steps(*parts), now)]


def test_a_whole_call_has_no_gaps() -> None:
    assert codes((RING, 2), (ANSWER, 5), (HANGUP, 70)) == []
    assert gaps(entries(*dialled_call())) == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(ANSWER, 5), (HANGUP, 70)], ["answer_without_ring"]),
        ([(RING, 2), (HANGUP, 70)], ["hangup_without_answer"]),
        ([(RING, 2), (ANSWER, 5)], ["hangup_missing"]),
        ([(RING, 2)], ["hangup_missing"]),
        ([(changed(ANSWER, Direction="inbound"), 5), (HANGUP, 70)], ["answer_without_ring"]),
        (
            [(changed(ANSWER, Direction="inbound"), 5), (changed(HANGUP, Direction="inbound"), 70)],
            [],
        ),
        ([(RING, 2), (changed(HANGUP, AnswerTime="", Duration="0"), 70)], []),
        (
            [(RING, 2), (ANSWER, 5), (HANGUP, 70), (changed(HANGUP, HangupCauseCode="3010"), 71)],
            ["several_hangups"],
        ),
        ([(RING, 2), (ANSWER, 5), (HANGUP, 70), (dial("answer"), 20)], ["hangup_missing"]),
        ([(hangup_of_b(), 33)], []),
    ],
)
def test_missing_callbacks_are_derived_from_those_that_came(
    parts: list[tuple[EmulatedCallback, float]], expected: list[str]
) -> None:
    assert codes(*parts) == expected


def test_a_call_that_is_under_way_lacks_nothing() -> None:
    assert codes((RING, 2), (ANSWER, 5), now=SOON) == []
    (gap,) = gaps(steps((RING, 2), (ANSWER, 5)), at(5) + timedelta(hours=26))
    assert (gap.subject, gap.text) == (A, "no hangup came, and the last callback is 26 h old")


def test_nothing_is_missing_of_what_was_not_read() -> None:
    dialled = steps((RING, 2), (ANSWER, 5), (dial("connected"), 20), (HANGUP, 70))
    assert [gap.subject for gap in gaps(dialled)] == [B]
    assert gaps(dialled, not_followed=[B]) == []
    assert gaps(dialled, is_truncated=True) == []
    assert gaps(steps((RING, 2)), searched=build_window(None, at(3600))) == []
    assert len(gaps(steps((RING, 2)), searched=build_window(None, at(4 * 3600 + 3)))) == 1
    for_ever = Window(until_ms=1 << 62)
    assert len(gaps(steps((RING, 2)), searched=for_ever)) == 1


def test_the_leg_a_gap_is_of_is_named() -> None:
    (gap,) = gaps(steps((RING, 2), (ANSWER, 5), (HANGUP, 70), (dial("connected"), 20)))
    assert gap.subject == B


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            [(RING, 2), (ANSWER, 5), (changed(HANGUP, Duration="30"), 70)],
            "it lasted 65 s by its times and 30 s by its duration",
        ),
        (
            [(RING, 2), (ANSWER, 5), (changed(HANGUP, StartTime="2026-03-07 09:13:50"), 70)],
            "answered_at is before started_at",
        ),
        (
            [
                (RING, 2),
                (ANSWER, 5),
                (changed(HANGUP, EndTime="2026-03-07 09:13:20", Duration=None), 70),
            ],
            "ended_at is before answered_at",
        ),
        ([(RING, 2), (HANGUP, 70), (ANSWER, 71)], "voice.call.answer came after the hangup"),
        (
            [
                (RING, 2),
                (changed(ANSWER, SessionStart="2026-03-07 14:15:00.5"), 5),
                (HANGUP, 70),
            ],
            "voice.call.answer happened after the leg ended",
        ),
        ([(RING, -20), (ANSWER, 5), (HANGUP, 70)], "voice.call.ring came before it happened"),
    ],
)
def test_contradicting_times_are_a_gap(
    parts: list[tuple[EmulatedCallback, float]], said: str
) -> None:
    found = [gap.text for gap in gaps(steps(*parts)) if gap.code == "times_contradict"]
    assert said in found


def fallback_of(step: EmulatedCallback) -> EmulatedCallback:
    return replace(step, path="/plivo/voice/call/fallback")


def test_an_error_that_plivo_reports_is_a_gap_with_its_code() -> None:
    found = steps(
        (RING, 2),
        (ANSWER, 5),
        (fallback_of(ANSWER), 6),
        (changed(HANGUP, HangupCauseCode="8011"), 70),
        (changed(HANGUP, HangupCauseCode="8011"), 130),  # Plivo sent it again
    )
    said = [(gap.subject, gap.text) for gap in gaps(found) if gap.code == "plivo_complaint"]
    assert said == [
        (A, "fallback: Plivo could not use the answer URL, and called the fallback URL"),
        (A, "8011: Plivo could not use the XML of the answer URL"),
    ]


def test_an_unverified_error_report_is_not_a_gap() -> None:
    one = entry(taken(changed(HANGUP, HangupCauseCode="7011"), at(70)))
    one.callback.value["verification"] |= {"verdict": "unverified", "fault": "no_signature"}
    found = {gap.code for gap in gaps([one])}
    assert "not_verified" in found
    assert "plivo_complaint" not in found


def test_a_zone_mismatch_is_a_gap_with_the_uncertain_times() -> None:
    hangup = changed(
        HANGUP,
        StartTime="2026-03-07 15:13:28",
        AnswerTime="2026-03-07 15:13:32",
        EndTime="2026-03-07 15:14:37",
    )
    found = gaps(steps((RING, 2), (ANSWER, 5), (hangup, 70)))
    assert {gap.code for gap in found} == {"zone_mismatch", "time_unsure"}
    assert "voice.call.hangup: ended_at is contradicted" in [gap.text for gap in found]


def test_a_hangup_that_came_late_is_no_gap() -> None:
    hangup = changed(HANGUP, SessionStart=None)
    found = gaps(steps((RING, 2), (ANSWER, 5), (hangup, 70 + 25 * 60)))
    assert {gap.code for gap in found}.isdisjoint({"zone_mismatch", "time_unsure"})


def test_an_unverified_callback_is_a_gap() -> None:
    found = steps((RING, 2), (ANSWER, 5), (HANGUP, 70))
    value = found[0].callback.value
    value["verification"] |= {"verdict": "unverified", "fault": "wrong_signature"}
    assert [(gap.code, gap.text) for gap in gaps(found)] == [
        ("not_verified", "voice.call.ring: wrong_signature")
    ]


def test_contradicting_stir_parameters_are_a_gap() -> None:
    answer = changed(ANSWER, stir_verification="Not Verified")
    assert codes((RING, 2), (answer, 5), (HANGUP, 70)) == ["stir_conflict"]


def test_a_dead_letter_is_a_gap_with_stage_reason_and_todays_result() -> None:
    dead = entry(taken(RING, at(2), is_dead=True))
    today = replace(dead, event=entry(taken(RING, at(2))).event, fault=None)
    why = "voice.call.ring: stage parse, reason bridge_fault"
    assert [(gap.code, gap.text) for gap in gaps([dead])] == [
        ("dead_letter", f"{why}; today's code makes no event of it: no_identity")
    ]
    (_, told) = gaps([today])
    assert told.text == (
        f"{why}; today's code makes an event of it: `callback-bridge deadletters redrive`"
    )
    (_, told) = gaps([replace(today, event_from="published")])
    assert told.text == f"{why}; its event is on its topic since"


def test_an_expired_dead_letter_is_described_as_far_as_known() -> None:
    dead = replace(entry(taken(RING, at(2), is_dead=True)), letter=None, header_type="")
    (gap,) = gaps([dead])
    assert gap.text == (
        "plivo.journal.v1:0:0: no event was made of it, and its dead letter was not found; "
        "today's code makes no event of it: no_identity"
    )


def dead_of(step: EmulatedCallback, seconds: float, *, kind: str) -> TimelineEntry:
    """Return a callback of which even today's code makes no event."""
    one = entry(taken(step, at(seconds), is_dead=True))
    return replace(one, header_type=kind, key="f" * 32)


@pytest.mark.parametrize(
    ("parts", "dead", "kind", "code"),
    [
        ([(RING, 2), (HANGUP, 70)], (ANSWER, 5), "voice.call.answer", "hangup_without_answer"),
        ([(ANSWER, 5), (HANGUP, 70)], (RING, 2), "voice.call.ring", "answer_without_ring"),
        ([(RING, 2), (ANSWER, 5)], (HANGUP, 70), "voice.call.hangup", "hangup_missing"),
    ],
)
def test_a_callback_that_became_a_dead_letter_is_not_missing(
    parts: list[tuple[EmulatedCallback, float]],
    dead: tuple[EmulatedCallback, float],
    kind: str,
    code: str,
) -> None:
    of_its_type = gaps([*steps(*parts), dead_of(*dead, kind=kind)])
    assert [gap.code for gap in of_its_type] == ["dead_letter"]
    unknown = gaps([*steps(*parts), dead_of(*dead, kind="")])
    assert [gap.code for gap in unknown] == [code, "dead_letter"]
    assert unknown[0].text.endswith(", unless it is the dead letter")
    several = gaps([*steps(*parts), *[dead_of(*dead, kind="")] * 2])
    assert several[0].text.endswith(", unless it is among 2 dead letters")
    other = gaps([*steps(*parts), dead_of(*dead, kind="voice.call.redirect")])
    assert [gap.code for gap in other] == [code, "dead_letter"]
    assert "unless" not in other[0].text


def test_a_dead_letter_of_another_call_leaves_the_gap() -> None:
    ids = dict.fromkeys(("CallUUID", "ALegUUID", "RequestUUID", "ALegRequestUUID"), B)
    other = dead_of(changed(ANSWER, **ids), 5, kind="voice.call.answer")
    found = gaps([*steps((RING, 2), (HANGUP, 70)), other])
    assert [gap.code for gap in found] == ["hangup_without_answer", "dead_letter"]


def test_a_dead_delivery_report_may_be_the_one_that_is_missing() -> None:
    reports = steps((report(1, "queued"), 1), (report(3, "delivered"), 3))
    dead = dead_of(report(2, "sent"), 2, kind="messaging.message.status")
    missing = [gap.text for gap in gaps([*reports, dead]) if gap.code == "report_missing"]
    assert missing == ["no delivery report numbered 2 came, unless it is the dead letter"]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([1, 2, 3], []),
        ([3, 1], ["no delivery report numbered 2 came"]),
        ([4], ["no delivery report numbered 1, 2, 3 came"]),
    ],
)
def test_delivery_reports_missing_in_plivos_numbering_are_a_gap(
    numbers: list[int], said: list[str]
) -> None:
    found = gaps(steps(*[(report(number, "sent"), number) for number in numbers]))
    assert [(gap.subject, gap.text) for gap in found] == [(MESSAGE, text) for text in said]


@pytest.mark.parametrize(
    ("numbers", "read", "is_outside"),
    [([2, 3], Window(0), True), ([1, 3], Window(0), False), ([2, 3], Window(), False)],
)
def test_a_report_from_before_the_searched_time_is_marked(
    numbers: list[int], read: Window, *, is_outside: bool
) -> None:
    (gap,) = gaps(steps(*[(report(number, "sent"), number) for number in numbers]), searched=read)
    assert gap.text.endswith("outside the searched time") is is_outside


def test_a_number_that_is_no_numbering_does_not_count_up_to_it() -> None:
    (gap,) = gaps(steps((report(999_999_999_999, "sent"), 1)))
    assert gap.text.endswith(", 98, 99 came")


def test_an_event_that_came_twice_says_whether_plivo_sent_it_again() -> None:
    ring, answer = taken(RING, at(2)), taken(ANSWER, at(5))
    found = entries(ring, ring, answer, taken(ANSWER, at(65)))
    stored, retried = find_duplicates(found)
    assert (stored.type, stored.is_retry) == ("voice.call.ring", False)
    assert stored.positions == ("plivo.journal.v1:0:0", "plivo.journal.v1:0:1")
    assert (retried.type, retried.is_retry) == ("voice.call.answer", True)
    assert (stored.is_fault, retried.is_fault) == (True, False)
    assert find_duplicates(found[1:3]) == []


def test_a_copy_that_a_replay_stored_is_no_fault() -> None:
    ring = taken(RING, at(2))
    original, *copies = entries(ring, ring, ring)
    copies = [replace(one, replay_id="abcd1234") for one in copies]
    (duplicate,) = find_duplicates([original, *copies])
    assert (duplicate.is_retry, duplicate.is_fault) == (False, False)
    assert duplicate.replays == ("abcd1234", "abcd1234")
    (faulty,) = find_duplicates([original, replace(original, offset=9), *copies])
    assert faulty.is_fault
