"""Verification with V3: its headers, and the token that signed."""

import ast
import hmac
from pathlib import Path

import pytest

import bridge
from bridge.core import request as wire
from bridge.core import signature
from bridge.core.keyring import SIGNATURES_MAX, Account, Keyring, Subaccount, compute_key_id
from bridge.core.verify import Scheme, Unverified, VerificationFault, Verified
from tests.support.factories import (
    ACCOUNT,
    AUTH_ID,
    NONCE,
    SUB_ID,
    SUB_TOKEN,
    TOKEN,
    ZONE,
    raw_callback,
    signed,
    v3_of,
    verdict_on,
    verifier,
    with_headers,
)

RAW = raw_callback("team=blue", "CallUUID=x&Event=Ring")
NONCE_V3 = (wire.NONCE_V3, NONCE)
OTHER = "another-token"


def test_a_signed_callback_is_verified_whole() -> None:
    raw = signed(RAW)
    verdict = verdict_on(raw)
    assert isinstance(verdict, Verified)
    assert verdict.raw is raw
    assert verdict.parameters.query == (("team", "blue"),)
    assert verdict.parameters.body == (("CallUUID", "x"), ("Event", "Ring"))
    assert (verdict.account, verdict.subaccount, verdict.zone) == (AUTH_ID, None, ZONE)
    assert verdict.scheme is Scheme.V3
    assert verdict.key_id == compute_key_id(AUTH_ID, TOKEN)
    assert verdict.covers == ("url", "query", "body")


def test_a_signed_get_is_verified() -> None:
    raw = signed(raw_callback("CallUUID=x&Event=Ring&Text=%C3%A9+1", method="GET"))
    assert isinstance(verdict_on(raw), Verified)


# Which header, signed with which token, is whose callback.
TOKENS = [
    (wire.SIGNATURE_V3, TOKEN, (None, Scheme.V3)),
    (wire.SIGNATURE_MA_V3, TOKEN, (None, Scheme.V3_MA)),
    (wire.SIGNATURE_V3, SUB_TOKEN, (SUB_ID, Scheme.V3)),
    (wire.SIGNATURE_MA_V3, SUB_TOKEN, None),
    (wire.SIGNATURE_V3, OTHER, None),
    (wire.SIGNATURE_MA_V3, OTHER, None),
]


@pytest.mark.parametrize(("header", "token", "expected"), TOKENS)
def test_the_plain_header_matches_any_token_and_the_ma_header_a_main_token(
    header: str, token: str, expected: tuple[str | None, Scheme] | None
) -> None:
    verdict = verdict_on(with_headers(RAW, (header, v3_of(RAW, token)), NONCE_V3))
    if expected is None:
        assert isinstance(verdict, Unverified)
        assert verdict.fault is VerificationFault.WRONG_SIGNATURE
    else:
        assert isinstance(verdict, Verified)
        assert (verdict.subaccount, verdict.scheme) == expected


def test_the_plain_header_decides_if_both_headers_match() -> None:
    of = v3_of(RAW)
    twins = with_headers(RAW, (wire.SIGNATURE_V3, of), (wire.SIGNATURE_MA_V3, of), NONCE_V3)
    verdict = verdict_on(twins)
    assert isinstance(verdict, Verified)
    assert verdict.scheme is Scheme.V3


def test_the_ma_header_verifies_if_the_plain_one_does_not() -> None:
    raw = with_headers(
        RAW,
        (wire.SIGNATURE_V3, v3_of(RAW, "token-of-a-subaccount-we-do-not-know")),
        (wire.SIGNATURE_MA_V3, v3_of(RAW)),
        NONCE_V3,
    )
    verdict = verdict_on(raw)
    assert isinstance(verdict, Verified)
    assert (verdict.scheme, verdict.subaccount) == (Scheme.V3_MA, None)


@pytest.mark.parametrize("layout", ["{},{}", "{}, {}", " {} ,{} ", "{},,{}"])
@pytest.mark.parametrize("place", [0, 1])
def test_any_signature_of_a_list_may_match(layout: str, place: int) -> None:
    listed = [v3_of(RAW, OTHER), v3_of(RAW, "yet-another")]
    listed[place] = v3_of(RAW)
    raw = with_headers(RAW, (wire.SIGNATURE_V3, layout.format(*listed)), NONCE_V3)
    assert isinstance(verdict_on(raw), Verified)


def test_signatures_over_the_limit_are_ignored() -> None:
    for before, expected in [(SIGNATURES_MAX - 1, Verified), (SIGNATURES_MAX, Unverified)]:
        listed = ",".join(["x"] * before + [v3_of(RAW), "y"])
        raw = with_headers(RAW, (wire.SIGNATURE_V3, listed), NONCE_V3)
        assert isinstance(verdict_on(raw), expected)


@pytest.mark.parametrize("token", [TOKEN, OTHER])
def test_any_token_of_an_account_verifies_and_its_key_id_is_given(token: str) -> None:
    account = Account(AUTH_ID, ZONE, (TOKEN, OTHER))
    verdict = verdict_on(signed(RAW, token), verifier(account))
    assert isinstance(verdict, Verified)
    assert verdict.key_id == compute_key_id(AUTH_ID, token)


def test_a_key_id_depends_on_account_and_token_and_is_not_the_token() -> None:
    ids = {compute_key_id(account, token) for account in ("MA1", "MA2") for token in (TOKEN, OTHER)}
    assert len(ids) == 4
    assert all(len(one) == 8 and int(one, 16) >= 0 for one in ids)
    assert compute_key_id("MA1", TOKEN) == compute_key_id("MA1", TOKEN)


TWO = (
    Account("MAFIRST", "UTC", ("first-token",)),
    Account("MASECOND", ZONE, ("second-token",), (Subaccount("SASECOND", ("s",), "Asia/Kolkata"),)),
)


@pytest.mark.parametrize("claimed", ["MAFIRST", "MASECOND", "MAUNKNOWN", None])
@pytest.mark.parametrize(
    ("token", "owner"),
    [
        ("first-token", ("MAFIRST", None, "UTC")),
        ("second-token", ("MASECOND", None, ZONE)),
        ("s", ("MASECOND", "SASECOND", "Asia/Kolkata")),
    ],
)
def test_the_account_is_that_of_the_token_and_not_the_claimed_one(
    claimed: str | None, token: str, owner: tuple[str, str | None, str]
) -> None:
    form = "CallUUID=x" + (f"&ParentAuthID={claimed}" if claimed else "")
    verdict = verdict_on(signed(raw_callback("", form), token), verifier(*TWO))
    assert isinstance(verdict, Verified)
    assert (verdict.account, verdict.subaccount, verdict.zone) == owner


def test_the_claimed_accounts_tokens_are_tried_first() -> None:
    keyring = Keyring(TWO)
    for claimed in ("MAFIRST", "MASECOND"):
        keys = list(keyring.list_candidates(claimed))
        assert keys[0].account == claimed
        assert len(keys) == 3
    accounts = [key.account for key in keyring.list_candidates("MASECOND")]
    assert accounts == ["MASECOND", "MASECOND", "MAFIRST"]


@pytest.mark.parametrize(
    ("claimed", "account", "zone"),
    [(AUTH_ID, AUTH_ID, ZONE), ("MASOMEBODYELSES", None, None), (None, None, None)],
)
def test_an_unverified_callback_has_the_claimed_account_only_if_it_is_known(
    claimed: str | None, account: str | None, zone: str | None
) -> None:
    form = "CallUUID=x" + (f"&ParentAuthID={claimed}" if claimed else "")
    verdict = verdict_on(raw_callback("", form))
    assert isinstance(verdict, Unverified)
    assert (verdict.account, verdict.zone) == (account, zone)
    assert verdict.fault is VerificationFault.NO_SIGNATURE


def test_a_subaccount_without_a_zone_has_the_main_accounts_zone() -> None:
    verdict = verdict_on(signed(RAW, SUB_TOKEN), verifier(ACCOUNT))
    assert verdict.zone == ZONE


def test_a_keyring_with_replaced_accounts_has_only_their_tokens() -> None:
    keyring = Keyring([ACCOUNT])
    keyring.replace_accounts([Account(AUTH_ID, ZONE, ("renewed",))])
    assert [key.token for key in keyring.list_candidates(None)] == [b"renewed"]
    keyring.replace_accounts([])
    assert (list(keyring.list_candidates(AUTH_ID)), keyring.zones) == ([], {})


def test_every_listed_signature_is_compared_in_constant_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def recording(expected: bytes, given: bytes) -> bool:
        compared.append(given)
        return compare(expected, given)

    monkeypatch.setattr(hmac, "compare_digest", recording)
    listed = [v3_of(RAW), v3_of(RAW, OTHER), "short"]
    raw = with_headers(RAW, (wire.SIGNATURE_V3, ",".join(listed)), NONCE_V3)
    assert isinstance(verdict_on(raw), Verified)
    # Not stopping at the first that matches.
    assert compared == [signature.decode_signature(one) for one in listed]


def test_only_verify_constructs_verified() -> None:
    root = Path(bridge.__file__).parent
    makers = {
        file.relative_to(root).as_posix()
        for file in root.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == "Verified")
            or (isinstance(node.func, ast.Attribute) and node.func.attr == "Verified")
        )
    }
    assert makers == {"core/verify.py"}
