"""Which spellings of an origin are one URL, and in which order they are tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.origins import equal_origins

SPELLINGS = [
    ("https://a.example", ["https://a.example:443"]),
    ("https://a.example:443", ["https://a.example"]),
    ("HTTPS://A.Example", ["https://a.example", "https://a.example:443"]),
    ("https://a.example.", ["https://a.example", "https://a.example:443"]),
    ("https://a.example:", ["https://a.example", "https://a.example:443"]),
    ("https://A.example:8443", ["https://a.example:8443"]),
    ("https://a.example:8443", []),
    ("http://a.example:443", []),
    ("http://a.example", ["http://a.example:80"]),
    ("http://[2001:DB8::1]:80", ["http://[2001:db8::1]", "http://[2001:db8::1]:80"]),
    ("https://A.example/Prefix", ["https://a.example/Prefix", "https://a.example:443/Prefix"]),
    ("ftp://A.example", []),
    ("https://", []),
    ("", []),
]


@pytest.mark.parametrize(("origin", "others"), SPELLINGS)
def test_an_origin_is_tried_as_it_is_and_then_in_its_other_spellings(
    origin: str, others: list[str]
) -> None:
    assert equal_origins(origin) == (origin, *others)


@given(st.text(max_size=30) | st.from_regex(r"https?://[a-zA-Z.:\[\]0-9]{0,12}(/[a-z]*)?"))
def test_whatever_a_client_writes_there_are_few_spellings_and_none_twice(origin: str) -> None:
    spellings = equal_origins(origin)
    assert spellings[0] == origin
    assert len(set(spellings)) == len(spellings) <= 3
    # The spellings of a spelling are no new ones.
    assert {one for other in spellings[1:] for one in equal_origins(other)} <= set(spellings)
