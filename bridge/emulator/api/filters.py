"""Choose records by the filters of a list request: Plivo's pages on retrieving calls and messages.

1. A number is matched by its beginning, with or without ``+``.
2. A duration or a time has five forms: equal, and ``__gt``, ``__gte``, ``__lt``, ``__lte``.
3. Times of filters are UTC, ``YYYY-MM-DD HH:MM[:SS[.ffffff]]``.
4. Without a filter on time a list has the newest records. A filter with one end has a window from or to
   it; a range that is longer than the longest window is refused.
"""

import operator
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bridge.emulator.api.answers import refuse_argument
from bridge.emulator.api.arguments import Arguments

COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "": operator.eq,
    "__gt": operator.gt,
    "__gte": operator.ge,
    "__lt": operator.lt,
    "__lte": operator.le,
}
_FORMATS: Final = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")


def with_comparisons(*names: str) -> tuple[str, ...]:
    """Return the names of the five forms of filters: rule 2."""
    return tuple(name + suffix for name in names for suffix in COMPARISONS)


def matches_number(wanted: str, number: str) -> bool:
    """Return whether a number is wanted: rule 1."""
    return number.removeprefix("+").startswith(wanted.removeprefix("+"))


def read_integer_test(arguments: Arguments, name: str) -> Callable[[int], bool]:
    """Return whether a duration in seconds is wanted: rule 2."""
    wanted = [
        (compare, arguments.read_integer(name + suffix, 0))
        for suffix, compare in COMPARISONS.items()
        if name + suffix in arguments
    ]
    return lambda value: all(compare(value, limit) for compare, limit in wanted)


def read_time_test(
    arguments: Arguments,
    name: str,
    now: datetime,
    *,
    window: timedelta,
    window_max: timedelta,
) -> Callable[[datetime], bool]:
    """Return whether an instant is wanted: rules 2 to 4.

    ``window`` is how far back a list goes without a filter.
    """
    wanted = list(_iter_limits(arguments, name))
    ends = {suffix[:4]: limit for suffix, _, limit in wanted}
    if not wanted:
        wanted = [("__gte", operator.ge, now - window)]
    elif "__gt" in ends and "__lt" in ends:
        if ends["__lt"] - ends["__gt"] > window_max:
            raise refuse_argument(name, f"The range may have at most {window_max.days} days.")
    elif "__gt" in ends:
        wanted.append(("__lte", operator.le, _move(ends["__gt"], window_max)))
    elif "__lt" in ends:
        wanted.append(("__gte", operator.ge, _move(ends["__lt"], -window_max)))
    return lambda at: all(compare(at, limit) for _, compare, limit in wanted)


def _move(at: datetime, by: timedelta) -> datetime:
    """Return an instant later or earlier; as it is if no datetime is so late or so early."""
    try:
        return at + by
    except OverflowError:
        return at


def _iter_limits(
    arguments: Arguments, name: str
) -> Iterator[tuple[str, Callable[[Any, Any], bool], datetime]]:
    for suffix, compare in COMPARISONS.items():
        text = arguments.read_text(name + suffix)
        if text:
            yield suffix, compare, _parse_time(name + suffix, text)


def _parse_time(name: str, text: str) -> datetime:
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise refuse_argument(name, "It must be YYYY-MM-DD HH:MM[:SS[.ffffff]].")
