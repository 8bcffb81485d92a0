"""How the results of callbacks are counted and logged."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.core.outcome import Outcome, RefusalCause
from bridge.intake.outcome_log import CallbackResult, OutcomeRecorder
from bridge.intake.rate_limit import RateLimiter
from bridge.telemetry.logs import CallTokens, set_level
from bridge.telemetry.metrics import Metrics

KEY = b"5dfd37e8-754f-e982-f62a-90afb225522d"

LEVELS = [
    (Outcome.PUBLISHED, "info"),
    (Outcome.SPOOLED, "info"),
    (Outcome.DEAD_LETTERED, "warning"),
    (Outcome.REJECTED, "warning"),
    (Outcome.REFUSED, "warning"),
]


@pytest.fixture(autouse=True)
def log_at_info() -> None:
    """The level belongs to the process, and a command that a test ran may have changed it."""
    set_level("info")


def broken(text: str) -> None:
    raise ArithmeticError(text)


def make_recorder(metrics: Metrics, *, every: int = 1, per_minute_max: int = 60) -> OutcomeRecorder:
    return OutcomeRecorder(
        metrics,
        CallTokens("a key of sixteen"),
        unverified_limiter=RateLimiter(per_minute_max, lambda: 0.0),
        published_every=every,
    )


def refusal(cause: RefusalCause, fault: BaseException | None = None) -> CallbackResult:
    return CallbackResult("shared", Outcome.REFUSED, cause=cause, fault=fault)


def record_times(outcome: Outcome, times: int, every: int) -> list[Any]:
    """Return the log lines of ``times`` equal results."""
    metrics = Metrics("0")
    recorder = make_recorder(metrics, every=every)
    result = CallbackResult("voice.call.ring", outcome, key=KEY, fields={"event_id": "e"})
    with capture_logs() as lines:
        for _ in range(times):
            recorder.record("POST", result)
    assert metrics.value("callbacks_total", product="voice", outcome=outcome) == times
    return list(lines)


@pytest.mark.parametrize(("outcome", "level"), LEVELS)
def test_a_result_is_one_line_with_the_level_of_its_outcome(outcome: Outcome, level: str) -> None:
    (line,) = record_times(outcome, 1, 1)
    assert (line["event"], line["log_level"]) == (f"callback_{outcome}", level)
    assert (line["callback_type"], line["method"], line["event_id"]) == (
        "voice.call.ring",
        "POST",
        "e",
    )


@pytest.mark.parametrize(("outcome", "_level"), LEVELS)
def test_of_genuine_callbacks_only_the_published_are_sampled(outcome: Outcome, _level: str) -> None:
    assert len(record_times(outcome, 10, 5)) == (2 if outcome is Outcome.PUBLISHED else 10)


async def test_results_of_one_turn_are_each_counted_by_their_own_labels() -> None:
    metrics = Metrics("0")
    recorder = make_recorder(metrics)
    published = CallbackResult("voice.call.ring", Outcome.PUBLISHED)
    with capture_logs() as lines:
        for _ in range(3):
            recorder.record_soon("POST", published)
        recorder.record_soon("GET", published)
        recorder.record_soon("POST", refusal(RefusalCause.STOPPED))
        recorder.record_soon("POST", refusal(RefusalCause.OVERLOADED))
        recorder.record_soon("POST", refusal(RefusalCause.OVERLOADED))
        await asyncio.sleep(0)
    assert len(lines) == 7
    assert metrics.value("callbacks_total", method="POST", outcome="published") == 3
    assert metrics.value("callbacks_total", method="GET", outcome="published") == 1
    assert metrics.value("callbacks_total", type="shared", outcome="refused") == 3
    assert metrics.value("refused_total", cause="stopped") == 1
    assert metrics.value("refused_total", cause="overloaded") == 2


def test_a_notable_result_is_always_logged_as_a_warning() -> None:
    recorder = make_recorder(Metrics("0"), every=1_000)
    with capture_logs() as lines:
        recorder.record("POST", CallbackResult("voice.call.ring", Outcome.PUBLISHED, notable=True))
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("callback_published", "warning")


def test_lines_that_anyone_can_cause_are_limited_and_the_next_line_counts_the_others() -> None:
    metrics = Metrics("0")
    recorder = make_recorder(metrics, per_minute_max=3)
    rejected = CallbackResult("shared", Outcome.REJECTED, fields={"fault": "no_signature"})
    spooled = CallbackResult("voice.call.ring", Outcome.SPOOLED, key=KEY)
    with capture_logs() as lines:
        for _ in range(10):
            recorder.record("POST", rejected)
            recorder.record("POST", refusal(RefusalCause.BODY_TOO_LARGE))
        recorder.record("POST", spooled)
        recorder.record("POST", spooled)
    assert [line["event"] for line in lines[:3]] == [
        "callback_rejected",
        "callback_refused",
        "callback_rejected",
    ]
    assert [line.get("suppressed_before") for line in lines] == [None, None, None, 17, None]
    assert metrics.value("callbacks_total", outcome="rejected") == 10
    assert metrics.value("callbacks_total", outcome="refused") == 10
    assert metrics.value("refused_total", cause="body-too-large") == 10


def test_a_line_below_the_level_of_the_log_takes_no_count_of_suppressed_lines_with_it() -> None:
    recorder = make_recorder(Metrics("0"), per_minute_max=0)
    published = CallbackResult("voice.call.ring", Outcome.PUBLISHED)
    set_level("warning")
    try:
        with capture_logs() as lines:
            recorder.record("POST", refusal(RefusalCause.BODY_TOO_LARGE))
            recorder.record("POST", published)
            recorder.record("POST", refusal(RefusalCause.NOT_DURABLE))
    finally:
        set_level("info")
    assert [line.get("suppressed_before") for line in lines if line["log_level"] != "info"] == [1]


@pytest.mark.parametrize("cause", RefusalCause)
def test_a_refusal_that_not_anyone_can_cause_is_always_logged(cause: RefusalCause) -> None:
    recorder = make_recorder(Metrics("0"), per_minute_max=0)
    with capture_logs() as lines:
        recorder.record("POST", refusal(cause))
    ours = {RefusalCause.NOT_DURABLE, RefusalCause.BRIDGE_FAULT, RefusalCause.STOPPED}
    assert [line["cause"] for line in lines] == ([cause] if cause in ours else [])


def test_a_fault_of_the_bridge_is_an_error_with_its_place_and_without_its_text() -> None:
    recorder = make_recorder(Metrics("0"), every=1_000)
    with pytest.raises(ArithmeticError) as caught:
        broken("+14155550100")
    with capture_logs() as lines:
        recorder.record("POST", refusal(RefusalCause.BRIDGE_FAULT, caught.value))
    (line,) = lines
    assert (line["log_level"], line["error"]) == ("error", "ArithmeticError")
    assert "test_outcome_log.py" in line["where"]
    assert "14155550100" not in str(line)


def test_a_call_is_logged_as_a_token_that_is_the_same_for_all_that_share_the_key() -> None:
    ours, theirs = CallTokens("a key of sixteen"), CallTokens("a key of sixteen")
    assert ours.token(KEY) == theirs.token(KEY)
    assert ours.token(KEY) != ours.token(b"another call")
    assert ours.token(KEY) != CallTokens("some other key..").token(KEY)
    assert CallTokens(None).token(KEY) != CallTokens(None).token(KEY)
    assert KEY.decode() not in str(record_times(Outcome.PUBLISHED, 1, 1))
