"""Local times that the rest of the callback resolves."""

from datetime import timedelta

import pytest

from bridge.normalise.time import load_zone
from tests.normalise.clock_changes import FOLDS, GAPS, ONCE, moment, settled, utc

RING = timedelta(seconds=4)


@pytest.mark.parametrize(("zone", "wall", "instant"), ONCE)
@pytest.mark.parametrize("name", ["StartTime", "AnswerTime", "EndTime"])
def test_a_reading_that_happens_once_is_its_instant_in_the_zone_assumed(
    zone: str, wall: str, instant: str, name: str
) -> None:
    moments, mismatch = settled(zone, {name: wall})
    assert moments == {name: moment(zone, wall, "assumed_zone", instant)}
    assert mismatch is None


@pytest.mark.parametrize(("zone", "wall", "instant"), ONCE)
@pytest.mark.parametrize("name", ["StartTime", "AnswerTime", "EndTime"])
def test_a_receipt_soon_after_a_reading_makes_it_exact(
    zone: str, wall: str, instant: str, name: str
) -> None:
    moments, mismatch = settled(zone, {name: wall}, received=utc(instant) + timedelta(seconds=2))
    assert moments == {name: moment(zone, wall, "exact", instant)}
    assert mismatch is None


@pytest.mark.parametrize(("zone", "wall", "instant"), ONCE)
def test_a_session_soon_after_the_start_makes_all_readings_exact(
    zone: str, wall: str, instant: str
) -> None:
    readings = {"StartTime": wall, "EndTime": "2027-01-15 12:00:00"}
    moments, mismatch = settled(zone, readings, session=utc(instant) + RING)
    assert moments["StartTime"] == moment(zone, wall, "exact", instant)
    assert moments["EndTime"]["certainty"] == "exact"
    assert mismatch is None


@pytest.mark.parametrize(("zone", "wall", "first", "second"), FOLDS)
@pytest.mark.parametrize("occurrence", [0, 1])
def test_session_start_alone_resolves_a_start_in_a_fold(
    zone: str, wall: str, first: str, second: str, occurrence: int
) -> None:
    true = (first, second)[occurrence]
    moments, mismatch = settled(zone, {"StartTime": wall}, session=utc(true) + RING)
    assert moments == {"StartTime": moment(zone, wall, "ambiguous_resolved", true)}
    assert mismatch is None


@pytest.mark.parametrize(("zone", "wall", "first", "second"), FOLDS)
@pytest.mark.parametrize("minutes", [0, 1, 20])
def test_a_receipt_before_the_second_instant_of_a_fold_leaves_the_first(
    zone: str, wall: str, first: str, second: str, minutes: int
) -> None:
    del second
    moments, mismatch = settled(
        zone, {"EndTime": wall}, received=utc(first) + timedelta(minutes=minutes)
    )
    assert moments == {"EndTime": moment(zone, wall, "ambiguous_resolved", first)}
    assert mismatch is None


# In time for the second instant, or late by the hour that the clocks went back: both are possible.
@pytest.mark.parametrize(("zone", "wall", "first", "second"), FOLDS)
@pytest.mark.parametrize("minutes", [0, 1, 20, 600])
def test_a_receipt_after_both_instants_of_a_fold_resolves_nothing(
    zone: str, wall: str, first: str, second: str, minutes: int
) -> None:
    moments, mismatch = settled(
        zone, {"EndTime": wall}, received=utc(second) + timedelta(minutes=minutes)
    )
    assert moments == {"EndTime": moment(zone, wall, "ambiguous", None, first, second)}
    assert mismatch is None


@pytest.mark.parametrize(("zone", "wall", "first", "second"), FOLDS)
def test_session_and_receipt_of_different_instants_of_a_fold_resolve_nothing(
    zone: str, wall: str, first: str, second: str
) -> None:
    session, received = utc(first) + RING, utc(second) + RING
    moments, _ = settled(zone, {"StartTime": wall}, session=session, received=received)
    assert moments == {"StartTime": moment(zone, wall, "ambiguous", None, first, second)}


@pytest.mark.parametrize(("zone", "wall", "first", "second"), FOLDS)
def test_session_and_receipt_of_the_second_instant_resolve_it(
    zone: str, wall: str, first: str, second: str
) -> None:
    del first
    session = received = utc(second) + RING
    moments, _ = settled(zone, {"StartTime": wall}, session=session, received=received)
    assert moments == {"StartTime": moment(zone, wall, "ambiguous_resolved", second)}


@pytest.mark.parametrize(("zone", "wall", "first", "second"), FOLDS)
@pytest.mark.parametrize("occurrence", [0, 1])
def test_the_duration_alone_resolves_an_answer_in_a_fold(
    zone: str, wall: str, first: str, second: str, occurrence: int
) -> None:
    true = utc((first, second)[occurrence])
    end = utc(second) + timedelta(hours=2)
    readings = {
        "AnswerTime": wall,
        "EndTime": end.astimezone(load_zone(zone)).strftime("%Y-%m-%d %H:%M:%S"),
    }
    talked_s = int((end - true).total_seconds())
    unsettled, _ = settled(zone, readings, received=end)
    moments, _ = settled(zone, readings, received=end, duration_s=talked_s + 1)
    assert unsettled["AnswerTime"]["certainty"] == "ambiguous"
    assert moments["AnswerTime"]["certainty"] == "ambiguous_resolved"
    assert moments["AnswerTime"]["utc"] == (first, second)[occurrence]
    assert moments["EndTime"]["certainty"] == "exact"


def test_an_answer_cannot_come_before_its_start() -> None:
    readings = {"StartTime": "2025-11-02 01:30:00", "AnswerTime": "2025-11-02 01:30:09"}
    session = utc("2025-11-02T06:30:04Z")
    moments, _ = settled("America/New_York", readings, session=session)
    assert moments["AnswerTime"]["utc"] == "2025-11-02T06:30:09Z"
    assert moments["AnswerTime"]["certainty"] == "ambiguous_resolved"


@pytest.mark.parametrize(("zone", "wall", "first", "second"), FOLDS)
@pytest.mark.parametrize("name", ["StartTime", "AnswerTime", "EndTime"])
def test_a_fold_that_nothing_resolves_is_ambiguous(
    zone: str, wall: str, first: str, second: str, name: str
) -> None:
    moments, mismatch = settled(zone, {name: wall})
    assert moments == {name: moment(zone, wall, "ambiguous", None, first, second)}
    assert mismatch is None


def test_evidence_that_fits_neither_instant_resolves_nothing() -> None:
    readings = {"AnswerTime": "2025-11-02 01:30:00", "EndTime": "2025-11-02 01:40:00"}
    received = utc("2025-11-02T06:40:01Z")
    moments, _ = settled("America/New_York", readings, received=received, duration_s=1800)
    assert [found["certainty"] for found in moments.values()] == ["ambiguous", "ambiguous"]
    assert [found["utc"] for found in moments.values()] == [None, None]


@pytest.mark.parametrize(("zone", "wall", "first", "second"), GAPS)
@pytest.mark.parametrize("name", ["StartTime", "AnswerTime", "EndTime"])
def test_a_reading_in_a_gap_is_nonexistent_whatever_the_evidence(
    zone: str, wall: str, first: str, second: str, name: str
) -> None:
    expected = {name: moment(zone, wall, "nonexistent", None, first, second)}
    assert settled(zone, {name: wall}) == (expected, None)
    for true in (utc(first), utc(second)):
        assert settled(zone, {name: wall}, received=true, session=true) == (expected, None)


# Zone, start, answer and end as read, then in UTC: each call is up when the clocks change.
SPANNING = [
    (
        "America/New_York",
        ("2025-11-02 01:50:00", "2025-11-02 01:50:10", "2025-11-02 01:10:10"),
        ("2025-11-02T05:50:00Z", "2025-11-02T05:50:10Z", "2025-11-02T06:10:10Z"),
    ),
    (
        "America/New_York",
        ("2025-11-02 00:59:50", "2025-11-02 01:00:00", "2025-11-02 02:00:00"),
        ("2025-11-02T04:59:50Z", "2025-11-02T05:00:00Z", "2025-11-02T07:00:00Z"),
    ),
    (
        "America/New_York",
        ("2026-03-08 01:50:00", "2026-03-08 01:50:10", "2026-03-08 03:10:10"),
        ("2026-03-08T06:50:00Z", "2026-03-08T06:50:10Z", "2026-03-08T07:10:10Z"),
    ),
    (
        "Australia/Lord_Howe",
        ("2025-04-06 01:55:00", "2025-04-06 01:55:10", "2025-04-06 01:35:10"),
        ("2025-04-05T14:55:00Z", "2025-04-05T14:55:10Z", "2025-04-05T15:05:10Z"),
    ),
    (
        "Australia/Lord_Howe",
        ("2025-10-05 01:55:00", "2025-10-05 01:55:10", "2025-10-05 02:35:10"),
        ("2025-10-04T15:25:00Z", "2025-10-04T15:25:10Z", "2025-10-04T15:35:10Z"),
    ),
    (
        "Australia/Adelaide",
        ("2025-04-06 02:55:00", "2025-04-06 02:55:10", "2025-04-06 02:05:10"),
        ("2025-04-05T16:25:00Z", "2025-04-05T16:25:10Z", "2025-04-05T16:35:10Z"),
    ),
    (
        "Pacific/Chatham",
        ("2025-09-28 02:40:00", "2025-09-28 02:40:10", "2025-09-28 03:50:10"),
        ("2025-09-27T13:55:00Z", "2025-09-27T13:55:10Z", "2025-09-27T14:05:10Z"),
    ),
    (
        "America/Santiago",
        ("2025-04-05 23:50:00", "2025-04-05 23:50:10", "2025-04-05 23:10:10"),
        ("2025-04-06T02:50:00Z", "2025-04-06T02:50:10Z", "2025-04-06T03:10:10Z"),
    ),
]


@pytest.mark.parametrize(("zone", "walls", "true"), SPANNING)
def test_a_call_across_the_change_of_clocks_has_its_true_times(
    zone: str, walls: tuple[str, str, str], true: tuple[str, str, str]
) -> None:
    names = ("StartTime", "AnswerTime", "EndTime")
    start, answer, end = (utc(instant) for instant in true)
    moments, mismatch = settled(
        zone,
        dict(zip(names, walls, strict=True)),
        received=end + timedelta(seconds=1),
        session=start + RING,
        duration_s=int((end - answer).total_seconds()),
    )
    assert tuple(moments[name]["utc"] for name in names) == true
    assert mismatch is None


@pytest.mark.parametrize("name", ["StartTime", "AnswerTime", "EndTime"])
def test_without_a_zone_no_instant_is_guessed(name: str) -> None:
    wall = "2026-03-07 09:14:43"
    moments, mismatch = settled(None, {name: wall}, session=utc("2026-03-07T14:14:43Z"))
    assert moments == {name: moment(None, wall, "unknown_zone", None)}
    assert mismatch is None
