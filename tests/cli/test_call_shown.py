"""A call laid out for a person: what is there is said, and what is not is not made up."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.cli.call_shown import show_found
from bridge.event import GivenReply
from bridge.replay.call import CALLBACKS_MAX, Entry, Found
from tests.replay.calls import taken
from tests.replay.stories import (
    ANSWER,
    HANGUP,
    MESSAGE,
    RING,
    ROOM,
    A,
    B,
    at,
    changed,
    dial,
    entries,
    entry,
    report,
    steps,
)

DOCUMENT = b"<Response>\n  <Speak>Thank you for calling. Please hold the line.</Speak>\n</Response>"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "220")


def shown(capsys: pytest.CaptureFixture[str], found: list[Entry], **more: object) -> str:
    show_found(Found(A, entries=found, **more), at(10 * 3600))  # type: ignore[arg-type]
    return capsys.readouterr().out


def test_a_call_is_told_by_its_legs(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, steps((RING, 2), (ANSWER, 5), (HANGUP, 70)))
    assert "2026-03-07T14:13:32Z  09:13:32-05:00 local" in said
    assert "0.01000 at 0.005 a minute" in said
    assert "hung up" in said
    assert "2026-03-07 14:13:30Z" in said
    assert "14:13:29.250Z" in said  # the day it happened is the day it came
    assert "no gaps" in said


def test_a_call_without_an_end_has_a_state_and_a_gap(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, steps((RING, 2), (ANSWER, 5), (dial("connected"), 9)))
    assert "state" in said
    assert "in-progress" in said
    assert f"dialled leg {B}" in said
    assert "not said at 0.005 a minute" in said
    assert "hangup missing" in said


def test_what_plivo_could_not_reach_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    hangup = changed(HANGUP, HangupCauseCode="7011", HangupCauseName="Error Reaching Answer URL")
    said = shown(capsys, steps((RING, 2), (ANSWER, 5), (hangup, 70)))
    assert "plivo complaint" in said
    assert "7011: Plivo could not reach the answer URL" in said


def test_what_plivo_is_not_sure_of_is_told_as_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    wrong_zone = {"StartTime": "2026-03-07 15:13:28", "EndTime": "2026-03-07 15:14:37"}
    unsure = changed(HANGUP, **wrong_zone, AnswerTime=None, HangupSource=None)
    said = shown(capsys, steps((unsure, 70)))
    assert "2026-03-07 15:14:37 America/New_York: contradicted" in said
    assert "Normal Hangup (4000)" in said
    assert "stir" in said


def test_a_time_of_another_day_has_its_day(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, entries(taken(HANGUP, at(70) + timedelta(days=1))))
    assert "2026-03-07 14:14:37Z" in said


def test_a_local_time_of_another_day_has_its_day(capsys: pytest.CaptureFixture[str]) -> None:
    late = timedelta(hours=13)  # 03:14 in UTC, and the evening before in New York
    times = {"StartTime": "2026-03-07 22:13:28", "EndTime": "2026-03-07 22:14:37"}
    times |= {"AnswerTime": "2026-03-07 22:13:32", "SessionStart": "2026-03-08 03:13:28.250000"}
    hangup = changed(HANGUP, **times)
    said = shown(capsys, entries(taken(hangup, at(70) + late)))
    assert "2026-03-08 03:14:38Z" in said
    assert "2026-03-07 22:14:38-05:00" in said
    assert "2026-03-08T03:14:37Z  2026-03-07 22:14:37-05:00 local" in said


def test_a_zone_nobody_knows_gives_no_local_times(capsys: pytest.CaptureFixture[str]) -> None:
    one = entry(taken(HANGUP, at(70)))
    one.callback.value["zone"] = None
    said = shown(capsys, [one])
    assert "not known" in said
    assert "-05:00" not in said
    assert "2026-03-07T14:13:32Z" in said


def test_a_long_reply_is_shown_in_one_line_and_cut(capsys: pytest.CaptureFixture[str]) -> None:
    reply = GivenReply(200, "application/xml", DOCUMENT)
    said = shown(capsys, entries(taken(ANSWER, at(5), reply=reply)))
    assert "200 <Response> <Speak>Thank you for calling…" in said


def test_a_callback_that_nobody_vouches_for_or_made_no_event_of_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dead = entry(taken(RING, at(2), is_dead=True))
    dead.callback.value["verification"] |= {"verdict": "unverified", "fault": "no_signature"}
    said = shown(capsys, [dead])
    assert "no event" in said
    assert "no: no_signature" in said
    assert "no_identity" in said


def test_what_was_looked_for_and_what_was_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    found = steps((RING, 2), (ANSWER, 5), (HANGUP, 70))
    said = shown(
        capsys,
        found,
        followed=[ROOM],
        not_followed=["another"],
        missing_topics=["plivo.[a]"],
        is_cut=True,
    )
    assert f"also looked for  {ROOM}" in said
    assert "not followed any further: another" in said
    assert "not there, or this login may not Describe them: plivo.[a]" in said
    assert f"the first {CALLBACKS_MAX:,} callbacks" in said


def test_what_came_twice_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    one = taken(RING, at(2))
    said = shown(capsys, entries(one, one))
    assert "ringing (again)" in said
    assert "stored more than once" in said


def test_what_a_replay_stored_again_is_told_from_a_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    original, copy = entries(*[taken(RING, at(2))] * 2)
    said = shown(capsys, [original, replace(copy, replay_id="[abcd]")])
    assert "ringing (replayed)" in said
    assert "replayed by [abcd]" in said
    assert "stored more than once" not in said


def test_legs_of_other_calls_are_listed_apart_and_not_summed_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stranger = changed(HANGUP, CallUUID=ROOM, ALegUUID=None, TotalCost="9.00000")
    said = shown(capsys, steps((stranger, 60), (RING, 2), (ANSWER, 5), (HANGUP, 70)))
    assert "0.01000, in the account's currency" in said
    assert said.index(f"first leg {A}") < said.index(f"leg of another call {ROOM}")


def test_a_message_is_told_by_its_last_report(capsys: pytest.CaptureFixture[str]) -> None:
    failed = changed(report(2, "undelivered"), ErrorCode="30", From="14155550100")
    said = shown(capsys, steps((report(1, "sent"), 1), (failed, 2)))
    assert "+14155550100 > -" in said
    assert "undelivered" in said
    assert "error" in said
    assert "0.0035" in said
    assert MESSAGE[:8] in said


def test_nothing_in_a_callback_is_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    odd = changed(HANGUP, HangupCauseName="[red]Normal[/] Hangup", To="[bold]sip:a@b")
    said = shown(capsys, steps((odd, 70)))
    assert "[red]Normal[/] Hangup" in said
    assert "[bold]sip:a@b" in said
