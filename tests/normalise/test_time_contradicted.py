"""Local times that are not in the zone configured for the account."""

from datetime import timedelta

import pytest

from tests.normalise.clocks import moment, settled, utc

ZONE = "America/New_York"  # UTC-5 at the time of these calls
WALL = "2026-03-07 09:14:43"
TRUE = utc("2026-03-07T14:14:43Z")

MINUTES = [0, 1, 2, 5, 8, 10, 12]


# Where Plivo really read the clock: its offset, and the instant that offset makes of 09:14:43.
OBSERVED = [
    (-9 * 3600, "2026-03-07T18:14:43Z"),
    (-6 * 3600, "2026-03-07T15:14:43Z"),
    (-(5 * 3600 + 900), "2026-03-07T14:29:43Z"),
    (-(4 * 3600 + 2700), "2026-03-07T13:59:43Z"),
    (-4 * 3600, "2026-03-07T13:14:43Z"),
    (0, "2026-03-07T09:14:43Z"),
    (5 * 3600 + 1800, "2026-03-07T03:44:43Z"),
    (5 * 3600 + 2700, "2026-03-07T03:29:43Z"),
    (12 * 3600 + 2700, "2026-03-06T20:29:43Z"),
    (14 * 3600, "2026-03-06T19:14:43Z"),
]


@pytest.mark.parametrize(("observed_s", "meant"), OBSERVED)
@pytest.mark.parametrize("minutes", MINUTES)
@pytest.mark.parametrize("by", ["session_start", "receipt"])
def test_local_times_off_by_whole_quarters_contradict_the_zone(
    observed_s: int, meant: str, minutes: int, by: str
) -> None:
    later = utc(meant) + timedelta(minutes=minutes)
    if by == "session_start":
        moments, mismatch = settled(ZONE, {"StartTime": WALL}, session=later)
    else:
        moments, mismatch = settled(ZONE, {"EndTime": WALL}, received=later)
    assert mismatch == {"configured_offset_s": -5 * 3600, "observed_offset_s": observed_s}
    candidates = sorted(["2026-03-07T14:14:43Z", meant])
    assert list(moments.values()) == [moment(ZONE, WALL, "contradicted", None, *candidates)]


@pytest.mark.parametrize("minutes", [-2, *MINUTES])
def test_a_long_ring_contradicts_nothing(minutes: int) -> None:
    session = TRUE + timedelta(minutes=minutes)
    moments, mismatch = settled(ZONE, {"StartTime": WALL}, session=session)
    assert moments["StartTime"]["certainty"] == "exact"
    assert mismatch is None


@pytest.mark.parametrize("minutes", [-2, *MINUTES])
def test_a_late_delivery_contradicts_nothing(minutes: int) -> None:
    received = TRUE + timedelta(minutes=minutes)
    moments, mismatch = settled(ZONE, {"EndTime": WALL}, received=received)
    assert moments["EndTime"]["certainty"] == "exact"
    assert mismatch is None


def test_every_reading_of_a_contradicted_callback_is_contradicted() -> None:
    readings = {
        "StartTime": "2026-03-07 19:43:28",
        "AnswerTime": "2026-03-07 19:43:38",
        "EndTime": "2026-03-07 19:44:43",
    }
    session = utc("2026-03-07T14:13:30.910772Z")
    moments, mismatch = settled(ZONE, readings, session=session, received=TRUE)
    assert mismatch == {"configured_offset_s": -5 * 3600, "observed_offset_s": 5 * 3600 + 1800}
    assert {found["certainty"] for found in moments.values()} == {"contradicted"}
    assert {found["utc"] for found in moments.values()} == {None}
    assert moments["EndTime"]["candidates"] == ["2026-03-07T14:14:43Z", "2026-03-08T00:44:43Z"]


def test_a_contradicted_reading_in_a_fold_has_three_candidates() -> None:
    wall = "2025-11-02 01:30:00"
    moments, _ = settled(ZONE, {"EndTime": wall}, received=utc("2025-11-02T01:30:01Z"))
    expected = ("2025-11-02T01:30:00Z", "2025-11-02T05:30:00Z", "2025-11-02T06:30:00Z")
    assert moments == {"EndTime": moment(ZONE, wall, "contradicted", None, *expected)}


@pytest.mark.parametrize("hours", [-21, 21, 24 * 365])
def test_evidence_of_another_day_contradicts_nothing(hours: int) -> None:
    received = TRUE + timedelta(hours=hours)
    moments, mismatch = settled(ZONE, {"EndTime": WALL}, received=received)
    assert moments == {"EndTime": moment(ZONE, WALL, "exact", "2026-03-07T14:14:43Z")}
    assert mismatch is None


@pytest.mark.parametrize("name", ["StartTime", "AnswerTime"])
def test_the_time_of_receipt_says_nothing_of_a_start_or_an_answer(name: str) -> None:
    moments, mismatch = settled(ZONE, {name: WALL}, received=TRUE + timedelta(hours=3))
    assert moments[name]["certainty"] == "exact"
    assert mismatch is None
