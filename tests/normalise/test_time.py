"""Times: one instant in UTC, the text it came from, and how sure we are."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.catalogue import Catalogue
from bridge.normalise.reading import Scope, Unreadable
from bridge.normalise.time import instants, rfc3339, utc_time, wall_time, zone_named
from tests.making import UUID, parsed
from tests.normalise.clocks import FOLDS, GAPS, ONCE

SCOPE = Scope(direction=None, zone=None)


@pytest.mark.parametrize(("zone", "wall", "first", "second"), FOLDS)
def test_a_reading_in_an_autumn_fold_is_two_instants(
    zone: str, wall: str, first: str, second: str
) -> None:
    found, exists = instants(datetime.fromisoformat(wall), zone_named(zone))
    assert [rfc3339(instant) for instant in found] == [first, second]
    assert exists


@pytest.mark.parametrize(("zone", "wall", "first", "second"), GAPS)
def test_a_reading_in_a_spring_gap_does_not_exist(
    zone: str, wall: str, first: str, second: str
) -> None:
    found, exists = instants(datetime.fromisoformat(wall), zone_named(zone))
    assert [rfc3339(instant) for instant in found] == [first, second]
    assert not exists


@pytest.mark.parametrize(("zone", "wall", "instant"), ONCE)
def test_any_other_reading_is_one_instant(zone: str, wall: str, instant: str) -> None:
    found, exists = instants(datetime.fromisoformat(wall), zone_named(zone))
    assert [rfc3339(one) for one in found] == [instant]
    assert exists


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-07 14:13:37", "2026-03-07T14:13:37Z"),
        ("2026-03-07 14:13:37.7", "2026-03-07T14:13:37.700000Z"),
        ("2026-03-07 14:13:37.77", "2026-03-07T14:13:37.770000Z"),
        ("2026-03-07 14:13:37.779", "2026-03-07T14:13:37.779000Z"),
        ("2026-03-07 14:13:37.7792", "2026-03-07T14:13:37.779200Z"),
        ("2026-03-07 14:13:37.77929", "2026-03-07T14:13:37.779290Z"),
        ("2026-03-07 14:13:37.779297", "2026-03-07T14:13:37.779297Z"),
        ("2026-03-07 14:13:37.000000", "2026-03-07T14:13:37Z"),
        ("2024-02-29 00:00:00", "2024-02-29T00:00:00Z"),
    ],
)
def test_session_start_is_utc_with_up_to_six_fraction_digits(text: str, utc: str) -> None:
    assert utc_time(text, SCOPE) == {
        "utc": utc,
        "text": text,
        "zone": "UTC",
        "certainty": "exact",
    }


@pytest.mark.parametrize("read", [utc_time, wall_time])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_a_time"),
        ("2026-03-07", "not_a_time"),
        ("2026-03-07T14:13:37", "not_a_time"),
        ("2026-03-07 14:13:37Z", "not_a_time"),
        ("2026-03-07 14:13:37+00:00", "not_a_time"),
        ("2026-03-07 14:13", "not_a_time"),
        ("2026-03-07 14:13:37.", "not_a_time"),
        ("2026-03-07 14:13:37.7792971", "not_a_time"),
        (" 2026-03-07 14:13:37", "not_a_time"),
        ("2026-03-07 14:13:37\n", "not_a_time"),
        ("2026-03-07  14:13:37", "not_a_time"),
        ("٢٠٢٦-03-07 14:13:37", "not_a_time"),
        ("None", "not_a_time"),
        ("2026-02-29 00:00:00", "no_such_time"),
        ("2026-13-01 00:00:00", "no_such_time"),
        ("2026-03-07 24:00:00", "no_such_time"),
        ("2026-03-07 23:59:60", "no_such_time"),
        ("0000-00-00 00:00:00", "no_such_time"),
        ("0001-01-01 00:00:00", "no_such_time"),
        ("1969-12-31 23:59:59", "no_such_time"),
        ("2200-01-01 00:00:00", "no_such_time"),
    ],
)
def test_any_other_form_is_unreadable(read: object, text: str, reason: str) -> None:
    assert callable(read)
    with pytest.raises(Unreadable) as unreadable:
        read(text, SCOPE)
    assert unreadable.value.reason == reason


@pytest.mark.parametrize(
    "name",
    ["Mars/Olympus", "America", "", "../../etc/passwd", "/etc/localtime", "EDT5", "a\0b", "\udcff"],
)
def test_a_zone_nobody_knows_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(ValueError, match="is not an IANA time zone"):
        zone_named(name)


def test_an_instant_is_written_with_z_and_a_fraction_only_where_there_is_one() -> None:
    instant = datetime(2026, 3, 7, 14, 13, 37, tzinfo=UTC)
    assert rfc3339(instant) == "2026-03-07T14:13:37Z"
    assert rfc3339(instant + timedelta(microseconds=1)) == "2026-03-07T14:13:37.000001Z"


# "0001-01-01 00:00:00" is what Go programs write for no time at all.
@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Asia/Kolkata", "0001-01-01 00:00:00"),
        ("America/New_York", "0001-01-01 00:00:00"),
        ("America/New_York", "9999-12-31 23:59:59"),
        ("Pacific/Kiritimati", "9999-12-31 23:59:59"),
    ],
)
@pytest.mark.parametrize("name", ["StartTime", "AnswerTime", "EndTime"])
def test_a_time_at_the_end_of_the_calendar_is_kept_and_is_no_error(
    types: Catalogue, zone: str, text: str, name: str
) -> None:
    pairs = [("CallUUID", UUID), ("Event", "Hangup"), (name, text)]
    callback = parsed(types, pairs, zone=zone)
    assert text in repr((callback.fields, callback.unreadable))


def test_a_duration_of_aeons_settles_nothing_and_is_no_error(types: Catalogue) -> None:
    pairs = [
        ("CallUUID", UUID),
        ("Event", "Hangup"),
        ("AnswerTime", "2025-11-02 01:30:00"),
        ("EndTime", "2025-11-02 01:40:00"),
        ("Duration", "999999999999999"),
    ]
    answered_at = parsed(types, pairs).fields["answered_at"]
    assert isinstance(answered_at, dict)
    assert answered_at["certainty"] == "ambiguous"
