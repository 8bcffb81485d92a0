"""Parse the text forms of a time: a date, a clock time, an optional fraction, an optional offset.

1. The offset is ``Z``, ``+05:30``, ``+0530`` or ``+05``, or the words ``UTC``, ``GMT`` and ``UT``.
2. Go prints a zone twice, as its offset and its abbreviation: ``+0000 UTC``, ``+0530 IST``. For a
   zone without an abbreviation it prints the offset again: ``+0000 +0000``, ``-0300 -03``. Plivo's
   API and fixtures have both. The two must agree. If they do not, the text is unreadable
   (``offsets_disagree``), because nothing says which one is meant. An abbreviation that the time
   zone database does not have is no contradiction.
3. An abbreviation alone is not an offset: ``IST`` is the time of India, Ireland and Israel.
4. Go's zero time, ``0001-01-01 00:00:00 +0000 UTC``, means "not set", in whatever zone it is
   printed (west of Greenwich as the last day of the year 0). Plivo's fixtures have it.
5. A time of 1970 is a number 0, or seconds mistaken for milliseconds, written out: ``not_a_time``.
   Other years that no callback can have (1900, 9999) are ``no_such_time``.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.normalise import Unreadable
from bridge.normalise.tzdata import list_abbreviation_offsets

_FORM: Final = re.compile(
    r"(\d{4})-(\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?"
    # POSIX requires at least three letters for an abbreviation.
    r"((?: ?(?:(?:Z|UT|[A-Z]{3,5})(?![A-Z])|[+-]\d\d(?::?\d\d)?)){0,3})"
    r"(?: m=[+-]\d{1,10}\.\d{1,9})?",  # Go's monotonic clock
    re.ASCII | re.IGNORECASE,
)
_MARK: Final = re.compile(r"[A-Za-z]+|[+-]\d\d(?::?\d\d)?", re.ASCII)
_OF_UTC: Final = frozenset({"Z", "UTC", "GMT", "UT"})
EPOCH_YEAR: Final = 1970
_YEARS: Final = range(EPOCH_YEAR + 1, 3000)


@dataclass(frozen=True, slots=True)
class ClockText:
    """A time as its text states it: the clock time, and the offset if the text has one."""

    naive: datetime
    offset: timedelta | None

    def to_utc(self) -> datetime:
        """Return the instant; a time without an offset is taken as UTC."""
        return (self.naive - (self.offset or timedelta(0))).replace(tzinfo=UTC)


def parse_clock_text(text: str) -> ClockText | None:
    """Return the time in ``text``, or None if it means "not set"; raises Unreadable."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise Unreadable("not_a_time")
    year, day, clock, fraction, marks = found.groups()
    if year == "0001" or (year, day) == ("0000", "12-31"):
        return None
    micros = (fraction or "").ljust(6, "0")[:6]
    try:
        naive = datetime.fromisoformat(f"{year}-{day}T{clock}.{micros}")
    except ValueError as error:
        raise Unreadable("no_such_time") from error
    check_year(naive.year)
    return ClockText(naive, _find_offset(_MARK.findall(marks), naive.year))


def check_year(year: int) -> None:
    """Raise Unreadable for a year that no callback can have (rule 5)."""
    if year == EPOCH_YEAR:
        raise Unreadable("not_a_time")
    if year not in _YEARS:
        raise Unreadable("no_such_time")


def _find_offset(marks: list[str], year: int) -> timedelta | None:
    """Return the one offset that ``marks`` state, or None if there are none: rules 1 to 3."""
    words = [mark.upper() for mark in marks if mark[0].isalpha()]
    offsets = {_parse_offset(mark) for mark in marks if not mark[0].isalpha()}
    if not _OF_UTC.isdisjoint(words):
        offsets.add(timedelta(0))
    if len(offsets) > 1:
        raise Unreadable("offsets_disagree")
    if not offsets:
        if words:
            raise Unreadable("not_a_time")
        return None
    (offset,) = offsets
    for word in words:
        known = None if word in _OF_UTC else list_abbreviation_offsets(year).get(word)
        if known is not None and offset not in known:
            raise Unreadable("offsets_disagree")
    return offset


def _parse_offset(mark: str) -> timedelta:
    digits = mark[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or "0")
    if hours > 23 or minutes > 59:  # noqa: PLR2004 (the limits of a clock)
        raise Unreadable("no_such_time")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if mark[0] == "-" else offset
