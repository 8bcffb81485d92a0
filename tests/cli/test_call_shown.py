"""A call printed for a person: everything stored is shown, and nothing is invented."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.calls.find import CALLBACKS_MAX
from bridge.calls.found import FoundCall, TimelineEntry
from bridge.cli.call_output import print_call
from bridge.core.answer import AnswerValue
from bridge.core.catalogue import Catalogue
from bridge.core.journal import Asked, SentReply
from bridge.reader.window import Window, build_window
from tests.cli.call_snapshots import FOUND, WIDTHS, path_of, rendered
from tests.support.call_stories import (
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
from tests.support.dead_letters import Made
from tests.support.second_account import COSTLY, OTHER, sent
from tests.support.stored_calls import PLACED, taken
from tests.support.terminal import widest, words

DOCUMENT = b"<Response>\n  <Speak>Thank you for calling. Please hold the line.</Speak>\n</Response>"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "220")


def shown(capsys: pytest.CaptureFixture[str], found: list[TimelineEntry], **more: object) -> str:
    print_call(FoundCall(A, entries=found, **more), at(10 * 3600))  # type: ignore[arg-type]
    return capsys.readouterr().out


def test_a_call_is_shown_by_its_legs(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, steps((RING, 2), (ANSWER, 5), (HANGUP, 70)))
    assert "started   2026-03-07 14:13:28 UTC  09:13:28-05:00 local" in said
    assert "answered  14:13:32 UTC  09:13:32-05:00 local" in said
    assert "0.01000 at 0.005 a minute" in said
    assert "hung up" in said
    assert "2026-03-07 in UTC and America/New_York\n14:13:30.000  voice.call.ring" in said
    assert "14:13:29.250" in said  # the day it happened is the day it came
    assert "no gaps" in said


def test_the_application_that_answered_is_shown_below_the_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = entry(taken(ANSWER, at(5), reply=Asked("ivr")))
    answer: AnswerValue = {
        "rule": "menu",
        "application": "ivr",
        "given_by": "application",
        "duration_ms": 12,
        "failure": None,
        "reply": {"status": 200, "content_type": "text/xml", "body": "<Response/>"},
        "bridge_version": "1",
    }
    failed: AnswerValue = answer | {  # type: ignore[assignment]
        "given_by": "fallback",
        "duration_ms": 10_000,
        "failure": {"code": "timeout", "detail": "no whole answer in 10 s"},
    }
    said = shown(capsys, [replace(asked, answer=answer)])
    assert "application ivr, 12 ms" in said
    assert "reply: <Response/>" in said
    said = shown(capsys, [replace(asked, answer=failed)])
    assert "application ivr, 10000 ms: timeout, answered by the fallback of rule menu" in said
    assert "from ivr" in shown(capsys, [asked])


def test_a_call_without_an_end_has_a_state_and_a_gap(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, steps((RING, 2), (ANSWER, 5), (dial("connected"), 9)))
    assert "state" in said
    assert "in-progress" in said
    assert f"dialled leg {B}" in said
    assert "not known yet, at 0.005 a minute" in said
    assert "hangup missing" in said


def test_a_url_that_plivo_could_not_reach_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    hangup = changed(HANGUP, HangupCauseCode="7011", HangupCauseName="Error Reaching Answer URL")
    said = shown(capsys, steps((RING, 2), (ANSWER, 5), (hangup, 70)))
    assert "plivo complaint" in said
    assert "7011: Plivo could not reach the answer URL" in said


def test_an_uncertain_time_is_shown_as_received(capsys: pytest.CaptureFixture[str]) -> None:
    wrong_zone = {"StartTime": "2026-03-07 15:13:28", "EndTime": "2026-03-07 15:14:37"}
    unsure = changed(HANGUP, **wrong_zone, AnswerTime=None, HangupSource=None)
    said = shown(capsys, steps((unsure, 70)))
    assert "2026-03-07 15:14:37 America/New_York: contradicted" in said
    assert "Normal Hangup (4000)" in said
    assert "stir" in said


def test_a_time_of_another_day_has_its_day(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, entries(taken(HANGUP, at(70) + timedelta(days=1))))
    assert "2026-03-08 in UTC and America/New_York" in said
    assert "2026-03-07 14:14:37" in said


def test_a_local_time_of_another_day_has_its_day(capsys: pytest.CaptureFixture[str]) -> None:
    late = timedelta(hours=13)  # 03:14 in UTC, and the evening before in New York
    times = {"StartTime": "2026-03-07 22:13:28", "EndTime": "2026-03-07 22:14:37"}
    times |= {"AnswerTime": "2026-03-07 22:13:32", "SessionStart": "2026-03-08 03:13:28.250000"}
    hangup = changed(HANGUP, **times)
    said = shown(capsys, entries(taken(hangup, at(70) + late)))
    assert "2026-03-08 in UTC, 2026-03-07 in America/New_York\n03:14:38.000" in said
    assert "22:14:38.000-05:00" in said
    assert "ended     03:14:37 UTC  2026-03-07 22:14:37-05:00 local" in said


def test_an_unknown_zone_gives_no_local_times(capsys: pytest.CaptureFixture[str]) -> None:
    one = entry(taken(HANGUP, at(70)))
    one.callback.value["zone"] = None
    said = shown(capsys, [one])
    assert "unknown" in said
    assert "-05:00" not in said
    assert "14:13:32 UTC" in said
    assert "2026-03-07 in UTC\n" in said


def test_the_complete_reply_is_shown_below_its_callback(capsys: pytest.CaptureFixture[str]) -> None:
    reply = SentReply(200, "application/xml", DOCUMENT)
    said = shown(capsys, entries(taken(ANSWER, at(5), reply=reply)))
    below = said.partition("voice.call.answer")[2].splitlines()[1:5]
    assert [line.rstrip() for line in below] == [
        "      reply:",
        "      <Response>",
        "        <Speak>Thank you for calling. Please hold the line.</Speak>",
        "      </Response>",
    ]


def test_a_reply_cannot_talk_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    body = "<Response>\r\n\t<Speak>\x1b[2J[red]\u202eno[/]</Speak>\r\n</Response>".encode()
    reply = SentReply(200, "application/xml", body)
    said = shown(capsys, entries(taken(ANSWER, at(5), reply=reply)))
    assert r"        <Speak>\x1b[2J[red]\u202eno[/]</Speak>" in said


def test_an_unverified_callback_shows_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    one = entry(taken(RING, at(2)))
    one.callback.value["verification"] |= {"verdict": "unverified", "fault": "no_signature"}
    assert "no: no_signature" in shown(capsys, [one])


def test_a_dead_letter_is_shown_with_its_type_stage_and_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = [*steps((RING, 2)), entry(taken(ANSWER, at(5), is_dead=True), 1), *steps((HANGUP, 70))]
    said = shown(capsys, found)
    assert "14:13:33.000  voice.call.answer" in said
    assert "dead letter: stage parse, reason bridge_fault" in said
    assert "no answer came" not in said


def test_a_dead_letter_kafka_refused_names_the_topics_that_lack_it(
    capsys: pytest.CaptureFixture[str], types: Catalogue
) -> None:
    one = entry(taken(RING, at(2)), event_from="derived")
    said = shown(capsys, [replace(one, letter=Made(types).letter(0))])
    topic = "test.plivo.voice.call.hangup.v1"
    assert f"dead letter: stage publish, reason record_too_large, lacking in {topic}" in said
    assert "no longer on their topics" not in said


def test_a_call_without_any_event_is_shown_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dead = replace(entry(taken(RING, at(2), is_dead=True)), header_type="", letter=None)
    said = shown(capsys, [dead])
    assert "unknown type" in said
    assert "its dead letter was not found" in said
    assert "today's code makes no event of it: no_identity" in said


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", FOUND)
def test_the_layout_of_a_call_equals_the_reviewed_one(name: str, width: int) -> None:
    found = rendered(FOUND[name](), width)
    assert widest(found) <= width
    assert found == path_of(name, width).read_text(), "python -m tests.cli.call_snapshots"


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120, 160])
@pytest.mark.parametrize("name", FOUND)
def test_no_width_cuts_anything(name: str, width: int) -> None:
    narrow, wide = (rendered(FOUND[name](), one) for one in (width, 1000))
    assert "…" not in narrow
    assert sorted("".join(narrow.split())) == sorted("".join(wide.split()))
    if width >= 80:
        assert sorted(words(narrow)) == sorted(words(wide))


def test_a_prefix_that_found_the_call_is_named_with_where_it_is_unique(
    capsys: pytest.CaptureFixture[str],
) -> None:
    within = build_window(PLACED, None)
    said = shown(capsys, steps((RING, 2)), prefix=A[:8], prefix_within=within)
    assert f"{A[:8]}; no other id since 2026-03-07T14:13:28.000Z starts with it" in said
    said = shown(capsys, steps((RING, 2)), prefix=A[:8], prefix_within=Window())
    assert f"{A[:8]}; no other id in the whole journal starts with it" in said


def test_followed_and_not_followed_ids_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = steps((RING, 2), (ANSWER, 5), (HANGUP, 70))
    said = shown(
        capsys,
        found,
        followed=[ROOM],
        not_followed=["another"],
        missing_topics=["plivo.[a]"],
        is_truncated=True,
    )
    assert f"also searched for  {ROOM}" in said
    assert "related ids that were not followed: another" in said
    assert "missing topics, or no permission to describe them: plivo.[a]" in said
    assert f"the first {CALLBACKS_MAX:,} callbacks" in said


def test_dead_letters_that_were_not_looked_at_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = shown(capsys, steps((RING, 2)), letters_skipped=12_345)
    assert "12,345 dead letters have another key" in said
    assert "--all reads them" in said


def test_a_duplicate_shows_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    one = taken(RING, at(2))
    said = shown(capsys, entries(one, one))
    assert "ringing (again)" in said
    assert "stored more than once" in said


def test_a_replayed_record_is_not_shown_as_a_fault(
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


def test_a_message_is_shown_by_its_last_report(capsys: pytest.CaptureFixture[str]) -> None:
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


def test_callbacks_of_another_account_are_marked_and_counted_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = shown(capsys, entries(taken(RING, at(2)), taken(HANGUP, at(70)), sent(COSTLY, 71)))
    assert f"other accounts  1 callbacks of account {OTHER}, shown only in the timeline" in said
    assert f"(of account {OTHER})" in said
    assert "callbacks       2, received" in said
    assert "0.01000, in the account's currency" in said
    assert "is verified" not in said
    assert "999" not in said


def test_a_leg_shows_that_its_cost_is_not_verified(capsys: pytest.CaptureFixture[str]) -> None:
    found = [sent(step, after_s, signs=False) for step, after_s in ((RING, 2), (HANGUP, 70))]
    said = shown(capsys, entries(*found))
    assert "in the account's currency; no verified callback reports it" in said
    assert "not verified" in said
