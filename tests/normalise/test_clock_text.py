"""The text forms of a time: every form of an offset, and texts without one."""

from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.normalise import Unreadable
from bridge.normalise.clock_text import parse_clock_text
from bridge.normalise.time import load_zone
from bridge.normalise.tzdata import list_abbreviation_offsets, list_offsets_in_use

CLOCK = "2026-03-07 14:13:40"
HOUR = 60

# What stands behind the clock, and the offset in minutes.
STATED = [
    ("Z", 0),
    ("z", 0),
    (" Z", 0),
    (" UTC", 0),
    (" utc", 0),
    (" GMT", 0),
    ("+00:00", 0),
    ("-00:00", 0),
    (" +0000", 0),
    (" +00", 0),
    (" +0000 UTC", 0),
    (" +0000 GMT", 0),
    (" +0000 +0000", 0),
    (" +00:00 +0000", 0),
    (" UTC +0000", 0),
    ("Z UTC", 0),
    (" +0000 UTC m=+0.000012345", 0),
    ("+05:30", 330),
    ("+0530", 330),
    (" +05:30", 330),
    (" +0530 IST", 330),
    (" +0530 ist", 330),
    (" +0530 +0530", 330),
    ("+05:30 +0530", 330),
    (" +0530 +0530 IST", 330),
    (" +0545 +0545", 345),
    (" +1345 +1345", 825),
    ("+05", 5 * HOUR),
    (" +0300 +03", 3 * HOUR),
    (" -0300 -03", -3 * HOUR),
    (" -0500 EST", -5 * HOUR),
    (" -0400 EDT", -4 * HOUR),
    (" +0200 IST", 2 * HOUR),  # of Israel
    (" +0100 IST", HOUR),  # of Ireland
    (" +1000 ChST", 10 * HOUR),
    (" -0300 BRT", -3 * HOUR),  # Brazil's, until the database gave it up
    ("-12:00", -12 * HOUR),
    ("+14:00", 14 * HOUR),
]


@pytest.mark.parametrize("between", [" ", "T", "t"])
@pytest.mark.parametrize("fraction", ["", ".5", ".814078", ".814078123"])
@pytest.mark.parametrize(("behind", "minutes"), STATED)
def test_an_offset_is_read_in_every_spelling(
    behind: str, minutes: int, fraction: str, between: str
) -> None:
    found = parse_clock_text(CLOCK.replace(" ", between) + fraction + behind)
    assert found is not None
    assert found.offset == timedelta(minutes=minutes)
    assert found.naive == datetime.fromisoformat(CLOCK + fraction[:7])
    assert found.to_utc() == found.naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    "behind",
    [
        " +0000 +0530",
        " +0530 +0000",
        " +0530 UTC",
        " +0530 GMT",
        "+05:30Z",
        " UTC -0500",
        " +0530 +0545",
        " +0530 EST",
        " -0500 EDT",
        " -0500 IST",
        " +0100 UTC",
        " +0530 -0530",
    ],
)
def test_offsets_that_disagree_are_unreadable(behind: str) -> None:
    with pytest.raises(Unreadable, match="offsets_disagree"):
        parse_clock_text(CLOCK + behind)


@pytest.mark.parametrize(
    "behind",
    [
        " IST",
        " EST",
        " PM",
        " +0000 PM",
        " A",
        " +5",
        " 05:30",
        " 0530",
        " +053",
        " +05:3",
        " +05 30",
        " +0530 INDIAN",
        " +0530  +0530",
        " +0000 +0000 +0000 +0000",
        " (UTC)",
        "+05:30\n",
        " Asia/Kolkata",
        " m=+0.1 UTC",
    ],
)
def test_a_zone_without_an_offset_is_not_a_time(behind: str) -> None:
    with pytest.raises(Unreadable, match="not_a_time"):
        parse_clock_text(CLOCK + behind)


@pytest.mark.parametrize("behind", ["+24:00", "+05:60", "-99:99", " +0000 +2500"])
def test_an_impossible_offset_is_no_such_time(behind: str) -> None:
    with pytest.raises(Unreadable, match="no_such_time"):
        parse_clock_text(CLOCK + behind)


@given(
    st.datetimes(datetime(1971, 1, 2), datetime(2100, 1, 1)),  # noqa: DTZ001 (made local next)
    st.sampled_from(["Asia/Kolkata", "America/New_York", "Europe/London", "America/Sao_Paulo"]),
    st.sampled_from(["%z", " %z", " %z %z"]),
)
def test_what_a_zone_prints_is_the_instant_it_printed(
    naive: datetime, zone: str, form: str
) -> None:
    there = naive.replace(tzinfo=load_zone(zone), microsecond=0)
    text = f"{there.replace(tzinfo=None)}{there.strftime(form)}"
    found = parse_clock_text(text)
    assert found is not None
    assert found.to_utc() == there


@given(st.text() | st.text("0123456789-+: TZUGMISutc.", max_size=40))
def test_any_text_is_a_time_or_unreadable_and_nothing_else(text: str) -> None:
    with suppress(Unreadable):
        parse_clock_text(text)


def test_the_offsets_of_a_day_are_those_of_the_time_zone_database() -> None:
    summer = list_offsets_in_use(datetime(2026, 7, 1).date())  # noqa: DTZ001 (a date)
    assert {timedelta(hours=hours) for hours in (-11, -4, 0, 5.5, 5.75, 8.75, 12.75, 14)} <= summer
    never = (-4.75, -5.25, 5.25, 6.25, 7.5, 14.5, 15)
    assert summer.isdisjoint(timedelta(hours=hours) for hours in never)
    winter = list_offsets_in_use(datetime(2026, 1, 1).date())  # noqa: DTZ001 (a date)
    assert timedelta(hours=12.75) not in winter  # Chatham's, and only in its winter
    # Liberia's clocks were 44 minutes and 30 seconds behind until 1972.
    monrovia = -timedelta(minutes=44, seconds=30)
    assert monrovia in list_offsets_in_use(datetime(1971, 6, 1).date())  # noqa: DTZ001 (a date)
    assert monrovia not in summer


def test_an_abbreviation_stands_for_every_zone_that_has_it() -> None:
    known = list_abbreviation_offsets(2026)
    assert known["IST"] == {timedelta(hours=1), timedelta(hours=2), timedelta(hours=5.5)}
    assert known["EST"] == {-timedelta(hours=5)}
