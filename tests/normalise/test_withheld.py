"""Callers with a withheld number, in the spellings of carriers and switches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.normalise.phone import _KEYPAD, _parse_number, is_withheld, parse_party

WORDS = [
    "anonymous", "private", "restricted", "unavailable", "withheld", "unknown", "blocked", "hidden",
    "suppressed", "not available", "out of area", "no caller id", "no id", "no number",
    "private number", "private caller", "number withheld", "caller id blocked", "id unavailable",
    "unknown caller", "caller unknown", "anonymous call", "name unavailable",
]  # fmt: skip
# How one text is written by one carrier and another.
SPELLINGS = [
    str.lower,
    str.upper,
    str.title,
    lambda words: words.replace(" ", "_"),
    lambda words: words.replace(" ", "-"),
    lambda words: words.replace(" ", ""),
    lambda words: f" {words} ",
    lambda words: f"+{words}",
    lambda words: f'"{words}"',
    lambda words: f"<{words}>",
    lambda words: f"sip:{words.replace(' ', '')}@203.0.113.7",
    lambda words: f"sip:{words.replace(' ', '%20')}@carrier.example:5060;transport=udp",
    lambda words: f"SIPS:{words.replace(' ', '_').upper()}@carrier.example",
    lambda words: f'"{words}" <sip:{words.replace(" ", ".")}@carrier.example>;tag=1',
    lambda words: f"sip:{words.replace(' ', '')}",
    lambda words: f"tel:{words.replace(' ', '')}",
]
ADDRESSES = [
    "sip:anonymous@anonymous.invalid",
    '"Anonymous" <sip:anonymous@anonymous.invalid>',
    "sip:unavailable@unknown.invalid",
    "sip:notavailable@unknown.invalid",
    "sip:2f9d@anonymous.invalid:5061;transport=tls",
    "anonymous@anonymous.invalid",
    "SIP:Anonymous@ANONYMOUS.INVALID",
]
DIGITS = [
    ("266696687", "ANONYMOUS"),
    ("7378742833", "RESTRICTED"),
    ("86282452253", "UNAVAILABLE"),
    ("8656696", "UNKNOWN"),
    ("2562533", "BLOCKED"),
]
KEYS = {2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ"}


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("words", WORDS)
def test_a_withheld_caller_is_anonymous_in_any_spelling(words: str, spell: object) -> None:
    assert callable(spell)
    text = spell(words)
    assert parse_party(text) == {"kind": "anonymous", "e164": None, "text": text}


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_of_the_standards_for_no_caller_is_anonymous(text: str) -> None:
    assert parse_party(text) == {"kind": "anonymous", "e164": None, "text": text}


@pytest.mark.parametrize(("digits", "word"), DIGITS)
@pytest.mark.parametrize(
    "form", ["{}", "+{}", " {}", "sip:{}@carrier.example", "sip:+{}@203.0.113.7"]
)
def test_a_word_on_a_keypad_is_anonymous(digits: str, word: str, form: str) -> None:
    assert "".join(str(key) for letter in word for key in KEYS if letter in KEYS[key]) == digits
    text = form.format(digits)
    assert parse_party(text) == {"kind": "anonymous", "e164": None, "text": text}


@pytest.mark.parametrize("digits", sorted(_KEYPAD))
def test_no_digits_for_a_withheld_caller_are_a_number_of_any_country(digits: str) -> None:
    assert _parse_number(digits, digits) == {"kind": "unknown", "e164": None, "text": digits}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("17378742833", "pstn"),  # RESTRICTED with a 1 in front: a number of Austin, Texas
        ("PRIVATEBANK", "unknown"),
        ("Blockbuster", "unknown"),
        ("noname", "unknown"),
        ("caller", "unknown"),
        ("private@example.com", "unknown"),
        ("sip:privateer@example.com", "sip"),
        ("sip:14155550100@unknown.example", "sip"),
        ("sip:14155550100@anonymous.invalid.example.com", "sip"),
        ('"Anonymous" <sip:14155550100@carrier.example>', "unknown"),
        ("sip:", "sip"),
        ("262", "short_code"),
        ("private " * 40, "unknown"),
    ],
)
def test_a_text_that_only_resembles_a_withheld_caller_keeps_its_kind(text: str, kind: str) -> None:
    assert parse_party(text)["kind"] == kind


@given(st.text(max_size=300) | st.text("callerid<>@:;? +%20", max_size=300))
def test_any_text_has_a_kind(text: str) -> None:
    assert is_withheld(text) in {True, False}
