"""The cached minutes of local times equal those of ``zoneinfo``, around every clock change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest

from bridge.normalise.time import load_zone, make_wall_time_parser, to_rfc3339
from bridge.normalise.wall_clock import find_instants
from tests.normalise.clock_changes import moment, settled

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
    before, offset = FIRST, FIRST.astimezone(zone).utcoffset()
    while before < LAST:
        after = before + WEEK  # no offset of the last fifty years was in use for less than a week
        offset_after = after.astimezone(zone).utcoffset()
        if offset != offset_after:
            early, late = before, after
            while late - early > timedelta(seconds=1):
                middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
                if middle.astimezone(zone).utcoffset() == offset:
                    early = middle
                else:
                    late = middle
            yield late
        before, offset = after, offset_after


def read_with_zoneinfo(naive: datetime, zone: ZoneInfo) -> tuple[tuple[datetime, ...], bool]:
    """Return the instants that a local time can be, and whether it exists, without a cache."""
    found = {naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    exists = any(one.astimezone(zone).replace(tzinfo=None) == naive for one in found)
    return tuple(sorted(found)), exists


def read_at_once(naive: datetime, zone: ZoneInfo) -> str | None:
    """Return the instant that a local time is read as, if its minute alone decides it."""
    read = make_wall_time_parser(zone)(naive.isoformat(" "))
    assert read is not None
    return read["utc"]


def assert_equal_around(zone: ZoneInfo, change: datetime, steps: list[timedelta]) -> None:
    for side in (change - timedelta(seconds=1), change):
        local = side.astimezone(zone).replace(tzinfo=None)
        for step in steps:
            naive = local + step
            instants, exists = read_with_zoneinfo(naive, zone)
            assert find_instants(naive, zone) == (instants, exists), (zone, naive)
            once = to_rfc3339(instants[0]) if len(instants) == 1 else None
            assert read_at_once(naive, zone) == once, (zone, naive)


# What it runs is measured where the other tests run it: to measure all of this takes twice as long.
@pytest.mark.no_cover
@pytest.mark.parametrize("name", ZONES)
def test_each_minute_around_a_clock_change_is_read_as_zoneinfo_reads_it(name: str) -> None:
    zone = load_zone(name)
    for change in list_changes(zone):
        assert_equal_around(zone, change, [place * MINUTE for place in range(-100, 101)])


@pytest.mark.no_cover
def test_each_clock_change_of_every_zone_is_read_as_zoneinfo_reads_it() -> None:
    around = [timedelta(seconds=at) for at in (-3_600, -1_800, -60, -1, 0, 1, 60, 1_800, 3_600)]
    zones = {list_changes(zone): zone for zone in map(load_zone, sorted(available_timezones()))}
    for changes, zone in zones.items():
        for change in changes:
            assert_equal_around(zone, change, around)
    assert sum(map(len, zones)) > 5_000


def test_a_time_with_seconds_in_its_offset_is_read_with_the_rest_of_the_callback() -> None:
    """Liberia's clocks were 44 minutes and 30 seconds behind until 1972."""
    zone, text = "Africa/Monrovia", "1971-06-01 12:00:20"
    naive = datetime.fromisoformat(text)
    assert read_at_once(naive, load_zone(zone)) is None
    assert find_instants(naive, load_zone(zone)) == read_with_zoneinfo(naive, load_zone(zone))
    moments, _ = settled(zone, {"EndTime": text})
    assert moments["EndTime"] == moment(zone, text, "assumed_zone", "1971-06-01T12:44:50Z")
