"""Times: an instant in UTC, the text it came from, and how certain it is.

1. ``SessionStart`` is UTC. ``StartTime``, ``AnswerTime`` and ``EndTime`` are wall clock times in
   the zone that is set in the account's console. Neither has an offset in captured callbacks, and
   both have 0 to 6 fraction digits.
2. If such a time states its offset all the same, as in Plivo's call API, it is the instant that it
   states.
3. A wall clock time is read in the account's zone as ``assumed_zone``. Then it is resolved together
   with the others of its callback, which can make it certain, or leave it open: see ``wall_clock``.
4. If the instant is not certain, ``utc`` is null and ``candidates`` lists the possible instants. An
   instant is never guessed.
5. A text that means "not set" is null, not unreadable (see ``clock_text``).

The zone is a setting because no callback names it. Captured callbacks show that one callback mixes
zones, and that ``SessionStart`` lies between start and answer.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated, Final, Literal, NotRequired
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field
from typing_extensions import TypedDict

from bridge.normalise import ParsedBy, ParsedInZone, Unreadable
from bridge.normalise.clock_text import EPOCH_YEAR, parse_clock_text

Certainty = Literal[
    "exact",
    "assumed_zone",
    "ambiguous_resolved",
    "ambiguous",
    "nonexistent",
    "contradicted",
    "unknown_zone",
]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_READING: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?", re.ASCII)
_SECONDS: Final = {f":{second:02}": f":{second:02}Z" for second in range(60)}
_SECONDS_AND_FRACTION: Final = re.compile(r":[0-5]\d\.\d{1,6}", re.ASCII)
_ZONELESS_YEARS: Final = range(EPOCH_YEAR + 1, 2200)


# In the schema it is a date-time, so that generated code uses its language's type for instants.
Rfc3339 = Annotated[str, Field(json_schema_extra={"format": "date-time", "pattern": "Z$"})]


class Moment(TypedDict):
    """One time of Plivo's."""

    utc: Annotated[Rfc3339 | None, Field(description="RFC 3339 UTC; null if not certain.")]
    text: Annotated[str, Field(description="What Plivo sent.")]
    zone: Annotated[
        str | None, Field(description="The IANA time zone that the text was parsed in.")
    ]
    certainty: Annotated[
        Certainty,
        Field(
            description="How certain `utc` is. `assumed_zone`: parsed in the account's configured zone, "
            "which nothing else in the callback confirms. Treat an unknown word as not certain."
        ),
    ]
    candidates: NotRequired[
        Annotated[list[Rfc3339], Field(description="The possible instants, if not certain.")]
    ]


class ZoneMismatch(TypedDict):
    """Plivo's local times are not in the zone configured for the account."""

    configured_offset_s: Annotated[int, Field(description="UTC offset of the configured zone.")]
    observed_offset_s: Annotated[
        int, Field(description="UTC offset that the callback's times have.")
    ]


@lru_cache(maxsize=1024)
def load_zone(name: str) -> ZoneInfo:
    """Return the IANA zone ``name``; raises ValueError if there is no such zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"{name!r} is not an IANA time zone"
        raise ValueError(message) from error


def to_rfc3339(instant: datetime) -> str:
    """Return an aware instant as RFC 3339 text with ``Z``; a fraction only if it is not zero."""
    since = instant - _EPOCH
    second, fraction = _format_second(since.days, since.seconds), since.microseconds
    # Half the time of the format ``:06``.
    return f"{second}.{str(fraction).zfill(6)}Z" if fraction else second + "Z"


@lru_cache(maxsize=64)  # most instants are now
def _format_second(days: int, seconds: int) -> str:
    return (_EPOCH + timedelta(days, seconds)).replace(tzinfo=None).isoformat()


def to_exact_moment(instant: datetime, text: str) -> Moment:
    """Return the moment of a time whose text alone determines the instant."""
    return {"utc": to_rfc3339(instant), "text": text, "zone": "UTC", "certainty": "exact"}


def parse_utc_time(text: str) -> Moment | None:
    """Return the moment of a time that Plivo sends in UTC, None for "not set"; raises Unreadable."""
    utc = _find_utc(text, UTC)
    if utc is None:
        return _parse_other_form(text)
    return {"utc": utc, "text": text, "zone": "UTC", "certainty": "exact"}


def make_wall_time_parser(zone: ZoneInfo | None) -> Callable[[str], Moment | None]:
    """Return the function that parses local times in the account's zone.

    It returns the moment of a local time, or of one that states its offset. A local time is
    ``assumed_zone`` until it is resolved (rule 3). Its ``utc`` is null if it does not happen once. The
    function returns None for "not set", and raises Unreadable for any other form.
    """

    def parse_wall_time(text: str) -> Moment | None:
        utc = _find_utc(text, zone or UTC)
        if utc is None and not _is_local_time(text):
            return _parse_other_form(text)
        if zone is None:
            return {"utc": None, "text": text, "zone": None, "certainty": "unknown_zone"}
        return {"utc": utc, "text": text, "zone": zone.key, "certainty": "assumed_zone"}

    return parse_wall_time


def _find_utc(text: str, zone: tzinfo) -> str | None:
    """Return the instant of a time in Plivo's usual form as RFC 3339, if it happens once in the zone."""
    minute = _find_utc_minute(text[:16], zone)
    rest = text[16:]
    ending = _SECONDS.get(rest) or _format_fraction(rest)
    return minute + ending if minute and ending else None


def _format_fraction(rest: str) -> str | None:
    """Return ``:30.25`` as ``:30.250000Z``, without a fraction of zero; None for another form."""
    if _SECONDS_AND_FRACTION.fullmatch(rest) is None:
        return None
    return rest.ljust(len(":30.250000"), "0").removesuffix(".000000") + "Z"


@lru_cache(maxsize=4096)
def _find_utc_minute(minute: str, zone: tzinfo) -> str | None:
    """Return the minute in UTC, ``2026-03-07T14:13``, that ``2026-03-07 09:13`` is in the zone.

    None if no callback can have it, or if its times do not all happen once and with the same UTC
    offset of whole minutes. Both ends of the minute are enough, because no zone changes its clocks
    twice within a minute: a test checks every change of fifty years.
    """
    if not _is_local_time(minute + ":00"):
        return None
    start = datetime.fromisoformat(minute)
    end = start.replace(second=59, microsecond=999_999)
    offsets = {
        one.replace(tzinfo=zone, fold=fold).utcoffset() for one in (start, end) for fold in (0, 1)
    }
    utc = start - (offsets.pop() or timedelta(0))
    return None if offsets or utc.second else utc.isoformat(timespec="minutes")


def _is_local_time(text: str) -> bool:
    """Return whether a text in Plivo's usual form is a time that a callback can have."""
    if _READING.fullmatch(text) is None:
        return False
    try:
        return datetime.fromisoformat(text).year in _ZONELESS_YEARS
    except ValueError:
        return False


def _parse_other_form(text: str) -> Moment | None:
    found = parse_clock_text(text)
    if found is None:
        return None
    if found.offset is None:
        raise Unreadable("not_a_time" if _READING.fullmatch(text) is None else "no_such_time")
    return to_exact_moment(found.to_utc(), text)


# Both kinds of time are a Moment.
UtcInstant = Annotated[Moment, ParsedBy(parse_utc_time)]
LocalInstant = Annotated[Moment, ParsedInZone(make_wall_time_parser)]
