"""Random calls for laws about times: the true times, and Plivo's callback of them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

from hypothesis import strategies as st

from bridge.normalise.time import Moment, load_zone
from bridge.normalise.wall_clock import Evidence
from tests.normalise.clock_changes import FOLDS, GAPS, read_wall_times

NAMES = ("StartTime", "AnswerTime", "EndTime")
Truth = tuple[str, dict[str, datetime], Evidence]


def seconds(low: int, high: int) -> st.SearchStrategy[timedelta]:
    return st.integers(low, high).map(lambda count: timedelta(seconds=count))


CHANGES = [(zone, datetime.fromisoformat(first)) for zone, _, first, _ in FOLDS + GAPS]
NEAR_A_CHANGE = st.tuples(st.sampled_from(CHANGES), seconds(-3 * 3600, 3 * 3600)).map(
    lambda drawn: (drawn[0][0], drawn[0][1] + drawn[1])
)
ANYWHERE = st.tuples(
    st.sampled_from(sorted(available_timezones())),
    st.datetimes(datetime(1971, 1, 2), datetime(2037, 12, 30)).map(  # noqa: DTZ001 (made UTC next)
        lambda naive: naive.replace(microsecond=0, tzinfo=UTC)
    ),
)


@st.composite
def calls(draw: st.DrawFn, started: st.SearchStrategy[tuple[str, datetime]]) -> Truth:
    """Draw the true times of a call, and the evidence that Plivo's callback would give of them."""
    zone, start = draw(started)
    ringing = draw(seconds(0, 120))
    answer = start + ringing + draw(seconds(0, 120))
    talking = draw(seconds(0, 90) | seconds(0, 4 * 3600))
    end = answer + talking
    evidence = Evidence(
        received_at=end + draw(seconds(0, 60)) + timedelta(milliseconds=draw(st.integers(0, 999))),
        session_start=start + ringing + timedelta(microseconds=draw(st.integers(0, 999_999))),
        duration_s=int(talking.total_seconds()) + draw(st.integers(0, 1)),
    )
    return zone, dict(zip(NAMES, (start, answer, end), strict=True)), evidence


def readings(
    zone: str, times: dict[str, datetime], *, configured: str | None = None
) -> dict[str, Moment]:
    """Return the times as Plivo writes them, local and without an offset, read in a zone."""
    texts = {
        name: instant.astimezone(load_zone(zone)).strftime("%Y-%m-%d %H:%M:%S")
        for name, instant in times.items()
    }
    return read_wall_times(configured or zone, texts)
