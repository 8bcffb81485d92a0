"""Find the hours in which local times are ambiguous or do not exist."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_DAYS_MAX = 800
_STEP = timedelta(hours=1)
_FINE = timedelta(minutes=1)


def find_clock_change(zone: ZoneInfo, before: datetime, *, back: bool) -> datetime:
    """Return the last instant before ``before`` at which the clocks of a zone were changed, UTC.

    ``back``: set back, so that an hour happens twice; else set forward, so that one is missing. An
    instant in the past is what a test wants: a receiver takes times after its own as wrong.

    Raises ValueError if there was none in two years.
    """
    at = before.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for _ in range(_DAYS_MAX * 24):
        earlier = at - _STEP
        change = _offset(zone, at) - _offset(zone, earlier)
        if (change < timedelta(0)) if back else (change > timedelta(0)):
            return _refine(zone, earlier, at)
        at = earlier
    direction = "back" if back else "forward"
    message = f"{zone.key} has set no clock {direction} in the two years before {before:%Y-%m-%d}"
    raise ValueError(message)


def _refine(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    offset = _offset(zone, after)
    while after - _FINE > before and _offset(zone, after - _FINE) == offset:
        after -= _FINE
    return after


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)
