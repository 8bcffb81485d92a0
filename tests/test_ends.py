"""How ends are counted and told."""

from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from bridge.ends import Ends
from bridge.logs import CallTokens
from bridge.metrics import Metrics
from bridge.outcome import Outcome

KEY = b"5dfd37e8-754f-e982-f62a-90afb225522d"

LEVELS = [
    (Outcome.PUBLISHED, "info"),
    (Outcome.SPOOLED, "info"),
    (Outcome.DEAD_LETTERED, "warning"),
    (Outcome.REJECTED, "warning"),
    (Outcome.REFUSED, "warning"),
]


def told(outcome: Outcome, times: int, every: int) -> list[Any]:
    structlog.reset_defaults()
    metrics = Metrics("0")
    ends = Ends(metrics, CallTokens("a key of sixteen"), published_every=every)
    with capture_logs() as lines:
        for _ in range(times):
            ends.note("voice.call.ring", "POST", outcome, key=KEY, told={"event_id": "e"})
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
def test_only_published_callbacks_are_sampled(outcome: Outcome, _level: str) -> None:
    assert len(told(outcome, 10, 5)) == (2 if outcome is Outcome.PUBLISHED else 10)


def test_a_call_is_told_as_a_token_that_is_the_same_for_those_who_share_the_key() -> None:
    ours, theirs = CallTokens("a key of sixteen"), CallTokens("a key of sixteen")
    assert ours.of(KEY) == theirs.of(KEY)
    assert ours.of(KEY) != ours.of(b"another call")
    assert ours.of(KEY) != CallTokens("some other key..").of(KEY)
    assert CallTokens(None).of(KEY) != CallTokens(None).of(KEY)
    assert KEY.decode() not in str(told(Outcome.PUBLISHED, 1, 1))
