"""Times that state their zone, or whose zone Plivo's pages or captures settle. See also ``time``.

1. Products write one instant in many ways: ``2026-03-07T14:13:29.363253Z``,
   ``2026-03-07 14:13:29+00:00``, ``2024-02-01 06:28:15 +0000 UTC`` (see ``clock_text``), epoch
   seconds, and epoch milliseconds with decimals.
2. Without an offset the zone is UTC where Plivo says so (verify, masking) or a capture proves it
   (messaging). Where nothing says so (streams) the reading has no instant: ``unknown_zone``.
3. Epoch ``-1`` means "not known yet". Epoch ``0``, and seconds in a field of milliseconds, which would
   be January 1970, are no times.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from bridge.normalise.clock_text import clock_text, refuse_impossible_year
from bridge.normalise.quantity import is_not_known_yet
from bridge.normalise.reading import Reads, Scope, Unreadable
from bridge.normalise.time import Moment, exact

_EPOCH: Final = re.compile(r"(\d{1,15})(?:\.\d+)?", re.ASCII)
_EPOCH_0: Final = datetime(1970, 1, 1, tzinfo=UTC)


def stated_or_utc(text: str, _scope: Scope) -> Moment | None:
    """Return the moment of a time that is UTC unless it states an offset.

    None for "not set". Raises Unreadable for any other form.
    """
    found = clock_text(text)
    return None if found is None else exact(found.utc(), text)


def stated(text: str, _scope: Scope) -> Moment | None:
    """Return the moment of a time that must state its offset to be an instant.

    None for "not set". Raises Unreadable for any other form.
    """
    found = clock_text(text)
    if found is None:
        return None
    if found.offset is None:
        return Moment(utc=None, text=text, zone=None, certainty="unknown_zone")
    return exact(found.utc(), text)


def _epoch(text: str, unit: timedelta) -> Moment:
    found = _EPOCH.fullmatch(text)
    if found is None:
        raise Unreadable("not_a_time")
    try:
        instant = _EPOCH_0 + int(found[1]) * unit
    except OverflowError as error:
        raise Unreadable("no_such_time") from error
    refuse_impossible_year(instant.year)
    return exact(instant, text)


def epoch_ms_if_known(text: str, _scope: Scope) -> Moment | None:
    """Return the moment of epoch milliseconds, or None for ``-1``; raises Unreadable."""
    return None if is_not_known_yet(text) else _epoch(text, timedelta(milliseconds=1))


def epoch_s_or_stated(text: str, scope: Scope) -> Moment | None:
    """Return the moment of epoch seconds, or of a time that states its offset; raises Unreadable."""
    if _EPOCH.fullmatch(text) is not None:
        return _epoch(text, timedelta(seconds=1))
    return stated(text, scope)


StatedOrUtc = Annotated[Moment, Reads(stated_or_utc)]
StatedInstant = Annotated[Moment, Reads(stated)]
EpochMs = Annotated[Moment, Reads(epoch_ms_if_known)]
EpochOrStated = Annotated[Moment, Reads(epoch_s_or_stated)]
