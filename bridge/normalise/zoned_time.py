"""Parse times with a known zone: the text states it, or Plivo's pages or captures prove it.

See ``bridge.normalise.time`` for times whose zone is a setting.

1. Products write one instant in many ways: ``2026-03-07T14:13:29.363253Z``, ``2026-03-07
   14:13:29+00:00``, ``2024-02-01 06:28:15 +0000 UTC`` (see ``clock_text``), epoch seconds, and
   epoch milliseconds with decimals.
2. Without an offset the zone is UTC if Plivo documents it (verify, masking) or a capture proves it
   (messaging). Otherwise (streams) the time has no instant: ``unknown_zone``.
3. Epoch ``-1`` means "not known yet". Epoch ``0``, and seconds in a field of milliseconds, which
   would be January 1970, are not times.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from bridge.normalise import ParsedBy, Unreadable
from bridge.normalise.clock_text import check_year, parse_clock_text
from bridge.normalise.quantity import is_not_known_yet
from bridge.normalise.time import Moment, to_exact_moment

_EPOCH: Final = re.compile(r"(\d{1,15})(?:\.(\d+))?", re.ASCII)
_EPOCH_0: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_zoned_or_utc(text: str) -> Moment | None:
    """Return the moment of a time that is UTC unless it states an offset.

    None for "not set". Raises Unreadable for any other form.
    """
    found = parse_clock_text(text)
    return None if found is None else to_exact_moment(found.to_utc(), text)


def parse_zoned(text: str) -> Moment | None:
    """Return the moment of a time that is an instant only if it states its offset.

    None for "not set". Raises Unreadable for any other form.
    """
    found = parse_clock_text(text)
    if found is None:
        return None
    if found.offset is None:
        return Moment(utc=None, text=text, zone=None, certainty="unknown_zone")
    return to_exact_moment(found.to_utc(), text)


def _parse_epoch(text: str, decimals: int) -> Moment:
    """Return the moment of an epoch time whose unit has ``decimals`` digits down to microseconds."""
    found = _EPOCH.fullmatch(text)
    if found is None:
        raise Unreadable("not_a_time")
    fraction = (found[2] or "")[:decimals].ljust(decimals, "0")
    try:
        instant = _EPOCH_0 + timedelta(microseconds=int(found[1] + fraction))
    except OverflowError as error:
        raise Unreadable("no_such_time") from error
    check_year(instant.year)
    return to_exact_moment(instant, text)


def parse_epoch_ms_if_known(text: str) -> Moment | None:
    """Return the moment of epoch milliseconds, or None for ``-1``; raises Unreadable."""
    return None if is_not_known_yet(text) else _parse_epoch(text, decimals=3)


def parse_epoch_s_or_zoned(text: str) -> Moment | None:
    """Return the moment of epoch seconds, or of a time that states its offset; raises Unreadable."""
    if _EPOCH.fullmatch(text) is not None:
        return _parse_epoch(text, decimals=6)
    return parse_zoned(text)


ZonedOrUtc = Annotated[Moment, ParsedBy(parse_zoned_or_utc)]
ZonedInstant = Annotated[Moment, ParsedBy(parse_zoned)]
EpochMs = Annotated[Moment, ParsedBy(parse_epoch_ms_if_known)]
EpochOrZoned = Annotated[Moment, ParsedBy(parse_epoch_s_or_zoned)]
