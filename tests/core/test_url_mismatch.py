"""The URL mismatch: one variant for each change of a URL, and none for a forgery."""

from dataclasses import replace

import pytest

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.nonce_guard import NonceGuard
from bridge.core.parameters import JSON, parse_parameters
from bridge.core.request import Header, RawCallback, index_headers
from bridge.core.url_mismatch import MismatchVariant, UrlMismatch, find_url_mismatch
from bridge.core.verify import AcceptV2, Unverified, VerificationFault, Verified
from tests.support.factories import (
    NONCE,
    SUB_TOKEN,
    TOKEN,
    raw_callback,
    v2_of,
    v3_of,
    verdict_on,
    verifier,
    with_headers,
)
from tests.support.signed_for_other_url import PATH, arrived, called, found, near

# What Plivo called; what the bridge took it for; the headers that came; how they differ.
GARBLED: list[tuple[str, str, tuple[Header, ...], str]] = [
    ("https://a.example", "http://a.example", (), "scheme"),
    ("http://a.example", "https://a.example", (), "scheme"),
    ("https://a.example", "https://a.example:8443", (), "port"),
    ("https://a.example:8443", "https://a.example", (("host", "a.example:8443"),), "port"),
    ("https://a.example:9", "https://a.example", (("x-forwarded-port", "9, 443"),), "port"),
    ("https://[2001:db8::1]:9", "https://[2001:db8::1]", (("x-forwarded-port", "9"),), "port"),
    ("https://a.example", "https://b.example", (("host", "a.example"),), "host"),
    ("https://a.example", "https://b.example", (("x-forwarded-host", "a.example, c"),), "host"),
    ("https://a.example", "https://b.example", (("forwarded", "for=1;host=a.example"),), "host"),
    (
        "https://a.example",
        "https://b.example",
        (("forwarded", 'Host="a.example";proto=x'),),
        "host",
    ),
    ("https://a.example/p", "https://a.example", (("x-forwarded-prefix", "/p"),), "path"),
    ("https://a.example", "https://a.example/p", (), "path"),
    ("https://a.example/p/p", "https://a.example/p", (), "path"),
    ("https://a.example", "http://a.example:8080", (), "scheme+port"),
    ("https://a.example:443", "http://a.example", (), "scheme+port"),
    ("https://a.example:9", "http://a.example", (("x-forwarded-port", "9"),), "scheme+port"),
    ("https://a.example", "http://b", (("x-forwarded-host", "a.example"),), "scheme+host"),
    ("https://a.example", "https://b:8080", (("x-forwarded-host", "a.example"),), "port+host"),
    ("https://a.example:9", "https://b", (("x-forwarded-host", "a.example:9"),), "port+host"),
    ("https://a.example", "http://b:8080", (("host", "a.example"),), "scheme+port+host"),
    (
        "https://a.example:9",
        "http://b:8080",
        (("x-forwarded-host", "a.example"), ("x-forwarded-port", "9")),
        "scheme+port+host",
    ),
    ("https://a.example/p", "http://a.example", (("x-forwarded-prefix", "p/"),), "scheme+path"),
    ("https://a.example", "http://a.example/p", (), "scheme+path"),
    (
        "https://a.example/p",
        "https://b",
        (("x-forwarded-host", "a.example"), ("x-forwarded-prefix", "/p")),
        "host+path",
    ),
    (
        "https://a.example/p",
        "https://b:8080",
        (("x-forwarded-host", "a.example"), ("x-forwarded-prefix", "/p")),
        "port+host+path",
    ),
    (
        "https://a.example/p",
        "http://b",
        (("x-forwarded-host", "a.example"), ("x-forwarded-prefix", "/p")),
        "scheme+host+path",
    ),
    (
        "https://a.example/p",
        "http://b:8080",
        (("x-forwarded-host", "a.example"), ("x-forwarded-prefix", "/p")),
        "scheme+port+host+path",
    ),
]


@pytest.mark.parametrize("scheme", ["v3", "v2"])
@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(("plivos", "ours", "headers", "variant"), GARBLED)
def test_a_proxys_change_of_origin_or_prefix_is_found(  # noqa: PLR0917 (a table's columns)
    plivos: str, ours: str, headers: tuple[Header, ...], variant: str, method: str, scheme: str
) -> None:
    raw = arrived(called(plivos + PATH, method=method), ours, scheme=scheme, headers=headers)
    assert found(raw) == variant


# What Plivo called, the scheme and what arrived: path and query changed on the way.
@pytest.mark.parametrize(
    ("plivos", "ours", "changes", "variant"),
    [
        ("https://a/plivo/", "https://a", {"path": "/plivo"}, "path"),
        ("https://a/plivo", "https://a", {"path": "/plivo/"}, "path"),
        ("https://a/plivo/", "http://a", {"path": "/plivo"}, "scheme+path"),
        ("https://a/plivo", "https://a", {"query": "utm=1"}, "query"),
        ("https://a/plivo", "http://a", {"query": "utm=1"}, "scheme+query"),
        ("https://a/plivo/", "https://a", {"path": "/plivo", "query": "utm=1"}, "path+query"),
    ],
)
def test_a_proxys_change_of_path_or_query_is_found(
    plivos: str, ours: str, changes: dict[str, str], variant: str
) -> None:
    assert found(arrived(called(plivos), ours, scheme="v3", **changes)) == variant


def test_a_removed_query_cannot_be_guessed() -> None:
    assert (
        found(arrived(called("https://a/plivo?team=1"), "https://a", scheme="v3", query="")) is None
    )


def test_every_variant_is_in_one_of_the_tables() -> None:
    shown = {variant for *_, variant in GARBLED} | {
        "json_body",
        "agentstack_v3",
        "separator",
        "json_separator",
    }
    assert shown | {"path", "query", "scheme+query", "path+query"} == set(MismatchVariant)


# The public URL that Plivo calls, the one that is configured, the headers: only the setting is wrong.
@pytest.mark.parametrize("scheme", ["v3", "v2"])
@pytest.mark.parametrize(
    ("plivos", "ours", "headers"),
    [
        ("https://a.example", "http://b:8080", (("host", "a.example"),)),
        ("https://a.example:9", "https://a.example", (("x-forwarded-port", "9"),)),
        ("https://a.example/p", "https://a.example", (("x-forwarded-prefix", "/p"),)),
        ("https://a.example", "https://a.example/p", ()),
        ("https://a.example", "http://b", (("x-forwarded-host", "A.Example"),)),
        ("https://[2001:db8::1]:9", "https://[2001:db8::1]", (("x-forwarded-port", "9"),)),
    ],
)
def test_the_public_url_that_would_verify_is_named(
    plivos: str, ours: str, headers: tuple[Header, ...], scheme: str
) -> None:
    miss = near(arrived(called(plivos + PATH), ours, scheme=scheme, headers=headers))
    assert miss is not None
    assert miss.public_url == plivos


@pytest.mark.parametrize(
    ("plivos", "ours", "changes"),
    [
        ("https://a/plivo/", "https://a", {"path": "/plivo"}),
        ("https://a/plivo", "http://a", {"query": "utm=1"}),
        ("https://user:secret@a/plivo", "http://user:secret@a", {}),
        ("https://a%1b/plivo", "http://a%1b", {}),
        ("https://a\n/plivo", "http://a\n", {}),
    ],
)
def test_a_public_url_is_not_named_if_it_would_not_verify_or_cannot_be_logged(
    plivos: str, ours: str, changes: dict[str, str]
) -> None:
    miss = near(arrived(called(plivos), ours, scheme="v3", **changes))
    assert miss is not None
    assert miss.public_url is None


def json_signed(text: str, *, origin: str = "https://a") -> RawCallback:
    """Return a callback with a JSON list, of which ``text`` was signed behind the URL."""
    raw = raw_callback("", b'{"a": [2, 1]}', path=PATH, origin="https://a", content_type=JSON)
    message = f"{origin}{PATH}{text}.{NONCE}".encode()
    of = signature.sign(TOKEN.encode(), message)
    return with_headers(raw, (wire.SIGNATURE_V3, of), (wire.NONCE_V3, NONCE))


@pytest.mark.parametrize(
    ("text", "origin", "expected"),
    [
        ("?a1a2", "http://a", UrlMismatch(MismatchVariant.SCHEME, "http://a")),
        ('?a["2", "1"]', "http://a", None),
        ("?a[2, 1]", "http://a", UrlMismatch(MismatchVariant.SCHEME, "http://a")),
        (".a=%5B2%2C+1%5D", "https://a", UrlMismatch(MismatchVariant.AGENTSTACK_V3)),
        (".a=2%2C1", "https://a", UrlMismatch(MismatchVariant.AGENTSTACK_V3)),
        (".a=2%2C1", "http://a", None),
        ("", "https://a", UrlMismatch(MismatchVariant.JSON_BODY)),
        (".a1a2", "https://a", UrlMismatch(MismatchVariant.JSON_SEPARATOR)),
        (".a[2, 1]", "https://a", UrlMismatch(MismatchVariant.JSON_SEPARATOR)),
        (".a[object Object]", "https://a", None),
        ("", "http://a", UrlMismatch(MismatchVariant.SCHEME, "http://a")),
    ],
)
def test_a_json_body_is_tried_in_every_reading(
    text: str, origin: str, expected: UrlMismatch | None
) -> None:
    assert near(json_signed(text, origin=origin), accept_v2=AcceptV2.NONE) == expected


def test_an_accepted_agent_sdk_scheme_is_no_url_mismatch() -> None:
    raw = json_signed(".a=2%2C1", origin="https://a")
    by = replace(verifier(), accept_agentstack=True)
    assert isinstance(verdict_on(raw, by), Verified)
    moved = raw._replace(public_origin="http://b")
    assert find_url_mismatch(moved, parse_parameters(moved), by) is None


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("", ".a1b2", UrlMismatch(MismatchVariant.SEPARATOR)),
        ("", ".b2a1", None),
        ("team=blue", ".a1b2", None),
    ],
)
def test_a_dot_instead_of_a_question_mark_is_found(
    query: str, text: str, expected: UrlMismatch | None
) -> None:
    raw = raw_callback(query, "b=2&a=1", path=PATH, origin="https://a")
    of = signature.sign(TOKEN.encode(), f"https://a{PATH}{text}.{NONCE}".encode())
    signed_so = with_headers(raw, (wire.SIGNATURE_V3, of), (wire.NONCE_V3, NONCE))
    assert near(signed_so) == expected


def test_an_equal_public_url_is_no_url_mismatch() -> None:
    for ours in ("https://a.example:443", "https://A.EXAMPLE", "HTTPS://a.example"):
        for plivos in ("https://a.example", "https://a.example:443"):
            for scheme in ("v3", "v2"):
                raw = arrived(called(plivos + PATH), ours, scheme=scheme)
                verdict = verdict_on(raw)
                assert isinstance(verdict, Verified)
                assert verdict.raw.public_origin == plivos


@pytest.mark.parametrize(
    ("token", "header", "expected"),
    [
        (TOKEN, wire.SIGNATURE_V3, MismatchVariant.SCHEME),
        (SUB_TOKEN, wire.SIGNATURE_V3, MismatchVariant.SCHEME),
        (TOKEN, wire.SIGNATURE_MA_V3, MismatchVariant.SCHEME),
        (SUB_TOKEN, wire.SIGNATURE_MA_V3, None),
        ("another-token", wire.SIGNATURE_V3, None),
    ],
)
def test_the_same_tokens_match_as_in_a_verdict(
    token: str, header: str, expected: MismatchVariant | None
) -> None:
    plivos = called("https://a" + PATH)
    raw = with_headers(plivos, (header, f"x,{v3_of(plivos, token)}"), (wire.NONCE_V3, NONCE))
    assert found(raw._replace(public_origin="http://a")) is expected


def test_v3_decides_if_it_is_present() -> None:
    plivos = called("https://a" + PATH)
    raw = with_headers(
        plivos,
        (wire.SIGNATURE_V3, "wrong"),
        (wire.NONCE_V3, NONCE),
        (wire.SIGNATURE_V2, v2_of(plivos)),
        (wire.NONCE_V2, NONCE),
    )
    assert found(raw._replace(public_origin="http://a")) is None


@pytest.mark.parametrize("nonce", [None, "", "1.2"])
def test_nothing_is_tried_without_a_possible_nonce_of_plivos(nonce: str | None) -> None:
    plivos = called("https://a" + PATH)
    given_nonce = () if nonce is None else ((wire.NONCE_V3, nonce),)
    raw = with_headers(plivos, (wire.SIGNATURE_V3, v3_of(plivos, nonce=nonce or "")), *given_nonce)
    assert found(raw._replace(public_origin="http://a")) is None


def test_v2_has_no_url_mismatch_if_it_is_not_accepted() -> None:
    raw = arrived(called("https://a" + PATH), "http://a", scheme="v2")
    assert found(raw) is MismatchVariant.SCHEME
    assert found(raw, accept_v2=AcceptV2.NONE) is None


def test_a_body_that_is_not_a_form_is_left_out_of_the_message() -> None:
    plivos = raw_callback("team=blue", path=PATH, origin="https://a")
    raw = arrived(plivos, "http://a", scheme="v3", body=b"\x1f\x8b=")
    raw = raw._replace(headers=index_headers((*raw.headers.lines, ("content-encoding", "gzip"))))
    assert found(raw) is MismatchVariant.SCHEME


def test_finding_a_url_mismatch_verifies_nothing_and_remembers_nothing() -> None:
    by = verifier()
    raw = arrived(called("https://a" + PATH), "http://a", scheme="v2")
    for _ in range(2):
        verdict = verdict_on(raw, by)
        assert isinstance(verdict, Unverified)
        assert verdict.fault is VerificationFault.WRONG_SIGNATURE
        assert find_url_mismatch(raw, verdict.parameters, by) == UrlMismatch(
            MismatchVariant.SCHEME, "https://a"
        )
    assert vars(by.partial_messages) == vars(NonceGuard())
    # The nonce is still unused for its own callback, with any parameters.
    other = raw._replace(public_origin="https://a", body=b"CallUUID=y&Event=Ring")
    assert isinstance(verdict_on(other, by), Verified)
