"""Normalise one value of Plivo's: from its text to one unambiguous value.

A normaliser must not know which callback a value came in, and has no clock, I/O or log. Every one
has the form of ``ParseText`` or is a ``ParsedTogether`` of several parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo


class ParseContext(NamedTuple):
    """What a normaliser may know beside the text: the call's direction and the account's time zone."""

    direction: str | None
    zone: ZoneInfo | None


class Unreadable(ValueError):
    """The text does not have the form of the value; ``reason`` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


ParseText = Callable[[str, ParseContext], object]


@dataclass(frozen=True, slots=True)
class ParsedBy:
    """Marks a type with the function that makes its value from one parameter's text.

    The function raises Unreadable if it cannot, and never gets blank text.
    """

    parse: ParseText


@dataclass(frozen=True, slots=True)
class ParsedTogether:
    """Marks a type with the function that makes its value from several parameters' texts.

    The function may return a value that other callbacks share: do not change it.
    """

    parse: Callable[[dict[str, str], ParseContext], object]


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
