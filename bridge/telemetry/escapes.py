r"""Escape foreign text, so that it is safe to print on a terminal.

A caller's name, a SIP address or a message can contain anything, also sequences that a terminal
interprets: they set its title, write its clipboard or reverse the direction of text. Commands print
such text only through ``escape_unsafe`` or ``escape_unsafe_json``.

1. Characters that Python does not call printable (``str.isprintable``) are unsafe, except spaces:
   control characters (C0, DEL, C1), format characters (bidirectional marks and overrides, zero-width
   spaces, tags, the byte order mark), line and paragraph separators, lone surrogates, and code points
   that are private or not assigned.
2. Letters and marks without a glyph are unsafe too: _WITHOUT_GLYPH. Unicode calls them default ignorable
   code points (DerivedCoreProperties.txt).
3. The zero-width joiner and non-joiner are kept between two caseless letters, marks or emoji, because
   some scripts and emoji need them. Between other characters they could only hide something. The
   variation selector of emoji is kept after a symbol.
4. An unsafe character is printed as Python writes it: ``\x1b``, ``\u202e``. A backslash that was there
   before stays as it is, so escapes are for people: they cannot be decoded.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

_JOINERS: Final = frozenset({"\u200c", "\u200d"})
_EMOJI_SELECTOR: Final = "\ufe0f"
_JOINED: Final = frozenset({"Lo", "Mc", "Me", "Mn", "Sk", "So"})
_SYMBOLS: Final = frozenset({"Nd", "Po", "Sk", "Sm", "So"})
_WITHOUT_GLYPH: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_BMP_MAX: Final = 0xFFFF
_LATIN_MAX: Final = 0xFF
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def escape_unsafe(text: str, *, keep: str = "") -> str:
    """Return text with every unsafe character escaped (rules 1 to 4), except those in ``keep``."""
    return _replace_unsafe(text, _escape, keep)


def escape_unsafe_json(text: str) -> str:
    r"""Return equal JSON, with unsafe characters as ``\u`` escapes.

    Such characters occur only inside strings; line breaks between values are kept.
    """
    return _replace_unsafe(text, _json_escape, "\n")


def _replace_unsafe(text: str, escape: Callable[[str], str], keep: str) -> str:
    if text.isprintable() and (text.isascii() or not _WITHOUT_GLYPH.search(text)):
        return text  # the usual case, and two calls of C code
    return "".join(
        escape(one) if one not in keep and _is_unsafe(text, at) else one
        for at, one in enumerate(text)
    )


def _is_unsafe(text: str, at: int) -> bool:
    one = text[at]
    if one in _JOINERS:
        return not (_is_joined(text[at - 1 : at]) and _is_joined(text[at + 1 : at + 2]))
    if one == _EMOJI_SELECTOR:
        return at == 0 or unicodedata.category(text[at - 1]) not in _SYMBOLS
    if one.isprintable():
        return _WITHOUT_GLYPH.match(one) is not None
    return unicodedata.category(one) != "Zs"


def _is_joined(one: str) -> bool:
    if not one or (_WITHOUT_GLYPH.match(one) and one != _EMOJI_SELECTOR):
        return False
    return unicodedata.category(one) in _JOINED


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
