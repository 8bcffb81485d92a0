"""Times: one instant in UTC, the text it came from, and how sure we are.

1. ``SessionStart`` is UTC. ``StartTime``, ``AnswerTime`` and ``EndTime`` are wall clock readings in
   the zone set in the account's console. Neither has an offset in captured callbacks, and both carry
   0 to 6 fraction digits.
2. One that states its offset all the same, as Plivo's call API writes them, is the instant that it
   states.
3. A wall clock reading is settled with the others of its callback: see ``wall_clock``.
4. Where we are not sure, ``utc`` is null and the instants that may be meant are ``candidates``.
   An instant is never guessed.
5. What stands for "not set" is null and not unreadable (see ``clock_text``).

The zone is a setting because no callback names it; the mixture of zones in one callback, and that
``SessionStart`` lies between start and answer, are from captured callbacks.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Final, Literal, NotRequired
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field
from typing_extensions import TypedDict

from bridge.normalise import ParseContext, ParsedBy, Unreadable
from bridge.normalise.clock_text import parse_clock_text

Certainty = Literal[
    "exact",
    "assumed_zone",
    "ambiguous_resolved",
    "ambiguous",
    "nonexistent",
    "contradicted",
    "unknown_zone",
]

_READING: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?", re.ASCII)
_ZONELESS_YEAR_MAX: Final = 2199


# Text, and in the schema a date-time, so that generated code has its language's type for instants.
Rfc3339 = Annotated[str, Field(json_schema_extra={"format": "date-time", "pattern": "Z$"})]


class Moment(TypedDict):
    """One time of Plivo's."""

    utc: Annotated[Rfc3339 | None, Field(description="RFC 3339 UTC; null where we are not sure.")]
    text: Annotated[str, Field(description="What Plivo sent.")]
    zone: Annotated[str | None, Field(description="The IANA zone the text was read in.")]
    certainty: Annotated[
        Certainty,
        Field(
            description="How sure `utc` is. `assumed_zone`: read in the account's configured zone, "
            "which nothing else in the callback confirms. Treat a word you do not know as not sure."
        ),
    ]
    candidates: NotRequired[
        Annotated[list[Rfc3339], Field(description="The instants that may be meant, if not sure.")]
    ]


@dataclass(frozen=True, slots=True)
class WallTime:
    """A wall clock reading before it is settled: the naive time and the text."""

    naive: datetime
    text: str


class ZoneMismatch(TypedDict):
    """Plivo's local times are not in the zone configured for the account."""

    configured_offset_s: Annotated[int, Field(description="UTC offset of the configured zone.")]
    observed_offset_s: Annotated[int, Field(description="UTC offset the callback's times show.")]


@lru_cache(maxsize=1024)
def load_zone(name: str) -> ZoneInfo:
    """Return the IANA zone ``name``; raises ValueError when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"{name!r} is not an IANA time zone"
        raise ValueError(message) from error


def to_rfc3339(instant: datetime) -> str:
    """Return an aware UTC instant as RFC 3339 text with ``Z``; a fraction only where there is one."""
    return instant.replace(tzinfo=None).isoformat() + "Z"


def to_exact_moment(instant: datetime, text: str) -> Moment:
    """Return the moment of a time whose instant its text alone settles."""
    return Moment(utc=to_rfc3339(instant), text=text, zone="UTC", certainty="exact")


def parse_utc_time(text: str, _scope: ParseContext) -> Moment | None:
    """Return the moment of a time Plivo sends in UTC, None for "not set"; raises Unreadable."""
    found = _parse_zoneless_or_zoned(text)
    if isinstance(found, WallTime):
        return to_exact_moment(found.naive, text)
    return found


def parse_wall_time(text: str, _scope: ParseContext) -> WallTime | Moment | None:
    """Return a local time, still to be settled, or the moment of one that states its offset.

    None for "not set". Raises Unreadable for any other form.
    """
    return _parse_zoneless_or_zoned(text)


def _parse_zoneless_or_zoned(text: str) -> WallTime | Moment | None:
    found = parse_clock_text(text)
    if found is None:
        return None
    if found.offset is not None:
        return to_exact_moment(found.to_utc(), text)
    if _READING.fullmatch(text) is None:
        raise Unreadable("not_a_time")
    if found.naive.year > _ZONELESS_YEAR_MAX:
        raise Unreadable("no_such_time")
    return WallTime(found.naive, text)


# What the two kinds of time come to in an event is a Moment; a WallTime is settled on the way.
UtcInstant = Annotated[Moment, ParsedBy(parse_utc_time)]
LocalInstant = Annotated[Moment, ParsedBy(parse_wall_time)]
