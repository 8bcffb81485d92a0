"""Local times that contradict the configured zone, and times that only seem to."""

from datetime import timedelta

import pytest

from bridge.core.catalogue import Catalogue
from tests.normalise.clock_changes import moment, settled, utc
from tests.support.factories import UUID, parsed

ZONE = "America/New_York"  # UTC-5 at the time of these calls
WALL = "2026-03-07 09:14:43"
TRUE = utc("2026-03-07T14:14:43Z")

MINUTES = [0, 1, 2, 5, 8, 10, 12]


# Where Plivo really read the clock: its offset, and the instant that offset makes of 09:14:43.
EARLIER = [
    (-9 * 3600, "2026-03-07T18:14:43Z"),
    (-6 * 3600, "2026-03-07T15:14:43Z"),
]
LATER = [
    (-4 * 3600, "2026-03-07T13:14:43Z"),
    (-(3 * 3600 + 1800), "2026-03-07T12:44:43Z"),
    (0, "2026-03-07T09:14:43Z"),
    (5 * 3600 + 1800, "2026-03-07T03:44:43Z"),
    (5 * 3600 + 2700, "2026-03-07T03:29:43Z"),
    (13 * 3600 + 2700, "2026-03-06T19:29:43Z"),
    (14 * 3600, "2026-03-06T19:14:43Z"),
]
# The same for offsets that no time zone has on that day: Chatham's 12:45 is its winter's.
NO_ZONES = [
    (-(5 * 3600 + 900), "2026-03-07T14:29:43Z"),
    (-(4 * 3600 + 2700), "2026-03-07T13:59:43Z"),
    (2 * 3600 + 1800, "2026-03-07T06:44:43Z"),
    (12 * 3600 + 2700, "2026-03-06T20:29:43Z"),
    (16 * 3600, "2026-03-06T17:14:43Z"),
]


@pytest.mark.parametrize(("observed_s", "meant"), EARLIER + LATER)
@pytest.mark.parametrize("minutes", MINUTES)
def test_session_and_receipt_in_another_zone_contradict_the_configured_one(
    observed_s: int, meant: str, minutes: int
) -> None:
    later = utc(meant) + timedelta(minutes=minutes)
    moments, mismatch = settled(ZONE, {"StartTime": WALL}, session=later, received=later)
    assert mismatch == {"configured_offset_s": -5 * 3600, "observed_offset_s": observed_s}
    candidates = sorted(["2026-03-07T14:14:43Z", meant])
    assert list(moments.values()) == [moment(ZONE, WALL, "contradicted", None, *candidates)]


# The configured zone puts these after their receipt: no delivery does that.
@pytest.mark.parametrize(("observed_s", "meant"), LATER)
@pytest.mark.parametrize("minutes", MINUTES)
@pytest.mark.parametrize("name", ["StartTime", "AnswerTime", "EndTime"])
def test_a_receipt_before_the_last_reading_shows_another_zone_alone(
    observed_s: int, meant: str, minutes: int, name: str
) -> None:
    received = utc(meant) + timedelta(minutes=minutes)
    moments, mismatch = settled(ZONE, {name: WALL}, received=received)
    assert mismatch == {"configured_offset_s": -5 * 3600, "observed_offset_s": observed_s}
    candidates = sorted(["2026-03-07T14:14:43Z", meant])
    assert moments == {name: moment(ZONE, WALL, "contradicted", None, *candidates)}


@pytest.mark.parametrize(("observed_s", "meant"), EARLIER)
def test_a_receipt_after_the_last_reading_is_a_late_delivery(observed_s: int, meant: str) -> None:
    del observed_s
    moments, mismatch = settled(ZONE, {"EndTime": WALL}, received=utc(meant))
    assert moments == {"EndTime": moment(ZONE, WALL, "assumed_zone", "2026-03-07T14:14:43Z")}
    assert mismatch is None


@pytest.mark.parametrize(("observed_s", "meant"), EARLIER + LATER + NO_ZONES)
def test_a_session_in_another_zone_is_another_legs_without_a_receipt_that_says_so(
    observed_s: int, meant: str
) -> None:
    del observed_s
    moments, mismatch = settled(
        ZONE, {"StartTime": WALL}, session=utc(meant), received=TRUE + timedelta(hours=20)
    )
    assert moments == {"StartTime": moment(ZONE, WALL, "assumed_zone", "2026-03-07T14:14:43Z")}
    assert mismatch is None


@pytest.mark.parametrize(("observed_s", "meant"), NO_ZONES)
def test_an_offset_that_no_zone_has_is_no_mismatch(observed_s: int, meant: str) -> None:
    del observed_s
    later = utc(meant)
    for name in ("StartTime", "EndTime"):
        moments, mismatch = settled(ZONE, {name: WALL}, session=later, received=later)
        assert mismatch is None
        assert moments[name]["certainty"] != "exact"


# No zone explains them, but they have not happened yet: UTC-4 has a receipt 47 to 62 minutes before.
@pytest.mark.parametrize("minutes", [16, 30, 45, 70, 95])
def test_readings_after_their_receipt_are_contradicted_without_a_mismatch(minutes: int) -> None:
    moments, mismatch = settled(ZONE, {"EndTime": WALL}, received=TRUE - timedelta(minutes=minutes))
    assert moments == {"EndTime": moment(ZONE, WALL, "contradicted", None, "2026-03-07T14:14:43Z")}
    assert mismatch is None


@pytest.mark.parametrize("minutes", [3, 10, 14])
def test_clocks_that_differ_by_minutes_contradict_nothing(minutes: int) -> None:
    moments, mismatch = settled(ZONE, {"EndTime": WALL}, received=TRUE - timedelta(minutes=minutes))
    assert moments == {"EndTime": moment(ZONE, WALL, "assumed_zone", "2026-03-07T14:14:43Z")}
    assert mismatch is None


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
    assert moments == {"EndTime": moment(ZONE, WALL, "assumed_zone", "2026-03-07T14:14:43Z")}
    assert mismatch is None


@pytest.mark.parametrize("name", ["StartTime", "AnswerTime"])
def test_a_receipt_hours_after_a_start_or_an_answer_proves_nothing(name: str) -> None:
    moments, mismatch = settled(ZONE, {name: WALL}, received=TRUE + timedelta(hours=3))
    assert moments[name]["certainty"] == "assumed_zone"
    assert mismatch is None


# A menu of half an hour, then a dialled leg: the session is the first leg's.
@pytest.mark.parametrize("minutes", [3, 5, 30, 60, 330])
def test_a_dialled_leg_long_after_its_session_is_exact_by_its_receipt(
    types: Catalogue, minutes: int
) -> None:
    session = utc("2026-03-07T14:13:30Z") - timedelta(minutes=minutes)
    pairs = [
        ("CallUUID", UUID),
        ("DialAction", "hangup"),
        ("SessionStart", f"{session:%Y-%m-%d %H:%M:%S}.250000"),
        ("StartTime", "2026-03-07 09:13:28"),
        ("AnswerTime", "2026-03-07 09:13:38"),
        ("EndTime", "2026-03-07 09:14:43"),
    ]
    callback = parsed(types, pairs)
    assert callback.zone_mismatch is None
    assert [callback.fields[field] for field in ("started_at", "answered_at", "ended_at")] == [
        moment(ZONE, "2026-03-07 09:13:28", "exact", "2026-03-07T14:13:28Z"),
        moment(ZONE, "2026-03-07 09:13:38", "exact", "2026-03-07T14:13:38Z"),
        moment(ZONE, "2026-03-07 09:14:43", "exact", "2026-03-07T14:14:43Z"),
    ]
