"""Counts, flags, money and words.

Money stays the decimal text Plivo sent, digit for digit: ``0.01000`` is a statement about precision.
Its currency is the account's, which no callback names.
"""

import re
from typing import Annotated, Final

from pydantic import Field

from bridge.normalise.reading import Reads, Scope, Unreadable

_COUNT: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_FLAGS: Final = {"true": True, "false": False, "1": True, "0": False}


def text(value: str, _scope: Scope) -> str:
    """Return the text as it came."""
    return value


def word(value: str, _scope: Scope) -> str:
    """Return the word in lower case: the members of an open set, compared without regard to case."""
    return value.lower()


def count(value: str, _scope: Scope) -> int:
    """Return a whole number of seconds, milliseconds or things; raises Unreadable for any other text."""
    if _COUNT.fullmatch(value) is None:
        raise Unreadable("not_a_count")
    return int(value)


def money(value: str, _scope: Scope) -> str:
    """Return a decimal amount as the text it came in; raises Unreadable for any other text."""
    if _DECIMAL.fullmatch(value) is None:
        raise Unreadable("not_a_decimal")
    return value


def flag(value: str, _scope: Scope) -> bool:
    """Return a Boolean from Plivo's ``true`` and ``false``; raises Unreadable for any other text."""
    known = _FLAGS.get(value.lower())
    if known is None:
        raise Unreadable("not_a_flag")
    return known


Text = Annotated[str, Reads(text)]
Word = Annotated[str, Reads(word)]
Count = Annotated[int, Reads(count), Field(ge=0)]
Money = Annotated[str, Reads(money), Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Flag = Annotated[bool, Reads(flag)]
