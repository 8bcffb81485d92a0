"""Which scheme decides, what V2 verifies, and how an undecodable body is verified."""

import pytest

from bridge.core import request as wire
from bridge.core.nonce_guard import NonceGuard, digest_content
from bridge.core.parameters import FORM, BodyFault, parse_parameters
from bridge.core.request import Header, RawCallback
from bridge.core.verify import (
    AcceptV2,
    Scheme,
    Unverified,
    VerificationFault,
    Verified,
    find_claimed_account,
)
from tests.support.factories import (
    NONCE,
    SUB_ID,
    SUB_TOKEN,
    TOKEN,
    raw_callback,
    signed,
    v2_of,
    v3_of,
    verdict_on,
    verifier,
    vouched,
    with_headers,
)

RAW = raw_callback("team=blue", "CallUUID=x&Event=Ring")
V1: Header = (wire.SIGNATURE_V1, "EJEt0ELanhr8hjMPIJnLNLex0dE=")
V2: Header = (wire.SIGNATURE_V2, v2_of(RAW))
V2_MA: Header = (wire.SIGNATURE_MA_V2, v2_of(RAW))
V2_NONCE: Header = (wire.NONCE_V2, NONCE)
V3: Header = (wire.SIGNATURE_V3, v3_of(RAW))
V3_MA: Header = (wire.SIGNATURE_MA_V3, v3_of(RAW))
V3_NONCE: Header = (wire.NONCE_V3, NONCE)


def wrong(header: Header) -> Header:
    return header[0], "0" + header[1][1:]


# The headers, and what becomes of it: the scheme that verified it, or the fault.
VERDICTS: list[tuple[list[Header], Scheme | VerificationFault]] = [
    ([], VerificationFault.NO_SIGNATURE),
    ([V2_NONCE, V3_NONCE], VerificationFault.NO_SIGNATURE),
    ([V1], VerificationFault.V1_ONLY),
    ([V1, V2_NONCE, V3_NONCE], VerificationFault.V1_ONLY),
    ([V3, V3_NONCE], Scheme.V3),
    ([V3_MA, V3_NONCE], Scheme.V3_MA),
    ([V3], VerificationFault.NO_NONCE),
    ([V3_MA], VerificationFault.NO_NONCE),
    ([V3, (wire.NONCE_V3, "")], VerificationFault.NO_NONCE),
    ([V3, V2_NONCE], VerificationFault.NO_NONCE),
    ([wrong(V3), V3_NONCE], VerificationFault.WRONG_SIGNATURE),
    ([V3, (wire.NONCE_V3, NONCE[:-1])], VerificationFault.WRONG_SIGNATURE),
    ([V3, (wire.NONCE_V3, f"1.{NONCE}")], VerificationFault.BAD_NONCE),
    ([(wire.SIGNATURE_V3, ""), V3_NONCE], VerificationFault.WRONG_SIGNATURE),
    ([(wire.SIGNATURE_V3, ","), V3_NONCE], VerificationFault.WRONG_SIGNATURE),
    ([(wire.SIGNATURE_V3, V3[1].rstrip("=")), V3_NONCE], VerificationFault.WRONG_SIGNATURE),
    ([(wire.SIGNATURE_V3, "\xff" * 44), V3_NONCE], VerificationFault.WRONG_SIGNATURE),
    ([V2, V2_NONCE], Scheme.V2),
    ([V2_MA, V2_NONCE], Scheme.V2_MA),
    ([V1, V2, V2_MA, V2_NONCE], Scheme.V2),
    ([wrong(V2), V2_MA, V2_NONCE], Scheme.V2_MA),
    ([V2], VerificationFault.NO_NONCE),
    ([V2_MA], VerificationFault.NO_NONCE),
    ([V2, V3_NONCE], VerificationFault.NO_NONCE),
    ([wrong(V2), V2_NONCE], VerificationFault.WRONG_SIGNATURE),
    ([V2, (wire.NONCE_V2, "1")], VerificationFault.WRONG_SIGNATURE),
    ([V2, (wire.NONCE_V2, "1a")], VerificationFault.BAD_NONCE),
    ([V2, (wire.NONCE_V2, "\u0661")], VerificationFault.BAD_NONCE),
    ([V2, V2_NONCE, V2_NONCE], VerificationFault.BAD_NONCE),
    # V3 decides wherever it is present; a good V2 beside it does not help.
    ([V1, V2, V2_MA, V2_NONCE, V3, V3_MA, V3_NONCE], Scheme.V3),
    ([V2, V2_NONCE, wrong(V3), V3_NONCE], VerificationFault.WRONG_SIGNATURE),
    ([V2, V2_NONCE, wrong(V3_MA), V3_NONCE], VerificationFault.WRONG_SIGNATURE),
    ([V2, V2_NONCE, V3], VerificationFault.NO_NONCE),
    ([V2, V2_NONCE, (wire.SIGNATURE_V3, ""), V3_NONCE], VerificationFault.WRONG_SIGNATURE),
    ([wrong(V2), V2_NONCE, V3, V3_NONCE], Scheme.V3),
]


@pytest.mark.parametrize(("headers", "expected"), VERDICTS, ids=range(len(VERDICTS)))
def test_v3_decides_if_both_schemes_are_present(
    headers: list[Header], expected: Scheme | VerificationFault
) -> None:
    verdict = verdict_on(with_headers(RAW, *headers))
    found = verdict.scheme if isinstance(verdict, Verified) else verdict.fault
    assert found is expected


def test_v2_covers_the_url_alone() -> None:
    verdict = verdict_on(with_headers(RAW, V2, V2_NONCE))
    assert isinstance(verdict, Verified)
    assert verdict.covers == ("url",)


@pytest.mark.parametrize(
    ("header", "expected"), [(wire.SIGNATURE_V2, SUB_ID), (wire.SIGNATURE_MA_V2, None)]
)
def test_a_subaccounts_token_satisfies_the_plain_v2_header_alone(
    header: str, expected: str | None
) -> None:
    verdict = verdict_on(with_headers(RAW, (header, v2_of(RAW, SUB_TOKEN)), V2_NONCE))
    subaccount = verdict.subaccount if isinstance(verdict, Verified) else None
    assert subaccount == expected


@pytest.mark.parametrize("headers", [[V2, V2_NONCE], [V2_MA, V2_NONCE], [V2]])
def test_v2_is_rejected_if_it_is_not_accepted(headers: list[Header]) -> None:
    verdict = verdict_on(with_headers(RAW, *headers), verifier(accept_v2=AcceptV2.NONE))
    assert isinstance(verdict, Unverified)
    assert verdict.fault is VerificationFault.V2_NOT_ACCEPTED


@pytest.mark.parametrize("is_voice", [True, False])
def test_v2_can_be_accepted_for_all_products_except_voice(*, is_voice: bool) -> None:
    raw = with_headers(RAW, V2, V2_NONCE)
    by = verifier(accept_v2=AcceptV2.EXCEPT_VOICE)
    verdict = by.verify(raw, parse_parameters(raw), may_be_voice=lambda: is_voice)
    assert isinstance(verdict, Unverified if is_voice else Verified)
    # Without an answer the callback counts as voice.
    assert isinstance(verdict_on(raw, by), Unverified)


def test_a_callback_that_v2_may_not_verify_is_not_remembered() -> None:
    by = verifier(accept_v2=AcceptV2.EXCEPT_VOICE)
    voice, other = by_v2("", "CallUUID=forged"), by_v2("", "MessageUUID=x&Status=sent")
    assert isinstance(
        by.verify(voice, parse_parameters(voice), may_be_voice=lambda: True), Unverified
    )
    assert isinstance(
        by.verify(other, parse_parameters(other), may_be_voice=lambda: False), Verified
    )


@pytest.mark.parametrize(
    "raw", [with_headers(RAW, wrong(V2), V2_NONCE), with_headers(RAW, V3, V3_NONCE)]
)
def test_the_type_of_a_callback_is_determined_only_if_a_v2_signature_matches(
    raw: RawCallback,
) -> None:
    def fail() -> bool:
        raise AssertionError

    verifier(accept_v2=AcceptV2.EXCEPT_VOICE).verify(raw, parse_parameters(raw), may_be_voice=fail)


def test_v3_is_accepted_if_v2_is_not() -> None:
    raw = with_headers(RAW, V2, V2_NONCE, V3, V3_NONCE)
    assert isinstance(verdict_on(raw, verifier(accept_v2=AcceptV2.NONE)), Verified)


def by_v2(query: str, form: str, *, method: str = "POST") -> RawCallback:
    raw = raw_callback(query, form, method=method)
    return with_headers(raw, (wire.SIGNATURE_V2, v2_of(raw)), V2_NONCE)


def test_a_v2_nonce_is_accepted_again_with_the_same_content() -> None:
    judge = verifier()
    for _ in range(3):
        assert isinstance(verdict_on(by_v2("team=blue", "CallUUID=x"), judge), Verified)


@pytest.mark.parametrize(
    "other",
    [
        by_v2("team=blue", "CallUUID=y"),
        by_v2("team=red", "CallUUID=x"),
        by_v2("", "CallUUID=x"),
        by_v2("team=blue", ""),
        by_v2("team=blue", "CallUUID=x", method="GET"),
    ],
)
def test_a_v2_nonce_is_rejected_with_other_content(other: RawCallback) -> None:
    judge = verifier()
    verdict_on(by_v2("team=blue", "CallUUID=x"), judge)
    verdict = verdict_on(other, judge)
    assert isinstance(verdict, Unverified)
    assert verdict.fault is VerificationFault.NONCE_REUSED
    assert isinstance(verdict_on(by_v2("team=blue", "CallUUID=x"), judge), Verified)


def test_an_unverified_callback_is_not_remembered() -> None:
    judge = verifier()
    forged = with_headers(raw_callback("", "CallUUID=forged"), wrong(V2), V2_NONCE)
    assert isinstance(verdict_on(forged, judge), Unverified)
    assert isinstance(verdict_on(by_v2("", "CallUUID=x"), judge), Verified)


def test_the_nonce_guard_forgets_the_oldest_beyond_its_limit() -> None:
    guard = NonceGuard(nonces_max=2)
    assert guard.accept(b"1", b"a")
    assert guard.accept(b"2", b"a")
    assert guard.accept(b"1", b"a")  # seen again, so the newest
    assert guard.accept(b"3", b"a")  # "2" goes
    assert guard.accept(b"2", b"b")  # and "1" with this
    assert not guard.accept(b"3", b"b")
    assert guard.accept(b"1", b"b")


def test_the_nonce_guards_memory_is_bounded() -> None:
    guard = NonceGuard(nonces_max=10)
    raw = raw_callback("", "x" * 1000)
    content = digest_content(raw, parse_parameters(raw))
    for nonce in range(1000):
        assert guard.accept(str(nonce).encode(), content)
    assert len(guard._seen) == 10
    assert sum(len(digest) for digest in guard._seen.values()) == 160


@pytest.mark.parametrize(
    ("body", "content_type", "content_encoding", "fault"),
    [
        (b"CallUUID=x", "text/plain", None, BodyFault.CONTENT_TYPE),
        (b"\x1f\x8b\x08\x00\xff=", FORM, "gzip", BodyFault.CONTENT_ENCODING),
        (b'{"CallUUID": ', "application/json", None, BodyFault.MALFORMED_JSON),
    ],
)
def test_the_signature_of_an_undecodable_body_can_be_checked(
    body: bytes, content_type: str, content_encoding: str | None, fault: BodyFault
) -> None:
    headers = [("content-encoding", content_encoding)] if content_encoding else []
    raw = raw_callback("team=blue", body, content_type=content_type, headers=headers)
    bodiless = raw_callback("team=blue")
    verdict = verdict_on(with_headers(raw, (wire.SIGNATURE_V3, v3_of(bodiless)), V3_NONCE))
    assert isinstance(verdict, Verified)
    assert verdict.parameters.body_fault is fault
    assert verdict.covers == ("url", "query")
    assert isinstance(verdict_on(signed(raw, "another-token")), Unverified)


@pytest.mark.parametrize("content_type", ["text/plain", "application/json"])
def test_an_unreadable_body_that_is_signed_as_a_form_is_covered(content_type: str) -> None:
    verdict = verdict_on(signed(raw_callback("a=1", "CallUUID=x", content_type=content_type)))
    assert isinstance(verdict, Verified)
    assert verdict.parameters.body_fault is not None
    assert verdict.covers == ("url", "query", "body")


def test_a_decodable_body_must_be_signed() -> None:
    bodiless = v3_of(raw_callback("team=blue"))
    verdict = verdict_on(with_headers(RAW, (wire.SIGNATURE_V3, bodiless), V3_NONCE))
    assert isinstance(verdict, Unverified)


def test_a_json_body_is_signed_by_its_members() -> None:
    raw = raw_callback("", '{"b": 1.0, "a": null}', content_type="application/json")
    signature = v3_of(raw_callback("", "b=1.0&a="))
    verdict = verdict_on(with_headers(raw, (wire.SIGNATURE_V3, signature), V3_NONCE))
    assert isinstance(verdict, Verified)
    assert verdict.covers == ("url", "query", "body")


@pytest.mark.parametrize("form", ["CallUUIDx", "CallUUID=x&Event", "CallUUID&x=1"])
def test_a_piece_of_a_body_without_equals_is_never_accepted_as_signed(form: str) -> None:
    verdict = verdict_on(signed(raw_callback("", form)))
    assert isinstance(verdict, Unverified)
    assert verdict.fault is VerificationFault.BARE_PARAMETER


def test_a_piece_of_a_query_without_equals_is_signed_as_blank() -> None:
    assert isinstance(verdict_on(signed(raw_callback("debug", "CallUUID=x"))), Verified)
    assert isinstance(verdict_on(signed(raw_callback("debug", method="GET"))), Verified)


def test_a_get_has_another_signature_than_a_post() -> None:
    form = "CallUUID=x&Event=Ring"
    post = v3_of(raw_callback("", form))
    raw = raw_callback(form, method="GET", headers=[(wire.SIGNATURE_V3, post), V3_NONCE])
    assert isinstance(verdict_on(raw), Unverified)


# A GET's signature does not cover body parameters that its query has too, but they would be parsed.
@pytest.mark.parametrize(
    "body", ["CallUUID=forged&Event=Hangup", "CallUUID=forged", "Event=", "New=1"]
)
def test_an_unsigned_body_of_a_get_is_ignored(body: str) -> None:
    get = signed(raw_callback("CallUUID=x&Event=Ring", method="GET"))
    verdict = verdict_on(get._replace(body=body.encode()))
    assert isinstance(verdict, Unverified) or verdict.parameters.pairs == (
        ("CallUUID", "x"),
        ("Event", "Ring"),
    )


@pytest.mark.parametrize(
    ("query", "body", "claimed"),
    [("", "ParentAuthID=MA1", "MA1"), ("ParentAuthID=MA1", "", "MA1"), ("", "a=1", None)],
)
def test_the_claimed_account_is_the_value_of_plivos_parameter(
    query: str, body: str, claimed: str | None
) -> None:
    assert find_claimed_account(vouched(raw_callback(query, body)).parameters) == claimed


def test_the_token_is_kept_out_of_the_verdict() -> None:
    assert TOKEN not in repr(verdict_on(signed(RAW)))
