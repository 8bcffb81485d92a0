"""Settle the local times of one callback: which instants they are.

1. A wall clock reading that happens once in the zone is exact.
2. In an autumn fold it happens twice. The readings of one callback are settled together, by what must
   hold between them and the rest of the callback (see ``_consistent``); if only one instant is left
   it is ``ambiguous_resolved``, otherwise ``ambiguous``.
3. In a spring gap it never happens: ``nonexistent``.
4. If local minus UTC disagrees with the zone by a whole quarter of an hour, the configured zone is
   not the one Plivo used: every reading is ``contradicted``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise, product
from typing import Final
from zoneinfo import ZoneInfo

from bridge.normalise.time import Certainty, Moment, WallTime, ZoneMismatch, rfc3339

_QUARTER: Final = timedelta(minutes=15)
# A start lies before its ``SessionStart`` by the ringing, an end before its receipt by the delivery;
# hardly ever after. The quarter of an hour around them is laid to allow for that.
_LATENESS: Final = timedelta(minutes=5)
# Delivery is over within a minute (callback configuration: 55 s in all), ringing within a few. Half
# of the smallest fold there is (Lord Howe, 30 minutes) still tells its two instants apart.
_NEAR: Final = timedelta(minutes=15)
# No zone is further from UTC than 14 hours: beyond that, the evidence is not of this call.
_OFFSET_MAX: Final = timedelta(hours=14)
# ``Duration`` and the wall clock readings are rounded each on its own.
_ROUNDING: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What else a callback says of its times, to settle its wall clock readings by."""

    received_at: datetime
    session_start: datetime | None = None
    duration_s: int | None = None


def instants(naive: datetime, zone: tzinfo) -> tuple[tuple[datetime, ...], bool]:
    """Return the UTC instants a wall clock reading may mean, earliest first, and whether it exists.

    One instant: the ordinary case. Two and True: a fold. Two and False: a gap, read with the offset
    from after and from before it.
    """
    early = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    late = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if early == late:
        return (early,), True
    exists = early.astimezone(zone).replace(tzinfo=None) == naive
    return (min(early, late), max(early, late)), exists


def settle(
    readings: Mapping[str, WallTime], zone: ZoneInfo | None, evidence: Evidence
) -> tuple[dict[str, Moment], ZoneMismatch | None]:
    """Return the moment of each reading, by Plivo's parameter name, and the mismatch if there is one.

    ``readings`` may hold ``StartTime``, ``AnswerTime`` and ``EndTime``.
    """
    if zone is None:
        return {
            name: Moment(utc=None, text=wall.text, zone=None, certainty="unknown_zone")
            for name, wall in readings.items()
        }, None
    found = {name: instants(wall.naive, zone) for name, wall in readings.items()}
    mismatch = _mismatch(readings, found, evidence)
    if mismatch is not None:
        observed = timedelta(seconds=mismatch["observed_offset_s"])
        moments = {
            name: _contradicted(wall, zone, found[name][0], observed)
            for name, wall in readings.items()
        }
        return moments, mismatch
    if all(len(candidates) == 1 for candidates, _ in found.values()):
        return {
            name: _moment(wall, zone, found[name][0][0], "exact") for name, wall in readings.items()
        }, None
    return _settled(readings, zone, found, evidence), None


def _settled(
    readings: Mapping[str, WallTime],
    zone: ZoneInfo,
    found: Mapping[str, tuple[tuple[datetime, ...], bool]],
    evidence: Evidence,
) -> dict[str, Moment]:
    names = list(readings)
    left: dict[str, set[datetime]] = {name: set() for name in names}
    for chosen in product(*(found[name][0] for name in names)):
        times = dict(zip(names, chosen, strict=True))
        if _consistent(times, evidence):
            for name, instant in times.items():
                left[name].add(instant)
    moments: dict[str, Moment] = {}
    for name, wall in readings.items():
        candidates, exists = found[name]
        if len(candidates) == 1:
            moments[name] = _moment(wall, zone, candidates[0], "exact")
        elif not exists:
            moments[name] = _open(wall, zone, candidates, "nonexistent")
        elif len(left[name]) == 1:
            moments[name] = _moment(wall, zone, left[name].pop(), "ambiguous_resolved")
        else:
            moments[name] = _open(wall, zone, candidates, "ambiguous")
    return moments


def _consistent(times: Mapping[str, datetime], evidence: Evidence) -> bool:
    """Say whether one choice of instants can be true.

    Start, answer and end follow each other; the call rang no longer than _NEAR around
    ``SessionStart``; answer plus ``Duration`` is the end; and the callback came soon after the end.
    """
    start, answer, end = (times.get(name) for name in ("StartTime", "AnswerTime", "EndTime"))
    in_order = [instant for instant in (start, answer, end) if instant is not None]
    if any(later < earlier - _ROUNDING for earlier, later in pairwise(in_order)):
        return False
    session = evidence.session_start
    if session is not None and start is not None and abs(start - session) > _NEAR:
        return False
    if answer is not None and end is not None and evidence.duration_s is not None:
        talked_s = (end - answer).total_seconds()
        if abs(talked_s - evidence.duration_s) > _ROUNDING.total_seconds():
            return False
    return end is None or abs(evidence.received_at - end) <= _NEAR


def _mismatch(
    readings: Mapping[str, WallTime],
    found: Mapping[str, tuple[tuple[datetime, ...], bool]],
    evidence: Evidence,
) -> ZoneMismatch | None:
    """Return how far the times are from the zone's, if by whole quarters of an hour (rule 4)."""
    if "StartTime" in readings and evidence.session_start is not None:
        name, utc = "StartTime", evidence.session_start
    elif "EndTime" in readings:
        name, utc = "EndTime", evidence.received_at
    else:
        return None
    wall = readings[name].naive.replace(tzinfo=UTC)
    observed = round((wall - utc + _LATENESS) / _QUARTER) * _QUARTER
    configured = [wall - instant for instant in found[name][0]]
    agrees = any(abs(observed - offset) < _QUARTER for offset in configured)
    if agrees or abs(observed) > _OFFSET_MAX:
        return None
    return ZoneMismatch(
        configured_offset_s=int(configured[0].total_seconds()),
        observed_offset_s=int(observed.total_seconds()),
    )


def _moment(wall: WallTime, zone: ZoneInfo, instant: datetime, certainty: Certainty) -> Moment:
    return Moment(utc=rfc3339(instant), text=wall.text, zone=zone.key, certainty=certainty)


def _open(
    wall: WallTime, zone: ZoneInfo, candidates: tuple[datetime, ...], certainty: Certainty
) -> Moment:
    return Moment(
        utc=None,
        text=wall.text,
        zone=zone.key,
        certainty=certainty,
        candidates=[rfc3339(candidate) for candidate in candidates],
    )


def _contradicted(
    wall: WallTime, zone: ZoneInfo, candidates: tuple[datetime, ...], observed: timedelta
) -> Moment:
    by_observation = wall.naive.replace(tzinfo=UTC) - observed
    return _open(wall, zone, tuple(sorted({*candidates, by_observation})), "contradicted")
