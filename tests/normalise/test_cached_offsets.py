"""The cached offsets of local hours equal those of ``zoneinfo``, around every clock change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest

from bridge.normalise import wall_clock
from bridge.normalise.time import load_zone
from bridge.normalise.wall_clock import find_instants

FIRST = datetime(1976, 1, 1, tzinfo=UTC)
LAST = datetime(2028, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)
# Changes of an hour, of half an hour, at midnight, in every season, of a whole day, in Ramadan, and of
# odd minutes.
ZONES = [
    "Africa/Casablanca",
    "Africa/Monrovia",
    "America/Caracas",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
]


@cache
def list_changes(zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants at which the zone's offset changes, to the second."""
    return tuple(_iter_changes(zone))


def _iter_changes(zone: ZoneInfo) -> Iterator[datetime]:
    before = FIRST
    while before < LAST:
        after = before + WEEK  # no offset of the last fifty years was in use for less than a week
        early, late = before, after
        if early.astimezone(zone).utcoffset() != late.astimezone(zone).utcoffset():
            while late - early > timedelta(seconds=1):
                middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
                if middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset():
                    early = middle
                else:
                    late = middle
            yield late
        before = after


def read_with_zoneinfo(naive: datetime, zone: ZoneInfo) -> tuple[tuple[datetime, ...], bool]:
    """Return the instants that a local time can be, and whether it exists, without a cache."""
    found = {naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    exists = any(one.astimezone(zone).replace(tzinfo=None) == naive for one in found)
    return tuple(sorted(found)), exists


def assert_equal_around(zone: ZoneInfo, change: datetime, steps: list[timedelta]) -> None:
    for side in (change - timedelta(seconds=1), change):
        local = side.astimezone(zone).replace(tzinfo=None)
        for step in steps:
            naive = local + step
            assert find_instants(naive, zone) == read_with_zoneinfo(naive, zone), (zone, naive)


@pytest.mark.parametrize("name", ZONES)
def test_each_minute_around_a_clock_change_is_read_as_zoneinfo_reads_it(name: str) -> None:
    zone = load_zone(name)
    for change in list_changes(zone):
        assert_equal_around(zone, change, [place * MINUTE for place in range(-100, 101)])


def test_each_clock_change_of_every_zone_is_read_as_zoneinfo_reads_it() -> None:
    around = [timedelta(seconds=at) for at in (-3_600, -1_800, -60, -1, 0, 1, 60, 1_800, 3_600)]
    zones = {list_changes(zone): zone for zone in map(load_zone, sorted(available_timezones()))}
    for changes, zone in zones.items():
        for change in changes:
            assert_equal_around(zone, change, around)
    assert sum(map(len, zones)) > 5_000


def test_an_hour_with_a_clock_change_has_no_cached_offset() -> None:
    zone, day = load_zone("America/New_York"), datetime(2025, 11, 2).toordinal()  # noqa: DTZ001 (a local day)
    hours = [wall_clock._find_hour(zone, day, hour) is not None for hour in range(4)]
    assert hours == [True, False, True, True]
