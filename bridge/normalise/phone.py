"""Who is on a leg: a number, a SIP address, an endpoint, or a caller who withholds the number.

1. Plivo sends numbers with and without ``+`` (Ring with, answer and hangup without, in captures).
   Eight to fifteen digits are E.164 if a number of that country can have them: a country code, then
   a length and first digits that ``phonenumbers`` lists for the country. A national number without
   its country code, or one with a digit too few or too many, is ``unknown``: its digits would name
   another number. One digit repeated is a filler, not a number.
2. Three to six digits are a short code.
3. ``sip:`` and ``sips:`` addresses stay as they are; at Plivo's own endpoint domain they are a client.
4. What carriers put in place of a withheld number is ``anonymous``: a word in any spelling (see
   ``bridge.normalise.withheld``).
5. All else is unknown. The text is kept in every case.

Rule 1 asks less than ``phonenumbers.is_valid_number``, which knows the ranges that are in use today:
a range that a country opens tomorrow keeps its ``e164``. It asks more than ``is_possible_number``,
which knows lengths alone: 3125550123, a national number of Chicago, has a length of the Netherlands.
"""

import re
from functools import cache, lru_cache
from typing import Annotated, Final, Literal

import phonenumbers
from pydantic import Field
from typing_extensions import TypedDict

from bridge.normalise.reading import ParseContext, ParsedBy
from bridge.normalise.withheld import is_withheld

Kind = Literal["pstn", "sip", "client", "anonymous", "short_code", "unknown"]

_INTERNATIONAL: Final = re.compile(r"\+?([1-9][0-9]{7,14})", re.ASCII)
_SHORT_CODE: Final = re.compile(r"[0-9]{3,6}", re.ASCII)
_CLIENT: Final = re.compile(r"sips?:[^@]+@phone\.plivo\.com(?![a-z0-9.-])", re.ASCII)
_COUNTRY_CODE_DIGITS_MAX: Final = 3
# Longer than any number, and than nearly every SIP address.
_CACHED_CHARACTERS_MAX: Final = 64


class Party(TypedDict):
    """One end of a leg or message."""

    kind: Annotated[
        Kind,
        Field(
            description="What the text names. Consumers treat a kind they do not know as `unknown`."
        ),
    ]
    e164: Annotated[
        str | None,
        Field(
            description="The number in E.164 with `+`, for kind `pstn`: only if its country can have "
            "such a number."
        ),
    ]
    text: Annotated[str, Field(description="What Plivo sent.")]


def parse_party(value: str) -> Party:
    """Return the party that ``value`` names: rules 1 to 5. The result is shared: do not change it."""
    # Anybody may choose the text where nothing is verified. So the cache holds some 10 MiB at most.
    if len(value) > _CACHED_CHARACTERS_MAX:
        return _parse_party.__wrapped__(value)
    return _parse_party(value)


@lru_cache(maxsize=16_384)
def _parse_party(value: str) -> Party:
    bare = value.strip()  # a "+" that was not escaped came as a space
    if is_withheld(bare):
        return Party(kind="anonymous", e164=None, text=value)
    match = _INTERNATIONAL.fullmatch(bare)
    if match is not None:
        return _parse_number(match[1], value)
    lower = bare.lower()
    if lower.startswith(("sip:", "sips:")):
        is_client = _CLIENT.match(lower) is not None
        return Party(kind="client" if is_client else "sip", e164=None, text=value)
    if _SHORT_CODE.fullmatch(value) is not None:
        return Party(kind="short_code", e164=None, text=value)
    return _parse_formatted(value)


def _parse_number(digits: str, value: str) -> Party:
    """Return the party of ``digits``: a number if a country can have it (rule 1)."""
    if len(set(digits)) == 1:
        return Party(kind="unknown", e164=None, text=value)
    for length in range(1, _COUNTRY_CODE_DIGITS_MAX + 1):
        # No country code begins with another one, so one length at most has patterns.
        national = digits[length:]
        if any(
            pattern.fullmatch(national) for pattern in _load_national_patterns(int(digits[:length]))
        ):
            return Party(kind="pstn", e164="+" + digits, text=value)
    return Party(kind="unknown", e164=None, text=value)


@cache
def _load_national_patterns(country_code: int) -> tuple[re.Pattern[str], ...]:
    """Return what the national numbers of a country code look like; nothing if it is no such code."""
    regions = phonenumbers.region_codes_for_country_code(country_code)
    found = [
        phonenumbers.PhoneMetadata.metadata_for_nongeo_region(country_code, None)
        if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
        else phonenumbers.PhoneMetadata.metadata_for_region(region, None)
        for region in regions
    ]
    return tuple(
        re.compile(one.general_desc.national_number_pattern, re.ASCII)
        for one in found
        if one and one.general_desc and one.general_desc.national_number_pattern
    )


def _parse_formatted(value: str) -> Party:
    """Return the party of a number with spaces, dots or brackets, if it is one."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return Party(kind="unknown", e164=None, text=value)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # The parser drops a digit where a country's own dialling has one more: only "(0)" says so itself.
    digits = phonenumbers.normalize_digits_only(value.replace("(0)", ""))
    match = _INTERNATIONAL.fullmatch(e164)
    if match is None or digits != match[1] + (number.extension or ""):
        return Party(kind="unknown", e164=None, text=value)
    return _parse_number(match[1], value)


def _parse(value: str, _scope: ParseContext) -> Party:
    return parse_party(value)


PartyField = Annotated[Party, ParsedBy(_parse)]
