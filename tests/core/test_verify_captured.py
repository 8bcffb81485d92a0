"""A captured request can be sent again unchanged, and in no other form."""

from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.event import find_nonce
from bridge.core.keyring import Account
from bridge.core.parameters import FORM, JSON
from bridge.core.request import Header, RawCallback, index_headers
from bridge.core.verify import Scheme, Unverified, VerificationFault, Verified
from tests.support.factories import (
    AUTH_ID,
    NONCE,
    ORIGIN,
    TOKEN,
    ZONE,
    raw_callback,
    signed,
    v2_of,
    v3_of,
    verdict_on,
    verifier,
    with_headers,
)

PATH = "/plivo/messaging/message/status"
NONCE_V2 = "31627761595286130198"
STATUS = "MessageUUID=5d0c0f1e&Status=sent"


def by_v2(path: str, nonce: str, body: str = STATUS) -> RawCallback:
    """Return a callback with the V2 headers that Plivo would send with it."""
    raw = raw_callback("", body, path=path)
    v2 = (wire.SIGNATURE_V2, v2_of(raw, nonce=nonce))
    return with_headers(raw, v2, (wire.NONCE_V2, nonce))


def re_cut(captured: RawCallback, path: str, nonce: str, body: str) -> RawCallback:
    """Return another request with the signature of the captured one."""
    kept = [one for one in captured.headers.lines if one[0] != wire.NONCE_V2]
    headers = (*kept, (wire.NONCE_V2, nonce))
    return captured._replace(path=path, headers=index_headers(headers), body=body.encode())


def fault_of(raw: RawCallback, *before: RawCallback) -> VerificationFault | None:
    """Return why a callback is not verified after others that are; None if it is."""
    by = verifier()
    for one in before:
        assert isinstance(verdict_on(one, by), Verified)
    verdict = verdict_on(raw, by)
    return verdict.fault if isinstance(verdict, Unverified) else None


@pytest.mark.parametrize("length", range(1, len(PATH)))
def test_the_end_of_a_path_cannot_be_moved_into_the_nonce_of_v2(length: int) -> None:
    captured = by_v2(PATH, NONCE)
    forged = re_cut(captured, PATH[:-length], PATH[-length:] + NONCE, "MessageUUID=1&Status=failed")
    assert fault_of(forged) is VerificationFault.BAD_NONCE


def test_a_slash_after_a_path_that_ends_in_a_digit_makes_v2_acceptable() -> None:
    """The remedy of the runbook: such a callback may be genuine."""
    path = "/applications/crm2"
    assert fault_of(by_v2(path, NONCE)) is VerificationFault.BAD_NONCE
    assert fault_of(by_v2(f"{path}/", NONCE)) is None


@pytest.mark.parametrize("length", range(1, len(NONCE)))
def test_the_beginning_of_the_nonce_of_v2_cannot_be_moved_into_the_path(length: int) -> None:
    captured = by_v2(PATH, NONCE)
    assert fault_of(re_cut(captured, PATH + NONCE[:length], NONCE[length:], STATUS)) is not None


PATHS = st.text("/ab0.1-", max_size=8).map(lambda text: "/" + text)
NONCES = st.text("0123", min_size=1, max_size=6) | st.text("/a0.", min_size=1, max_size=6)


@given(PATHS, NONCES)
@example("/1", "1")
@example("/", "1")
def test_a_v2_pair_is_verified_for_one_path_and_nonce_at_most(path: str, nonce: str) -> None:
    """It is the pair whose path ends in no digit, and whose nonce is the digits behind it."""
    captured = by_v2(path, nonce)
    text = path + nonce
    held = [
        (text[:cut], text[cut:])
        for cut in range(1, len(text))
        if fault_of(re_cut(captured, text[:cut], text[cut:], STATUS)) is None
    ]
    bare = text.rstrip("0123456789")
    assert held in ([], [(bare, text.removeprefix(bare))])
    if path == bare and nonce.isdecimal():
        assert held == [(path, nonce)]


def with_type(
    raw: RawCallback, content_type: str | None, content_encoding: str | None = None
) -> RawCallback:
    """Return the request as if its body were of another type or encoding."""
    headers: list[Header] = [one for one in raw.headers.lines if not one[0].startswith("content-")]
    if content_type is not None:
        headers.append(("content-type", content_type))
    if content_encoding is not None:
        headers.append(("content-encoding", content_encoding))
    return raw._replace(headers=index_headers(headers))


OTHER_TYPES = [
    (JSON, None),
    ("text/plain;a=1", None),
    ("text/plain;a=2", None),
    ("multipart/form-data; boundary=x", None),
    (FORM + "; charset=utf-8", None),
    (None, None),
    (FORM, "gzip"),
    (FORM, "identity"),
]


@pytest.mark.parametrize(("content_type", "content_encoding"), OTHER_TYPES)
@pytest.mark.parametrize("scheme", ["v2", "v3"])
def test_a_captured_request_with_another_content_type_or_encoding_is_not_a_retry(
    scheme: str, content_type: str | None, content_encoding: str | None
) -> None:
    raw = by_v2(PATH, NONCE) if scheme == "v2" else signed(raw_callback("", STATUS, path=PATH))
    other = with_type(raw, content_type, content_encoding)
    assert fault_of(other, raw) is VerificationFault.NONCE_REUSED
    assert fault_of(raw, raw) is None


TYPES = st.sampled_from([FORM, JSON, "text/plain", "text/plain;a=1", "application/octet-stream"])
ENCODINGS = st.sampled_from([None, "gzip", "identity", "br"])
BODIES = st.sampled_from([b"", b"a=1", b"a=1&b=2", b'{"a":"1"}', b"[1]", b"\xff", b"a"])


PRESENTED = st.tuples(BODIES, TYPES, ENCODINGS)


@given(PRESENTED, PRESENTED)
def test_after_a_delivery_its_signature_is_accepted_with_the_same_body_of_the_same_type_only(
    first: tuple[bytes, str, str | None], second: tuple[bytes, str, str | None]
) -> None:
    by = verifier()
    (body, *types), (other_body, *other_types) = first, second
    delivered = with_type(signed(raw_callback("q=1", body)), *types)
    presented = with_type(delivered._replace(body=other_body), *other_types)
    if isinstance(verdict_on(delivered, by), Verified) and presented != delivered:
        verdict = verdict_on(presented, by)
        # The content type of an absent body is ignored.
        assert isinstance(verdict, Unverified) or body == other_body == b""


# Requests whose V3 signatures are equal: separators are not escaped when they are signed.
RE_CUTS = [
    (raw_callback("", "Event=Ring&CallUUID=x"), raw_callback("", "Even=tRing&CallUUID=x")),
    (raw_callback("", "Event=Ring&CallUUID=x"), raw_callback("", "CallUUIDxEvent=Ring")),
    (raw_callback("a=1%26b=2"), raw_callback("a=1&b=2")),
    (raw_callback("a=1", "b=2"), raw_callback("a=1.b2")),
    (raw_callback("a=1", method="GET"), raw_callback("a=1")),
    (raw_callback("a=1", method="GET"), raw_callback("a=1", "x", content_type="text/plain")),
    (raw_callback("", "a=b2"), raw_callback("", "=ab2")),
]


@pytest.mark.parametrize(("plivos", "other"), RE_CUTS, ids=range(len(RE_CUTS)))
def test_contents_with_the_same_v3_message_are_accepted_only_in_the_first_form(
    plivos: RawCallback, other: RawCallback
) -> None:
    genuine = signed(plivos)
    forged = with_headers(other, *genuine.headers.lines[-2:])
    assert fault_of(forged) is None  # who has not seen the delivery cannot know
    assert fault_of(forged, genuine) is VerificationFault.NONCE_REUSED
    assert fault_of(genuine, genuine) is None


@pytest.mark.parametrize("form", ["b=2&a=1", "a=%31&b=2", "&a=1&&b=2"])
def test_a_retry_may_encode_its_form_differently(form: str) -> None:
    first = signed(raw_callback("", "a=1&b=2"))
    assert fault_of(first._replace(body=form.encode()), first) is None


def test_the_order_of_one_parameters_values_belongs_to_the_content() -> None:
    first = signed(raw_callback("", "a=1&a=2"))
    assert fault_of(first._replace(body=b"a=2&a=1"), first) is VerificationFault.NONCE_REUSED


def all_families(raw: RawCallback, v2_header: str = wire.SIGNATURE_V2) -> RawCallback:
    """Return a callback as Plivo sends it in practice, with V2 beside V3."""
    v2 = (v2_header, v2_of(raw, nonce=NONCE_V2))
    return with_headers(signed(raw), v2, (wire.NONCE_V2, NONCE_V2))


def without_v3(raw: RawCallback) -> RawCallback:
    headers = tuple(one for one in raw.headers.lines if "-v3" not in one[0])
    return raw._replace(headers=index_headers(headers))


@pytest.mark.parametrize("header", [wire.SIGNATURE_V2, wire.SIGNATURE_MA_V2])
def test_the_v2_pair_of_a_request_verified_by_v3_is_rejected_with_other_content(
    header: str,
) -> None:
    genuine = all_families(raw_callback("", STATUS, path=PATH), header)
    stripped = without_v3(genuine)
    assert fault_of(stripped, genuine) is None
    forged = stripped._replace(body=b"MessageUUID=1&Status=failed")
    assert fault_of(forged, genuine) is VerificationFault.NONCE_REUSED
    assert fault_of(forged) is None  # V2 covers no body


@pytest.mark.parametrize("tokens", [("old", "new"), ("new", "old")])
def test_a_v2_pair_beside_v3_is_used_up_if_another_token_of_its_owner_signed_it(
    tokens: tuple[str, str],
) -> None:
    by = verifier(Account(AUTH_ID, ZONE, tokens))
    raw = raw_callback("", STATUS, path=PATH)
    genuine = with_headers(
        raw,
        (wire.SIGNATURE_V3, f"{v3_of(raw, 'old')},{v3_of(raw, 'new')}"),
        (wire.NONCE_V3, NONCE),
        (wire.SIGNATURE_V2, v2_of(raw, "new")),
        (wire.NONCE_V2, NONCE),
    )
    assert isinstance(verdict_on(genuine, by), Verified)
    forged = without_v3(genuine)._replace(body=b"MessageUUID=1&Status=failed")
    verdict = verdict_on(forged, by)
    assert isinstance(verdict, Unverified)
    assert verdict.fault is VerificationFault.NONCE_REUSED


def test_a_v2_pair_that_does_not_match_is_not_remembered() -> None:
    by = verifier()
    genuine = by_v2(PATH, NONCE)
    wrong = (wire.SIGNATURE_V2, "0" + v2_of(genuine)[1:])
    mixed = with_headers(signed(raw_callback("", "a=1", path=PATH)), wrong, (wire.NONCE_V2, NONCE))
    assert isinstance(verdict_on(mixed, by), Verified)
    verdict = verdict_on(genuine, by)
    assert isinstance(verdict, Verified)
    assert verdict.scheme is Scheme.V2


@given(st.lists(st.tuples(st.text("ab=.&", max_size=3), st.text("ab=.&", max_size=3)), max_size=3))
def test_one_v3_signature_is_one_content(pairs: list[tuple[str, str]]) -> None:
    genuine = signed(raw_callback("", urlencode(pairs)))
    text = signature.join_form(sorted(pairs))
    accepted = set[tuple[tuple[str, str], ...]]()
    by = verifier()
    assert isinstance(verdict_on(genuine, by), Verified)
    for cut in range(len(text) + 1):
        forged = genuine._replace(body=urlencode([(text[:cut], text[cut:])]).encode())
        verdict = verdict_on(forged, by)
        if isinstance(verdict, Verified):
            accepted.add(tuple(sorted(verdict.parameters.body)))
    assert accepted <= {tuple(sorted(pairs))}


def test_the_message_is_remembered_and_not_the_nonce() -> None:
    other = "/plivo/messaging/message/inbound"
    assert fault_of(by_v2(other, NONCE, "MessageUUID=2"), by_v2(PATH, NONCE)) is None
    message = signature.build_v2_message(ORIGIN + PATH, NONCE)
    assert v2_of(by_v2(PATH, NONCE)) == signature.sign(TOKEN.encode(), message)


def test_a_v2_pair_left_of_a_request_makes_at_most_one_more_event_if_its_type_can_repeat() -> None:
    by = verifier()
    genuine = all_families(raw_callback("", STATUS, path=PATH))
    nonces = {find_nonce(verdict_on(one, by)) for one in (genuine, without_v3(genuine), genuine)}
    assert nonces == {NONCE, NONCE_V2}
