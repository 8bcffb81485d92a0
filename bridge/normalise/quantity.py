"""Counts, flags, money and words.

Money stays the decimal text Plivo sent, digit for digit: ``0.01000`` is a statement about precision.
Its currency is the account's, which no callback names. A duration of ``-1`` is Plivo's way to say
that it is not known yet (a recording that goes on), and becomes null.

Plivo's API and SDK fixtures write whole numbers with decimals, ``345100.00000`` and ``-1.00000``. They
are read as the whole numbers they are. A fraction is not rounded away: ``345100.5`` is unreadable.
"""

import re
from typing import Annotated, Final

from pydantic import Field
from typing_extensions import TypedDict

from bridge.normalise.reading import Reads, ReadsGroup, Scope, Unreadable

_COUNT: Final = re.compile(r"([0-9]{1,15})(?:\.0{1,30})?", re.ASCII)
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,30})?", re.ASCII)
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
        bool | None, Field(description="Whether a machine answered; null for a word we don't know.")
    ]
    text: Annotated[str, Field(description="What Plivo sent.")]


def text(value: str, _scope: Scope) -> str:
    """Return the text as it came."""
    return value


def word(value: str, _scope: Scope) -> str:
    """Return the word in lower case: members of open sets are compared without regard to case."""
    return value.lower()


def leg(value: str, _scope: Scope) -> str:
    """Return ``a_leg`` or ``b_leg`` for Plivo's two spellings of each, or the word in lower case."""
    folded = value.lower()
    return {"aleg": "a_leg", "bleg": "b_leg"}.get(folded, folded)


def count(value: str, _scope: Scope) -> int:
    """Return a whole number of seconds, milliseconds or things; raises Unreadable for other text."""
    found = _COUNT.fullmatch(value)
    if found is None:
        raise Unreadable("not_a_count")
    return int(found[1])


def is_not_known_yet(value: str) -> bool:
    """Return whether ``value`` is Plivo's ``-1``, with or without decimals."""
    return _NOT_YET.fullmatch(value) is not None


def count_if_known(value: str, scope: Scope) -> int | None:
    """Return a whole number, or None for ``-1``; raises Unreadable for any other text."""
    return None if is_not_known_yet(value) else count(value, scope)


def money(value: str, _scope: Scope) -> str:
    """Return a decimal as the text it came in; raises Unreadable for any other text."""
    if _DECIMAL.fullmatch(value) is None:
        raise Unreadable("not_a_decimal")
    return value


def flag(value: str, _scope: Scope) -> bool:
    """Return a Boolean from Plivo's ``true`` and ``false``; raises Unreadable for other text."""
    known = _FLAGS.get(value.lower())
    if known is None:
        raise Unreadable("not_a_flag")
    return known


def network(value: str, _scope: Scope) -> str:
    """Return a mobile country or network code, leading zeros and all; raises Unreadable."""
    if _NETWORK.fullmatch(value) is None:
        raise Unreadable("not_a_network_code")
    return value


def part(value: str, _scope: Scope) -> Part:
    """Return the part ``1 of 2`` names; raises Unreadable for any other text."""
    found = _PART.fullmatch(value)
    if found is None:
        raise Unreadable("not_a_part")
    return Part(part=int(found[1]), of=int(found[2]), text=value)


def machine(value: str, _scope: Scope) -> Machine:
    """Return what was detected: ``true``, or ``machine_detection`` on a hangup that follows it."""
    detected = True if value.lower() == "machine_detection" else _FLAGS.get(value.lower())
    return Machine(detected=detected, text=value)


def _in_order(texts: dict[str, str], _scope: Scope) -> list[str]:
    """Return the values of numbered parameters by their number, from 0 or from 1 alike."""
    return [texts[name] for name in sorted(texts, key=lambda name: (len(name), name))]


Text = Annotated[str, Reads(text)]
Word = Annotated[str, Reads(word)]
Leg = Annotated[str, Reads(leg)]
Count = Annotated[int, Reads(count), Field(ge=0)]
CountIfKnown = Annotated[int, Reads(count_if_known), Field(ge=0)]
Money = Annotated[str, Reads(money), Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Flag = Annotated[bool, Reads(flag)]
NetworkCode = Annotated[str, Reads(network), Field(pattern=r"^[0-9]{2,3}$")]
PartOf = Annotated[Part, Reads(part)]
MachineOf = Annotated[Machine, Reads(machine)]
Numbered = Annotated[list[str], ReadsGroup(_in_order)]
