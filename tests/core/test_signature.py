"""Plivo's signatures: the official vectors, and the official SDK as a peer."""

import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plivo.utils import validate_signature
from plivo.utils.signature_v3 import validate_v3_signature

from bridge.core import request as wire
from bridge.core.keyring import Account
from bridge.core.parameters import Pair, parse_form
from bridge.core.request import Header, RawCallback
from bridge.core.signature import (
    Digest,
    build_v1_message,
    build_v2_message,
    build_v3_message,
    decode_signature,
    hash_token,
    sign,
    sign_with,
)
from bridge.core.verify import Unverified, Verified
from tests.support.factories import PAIRS, TEXT, WORD, raw_callback, verdict_on, verifier

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "specimens" / "signature-vectors.json").read_text()
)
V1 = [vector for vector in VECTORS if vector["scheme"] == "v1"]
V2 = [vector for vector in VECTORS if vector["scheme"] == "v2"]
V3 = [vector for vector in VECTORS if vector["scheme"] == "v3"]
NAMES = {"v2": (wire.SIGNATURE_V2, wire.NONCE_V2), "v3": (wire.SIGNATURE_V3, wire.NONCE_V3)}


def name(vector: dict[str, Any]) -> str:
    return str(vector["id"])


def base_and_query(url: str) -> tuple[str, tuple[Pair, ...]]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", parse_form(parts.query)[0]


def message_of(vector: dict[str, Any]) -> bytes:
    """Return the bytes that the vector's signature is of."""
    base, query = base_and_query(vector["url"])
    body = tuple(vector["params"].items())
    if vector["scheme"] == "v1":
        return build_v1_message(vector["url"], body)
    if vector["scheme"] == "v2":
        return build_v2_message(base, vector["nonce"])
    return build_v3_message(vector["method"], base, query, body, vector["nonce"])


def holds(vector: dict[str, Any]) -> bool:
    digest: Digest = "sha1" if vector["scheme"] == "v1" else "sha256"
    expected = sign(vector["auth_token"].encode(), message_of(vector), digest)
    return expected in vector["signature"].split(",")


def request_of(vector: dict[str, Any]) -> RawCallback:
    """Return the vector as it would come off the wire: a GET has everything in its query."""
    parts = urlsplit(vector["url"])
    query, body = parts.query, urlencode(vector["params"])
    if vector["method"] == "GET":
        query, body = "&".join(piece for piece in (query, body) if piece), ""
    signature_name, nonce_name = NAMES[vector["scheme"]]
    headers: list[Header] = [
        (signature_name, vector["signature"]),
        (nonce_name, vector["nonce"]),
    ]
    return raw_callback(
        query,
        body,
        method=vector["method"],
        path=parts.path,
        origin=f"{parts.scheme}://{parts.netloc}",
        headers=headers,
    )


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_the_signature_of_a_vector_matches_if_it_should(vector: dict[str, Any]) -> None:
    assert holds(vector) is vector["valid"]


@pytest.mark.parametrize("vector", V2 + V3, ids=name)
def test_the_request_of_a_vector_is_verified_if_it_should_be(vector: dict[str, Any]) -> None:
    account = Account("MAVECTOR", "UTC", (vector["auth_token"],))
    verdict = verdict_on(request_of(vector), verifier(account))
    assert isinstance(verdict, Verified if vector["valid"] else Unverified)


@pytest.mark.parametrize("vector", [vector for vector in V3 if "signed_string" in vector], ids=name)
def test_the_string_v3_signs_is_the_vectors(vector: dict[str, Any]) -> None:
    assert message_of(vector) == vector["signed_string"].encode()


def test_there_are_vectors_of_every_scheme_both_ways() -> None:
    for vectors in (V1, V2, V3):
        assert {vector["valid"] for vector in vectors} == {True, False}


@pytest.mark.parametrize(
    ("method", "query", "body", "message"),
    [
        ("GET", [], [], b"B.N"),
        ("GET", [("b", "2"), ("a", "1")], [], b"B?a=1&b=2.N"),
        ("GET", [], [("b", "2"), ("a", "1")], b"B?a=1&b=2.N"),
        ("GET", [("a", "1")], [("a", "9"), ("b", "2")], b"B?a=1&b=2.N"),
        ("POST", [], [], b"B.N"),
        ("POST", [("b", "2"), ("a", "1")], [], b"B?a=1&b=2.N"),
        ("POST", [], [("b", "2"), ("a", "1")], b"B?a1b2.N"),
        ("POST", [("q", "0")], [("b", "2"), ("a", "1")], b"B?q=0.a1b2.N"),
        ("PUT", [("q", "0")], [("a", "1")], b"B?q=0.a1.N"),
        ("POST", [], [("a", "2"), ("B", "3"), ("a", "10")], b"B?B3a10a2.N"),
        ("POST", [], [("a", "\udcff"), ("a", "é")], b"B?a\xc3\xa9a\xff.N"),
        ("POST", [], [("\uffff", "1"), ("😀", "2")], "B?\uffff1😀2.N".encode()),
    ],
)
def test_v3_signs_base_query_and_body(
    method: str, query: list[Pair], body: list[Pair], message: bytes
) -> None:
    assert build_v3_message(method, "B", tuple(query), tuple(body), "N") == message


PATHS = st.lists(WORD, max_size=3).map(
    lambda words: "https://bridge.example.com/" + "/".join(words)
)
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=10)
QUERIES = st.lists(st.tuples(ASCII, ASCII), max_size=4).map(urlencode)
NONCES = st.from_regex(r"[0-9]{1,20}", fullmatch=True)


def in_lists(pairs: list[Pair]) -> dict[str, str | list[str]]:
    """Return pairs as the SDK takes them: repeated keys as lists."""
    lists: dict[str, list[str]] = {}
    for key, value in pairs:
        lists.setdefault(key, []).append(value)
    return {key: of if len(of) > 1 else of[0] for key, of in lists.items()}


@settings(max_examples=200)
@given(PATHS, QUERIES, PAIRS, NONCES, TEXT.filter(bool))
def test_the_official_sdk_agrees_on_v3_of_a_post(
    path: str, query: str, pairs: list[Pair], nonce: str, token: str
) -> None:
    url = f"{path}?{query}" if query else path
    base, query_pairs = base_and_query(url)
    ours = sign(token.encode(), build_v3_message("POST", base, query_pairs, tuple(pairs), nonce))
    assert validate_v3_signature("POST", url, nonce, token, ours, in_lists(pairs))


@settings(max_examples=200)
@given(PATHS, QUERIES, st.lists(st.tuples(ASCII, ASCII), max_size=4), NONCES)
def test_the_official_sdk_agrees_on_v3_of_a_get(
    path: str, query: str, pairs: list[Pair], nonce: str
) -> None:
    url = f"{path}?{query}" if query else path
    base, query_pairs = base_and_query(url)
    ours = sign(b"token", build_v3_message("GET", base, query_pairs, tuple(pairs), nonce))
    assert validate_v3_signature("GET", url, nonce, "token", ours, in_lists(pairs))


@given(PATHS, QUERIES, NONCES, TEXT)
def test_the_official_sdk_agrees_on_v2(path: str, query: str, nonce: str, token: str) -> None:
    ours = sign(token.encode(), build_v2_message(path, nonce))
    assert validate_signature(f"{path}?{query}#rc=5", nonce, ours, token)


@given(PATHS, QUERIES, PAIRS, NONCES)
def test_the_official_sdk_rejects_our_signature_with_another_token(
    path: str, query: str, pairs: list[Pair], nonce: str
) -> None:
    base, query_pairs = base_and_query(f"{path}?{query}")
    ours = sign(b"other", build_v3_message("POST", base, query_pairs, tuple(pairs), nonce))
    url = f"{path}?{query}"
    assert not validate_v3_signature("POST", url, nonce, "token", ours, in_lists(pairs))


@given(st.binary(max_size=200), st.binary(max_size=200))
@example(b"longer than a block of the hash" * 3, b"message")
def test_a_hashed_token_signs_like_the_token(token: bytes, message: bytes) -> None:
    signed = sign_with(hash_token(token), message)
    assert signed == hmac.digest(token, message, "sha256")
    assert signed == decode_signature(sign(token, message))


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.rstrip("="),
        lambda text: text + "=",
        lambda text: text[:9] + "\n" + text[9:],
        lambda text: text[:9] + "*" + text[9:],
        lambda text: text.replace("+", "-").replace("/", "_"),
        # The last four bits before the padding are not used.
        lambda text: text[:-2] + chr(ord(text[-2]) + 1) + "=",
        lambda text: text[:-1] + "é",
        lambda _: "",
    ],
    ids=["unpadded", "padded", "line", "character", "for URLs", "unused bits", "letter", "blank"],
)
def test_a_signature_that_is_written_in_another_way_is_none(changed: Callable[[str], str]) -> None:
    text = sign(b"token", b"message 1")
    assert {"+", "/"} <= set(text)
    assert decode_signature(text) == hmac.digest(b"token", b"message 1", "sha256")
    assert decode_signature(changed(text)) == b""
