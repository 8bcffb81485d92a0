"""How ends are counted and told."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.core.outcome import Outcome, RefusalCause
from bridge.intake.outcome_log import OutcomeRecorder
from bridge.intake.rate_limit import RateLimiter
from bridge.telemetry.logs import CallTokens
from bridge.telemetry.metrics import Metrics

KEY = b"5dfd37e8-754f-e982-f62a-90afb225522d"

LEVELS = [
    (Outcome.PUBLISHED, "info"),
    (Outcome.SPOOLED, "info"),
    (Outcome.DEAD_LETTERED, "warning"),
    (Outcome.REJECTED, "warning"),
    (Outcome.REFUSED, "warning"),
]


def broken(text: str) -> None:
    raise ArithmeticError(text)


def ends_of(metrics: Metrics, *, every: int = 1, per_minute_max: int = 60) -> OutcomeRecorder:
    return OutcomeRecorder(
        metrics,
        CallTokens("a key of sixteen"),
        unverified_limiter=RateLimiter(per_minute_max, lambda: 0.0),
        published_every=every,
    )


def told(outcome: Outcome, times: int, every: int) -> list[Any]:
    metrics = Metrics("0")
    ends = ends_of(metrics, every=every)
    with capture_logs() as lines:
        for _ in range(times):
            ends.record("voice.call.ring", "POST", outcome, key=KEY, fields={"event_id": "e"})
    assert metrics.value("callbacks_total", product="voice", outcome=outcome) == times
    return list(lines)


@pytest.mark.parametrize(("outcome", "level"), LEVELS)
def test_an_end_is_one_line_with_the_level_of_its_outcome(outcome: Outcome, level: str) -> None:
    (line,) = told(outcome, 1, 1)
    assert (line["event"], line["log_level"]) == (f"callback_{outcome}", level)
    assert (line["callback_type"], line["method"], line["event_id"]) == (
        "voice.call.ring",
        "POST",
        "e",
    )


@pytest.mark.parametrize(("outcome", "_level"), LEVELS)
def test_of_genuine_callbacks_only_the_published_are_sampled(outcome: Outcome, _level: str) -> None:
    assert len(told(outcome, 10, 5)) == (2 if outcome is Outcome.PUBLISHED else 10)


def test_what_is_remarkable_is_told_in_any_case_and_louder() -> None:
    ends = ends_of(Metrics("0"), every=1_000)
    with capture_logs() as lines:
        ends.record("voice.call.ring", "POST", Outcome.PUBLISHED, notable=True)
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("callback_published", "warning")


def test_strangers_are_told_so_often_a_minute_and_the_next_line_says_how_many_were_not() -> None:
    metrics = Metrics("0")
    ends = ends_of(metrics, per_minute_max=3)
    with capture_logs() as lines:
        for _ in range(10):
            ends.record("shared", "POST", Outcome.REJECTED, fields={"fault": "no_signature"})
            ends.record_refusal("shared", "POST", RefusalCause.BODY_TOO_LARGE)
        ends.record("voice.call.ring", "POST", Outcome.SPOOLED, key=KEY)
        ends.record("voice.call.ring", "POST", Outcome.SPOOLED, key=KEY)
    assert [line["event"] for line in lines[:3]] == [
        "callback_rejected",
        "callback_refused",
        "callback_rejected",
    ]
    assert [line.get("suppressed_before") for line in lines] == [None, None, None, 17, None]
    assert metrics.value("callbacks_total", outcome="rejected") == 10
    assert metrics.value("callbacks_total", outcome="refused") == 10
    assert metrics.value("refused_total", cause="body-too-large") == 10


@pytest.mark.parametrize("cause", RefusalCause)
def test_a_refusal_that_only_genuine_callbacks_can_meet_is_always_told(cause: RefusalCause) -> None:
    ends = ends_of(Metrics("0"), per_minute_max=0)
    with capture_logs() as lines:
        ends.record_refusal("shared", "POST", cause)
    ours = {RefusalCause.NOT_DURABLE, RefusalCause.BRIDGE_FAULT, RefusalCause.STOPPED}
    assert [line["cause"] for line in lines] == ([cause] if cause in ours else [])


def test_a_fault_of_ours_is_an_error_with_its_place_and_without_its_text() -> None:
    ends = ends_of(Metrics("0"), every=1_000)
    with pytest.raises(ArithmeticError) as caught:
        broken("+14155550100")
    with capture_logs() as lines:
        ends.record_refusal("shared", "POST", RefusalCause.BRIDGE_FAULT, fault=caught.value)
    (line,) = lines
    assert (line["log_level"], line["error"]) == ("error", "ArithmeticError")
    assert "test_outcome_log.py" in line["where"]
    assert "14155550100" not in str(line)


def test_a_call_is_told_as_a_token_that_is_the_same_for_those_who_share_the_key() -> None:
    ours, theirs = CallTokens("a key of sixteen"), CallTokens("a key of sixteen")
    assert ours.token(KEY) == theirs.token(KEY)
    assert ours.token(KEY) != ours.token(b"another call")
    assert ours.token(KEY) != CallTokens("some other key..").token(KEY)
    assert CallTokens(None).token(KEY) != CallTokens(None).token(KEY)
    assert KEY.decode() not in str(told(Outcome.PUBLISHED, 1, 1))
