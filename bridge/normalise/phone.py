"""Parse a party of a leg: a number, a SIP address, an endpoint, or a caller with a withheld number.

1. Plivo sends numbers with and without ``+`` (Ring with, answer and hangup without, in captures).
   Eight to fifteen digits are E.164 if a country can have such a number: a country code, then a
   length and first digits that ``phonenumbers`` lists for the country. A national number without
   its country code, or a number with a digit too few or too many, is ``unknown``, because its
   digits would name another number. One digit repeated is a filler, not a number.
2. Three to six digits are a short code.
3. ``sip:`` and ``sips:`` addresses are kept unchanged; at Plivo's own endpoint domain they are a
   client.
4. What carriers send instead of a withheld number is ``anonymous``: rules 6 to 8.
5. Everything else is unknown. The text is kept in every case.
6. A withheld number can be words, alone or with "caller", "number", "id" and the like:
   ``Anonymous``, ``PRIVATE NUMBER``, ``No Caller ID``. Case, spaces, underscores, quotes and ``+``
   are ignored.
7. It can also be these words as the user of a SIP or tel address, with or without a display name:
   RFC 3323 section 4.1.1.3 has ``"Anonymous" <sip:anonymous@anonymous.invalid>``, 3GPP TS 23.003
   sections 13.6 and 13.7 have that and ``sip:unavailable@unknown.invalid``.
8. It can also be these words on a telephone keypad (E.161), where a carrier accepts digits only:
   266696687 is ANONYMOUS. Twilio's page on "strange numbers" lists the five; receivers also see the
   first one with a 1 in front. No country has a number with these digits; a test checks that.
   RESTRICTED with a 1 in front is a number of Austin, Texas, and therefore not in the list.

Rule 1 is less strict than ``phonenumbers.is_valid_number``, which knows the ranges that are in use
today: a range that a country opens tomorrow keeps its ``e164``. It is stricter than
``is_possible_number``, which knows lengths only: 3125550123, a national number of Chicago, has a
length of the Netherlands.
"""

import re
from functools import cache, lru_cache
from typing import Annotated, Final
from urllib.parse import unquote

import phonenumbers

from bridge.normalise import ParsedBy
from bridge.normalise.party import Party

_KEYPAD: Final = frozenset({
    "266696687",  # ANONYMOUS
    "1266696687",
    "7378742833",  # RESTRICTED
    "86282452253",  # UNAVAILABLE
    "8656696",  # UNKNOWN
    "2562533",  # BLOCKED
})  # fmt: skip
_HOSTS: Final = frozenset({"anonymous.invalid", "unknown.invalid"})

# A display name, a scheme, the user, the host, and what follows them.
_ADDRESS: Final = re.compile(
    r"(?:[^<]*<)?((?:sips?|tel):)?([^@:;?>]*)(?:@([^:;?>]*))?(?:[:;?>].*)?", re.IGNORECASE
)
_AROUND: Final = r"(?:caller|calling|call|number|name|id|cli)*"
_WORDS: Final = re.compile(
    _AROUND + r"(?:anonymous|private|restricted|unavailable|notavailable|withheld|unknown|blocked"
    r"|hidden|suppressed|outofarea|no(?:callerid|callingnumber|callernumber|number|id|cli))"
    + _AROUND,
    re.ASCII,
)
_SEPARATORS: Final = re.compile(r"[\W_]+")
_LENGTH_MAX: Final = 200

_INTERNATIONAL: Final = re.compile(r"\+?([1-9][0-9]{7,14})", re.ASCII)
_SHORT_CODE: Final = re.compile(r"[0-9]{3,6}", re.ASCII)
_CLIENT: Final = re.compile(r"sips?:[^@]+@phone\.plivo\.com(?![a-z0-9.-])", re.ASCII)
_COUNTRY_CODE_DIGITS_MAX: Final = 3
# Longer than any number and nearly every SIP address.
_CACHED_CHARACTERS_MAX: Final = 64


def parse_party(value: str) -> Party:
    """Return the party that ``value`` names: rules 1 to 5. The result is shared: do not change it."""
    # Unauthenticated clients may choose the text. This limit keeps the cache below about 10 MiB.
    if len(value) > _CACHED_CHARACTERS_MAX:
        return _parse_party.__wrapped__(value)
    return _parse_party(value)


@lru_cache(maxsize=16_384)
def _parse_party(value: str) -> Party:
    bare = value.strip()  # an unescaped "+" of a form is decoded as a space
    match = _INTERNATIONAL.fullmatch(bare)
    if match is not None and match[1] not in _KEYPAD:
        return _parse_number(match[1], value)
    if is_withheld(bare):
        return Party(kind="anonymous", e164=None, text=value)
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
        # No country code is a prefix of another one, so at most one length has patterns.
        national = digits[length:]
        for pattern in _load_national_patterns(int(digits[:length])):
            if pattern.fullmatch(national):
                return Party(kind="pstn", e164="+" + digits, text=value)
    return Party(kind="unknown", e164=None, text=value)


@cache
def _load_national_patterns(country_code: int) -> tuple[re.Pattern[str], ...]:
    """Return the patterns of a country code's national numbers; empty for an unknown code."""
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
    """Return the party of a number that is written with spaces, dots or brackets."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return Party(kind="unknown", e164=None, text=value)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # The parser drops a national trunk digit, which is written as "(0)". If it drops any other digit,
    # it is not certain which number the text means.
    digits = phonenumbers.normalize_digits_only(value.replace("(0)", ""))
    match = _INTERNATIONAL.fullmatch(e164)
    if match is None or digits != match[1] + (number.extension or ""):
        return Party(kind="unknown", e164=None, text=value)
    return _parse_number(match[1], value)


def is_withheld(text: str) -> bool:
    """Return whether ``text`` stands for a number that the caller withholds: rules 6 to 8."""
    address = _ADDRESS.fullmatch(text) if len(text) <= _LENGTH_MAX else None
    if address is None:
        return False
    scheme, user, host = address.groups()
    if host is not None and host.lower() in _HOSTS:
        return True
    if host is not None and scheme is None:
        return False  # an e-mail address is not a caller id
    folded = _SEPARATORS.sub("", unquote(user)).lower()
    if folded.isdecimal():
        return user.removeprefix("+") in _KEYPAD
    return _WORDS.fullmatch(folded) is not None


PartyField = Annotated[Party, ParsedBy(parse_party)]
