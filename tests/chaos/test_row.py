"""What a run's row says of its history."""

from dataclasses import replace

import pytest

from tests.chaos.check import Finding
from tests.chaos.history import Attempt
from tests.chaos.row import Row, counts, longest, lost, markdown, sentences, wrong_answers
from tests.chaos.test_check import HANGUP, RING, SOUND, attempt, callback, journal

FORGED = callback("forged", genuine=False)
ROW = Row(
    scenario="1",
    seed=1,
    tried=1_000,
    accepted=900,
    refused=1,
    unconnected=5,
    unanswered=2,
    unverified=40,
    lost=0,
    duplicated=3,
    spooled=100,
    waited=12,
    longest_s=(0.1, 2.0, 0.3),
    drain_s=1.5,
    took_s=20,
    notes=(),
    faults=(),
)


def test_an_answer_belongs_to_the_phase_in_which_its_request_started() -> None:
    attempts = [attempt(RING, 0, 2), attempt(RING, 4, 11), attempt(RING, 6, 7, 503)]
    attempts.append(attempt(RING, 10, 10.5))
    assert longest(attempts, [3, 10]) == (2, 7, 0.5)


def test_a_request_without_an_answer_has_no_answer_time() -> None:
    assert longest([attempt(RING, 0, 15, None)], [3, 10]) == (0, 0, 0)


def test_without_a_fault_everything_is_before_it() -> None:
    assert longest([attempt(RING, 0, 2), attempt(RING, 100, 101)], []) == (2, 0, 0)


def test_callbacks_and_requests_are_counted_apart() -> None:
    attempts: list[Attempt] = [
        replace(attempt(RING, 0, 1, None), silence="not connected"),
        replace(attempt(RING, 0, 1, None), silence="timed out"),
        attempt(RING, 2, 3),
        attempt(HANGUP, 2, 3, 503),
        attempt(FORGED, 2, 3, 403),
    ]
    assert counts(attempts, [*SOUND, journal(RING)]) == {
        "tried": 3,
        "accepted": 1,
        "refused": 1,
        "unconnected": 1,
        "unanswered": 1,
        "unverified": 1,
        "duplicated": 1,
        "waited": 3,
    }


def test_a_callback_that_is_in_neither_place_is_lost_once() -> None:
    found = [Finding("not in its topic", "a"), Finding("not in the journal", "a")]
    assert lost([*found, Finding("out of order", "b")]) == 1


def test_findings_become_a_sentence_a_kind() -> None:
    found = [Finding("out of order", name) for name in "abcdefg"]
    assert sentences([*found, Finding("not verified", "h")]) == [
        "7 out of order: a, b, c, d, e",
        "1 not verified: h",
    ]


@pytest.mark.parametrize(("status", "said"), [(200, 1), (403, 0), (503, 0), (None, 0)])
def test_an_accepted_forged_callback_is_reported(status: int | None, said: int) -> None:
    assert len(wrong_answers([attempt(FORGED, 0, 1, status)])) == said


def test_the_table_adds_up_the_runs_of_a_scenario_and_keeps_the_worst_times() -> None:
    other = replace(ROW, seed=2, tried=2_000, longest_s=(0.2, 1.0, 0.1), drain_s=None)
    *_, line = markdown([ROW, other], {"1": "bridge killed"}).splitlines()
    assert line == (
        "| 1 bridge killed | 2 | 3,000 | 1,800 | 2 | 10 | 4 | 0 | 6 | 24 | 0.20 / 2.00 / 0.30 | 1.5 |"
    )
