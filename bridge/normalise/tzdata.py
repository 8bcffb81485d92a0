"""Offsets and abbreviations that are in use, from the time zone database."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones


@cache
def _load_zones() -> tuple[ZoneInfo, ...]:
    # About 600 zones, loaded once. The first callback that needs them waits about 0.2 s.
    return tuple(ZoneInfo(name) for name in sorted(available_timezones()))


@lru_cache(maxsize=1024)
def list_offsets_in_use(day: date) -> frozenset[timedelta]:
    """Return the UTC offset of every time zone at the beginning and at the end of ``day`` in UTC."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ends = (midnight, midnight + timedelta(days=1))
    return frozenset(
        instant.astimezone(zone).utcoffset() or timedelta(0)
        for zone in _load_zones()
        for instant in ends
    )


@lru_cache(maxsize=256)
def list_abbreviation_offsets(year: int) -> Mapping[str, frozenset[timedelta]]:
    """Return the UTC offsets of each abbreviation (``IST``, ``CEST``) in ``year``.

    One abbreviation can have several: ``IST`` is the time of India, Ireland and Israel.
    """
    found: defaultdict[str, set[timedelta]] = defaultdict(set)
    for zone in _load_zones():
        for month in (1, 7):  # standard and summer time, in either hemisphere
            there = datetime(year, month, 1, tzinfo=UTC).astimezone(zone)
            found[(there.tzname() or "").upper()].add(there.utcoffset() or timedelta(0))
    return {abbreviation: frozenset(offsets) for abbreviation, offsets in found.items()}
