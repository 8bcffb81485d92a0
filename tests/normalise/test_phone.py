"""The party of a leg."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.normalise.phone import parse_party

KINDS = [
    ("14155550100", "pstn", "+14155550100"),
    ("+14155550100", "pstn", "+14155550100"),
    ("919876543210", "pstn", "+919876543210"),
    ("+4930123456", "pstn", "+4930123456"),
    ("+1 (415) 555-0100", "pstn", "+14155550100"),
    ("+44 20 7946 0018", "pstn", "+442079460018"),
    ("911", "short_code", None),
    ("55512", "short_code", None),
    ("123456", "short_code", None),
    ("sip:alice@example.com", "sip", None),
    ("sips:alice@example.com", "sip", None),
    ("SIP:Alice@Example.com", "sip", None),
    ("sip:agent7@phone.plivo.com", "client", None),
    ("sip:Agent7@PHONE.plivo.com;transport=udp", "client", None),
    ("sip:agent7@phone.plivo.com:5060", "client", None),
    ("sip:agent7@phone.plivo.com.example.com", "sip", None),
    ("sip:agent7@phone.plivo.community", "sip", None),
    ("sip:14155550100@carrier.example", "sip", None),
    ("anonymous", "anonymous", None),
    (" RESTRICTED ", "anonymous", None),
    ("sip:anonymous@anonymous.invalid", "anonymous", None),
    ("266696687", "anonymous", None),
    ("+44 (0)20 7946 0018", "pstn", "+442079460018"),
    ("+1 415 555 0100 ext. 5", "pstn", "+14155550100"),
    ("tel:+14155550100", "pstn", "+14155550100"),
    ("PLIVO", "unknown", None),
    ("Private Bank", "unknown", None),
    ("", "unknown", None),
    ("+", "unknown", None),
    ("12", "unknown", None),
    ("1234567", "unknown", None),
    ("+1 415", "unknown", None),
    ("0014155550100", "unknown", None),
    ("1234567890123456", "unknown", None),
    ("١٤١٥٥٥٥٠١٠٠", "unknown", None),
]


@pytest.mark.parametrize(("text", "kind", "e164"), KINDS)
def test_a_party_has_a_kind_and_a_number_only_if_it_is_one(
    text: str, kind: str, e164: str | None
) -> None:
    assert parse_party(text) == {"kind": kind, "e164": e164, "text": text}


# Digits, and why no country has them as a number.
IMPOSSIBLE = [
    ("2125550123", "national, New York; 212 is Morocco, which has nine more digits"),
    ("4155550123", "national, San Francisco; 41 is Switzerland"),
    ("3125550123", "national, Chicago; 31 is the Netherlands, which have the length but not the 2"),
    ("6175550123", "national, Boston; 61 is Australia, which has the length but not the 7"),
    ("3105550123", "national, Los Angeles; 31 again, and a 0 that is dialled inside the country"),
    ("9876543210", "national, India; 98 is Iran"),
    ("1415555012", "a digit short"),
    ("141555501000", "a digit over"),
    ("114155550100", "a digit over, in front"),
    ("91987654321", "a digit short"),
    ("10155550100", "no area code of country code 1 begins with 0"),
    ("4407911123456", "the 0 that is dialled inside the United Kingdom"),
    ("5215512345678", "the 1 that Mexico gave up in 2019"),
    ("21055501001234", "210 is no country code"),
    ("999999999999", "999 is no country code"),
    ("1111111111", "one digit repeated"),
    ("11111111111", "one digit repeated"),
    ("22222222222", "one digit repeated, as long as a number of Mauritania"),
]


@pytest.mark.parametrize("plus", ["", "+", " "])
@pytest.mark.parametrize(("digits", "why"), IMPOSSIBLE)
def test_digits_that_no_country_has_as_a_number_have_no_e164(
    digits: str, why: str, plus: str
) -> None:
    assert parse_party(plus + digits) == {"kind": "unknown", "e164": None, "text": plus + digits}, (
        why
    )


@pytest.mark.parametrize(
    "text", ["+44 07911 123456", "+1 1 415 555 0100", "+1-415-555-012", "+1 (415) 555-01000"]
)
def test_no_digit_is_dropped_to_make_a_number_of_a_text(text: str) -> None:
    assert parse_party(text) == {"kind": "unknown", "e164": None, "text": text}


# The numbers of Tristan da Cunha and Tokelau have seven digits with the country code.
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS - {"TA", "TK"})
# Plivo's numbers are of these kinds; short numbers have no E.164 form.
TYPES = [
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.TOLL_FREE,
    phonenumbers.PhoneNumberType.VOIP,
]


@pytest.mark.parametrize("region", REGIONS)
def test_a_number_in_use_has_its_e164_in_every_country(region: str) -> None:
    examples = filter(None, (phonenumbers.example_number_for_type(region, kind) for kind in TYPES))
    e164s = [
        phonenumbers.format_number(one, phonenumbers.PhoneNumberFormat.E164) for one in examples
    ]
    long_enough = [e164 for e164 in e164s if len(e164) > 8]
    assert long_enough
    for e164 in long_enough:
        assert parse_party(e164) == {"kind": "pstn", "e164": e164, "text": e164}
        assert parse_party(e164[1:])["e164"] == e164


def test_a_number_of_no_country_may_have_an_e164_too() -> None:
    assert parse_party("80012345678")["e164"] == "+80012345678"  # international freephone


@given(st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True))
def test_plus_or_no_plus_is_the_same_number(digits: str) -> None:
    assert parse_party(digits)["e164"] == parse_party("+" + digits)["e164"]
    assert parse_party(digits)["e164"] in {None, "+" + digits}


@settings(max_examples=300)
@given(st.sampled_from(["1", "44", "91", "49", "55", ""]), st.from_regex(r"[1-9][0-9]{6,11}\Z"))
def test_an_e164_is_possible_by_the_fields_own_library(code: str, national: str) -> None:
    e164 = parse_party(code + national)["e164"]
    if e164 is not None:
        assert phonenumbers.is_possible_number(phonenumbers.parse(e164, None))


@settings(max_examples=300)
@given(st.text() | st.text("+0123456789 ()-.;=extsip:@", max_size=30))
def test_no_text_is_refused_and_all_text_is_kept(text: str) -> None:
    found = parse_party(text)
    assert found["text"] == text
    assert (found["e164"] is not None) is (found["kind"] == "pstn")
