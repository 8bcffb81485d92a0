"""Times that state their zone, or whose zone Plivo's pages or captures settle. See also ``time``.

1. Products write one instant in many ways: ``2026-03-07T14:13:29.363253Z``,
   ``2026-03-07 14:13:29+00:00``, ``2024-02-01 06:28:15 +0000 UTC``, epoch seconds, and epoch
   milliseconds with decimals.
2. Without an offset the zone is UTC where Plivo says so (verify, masking) or a capture proves it
   (messaging). Where nothing says so (streams) the reading has no instant: ``unknown_zone``.
3. Epoch ``-1`` means "not known yet".
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from bridge.normalise.quantity import is_not_known_yet
from bridge.normalise.reading import Reads, Scope, Unreadable
from bridge.normalise.time import Moment, rfc3339

_STATED: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?: ?(Z|[+-]\d\d:?\d\d))?(?: UTC)?",
    re.ASCII,
)
_EPOCH: Final = re.compile(r"(\d{1,15})(?:\.\d+)?", re.ASCII)
_EPOCH_0: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(text: str) -> tuple[datetime, bool]:
    """Return the reading, as UTC where it states an offset, and whether it does."""
    found = _STATED.fullmatch(text)
    if found is None:
        raise Unreadable("not_a_time")
    day, clock, fraction, offset = found.groups()
    micros = (fraction or "").ljust(6, "0")[:6]
    offset = "+00:00" if offset in {None, "Z"} else f"{offset[:3]}:{offset[-2:]}"
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}.{micros}{offset}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable("no_such_time") from error
    return instant, found[4] is not None or text.endswith(" UTC")


def stated_or_utc(text: str, _scope: Scope) -> Moment:
    """Return the moment of a time that is UTC unless it states an offset; raises Unreadable."""
    instant, _ = _instant(text)
    return Moment(utc=rfc3339(instant), text=text, zone="UTC", certainty="exact")


def stated(text: str, _scope: Scope) -> Moment:
    """Return the moment of a time that must state its offset to be one; raises Unreadable."""
    instant, is_stated = _instant(text)
    if not is_stated:
        return Moment(utc=None, text=text, zone=None, certainty="unknown_zone")
    return Moment(utc=rfc3339(instant), text=text, zone="UTC", certainty="exact")


def _epoch(text: str, unit: timedelta) -> Moment:
    found = _EPOCH.fullmatch(text)
    if found is None:
        raise Unreadable("not_a_time")
    try:
        instant = _EPOCH_0 + int(found[1]) * unit
    except OverflowError as error:
        raise Unreadable("no_such_time") from error
    return Moment(utc=rfc3339(instant), text=text, zone="UTC", certainty="exact")


def epoch_ms_if_known(text: str, _scope: Scope) -> Moment | None:
    """Return the moment of epoch milliseconds, or None for ``-1``; raises Unreadable."""
    return None if is_not_known_yet(text) else _epoch(text, timedelta(milliseconds=1))


def epoch_s_or_stated(text: str, scope: Scope) -> Moment:
    """Return the moment of epoch seconds, or of a time that states its offset; raises Unreadable."""
    if _EPOCH.fullmatch(text) is not None:
        return _epoch(text, timedelta(seconds=1))
    return stated(text, scope)


StatedOrUtc = Annotated[Moment, Reads(stated_or_utc)]
StatedInstant = Annotated[Moment, Reads(stated)]
EpochMs = Annotated[Moment, Reads(epoch_ms_if_known)]
EpochOrStated = Annotated[Moment, Reads(epoch_s_or_stated)]
