"""Callers who withhold their number, in the spellings that carriers and switches use for it.

1. Words, alone or with "caller", "number", "id" and the like around them: ``Anonymous``,
   ``PRIVATE NUMBER``, ``No Caller ID``. Case, spaces, underscores, quotes and ``+`` make no difference.
2. The same as the user of a SIP or tel address, with or without a display name in front of it:
   RFC 3323 section 4.1.1.3 has ``"Anonymous" <sip:anonymous@anonymous.invalid>``, 3GPP TS 23.003
   sections 13.6 and 13.7 have that and ``sip:unavailable@unknown.invalid``.
3. The words on a telephone keypad (E.161), where a carrier takes digits alone: 266696687 is
   ANONYMOUS. Twilio's page on "strange numbers" lists the five; receivers also see the first one
   with a 1 in front.

No country has a number with the digits of rule 3; a test checks that. RESTRICTED with a 1 in front is a
number of Austin, Texas, and therefore not here.
"""

import re
from typing import Final
from urllib.parse import unquote

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


def is_withheld(text: str) -> bool:
    """Return whether ``text`` stands in the place of a number that the caller withholds."""
    address = _ADDRESS.fullmatch(text) if len(text) <= _LENGTH_MAX else None
    if address is None:
        return False
    scheme, user, host = address.groups()
    if host is not None and host.lower() in _HOSTS:
        return True
    if host is not None and scheme is None:
        return False  # a mailbox is nobody's caller id
    folded = _SEPARATORS.sub("", unquote(user)).lower()
    if folded.isdecimal():
        return user.removeprefix("+") in _KEYPAD
    return _WORDS.fullmatch(folded) is not None
