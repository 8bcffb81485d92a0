"""Clock changes, and how local times around them are resolved."""

from collections.abc import Mapping
from datetime import UTC, datetime

from bridge.normalise.time import Moment, ZoneMismatch, load_zone, make_wall_time_parser
from bridge.normalise.wall_clock import Evidence, resolve_wall_times

# Zone, a wall clock reading that happens twice, and when.
FOLDS = [
    ("America/New_York", "2025-11-02 01:30:00", "2025-11-02T05:30:00Z", "2025-11-02T06:30:00Z"),
    ("Europe/Berlin", "2025-10-26 02:30:00", "2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z"),
    ("Australia/Adelaide", "2025-04-06 02:30:00", "2025-04-05T16:00:00Z", "2025-04-05T17:00:00Z"),
    ("Australia/Lord_Howe", "2025-04-06 01:45:00", "2025-04-05T14:45:00Z", "2025-04-05T15:15:00Z"),
    ("America/Santiago", "2025-04-05 23:30:00", "2025-04-06T02:30:00Z", "2025-04-06T03:30:00Z"),
    ("America/Sao_Paulo", "2018-02-17 23:30:00", "2018-02-18T01:30:00Z", "2018-02-18T02:30:00Z"),
    ("Pacific/Chatham", "2025-04-06 03:15:00", "2025-04-05T13:30:00Z", "2025-04-05T14:30:00Z"),
    ("Atlantic/Azores", "2025-10-26 00:30:00", "2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z"),
    ("Africa/Casablanca", "2025-02-23 02:30:00", "2025-02-23T01:30:00Z", "2025-02-23T02:30:00Z"),
]

# Zone, a wall clock reading that never happens, and the instants it may be meant for: read with the
# offset from after the change, and with the one from before it.
GAPS = [
    ("America/New_York", "2026-03-08 02:30:00", "2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z"),
    ("Europe/Berlin", "2025-03-30 02:30:00", "2025-03-30T00:30:00Z", "2025-03-30T01:30:00Z"),
    ("Australia/Adelaide", "2025-10-05 02:30:00", "2025-10-04T16:00:00Z", "2025-10-04T17:00:00Z"),
    ("Australia/Lord_Howe", "2025-10-05 02:15:00", "2025-10-04T15:15:00Z", "2025-10-04T15:45:00Z"),
    ("America/Santiago", "2025-09-07 00:30:00", "2025-09-07T03:30:00Z", "2025-09-07T04:30:00Z"),
    ("America/Sao_Paulo", "2017-10-15 00:30:00", "2017-10-15T02:30:00Z", "2017-10-15T03:30:00Z"),
    ("Pacific/Chatham", "2025-09-28 03:15:00", "2025-09-27T13:30:00Z", "2025-09-27T14:30:00Z"),
    ("Atlantic/Azores", "2025-03-30 00:30:00", "2025-03-30T00:30:00Z", "2025-03-30T01:30:00Z"),
    ("Africa/Casablanca", "2025-04-06 02:30:00", "2025-04-06T01:30:00Z", "2025-04-06T02:30:00Z"),
]

# Zone, a wall clock reading that happens once, and when.
ONCE = [
    ("America/New_York", "2026-03-07 09:14:43", "2026-03-07T14:14:43Z"),
    ("America/New_York", "2026-07-07 09:14:43", "2026-07-07T13:14:43Z"),
    ("America/New_York", "2026-03-08 01:59:59", "2026-03-08T06:59:59Z"),
    ("America/New_York", "2026-03-08 03:00:00", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2025-11-02 02:00:00", "2025-11-02T07:00:00Z"),
    ("Asia/Kolkata", "2026-03-07 19:44:43", "2026-03-07T14:14:43Z"),
    ("Asia/Kathmandu", "2026-03-07 19:59:43", "2026-03-07T14:14:43Z"),
    ("America/Sao_Paulo", "2026-02-15 23:30:00", "2026-02-16T02:30:00Z"),
    ("Pacific/Kiritimati", "2026-03-08 04:14:43", "2026-03-07T14:14:43Z"),
    ("UTC", "2026-03-07 14:14:43", "2026-03-07T14:14:43Z"),
]

NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # so far off that it settles nothing


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text)


def read_wall_times(zone: str | None, texts: Mapping[str, str]) -> dict[str, Moment]:
    """Return local times as they are read, before anything else in the callback resolves them."""
    parse = make_wall_time_parser(load_zone(zone) if zone else None)
    found = {name: parse(text) for name, text in texts.items()}
    return {name: moment for name, moment in found.items() if moment is not None}


def resolved(
    moments: dict[str, Moment], zone: str, evidence: Evidence
) -> tuple[dict[str, Moment], ZoneMismatch | None]:
    mismatch = resolve_wall_times(moments, load_zone(zone), evidence)
    return moments, mismatch


def settled(
    zone: str | None,
    readings: Mapping[str, str],
    *,
    received: datetime = NEVER,
    session: datetime | None = None,
    duration_s: int | None = None,
) -> tuple[dict[str, Moment], ZoneMismatch | None]:
    moments = read_wall_times(zone, readings)
    if zone is None:
        return moments, None
    return resolved(moments, zone, Evidence(received, session, duration_s))


def moment(
    zone: str | None, text: str, certainty: str, instant: str | None, *candidates: str
) -> dict[str, object]:
    found: dict[str, object] = {
        "utc": instant,
        "text": text,
        "zone": zone,
        "certainty": certainty,
    }
    return {**found, "candidates": list(candidates)} if candidates else found
