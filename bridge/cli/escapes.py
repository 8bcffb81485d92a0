r"""Text from outside, made safe to print on a terminal.

A caller's name, a SIP address or a message can hold anything, also what a terminal obeys: escape
sequences that set its title or write its clipboard, and marks that turn the direction of the text
round. Commands print such text only through ``visible`` or ``visible_json``.

1. Unsafe are control characters (C0, DEL, C1), format characters (bidirectional marks and overrides,
   tags, the byte order mark), line and paragraph separators, and lone surrogates: the categories Cc,
   Cf, Zl, Zp and Cs of the Unicode Character Database.
2. The zero-width joiner and non-joiner are format characters too, and are kept: words of several
   scripts, and many emoji, need them.
3. An unsafe character is printed as Python writes it: ``\x1b``, ``\u202e``. A backslash that was there
   before stays as it is, so the escapes are for reading, not for decoding.
"""

import unicodedata
from collections.abc import Callable
from typing import Final

_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
_JOINERS: Final = frozenset({"\u200c", "\u200d"})
_BMP_MAX: Final = 0xFFFF
_LATIN_MAX: Final = 0xFF
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str, *, keep: str = "") -> str:
    """Return text with every unsafe character as an escape (rules 1 to 3), but those of ``keep``."""
    return _replaced(text, _escape, keep)


def visible_json(text: str) -> str:
    r"""Return JSON whose unsafe characters are ``\u`` escapes of JSON: it means the same.

    Such characters stand only in its strings; line breaks between values are kept.
    """
    return _replaced(text, _json_escape, "\n")


def _replaced(text: str, escape: Callable[[str], str], keep: str) -> str:
    if text.isprintable():  # the usual case, at the speed of C
        return text
    return "".join(escape(one) if _is_unsafe(one) and one not in keep else one for one in text)


def _is_unsafe(one: str) -> bool:
    if one.isprintable() or one in _JOINERS:
        return False
    return unicodedata.category(one) in _UNSAFE_CATEGORIES


def _escape(one: str) -> str:
    number = ord(one)
    if one in _SHORT:
        return _SHORT[one]
    if number <= _LATIN_MAX:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= _BMP_MAX else f"\\U{number:08x}"


def _json_escape(one: str) -> str:
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
