"""Which spellings of an origin are one URL, and the order in which they are tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.origins import is_allowed_host, is_authority, list_equal_origins

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
def test_an_origin_is_tried_as_received_and_then_in_its_other_spellings(
    origin: str, others: list[str]
) -> None:
    assert list_equal_origins(origin) == (origin, *others)


@given(st.text(max_size=30) | st.from_regex(r"https?://[a-zA-Z.:\[\]0-9]{0,12}(/[a-z]*)?"))
def test_any_text_has_few_spellings_and_none_twice(origin: str) -> None:
    spellings = list_equal_origins(origin)
    assert spellings[0] == origin
    assert len(set(spellings)) == len(spellings) <= 3
    # The spellings of a spelling are no new ones.
    assert {one for other in spellings[1:] for one in list_equal_origins(other)} <= set(spellings)


HOSTS = [
    "a.example", "A.Example.", "a", "a_b", "xn--bcher-kva.example", "127.0.0.1", "a.example:8443",
    "a.example:0", "a.example:", "a.example:65535", "[::1]", "[2001:DB8::1]:8080", "[::ffff:1.2.3.4]",
    "x" * 253 + ":65535",
]  # fmt: skip
NO_HOSTS = [
    "", " ", "a b", "a/b", "/", "a?b", "?", "a#b", "a@b", "user:pass@a", "a,b", "a;b", "a=b", "a&b",
    "a%41", "a%2Fb", "a:99999", "a:65536", "a:80:80", "a:b", ":80", ".", "..", "a:8 0", "a:\u0661",
    "\u00e9.example", "\xff", "a\tb", "a\n", "a\0", "a\\b", "a..b/plivo?", "http://a", "[", "[]",
    "[::1", "::1", "[::1]x", "[a]", "[1.2.3.4]", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1]:99999",
    "x" * 254, "x" * 253 + ":065535",
    "$a", "a!", "(a)", "a+b", "a*", "'a'", "a|b", "a<b>", '"a"', "a{b}", "a^b", "a`b",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_with_or_without_a_port_is_an_authority(host: str) -> None:
    assert is_authority(host)


@pytest.mark.parametrize("host", NO_HOSTS)
def test_any_other_text_is_not_an_authority(host: str) -> None:
    assert not is_authority(host)


@given(st.text(max_size=20) | st.text("a.:/?[]@%1", max_size=8))
def test_an_authority_holds_nothing_that_ends_it_in_a_url(host: str) -> None:
    if is_authority(host):
        assert not set(host) & set("/?#@%,;&= \t\r\n\\")
        assert host.isascii()
        assert host.isprintable()


# An origin, the hosts that are allowed, and whether it is one of them.
ALLOWED = [
    ("https://a.example", ["a.example"], True),
    ("https://A.Example.:443", ["a.example"], True),
    ("https://a.example", ["b.example", "A.EXAMPLE:443"], True),
    ("https://a.example:8443", ["a.example:8443"], True),
    ("https://a.example:8443", ["a.example"], False),
    ("https://a.example:80", ["a.example"], False),
    ("http://a.example", ["a.example:443"], False),
    ("https://a.example", ["a.example:8443"], False),
    ("https://b.a.example", ["a.example"], False),
    ("https://a.example.evil", ["a.example"], False),
    ("https://[2001:DB8::1]:443", ["[2001:db8::1]"], True),
    ("https://a.example", [], False),
]


@pytest.mark.parametrize(("origin", "hosts", "allowed"), ALLOWED)
def test_a_host_is_allowed_by_its_name_and_its_port(
    origin: str, hosts: list[str], *, allowed: bool
) -> None:
    assert is_allowed_host(origin, hosts) is allowed
