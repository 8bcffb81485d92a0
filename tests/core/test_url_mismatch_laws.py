"""Laws of URL mismatches: bounded work for any headers, and no result without a token."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.core import request as wire
from bridge.core import signature
from bridge.core import url_mismatch as module
from bridge.core.keyring import HMAC_BYTES, Account
from bridge.core.parameters import parse_parameters
from bridge.core.request import Header
from bridge.core.signature import HashedToken
from bridge.core.url_mismatch import (
    DIAGNOSIS_BODY_BYTES_MAX,
    DIAGNOSIS_HASHED_BYTES_MAX,
    TRIES_MAX,
    MismatchVariant,
    find_url_mismatch,
)
from tests.support.factories import (
    AUTH_ID,
    NONCE,
    SUB_TOKEN,
    TEXT,
    TOKEN,
    ZONE,
    raw_callback,
    signed,
    v2_of,
    v3_of,
    verifier,
    with_headers,
)
from tests.support.signed_for_other_url import FORM, PATH, arrived, called

HOSTS = st.sampled_from(["a", "b.example:8080", "c:x", "[::1]:9", "d:1", "e", ":", ""]) | TEXT
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "host": HOSTS,
        "x-forwarded-host": HOSTS | st.lists(HOSTS, max_size=3).map(",".join),
        "forwarded": HOSTS.map("for=1;host={};proto=https".format) | TEXT,
        "x-forwarded-port": st.sampled_from(["9", "443", "x", "7, 8", "123456"]) | TEXT,
        "x-forwarded-prefix": st.sampled_from(["/p", "p/", "/", "/p, /q"]) | TEXT,
    },
).map(lambda headers: tuple(headers.items()))
ORIGINS = st.sampled_from(
    ["https://a", "http://a:8080", "https://b/p", "ftp://a", "https://[::1]:1/p/q", ""]
)
FULL = tuple(
    {
        "host": "b:1",
        "x-forwarded-host": "c:2, d:3",
        "forwarded": "host=e:4, host=f",
        "x-forwarded-port": "5, 6",
        "x-forwarded-prefix": "/q",
    }.items()
)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the list of every token an HMAC is made with from now on."""
    tokens: list[bytes] = []

    def counted(token: HashedToken, message: bytes) -> bytes:
        tokens.append(names[token.inner.digest()])
        return real(token, message)

    names = {
        signature.hash_token(one).inner.digest(): one
        for one in (TOKEN.encode(), SUB_TOKEN.encode())
    }
    real = signature.sign_with
    monkeypatch.setattr(module.signature, "sign_with", counted)
    return tokens


@pytest.mark.parametrize("scheme", ["v3", "v2"])
def test_no_token_is_tried_more_often_than_the_limit(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    raw = arrived(called("https://z" + PATH), "https://a:8080/p", scheme=scheme, headers=FULL)
    raw = raw._replace(query="team=blue")
    by = verifier()
    tokens = counting(monkeypatch)
    assert find_url_mismatch(raw, parse_parameters(raw), by) is None
    tries = {token: tokens.count(token) for token in tokens}
    assert set(tries) == {TOKEN.encode(), SUB_TOKEN.encode()}
    # The scheme of Plivo's agent SDKs adds one message to V3's: both encode this form alike.
    assert set(tries.values()) == {TRIES_MAX + 1 if scheme == "v3" else 27}


@given(ORIGINS, HEADERS, TEXT)
def test_any_headers_give_urls_with_a_variant_and_at_most_the_limit(
    origin: str, headers: tuple[Header, ...], query: str
) -> None:
    plivos = raw_callback(query, FORM, path=PATH, origin=origin)
    raw = with_headers(plivos, *headers, (wire.SIGNATURE_V3, "x"), (wire.NONCE_V3, NONCE))
    here = module._split_url(raw, parse_parameters(raw).query)
    others = [
        url
        for url in module._iter_variants(here, raw)
        if url.base != here.base or url.query != here.query
    ]
    assert all(isinstance(url.compare(here), MismatchVariant) for url in others)
    with pytest.MonkeyPatch.context() as patch:
        tokens = counting(patch)
        find_url_mismatch(raw, parse_parameters(raw), verifier())
    # Three spellings of the URL: in the two encodings of Plivo's agent SDKs, and with a dot.
    assert max(map(tokens.count, {TOKEN.encode(), SUB_TOKEN.encode()})) <= TRIES_MAX + 9


@given(ORIGINS, HEADERS, TEXT, st.text(max_size=60), st.sampled_from(["v3", "v2"]))
@example("https://a", FULL, "a", "", "v3")
def test_without_a_token_there_is_no_url_mismatch(
    origin: str, headers: tuple[Header, ...], query: str, guess: str, scheme: str
) -> None:
    plivos = raw_callback(query, FORM, path=PATH, origin=origin)
    name, nonce = (
        (wire.SIGNATURE_V3, wire.NONCE_V3)
        if scheme == "v3"
        else (
            wire.SIGNATURE_V2,
            wire.NONCE_V2,
        )
    )
    sign = v3_of if scheme == "v3" else v2_of
    for forged in (guess, sign(plivos, "another-token")):
        raw = with_headers(plivos, *headers, (name, forged), (nonce, NONCE))
        assert find_url_mismatch(raw, parse_parameters(raw), verifier()) is None


@given(st.sampled_from(["https://a", "http://a:8080", "https://b/p"]), HEADERS, TEXT)
def test_a_signature_of_another_body_is_no_url_mismatch(
    origin: str, headers: tuple[Header, ...], added: str
) -> None:
    raw = signed(raw_callback("", FORM, path=PATH, origin=origin))
    forged = with_headers(raw, *headers)._replace(body=raw.body + f"&Digits=1{added}".encode())
    assert find_url_mismatch(forged, parse_parameters(forged), verifier()) is None


@pytest.mark.parametrize("scheme", ["v3", "v2"])
def test_a_bounded_number_of_bytes_is_hashed_for_any_number_of_tokens(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    hashed: list[int] = []

    def counted(token: HashedToken, message: bytes) -> bytes:
        hashed.append(len(message) + HMAC_BYTES)
        return real(token, message)

    real = signature.sign_with
    monkeypatch.setattr(module.signature, "sign_with", counted)
    by = verifier(Account(AUTH_ID, ZONE, tuple(f"token-{place}" for place in range(1000))))
    form = "Text=" + "x" * (DIAGNOSIS_BODY_BYTES_MAX - 5)
    plivos = called("https://z" + PATH)._replace(body=form.encode())
    raw = arrived(plivos, "https://a:8080/p", scheme=scheme, headers=FULL)
    assert find_url_mismatch(raw, parse_parameters(raw), by) is None
    assert DIAGNOSIS_HASHED_BYTES_MAX / 2 < sum(hashed) <= DIAGNOSIS_HASHED_BYTES_MAX
    hashed.clear()
    longer = raw._replace(body=raw.body + b"x")
    assert find_url_mismatch(longer, parse_parameters(longer), by) is None
    assert not hashed
