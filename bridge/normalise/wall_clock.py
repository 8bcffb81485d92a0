"""Resolve the local times of one callback: which instants they are, and how certain each one is.

``StartTime``, ``AnswerTime`` and ``EndTime`` are read in the zone configured for the account. Two
more times in UTC can confirm that Plivo used that zone: ``SessionStart``, which usually follows the
start within minutes, and the receipt, which usually follows the last of the three within minutes.
There are exceptions. Plivo delivers a callback again hours later, or somebody replays it. On a
dialled leg ``SessionStart`` is that of the first leg. A queued call starts long before its session.

1. A local time that happens once in the zone is that instant. It is ``exact`` if the session or the
   receipt confirms the zone, that is, follows its local time by less than ``_FIT_AFTER``. Otherwise
   only the setting supports it: ``assumed_zone``.
2. In an autumn fold a local time happens twice. It is ``ambiguous_resolved`` if one instant remains
   after the impossible ones are excluded (by order, ``Duration``, no time after the receipt), or if
   a session between the start and the answer selects one. A receipt soon after one of the instants
   does not select it: a late delivery of the other looks the same. It only prevents a session near
   the other instant from selecting that one. Otherwise the local time is ``ambiguous``.
3. In a spring gap a local time never happens: ``nonexistent``.
4. If the session or the receipt confirms the configured zone, no other zone is considered: an hour
   between two legs, or before a delivery, is more likely than a wrong setting.
5. If neither confirms it, and a UTC offset that some time zone has on that day explains what the
   configured one does not, the zone is wrong (``zone_mismatch``) and every local time is
   ``contradicted``. To be explained are session and receipt together; or the receipt alone, if the
   configured zone puts the last local time after it, which no delivery does.
6. If no offset explains local times after their receipt, they are ``contradicted`` too, without a
   mismatch.

A test resolves 36,000 calls around clock changes by rules 1 and 2, without a wrong instant.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise, product
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from bridge.normalise.time import Certainty, Moment, ZoneMismatch, to_rfc3339
from bridge.normalise.tzdata import list_offsets_in_use

# The order of a leg's times. The last one in a callback is the nearest to its receipt.
_ORDER: Final = ("StartTime", "AnswerTime", "EndTime")
# Zones differ by at least a quarter of an hour (Nepal and India), so a window of a quarter of an hour
# separates any two. It covers "two minutes too early" (clocks differ) to "twelve minutes late":
# ringing lasts two minutes by default, and a delivery with its retries 55 s (callback configuration).
_FIT_BEFORE: Final = timedelta(minutes=2, seconds=30)
_FIT_AFTER: Final = timedelta(minutes=12, seconds=30)
_FITS_FROM: Final = -_FIT_BEFORE
# If the receipt is this much earlier than a local time, clock differences cannot explain it.
_AFTER_RECEIPT: Final = timedelta(minutes=15)
# ``Duration`` and the local times are rounded separately.
_ROUNDING: Final = timedelta(seconds=5)

Instants = tuple[tuple[datetime, ...], bool]
Candidates = Mapping[str, Instants]
Assignment = dict[str, datetime]


class Evidence(NamedTuple):
    """The other values of a callback that help to resolve its wall clock times."""

    received_at: datetime
    session_start: datetime | None = None
    duration_s: int | None = None


def find_instants(naive: datetime, zone: tzinfo) -> Instants:
    """Return the possible UTC instants of a wall clock time, earliest first, and whether it exists.

    One instant: the ordinary case. Two and True: a fold. Two and False: a gap, read with the offset
    after it and before it.
    """
    early = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    late = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if early == late:
        return (early,), True
    exists = early.astimezone(zone).replace(tzinfo=None) == naive
    return (min(early, late), max(early, late)), exists


def _list_instants(moment: Moment, zone: ZoneInfo) -> Instants:
    utc = moment["utc"]
    if utc is not None:
        return (datetime.fromisoformat(utc),), True
    return find_instants(datetime.fromisoformat(moment["text"]), zone)


def resolve_wall_times(
    moments: Mapping[str, Moment], zone: ZoneInfo, evidence: Evidence
) -> ZoneMismatch | None:
    """Complete the moments of a callback's wall clock times; return the zone mismatch, if any.

    ``moments`` holds those of ``StartTime``, ``AnswerTime`` and ``EndTime`` as the parser of local
    times returns them; at least one.
    """
    certainty: Certainty = "exact"
    if not _is_confirmed(moments, zone, evidence):
        is_wrong, mismatch = _find_wrong_zone(moments, zone, evidence)
        if is_wrong:
            _mark_contradicted(moments, zone, mismatch)
            return mismatch
        certainty = "assumed_zone"
    happen_once = True
    for moment in moments.values():
        moment["certainty"] = certainty
        if moment["utc"] is None:
            happen_once = False
    if not happen_once:
        _resolve_together(moments, zone, evidence)
    return None


def _resolve_together(moments: Mapping[str, Moment], zone: ZoneInfo, evidence: Evidence) -> None:
    """Complete moments of which one at least does not happen once: rules 1 to 3."""
    found = {name: _list_instants(moment, zone) for name, moment in moments.items()}
    remaining = _exclude_impossible(found, evidence)
    for name, moment in moments.items():
        candidates, exists = found[name]
        if len(candidates) == 1:
            moment["utc"] = to_rfc3339(candidates[0])
        elif not exists:
            _leave_open(moment, candidates, "nonexistent")
        elif len(remaining[name]) == 1:
            (instant,) = remaining[name]
            moment["utc"] = to_rfc3339(instant)
            moment["certainty"] = "ambiguous_resolved"
        else:
            _leave_open(moment, candidates, "ambiguous")


def _find_last(names: Iterable[str]) -> str:
    return max(names, key=_ORDER.index)


def _fits(reading: datetime, later: datetime | None) -> bool:
    """Return whether ``later`` follows ``reading`` as closely as a session follows its start."""
    return later is not None and _FITS_FROM < later - reading < _FIT_AFTER


def _is_confirmed(moments: Mapping[str, Moment], zone: ZoneInfo, evidence: Evidence) -> bool:
    """Return whether the session or the receipt confirms the configured zone."""
    start, session = moments.get("StartTime"), evidence.session_start
    if start is not None and session is not None:
        for instant in _list_instants(start, zone)[0]:
            if _fits(instant, session):
                return True
    ends, _ = _list_instants(moments[_find_last(moments)], zone)
    return any(_fits(end, evidence.received_at) for end in ends)


def _exclude_impossible(found: Candidates, evidence: Evidence) -> dict[str, set[datetime]]:
    """Return the instants of each wall clock time that the rest of the callback allows (rule 2)."""
    names = list(found)
    every = [
        dict(zip(names, chosen, strict=True))
        for chosen in product(*(found[name][0] for name in names))
    ]
    possible = [choice for choice in every if _is_possible(choice, evidence.duration_s)]
    if possible:
        past = [
            choice
            for choice in possible
            if max(choice.values()) - _FIT_BEFORE < evidence.received_at
        ]
        possible = _choose_by_session(past or possible, evidence)
    return {name: {choice[name] for choice in possible or every} for name in names}


def _is_possible(choice: Assignment, duration_s: int | None) -> bool:
    """Return whether the times are in their order, and answer plus ``Duration`` is the end."""
    in_order = [choice[name] for name in _ORDER if name in choice]
    if any(later < earlier - _ROUNDING for earlier, later in pairwise(in_order)):
        return False
    if duration_s is None or not {"AnswerTime", "EndTime"} <= choice.keys():
        return True
    talked_s = (choice["EndTime"] - choice["AnswerTime"]).total_seconds()
    return abs(talked_s - duration_s) <= _ROUNDING.total_seconds()


def _choose_by_session(choices: list[Assignment], evidence: Evidence) -> list[Assignment]:
    """Return the choices whose beginning fits the session, unless the receipt fits only others."""
    near_session = [choice for choice in choices if _is_near(choice, evidence.session_start)]
    near_receipt = [
        choice for choice in choices if _fits(choice[_find_last(choice)], evidence.received_at)
    ]
    if near_receipt:
        near_session = [
            choice for choice in near_session if choice in near_receipt and _is_complete(choice)
        ]
    beginnings = [_get_beginning(choice) for choice in near_session]
    if not beginnings:
        return choices
    return [choice for choice in choices if _get_beginning(choice) in beginnings]


def _get_beginning(choice: Assignment) -> tuple[datetime | None, datetime | None]:
    return choice.get("StartTime"), choice.get("AnswerTime")


def _is_near(choice: Assignment, session: datetime | None) -> bool:
    """Return whether the session lies between the start and the answer, close to both."""
    start, answer = choice.get("StartTime"), choice.get("AnswerTime")
    if session is None or start is None or not _fits(start, session):
        return False
    return answer is None or _fits(session, answer)


def _is_complete(choice: Assignment) -> bool:
    """Return whether the choice has an answer, or its leg ends as soon as one that only rang."""
    return "AnswerTime" in choice or _fits(choice["StartTime"], choice[_find_last(choice)])


def _find_wrong_zone(
    moments: Mapping[str, Moment], zone: ZoneInfo, evidence: Evidence
) -> tuple[bool, ZoneMismatch | None]:
    """Return whether the configured zone is wrong, and the offset that proves it: rules 5 and 6."""
    last = _find_last(moments)
    wall = _read_as_utc(moments[last])
    received, session = evidence.received_at, evidence.session_start
    start = _read_as_utc(moments["StartTime"]) if "StartTime" in moments else None
    configured, _ = _list_instants(moments[last], zone)
    is_after_receipt = all(one - received > _FIT_BEFORE for one in configured)
    offsets = list_offsets_in_use(received.date())
    explain = [
        offset
        for offset in offsets
        if _fits(wall - offset, received)
        and (is_after_receipt or (start is not None and _fits(start - offset, session)))
    ]
    if explain:
        nearest = min(explain, key=lambda offset: abs(received - (wall - offset)))
        mismatch = ZoneMismatch(
            configured_offset_s=int((wall - configured[0]).total_seconds()),
            observed_offset_s=int(nearest.total_seconds()),
        )
        return True, mismatch
    # Local times that are after the receipt in every zone of the world belong to another receipt.
    is_of_receipt = wall - max(offsets) < received + _FIT_BEFORE
    return is_of_receipt and all(one - received > _AFTER_RECEIPT for one in configured), None


def _read_as_utc(moment: Moment) -> datetime:
    return datetime.fromisoformat(moment["text"]).replace(tzinfo=UTC)


def _mark_contradicted(
    moments: Mapping[str, Moment], zone: ZoneInfo, mismatch: ZoneMismatch | None
) -> None:
    for moment in moments.values():
        candidates = set(_list_instants(moment, zone)[0])
        if mismatch is not None:
            observed = timedelta(seconds=mismatch["observed_offset_s"])
            candidates.add(_read_as_utc(moment) - observed)
        _leave_open(moment, tuple(sorted(candidates)), "contradicted")


def _leave_open(moment: Moment, candidates: tuple[datetime, ...], certainty: Certainty) -> None:
    moment["utc"] = None
    moment["certainty"] = certainty
    moment["candidates"] = [to_rfc3339(candidate) for candidate in candidates]
