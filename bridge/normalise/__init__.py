"""Normalise one value of Plivo's: from its text to one unambiguous value.

A normaliser must not know which callback a value came in, and has no clock, I/O or log. Most know
the text alone; ``ParsedInZone`` and ``ParsedTogether`` mark those that need more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo


class TooLong(Exception):
    """A text is too long for a cache.

    Unauthenticated clients may choose it, and must not fill the memory. A cached function raises this,
    because a cache keeps no result then, and usual texts need not be measured each time.
    """


class Unreadable(ValueError):
    """The text does not have the form of the value; ``reason`` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


ParseText = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class ParsedBy:
    """Marks a type with the function that makes its value from one parameter's text.

    The function raises Unreadable if it cannot, and never gets blank text.
    """

    parse: ParseText


@dataclass(frozen=True, slots=True)
class ParsedInZone:
    """Marks a type of local times with a function that returns the one that makes its value.

    It is given the account's time zone, or None if none is configured. The function that it returns
    is as that of ``ParsedBy``.
    """

    make_parser: Callable[[ZoneInfo | None], ParseText]


REMEMBERED_CHARACTERS_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class ParsedTogether:
    """Marks a type with the function that makes its value from several parameters' texts.

    ``make`` is given the texts by their names, and the call's direction in lower case or None.
    """

    make: Callable[[dict[str, str], str | None], object]

    def parse(self, texts: dict[str, str], direction: str | None) -> object:
        """Return the value, which other callbacks may share: do not change it."""
        try:
            return _make_remembered(self.make, (*texts, *texts.values()), direction)
        except TooLong:
            return self.make(texts, direction)


@lru_cache(maxsize=2048)
def _make_remembered(
    make: Callable[[dict[str, str], str | None], object],
    key: tuple[str, ...],
    direction: str | None,
) -> object:
    """Return the value of a group; ``key`` has the names, and then their texts. Raises TooLong."""
    if len("".join(key)) + len(direction or "") > REMEMBERED_CHARACTERS_MAX:
        raise TooLong
    count = len(key) // 2
    return make(dict(zip(key[:count], key[count:], strict=True)), direction)


def fold_name(name: str) -> str:
    """Return the name without case and underscores. Plivo spells some names in three ways."""
    return name.lower().replace("_", "")
