"""Who is on a leg."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.normalise.phone import party

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
    ("Anonymous", "anonymous", None),
    (" RESTRICTED ", "anonymous", None),
    ("Unavailable", "anonymous", None),
    ("private", "anonymous", None),
    ("withheld", "anonymous", None),
    ("PLIVO", "unknown", None),
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
def test_a_party_has_a_kind_and_a_number_only_where_it_is_one(
    text: str, kind: str, e164: str | None
) -> None:
    assert party(text) == {"kind": kind, "e164": e164, "text": text}


@given(st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True))
def test_plus_or_no_plus_is_the_same_number(digits: str) -> None:
    assert party(digits)["e164"] == party("+" + digits)["e164"] == "+" + digits


@settings(max_examples=300)
@given(st.text() | st.text("+0123456789 ()-.;=extsip:@", max_size=30))
def test_no_text_is_refused_and_all_text_is_kept(text: str) -> None:
    found = party(text)
    assert found["text"] == text
    assert (found["e164"] is not None) is (found["kind"] == "pstn")
