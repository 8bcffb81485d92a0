"""Who is on a leg: a number, a SIP address, an endpoint, or nobody who says.

1. Plivo sends numbers with and without ``+`` (Ring with, answer and hangup without, in captures).
   Digits that can be a whole international number are one: E.164, with ``+``.
2. Three to six digits are a short code.
3. ``sip:`` and ``sips:`` addresses stay as they are; at Plivo's own endpoint domain they are a client.
4. The words carriers put in place of a withheld number are anonymous. All else is unknown, kept.
"""

import re
from functools import lru_cache
from typing import Annotated, Final, Literal

import phonenumbers
from pydantic import Field
from typing_extensions import TypedDict

from bridge.normalise.reading import Reads, Scope

Kind = Literal["pstn", "sip", "client", "anonymous", "short_code", "unknown"]

_INTERNATIONAL: Final = re.compile(r"\+?([1-9][0-9]{7,14})", re.ASCII)
_SHORT_CODE: Final = re.compile(r"[0-9]{3,6}", re.ASCII)
_CLIENT: Final = re.compile(r"sips?:[^@]+@phone\.plivo\.com(?![a-z0-9.-])", re.ASCII)
# RFC 3323 says Anonymous; the others are what carriers' caller-id services write.
_WITHHELD: Final = frozenset({"anonymous", "private", "restricted", "unavailable", "withheld"})


class Party(TypedDict):
    """One end of a leg or message."""

    kind: Annotated[
        Kind,
        Field(
            description="What the text names. Consumers treat a kind they do not know as `unknown`."
        ),
    ]
    e164: Annotated[str | None, Field(description="The number in E.164 with `+`, for kind `pstn`.")]
    text: Annotated[str, Field(description="What Plivo sent.")]


@lru_cache(maxsize=65_536)
def party(value: str) -> Party:
    """Return the party that ``value`` names: rules 1 to 4. The result is shared: do not change it."""
    bare = value.strip()  # a "+" that was not escaped came as a space
    match = _INTERNATIONAL.fullmatch(bare)
    if match is not None:
        return Party(kind="pstn", e164="+" + match[1], text=value)
    lower = bare.lower()
    if lower.startswith(("sip:", "sips:")):
        is_client = _CLIENT.match(lower) is not None
        return Party(kind="client" if is_client else "sip", e164=None, text=value)
    if _SHORT_CODE.fullmatch(value) is not None:
        return Party(kind="short_code", e164=None, text=value)
    if lower in _WITHHELD:
        return Party(kind="anonymous", e164=None, text=value)
    return _written_for_people(value)


def _written_for_people(value: str) -> Party:
    """Return the party of a number with spaces, dots or brackets, if it is one."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return Party(kind="unknown", e164=None, text=value)
    if not phonenumbers.is_possible_number(number):
        return Party(kind="unknown", e164=None, text=value)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Party(kind="pstn", e164=e164, text=value)


def _read(value: str, _scope: Scope) -> Party:
    return party(value)


PartyOf = Annotated[Party, Reads(_read)]
