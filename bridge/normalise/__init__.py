"""Normalise one value of Plivo's: from its text to one unambiguous value.

A normaliser must not know which callback a value came in, and has no clock, I/O or log. Most know
the text alone; ``ParsedInZone`` and ``ParsedTogether`` mark those that need more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo


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


@dataclass(frozen=True, slots=True)
class ParsedTogether:
    """Marks a type with the function that makes its value from several parameters' texts.

    It is also given the call's direction in lower case, or None. The function may return a value that
    other callbacks share: do not change it.
    """

    parse: Callable[[dict[str, str], str | None], object]


REMEMBERED_CHARACTERS_MAX: Final = 256


def to_key(texts: dict[str, str]) -> tuple[str, ...] | None:
    """Return the names and then the texts as the key of a cache, or None if they are too long.

    Plivo's are short enough. Unauthenticated clients may choose others, and must not fill the memory.
    """
    key = (*texts, *texts.values())
    return key if len("".join(key)) <= REMEMBERED_CHARACTERS_MAX else None


def from_key(key: tuple[str, ...]) -> dict[str, str]:
    """Return the texts by their names."""
    count = len(key) // 2
    return dict(zip(key[:count], key[count:], strict=True))


def fold_name(name: str) -> str:
    """Return the name without case and underscores. Plivo spells some names in three ways."""
    return name.lower().replace("_", "")
