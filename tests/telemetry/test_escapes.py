"""Foreign text on a terminal: nothing that a terminal interprets."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.telemetry.escapes import escape_unsafe, escape_unsafe_json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+14155550100", "+14155550100"),
        ("José 田中 سلام", "José 田中 سلام"),
        ("no\u00a0break", "no\u00a0break"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x00\x7f", r"\x00\x7f"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("\u2066a\u2069\u200f\ufeff", r"\u2066a\u2069\u200f\ufeff"),
        ("a\u2028b", r"a\u2028b"),
        ("\U000e0041", r"\U000e0041"),
        ("\udc80", r"\udc80"),
        ("👨\u200d👩 می\u200cشود", "👨\u200d👩 می\u200cشود"),
        (r"a\x1b", r"a\x1b"),
    ],
)
def test_what_a_terminal_obeys_is_an_escape(text: str, expected: str) -> None:
    assert escape_unsafe(text) == expected


def test_line_breaks_are_kept_where_they_are_asked_for() -> None:
    assert escape_unsafe("a\n\x1bb", keep="\n") == "a\n\\x1bb"


@given(st.text())
def test_nothing_unsafe_is_left(text: str) -> None:
    shown = escape_unsafe(text)
    shown.encode()  # no lone surrogates
    assert not any(one < " " or "\x7f" <= one <= "\x9f" for one in shown)
    assert not any(one in shown for one in "\u061c\u200e\u200f\u202a\u202e\u2066\u2069")


@given(st.dictionaries(st.text(), st.text() | st.booleans()))
def test_json_means_the_same_and_is_safe_line_by_line(value: dict[str, object]) -> None:
    text = orjson.dumps(value).decode()
    shown = escape_unsafe_json(text)
    assert orjson.loads(shown) == value
    assert escape_unsafe(shown) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pay\u200dpal", r"pay\u200dpal"),
        ("\u200c", r"\u200c"),
        ("a\u200c\u200cb", r"a\u200c\u200cb"),
        ("क्\u200dष", "क्\u200dष"),
        ("❤\ufe0f 1\ufe0f\u20e3", "❤\ufe0f 1\ufe0f\u20e3"),
        ("🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"),
        ("a\ufe0fb", r"a\ufe0fb"),
        ("a\u034fb\u3164\u115f", r"a\u034fb\u3164\u115f"),
        ("\U000e0100", r"\U000e0100"),
        ("\ue000\uffff", r"\ue000\uffff"),
    ],
)
def test_what_only_hides_is_an_escape(text: str, expected: str) -> None:
    assert escape_unsafe(text) == expected
