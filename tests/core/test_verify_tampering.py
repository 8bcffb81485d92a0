"""A changed byte is detected, wherever it is."""

import string
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core import request as wire
from bridge.core.parameters import decode_parameters
from bridge.core.request import RawCallback, index_headers
from bridge.core.verify import Unverified, Verified
from tests.support.factories import HANGUP, TEXT, WORD, raw_callback, signed, verdict_on

PLIVOS = st.sampled_from(
    ["CallUUID", "Event", "From", "To", "Duration", "SessionStart", "CallerName", "SIP-H-To"]
)
VALUES = (
    TEXT
    | st.sampled_from(
        ["+14155550100", "sip:agent@phone.plivo.com;tag=1", "2026-03-07 14:13:30.910772", "", "a.b"]
    )
    | st.text("+ &=%.;:/?", max_size=6)
)
BODIES = st.lists(st.tuples(PLIVOS | WORD, VALUES), max_size=8).map(urlencode)
QUERIES = st.lists(st.tuples(WORD, VALUES), max_size=3).map(urlencode)
NONCES = st.text(string.digits, min_size=1, max_size=20)
PLACES = ["path", "query", "body", "nonce", "signature"]


@st.composite
def callbacks(draw: st.DrawFn) -> RawCallback:
    """Draw a callback that Plivo signed."""
    path = "/" + "/".join(draw(st.lists(WORD, min_size=1, max_size=3)))
    query, body, nonce = draw(QUERIES), draw(BODIES), draw(NONCES)
    return signed(raw_callback(query, body, path=path), nonce=nonce)


def with_header(raw: RawCallback, name: str, value: str) -> RawCallback:
    headers = tuple((key, value if key == name else of) for key, of in raw.headers.lines)
    return raw._replace(headers=index_headers(headers))


def tampered(raw: RawCallback, place: str, position: int, byte: int) -> RawCallback:
    """Return ``raw`` with one byte of ``place`` changed."""

    def changed(text: str) -> str:
        at = position % len(text)
        # Path, query and headers are ASCII where they come from; see the ingress.
        return text[:at] + chr(byte % 0x80) + text[at + 1 :]

    if place == "body":
        at = position % len(raw.body)
        return raw._replace(body=raw.body[:at] + bytes([byte]) + raw.body[at + 1 :])
    if place == "path":
        return raw._replace(path=changed(raw.path))
    if place == "query":
        return raw._replace(query=changed(raw.query))
    name = wire.NONCE_V3 if place == "nonce" else wire.SIGNATURE_V3
    return with_header(raw, name, changed(raw.headers.values.get(name) or ""))


def content(raw: RawCallback) -> object:
    """Return the content of a signed callback, without the escapes of its parameters."""
    parameters = decode_parameters(
        raw.query, raw.body, raw.headers.values.get("content-type"), None
    )
    query, body = sorted(parameters.query), sorted(parameters.body)
    headers = raw.headers.values
    return raw.path, query, body, headers.get(wire.NONCE_V3), headers.get(wire.SIGNATURE_V3)


def size(raw: RawCallback, place: str) -> int:
    return {"query": len(raw.query), "body": len(raw.body)}.get(place, 1)


@settings(max_examples=300)
@given(
    callbacks(),
    st.sampled_from(PLACES),
    st.integers(0, 10_000),
    st.integers(0, 255) | st.sampled_from(b"&=%+.?, "),
)
def test_a_changed_byte_is_unverified_unless_it_means_the_same(
    raw: RawCallback, place: str, position: int, byte: int
) -> None:
    assert isinstance(verdict_on(raw), Verified)
    if not size(raw, place):
        return
    other = tampered(raw, place, position, byte)
    if content(other) != content(raw):
        assert isinstance(verdict_on(other), Unverified)


def test_every_byte_of_a_hangup_counts() -> None:
    raw = signed(raw_callback("team=blue&shift=2", urlencode(HANGUP)))
    lengths = {
        "path": len(raw.path),
        "query": len(raw.query),
        "body": len(raw.body),
        "nonce": len(raw.headers.values.get(wire.NONCE_V3) or ""),
        "signature": len(raw.headers.values.get(wire.SIGNATURE_V3) or ""),
    }
    for place, length in lengths.items():
        for position in range(length):
            for byte in b"&=%+. x0":
                other = tampered(raw, place, position, byte)
                if content(other) != content(raw):
                    assert isinstance(verdict_on(other), Unverified), (place, position, byte)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("From=%2B1", "From=%2b1"),
        ("Name=a+b", "Name=a%20b"),
        ("Name=a", "Name=%61"),
        ("A=1&B=2", "B=2&A=1"),
        ("A=1&B=2", "A=1&&B=2&"),
    ],
)
def test_another_spelling_of_the_same_parameters_is_still_signed(before: str, after: str) -> None:
    raw = signed(raw_callback("", before))
    assert isinstance(verdict_on(raw._replace(body=after.encode())), Verified)


@settings(max_examples=100)
@given(callbacks(), callbacks())
def test_a_signature_verifies_only_its_own_callback(raw: RawCallback, other: RawCallback) -> None:
    swapped = other._replace(headers=raw.headers)
    if content(swapped) != content(raw):
        assert isinstance(verdict_on(swapped), Unverified)


@given(callbacks(), st.sampled_from(["http", "https"]), WORD)
def test_a_signature_verifies_only_its_own_origin(raw: RawCallback, scheme: str, host: str) -> None:
    moved = raw._replace(public_origin=f"{scheme}://{host}.example.net")
    assert isinstance(verdict_on(moved), Unverified)


# What Plivo's string to sign cannot tell apart: rule 5 of the signatures, and the edges of its parts.
ALIKE = [
    (("POST", "", "ab=c"), ("POST", "", "a=bc")),
    (("POST", "a=1%26b%3D2", "c=d"), ("POST", "a=1&b=2", "c=d")),
    (("POST", "a=1", "b=2"), ("POST", "a=1.b2", "")),
    (("POST", "", "a%3Db=2"), ("POST", "a=b2", "")),
    (("POST", "a=1", ""), ("GET", "a=1", "")),
]


@pytest.mark.parametrize(("before", "after"), ALIKE, ids=range(len(ALIKE)))
def test_callbacks_with_the_same_signed_string_have_the_same_verdict(
    before: tuple[str, str, str], after: tuple[str, str, str]
) -> None:
    method, query, body = before
    raw = signed(raw_callback(query, body, method=method))
    method, query, body = after
    verdict = verdict_on(raw._replace(method=method, query=query, body=body.encode()))
    assert isinstance(verdict, Verified)


# The nonce follows the last value after a dot, and costs have dots.
def test_the_nonce_cannot_take_over_the_end_of_the_last_value() -> None:
    raw = signed(raw_callback("", "CallUUID=x&TotalCost=0.01000"), nonce="123")
    shorter = raw._replace(body=b"CallUUID=x&TotalCost=0")
    forged = with_header(shorter, wire.NONCE_V3, "01000.123")
    assert isinstance(verdict_on(forged), Unverified)
