"""Parse counts, flags, money and words.

Money stays the decimal text that Plivo sent, digit for digit: ``0.01000`` states a precision. Its
currency is the account's, and no callback names it. A duration of ``-1`` means in Plivo's callbacks
that it is not known yet (a recording that continues), and becomes null.

Plivo's API and SDK fixtures write whole numbers with decimals, ``345100.00000`` and ``-1.00000``.
They are parsed as whole numbers. A fraction is not rounded: ``345100.5`` is unreadable.
"""

import re
from functools import lru_cache
from typing import Annotated, Final

from pydantic import Field
from typing_extensions import TypedDict

from bridge.normalise import ParsedBy, ParsedTogether, Unreadable

_COUNT: Final = re.compile(r"([0-9]{1,15})(?:\.0{1,30})?", re.ASCII)
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,30})?", re.ASCII)
_PART: Final = re.compile(r"([0-9]{1,4}) of ([0-9]{1,4})", re.ASCII)
_NETWORK: Final = re.compile(r"[0-9]{2,3}", re.ASCII)
_FLAGS: Final = {"true": True, "false": False, "1": True, "0": False}
_NOT_YET: Final = re.compile(r"-1(?:\.0{1,30})?", re.ASCII)


class Part(TypedDict):
    """Which part of a long message this is."""

    part: Annotated[int, Field(description="Its number, from 1.")]
    of: Annotated[int, Field(description="How many there are.")]
    text: Annotated[str, Field(description="What Plivo sent.")]


class Machine(TypedDict):
    """What answering machine detection found."""

    detected: Annotated[
        bool | None, Field(description="Whether a machine answered; null for an unknown word.")
    ]
    text: Annotated[str, Field(description="What Plivo sent.")]


def parse_text(value: str) -> str:
    """Return the text unchanged."""
    return value


parse_word: Final = str.lower
"""Return the word in lower case: members of open sets are compared without regard to case."""


def parse_leg(value: str) -> str:
    """Return ``a_leg`` or ``b_leg`` for Plivo's two spellings of each, or the word in lower case."""
    folded = value.lower()
    return {"aleg": "a_leg", "bleg": "b_leg"}.get(folded, folded)


# Durations and prices repeat. A text that is not readable has no length limit, and is not kept.
@lru_cache(maxsize=1024)
def parse_count(value: str) -> int:
    """Return a whole number of seconds, milliseconds or things; raises Unreadable for other text."""
    found = _COUNT.fullmatch(value)
    if found is None:
        raise Unreadable("not_a_count")
    return int(found[1])


def is_not_known_yet(value: str) -> bool:
    """Return whether ``value`` is Plivo's ``-1``, with or without decimals."""
    return _NOT_YET.fullmatch(value) is not None


def parse_count_if_known(value: str) -> int | None:
    """Return a whole number, or None for ``-1``; raises Unreadable for any other text."""
    return None if is_not_known_yet(value) else parse_count(value)


@lru_cache(maxsize=1024)
def parse_money(value: str) -> str:
    """Return a decimal as the text it was received in; raises Unreadable for any other text."""
    if _DECIMAL.fullmatch(value) is None:
        raise Unreadable("not_a_decimal")
    return value


def parse_flag(value: str) -> bool:
    """Return a Boolean from Plivo's ``true`` and ``false``; raises Unreadable for other text."""
    known = _FLAGS.get(value.lower())
    if known is None:
        raise Unreadable("not_a_flag")
    return known


def parse_network_code(value: str) -> str:
    """Return a mobile country or network code with its leading zeros; raises Unreadable."""
    if _NETWORK.fullmatch(value) is None:
        raise Unreadable("not_a_network_code")
    return value


def parse_part(value: str) -> Part:
    """Return the part that ``1 of 2`` names; raises Unreadable for any other text."""
    found = _PART.fullmatch(value)
    if found is None:
        raise Unreadable("not_a_part")
    return Part(part=int(found[1]), of=int(found[2]), text=value)


def parse_machine(value: str) -> Machine:
    """Return what was detected: ``true``, or ``machine_detection`` on a hangup that follows it."""
    detected = True if value.lower() == "machine_detection" else _FLAGS.get(value.lower())
    return Machine(detected=detected, text=value)


def _order_by_number(texts: dict[str, str], _direction: str | None) -> list[str]:
    """Return the values of numbered parameters in the order of their numbers, from 0 or from 1."""
    return [texts[name] for name in sorted(texts, key=lambda name: (len(name), name))]


Text = Annotated[str, ParsedBy(parse_text)]
Word = Annotated[str, ParsedBy(parse_word)]
Leg = Annotated[str, ParsedBy(parse_leg)]
Count = Annotated[int, ParsedBy(parse_count), Field(ge=0)]
CountIfKnown = Annotated[int, ParsedBy(parse_count_if_known), Field(ge=0)]
Money = Annotated[str, ParsedBy(parse_money), Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Flag = Annotated[bool, ParsedBy(parse_flag)]
NetworkCode = Annotated[str, ParsedBy(parse_network_code), Field(pattern=r"^[0-9]{2,3}$")]
PartField = Annotated[Part, ParsedBy(parse_part)]
MachineField = Annotated[Machine, ParsedBy(parse_machine)]
Numbered = Annotated[list[str], ParsedTogether(_order_by_number)]
