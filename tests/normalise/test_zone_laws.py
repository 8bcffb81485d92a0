"""Laws of the configured zone: a right one is never reported, a wrong one for every call."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.normalise.time import Moment, load_zone, to_rfc3339
from bridge.normalise.wall_clock import Evidence, find_instants
from tests.normalise.clock_changes import resolved
from tests.normalise.strategies import (
    ANYWHERE,
    NAMES,
    NEAR_A_CHANGE,
    Truth,
    calls,
    readings,
    seconds,
)

PLACES = NEAR_A_CHANGE | ANYWHERE
# "Dialled", "answered" and "ended" come soon after the last of the times they carry.
CARRIED = st.sampled_from([NAMES, NAMES[:2], NAMES[1:], NAMES[2:]])
LATE = seconds(13 * 60, 14 * 3600)
DURATION = st.booleans()


def assert_right(zone: str, times: dict[str, datetime], evidence: Evidence) -> dict[str, Moment]:
    """Assert that no zone is found wrong and no instant comes out wrong; return the moments."""
    walls = readings(zone, times)
    naive = {name: datetime.fromisoformat(wall["text"]) for name, wall in walls.items()}
    moments, mismatch = resolved(walls, zone, evidence)
    assert mismatch is None
    for name, moment in moments.items():
        candidates, _ = find_instants(naive[name], load_zone(zone))
        assert moment["certainty"] != "contradicted"
        assert moment["utc"] in {None, to_rfc3339(times[name])}
        assert len(candidates) > 1 or moment["utc"] == to_rfc3339(times[name])
    return moments


def looks_like_the_other_instant(zone: str, start: datetime, session: datetime) -> bool:
    """Return whether the session follows the instant of a fold that the start is not.

    A queue, or a first leg, that lasts as long as the clocks went back: nobody can tell it apart from a
    call whose session followed its start at once.
    """
    naive = start.astimezone(load_zone(zone)).replace(tzinfo=None)
    others = set(find_instants(naive, load_zone(zone))[0]) - {start}
    return any(abs(session - other) < timedelta(minutes=15) for other in others)


@settings(max_examples=200)
@given(calls(PLACES), CARRIED, LATE, st.booleans(), DURATION)
def test_a_late_delivery_is_read_in_the_configured_zone(
    call: Truth,
    names: tuple[str, ...],
    late: timedelta,
    has_session: bool,  # noqa: FBT001 (drawn)
    has_duration: bool,  # noqa: FBT001 (drawn)
) -> None:
    zone, times, whole = call
    sent = {name: times[name] for name in names}
    evidence = Evidence(
        received_at=sent[names[-1]] + late,
        session_start=whole.session_start if has_session else None,
        duration_s=whole.duration_s if has_duration else None,
    )
    moments = assert_right(zone, sent, evidence)
    confirmed = has_session and "StartTime" in sent
    once = "exact" if confirmed else "assumed_zone"
    others = {"ambiguous_resolved", "ambiguous", "nonexistent"}
    assert {moment["certainty"] for moment in moments.values()} <= {once, *others}


@settings(max_examples=200)
@given(calls(PLACES), CARRIED, seconds(3 * 60, 14 * 3600), seconds(0, 60))
def test_a_second_leg_is_read_in_the_configured_zone(
    call: Truth, names: tuple[str, ...], after_the_first: timedelta, delivery: timedelta
) -> None:
    zone, times, whole = call
    sent = {name: times[name] for name in names}
    session = times["StartTime"] - after_the_first
    evidence = Evidence(sent[names[-1]] + delivery, session, whole.duration_s)
    moments = assert_right(zone, sent, evidence)
    assert "assumed_zone" not in {moment["certainty"] for moment in moments.values()}


@settings(max_examples=200)
@given(calls(PLACES), CARRIED, LATE, seconds(0, 60))
def test_a_queued_call_is_read_in_the_configured_zone(
    call: Truth, names: tuple[str, ...], queued: timedelta, delivery: timedelta
) -> None:
    zone, times, whole = call
    assert whole.session_start is not None
    placed = {**times, "StartTime": times["StartTime"] - queued}
    assume(not looks_like_the_other_instant(zone, placed["StartTime"], whole.session_start))
    sent = {name: placed[name] for name in names}
    evidence = Evidence(sent[names[-1]] + delivery, whole.session_start, whole.duration_s)
    moments = assert_right(zone, sent, evidence)
    assert "assumed_zone" not in {moment["certainty"] for moment in moments.values()}


@settings(max_examples=200)
@given(calls(PLACES), CARRIED, seconds(3 * 60, 14 * 3600), LATE)
def test_a_second_leg_that_is_delivered_late_is_read_in_the_configured_zone(
    call: Truth, names: tuple[str, ...], after_the_first: timedelta, late: timedelta
) -> None:
    zone, times, whole = call
    sent = {name: times[name] for name in names}
    session = times["StartTime"] - after_the_first
    assume(not looks_like_the_other_instant(zone, times["StartTime"], session))
    assert_right(zone, sent, Evidence(sent[names[-1]] + late, session, whole.duration_s))


OTHER_ZONES = st.sampled_from(
    [
        "Asia/Kolkata",
        "America/New_York",
        "Asia/Kathmandu",
        "Europe/Berlin",
        "Pacific/Auckland",
        "UTC",
    ]
)
MODERN = st.tuples(
    OTHER_ZONES,
    st.datetimes(datetime(2010, 1, 2), datetime(2037, 12, 30)).map(  # noqa: DTZ001 (made UTC next)
        lambda naive: naive.replace(microsecond=0, tzinfo=UTC)
    ),
)


@settings(max_examples=200)
@given(calls(MODERN), OTHER_ZONES)
def test_a_zone_that_is_wrong_is_found_wrong_by_any_whole_hangup(
    call: Truth, configured: str
) -> None:
    zone, times, evidence = call
    offsets = {instant.astimezone(load_zone(zone)).utcoffset() for instant in times.values()}
    assume(len(offsets) == 1)  # the clocks do not change during the call
    (observed,) = offsets
    assert observed is not None
    walls = readings(zone, times, configured=configured)
    found = {
        name: find_instants(datetime.fromisoformat(wall["text"]), load_zone(configured))[0]
        for name, wall in walls.items()
    }
    assume(
        all(
            abs(found[name][i] - times[name]) >= timedelta(minutes=15)
            for name in NAMES
            for i in range(len(found[name]))
        )
    )
    moments, mismatch = resolved(walls, configured, evidence)
    assert mismatch is not None
    assert mismatch["observed_offset_s"] == observed.total_seconds()
    for name, moment in moments.items():
        assert (moment["utc"], moment["certainty"]) == (None, "contradicted")
        assert to_rfc3339(times[name]) in moment["candidates"]
