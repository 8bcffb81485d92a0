"""The token that signed a callback: found for genuine ones, with bounded work for all."""

from collections import Counter
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.keyring import (
    COMPARISON_BYTES,
    HASHED_BYTES_MAX,
    HMAC_BYTES,
    LIKELY_KEYS_BYTES_MAX,
    LIKELY_KEYS_MAX,
    SIGNATURES_MAX,
    Account,
    Keyring,
    Subaccount,
)
from bridge.core.parameters import JSON
from bridge.core.request import Header, RawCallback
from bridge.core.signature import HashedToken
from bridge.core.verify import Unverified, VerificationFault, Verified, Verifier
from tests.support.factories import (
    AUTH_ID,
    NONCE,
    SUB_ID,
    SUB_TOKEN,
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

MANY = tuple(Account(f"MA{number:018}", ZONE, (f"token-{number}",)) for number in range(1000))
LAST = MANY[-1]
BODY_BYTES_MAX = 262_144


class Hashed:
    """The messages that were hashed, each with the token."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages: list[tuple[bytes, bytes]] = []
        real = signature.sign_with

        def counted(token: HashedToken, message: bytes) -> bytes:
            self.messages.append((token.inner.digest(), message))
            return real(token, message)

        monkeypatch.setattr(signature, "sign_with", counted)

    @property
    def size(self) -> int:
        """The bytes, with what each HMAC costs beside its message."""
        return sum(len(message) + HMAC_BYTES for _, message in self.messages)


def subaccounts(count: int) -> Account:
    """Return one account with so many subaccounts."""
    inner = (Subaccount(f"SA{number:018}", (f"token-{number}",)) for number in range(count))
    return Account(AUTH_ID, ZONE, (TOKEN,), tuple(inner))


def callback(size: int, account: str | None = None, query: str = "") -> RawCallback:
    """Return a callback whose body has so many bytes, and names its account if one is given."""
    form = urlencode({"ParentAuthID": account} if account else {"CallUUID": "x"})
    return raw_callback(query, form + "&Text=" + "x" * (size - len(form) - 6))


def by(account: Account, raw: RawCallback, verifier_: Verifier) -> bool:
    """Return whether a callback that the account signs is verified as its own."""
    verdict = verdict_on(signed(raw, account.tokens[0]), verifier_)
    return isinstance(verdict, Verified) and verdict.account == account.auth_id


@pytest.mark.parametrize("account", [MANY[0], MANY[500], LAST], ids=lambda one: one.auth_id[-3:])
def test_a_callback_of_the_usual_size_is_verified_with_any_of_a_thousand_tokens(
    account: Account,
) -> None:
    assert by(account, callback(5_000), verifier(*MANY))
    assert by(account, callback(16_000, account.auth_id), verifier(*MANY))


def test_a_callback_of_any_size_is_verified_if_it_names_its_account() -> None:
    assert by(LAST, callback(BODY_BYTES_MAX, LAST.auth_id), verifier(*MANY))


def test_the_url_can_name_the_account_for_callbacks_that_do_not() -> None:
    named = callback(BODY_BYTES_MAX, query=f"ParentAuthID={LAST.auth_id}")
    assert by(LAST, named, verifier(*MANY))
    unnamed = callback(BODY_BYTES_MAX)
    assert not by(LAST, unnamed, verifier(*MANY))


def test_the_account_in_the_body_has_priority_over_the_one_in_the_url() -> None:
    raw = callback(BODY_BYTES_MAX, LAST.auth_id, query=f"ParentAuthID={MANY[0].auth_id}")
    assert by(LAST, raw, verifier(*MANY))


def test_a_callback_of_any_size_is_verified_if_its_token_matched_lately() -> None:
    verifier_ = verifier(*MANY)
    large = callback(BODY_BYTES_MAX)._replace(path="/plivo/voice/call/ring")
    assert by(LAST, callback(1_000), verifier_)
    assert by(MANY[500], callback(2_000), verifier_)
    assert by(LAST, large, verifier_)


@pytest.mark.parametrize("size", [1_000, 16_000])
def test_any_of_two_hundred_subaccounts_tokens_verifies_a_callback(size: int) -> None:
    account = subaccounts(200)
    for inner in (account.subaccounts[0], account.subaccounts[-1]):
        verdict = verdict_on(signed(callback(size, AUTH_ID), inner.tokens[0]), verifier(account))
        assert isinstance(verdict, Verified)
        assert verdict.subaccount == inner.auth_id


def test_a_token_that_matched_is_tried_first_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier_ = verifier(*MANY)
    hashed = Hashed(monkeypatch)
    assert by(LAST, callback(1_000), verifier_)
    assert len(hashed.messages) >= len(MANY)
    hashed.messages.clear()
    assert by(LAST, callback(1_000), verifier_)
    assert len(hashed.messages) == 1


def test_a_token_of_replaced_accounts_is_forgotten() -> None:
    verifier_ = verifier(*MANY[:2])
    keyring = verifier_.keyring
    key = keyring.list_candidates(None)[1]
    keyring.replace_accounts(MANY[2:4])
    keyring.prefer(key)
    assert [one.account for one in keyring.list_candidates(None)] == [
        one.auth_id for one in MANY[2:4]
    ]


@given(st.lists(st.integers(0, 5), max_size=8))
def test_each_accounts_keys_have_the_order_of_all_keys(matched: list[int]) -> None:
    inner = (Subaccount("SA1", ("c", "d")), Subaccount("SA2", ("e",)))
    keyring = Keyring([Account("MA1", ZONE, ("a", "b"), inner), Account("MA2", ZONE, ("f",))])
    keys = keyring.list_candidates(None)
    for index in matched:
        keyring.prefer(keys[index])
        ordered = keyring.list_candidates(None)
        assert ordered[0] is keys[index]
        for account in ("MA1", "MA2"):
            own = [key for key in ordered if key.account == account]
            assert list(keyring.list_account_keys(account)) == own


def test_one_hmac_serves_both_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = Hashed(monkeypatch)
    raw = with_headers(
        callback(1_000),
        (wire.SIGNATURE_V3, "x"),
        (wire.SIGNATURE_MA_V3, "y"),
        (wire.NONCE_V3, NONCE),
    )
    assert isinstance(verdict_on(raw), Unverified)
    assert len(set(hashed.messages)) == len(hashed.messages)


def test_the_first_of_two_accounts_with_one_token_has_signed_the_ma_header() -> None:
    first, second = Account("MAFIRST", ZONE, (TOKEN,)), Account("MASECOND", ZONE, (TOKEN,))
    raw = callback(1_000)
    raw = with_headers(raw, (wire.SIGNATURE_MA_V3, v3_of(raw)), (wire.NONCE_V3, NONCE))
    verdict = verdict_on(raw, verifier(first, second))
    assert isinstance(verdict, Verified)
    assert (verdict.account, verdict.scheme) == ("MAFIRST", "v3-ma")


@pytest.mark.parametrize("named", [True, False])
def test_the_subaccounts_token_decides_if_both_headers_match(*, named: bool) -> None:
    # Its key is behind those that are tried first, the main account's is not.
    others = tuple(f"another-{number}" for number in range(LIKELY_KEYS_MAX + 4))
    account = Account(
        AUTH_ID,
        ZONE,
        (TOKEN,),
        (Subaccount("SAOTHER", others), Subaccount(SUB_ID, (SUB_TOKEN,))),
    )
    raw = callback(1_000, AUTH_ID if named else None)
    headers = (
        (wire.SIGNATURE_V3, v3_of(raw, SUB_TOKEN)),
        (wire.SIGNATURE_MA_V3, v3_of(raw)),
        (wire.NONCE_V3, NONCE),
    )
    verdict = verdict_on(with_headers(raw, *headers), verifier(account, MANY[0]))
    assert isinstance(verdict, Verified)
    assert verdict.subaccount == SUB_ID


def test_other_accounts_tokens_are_tried_once_if_the_callback_names_its_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for account, times in ((LAST.auth_id, 1), (None, 2)):
        hashed = Hashed(monkeypatch)
        verdict = verdict_on(v3(callback(1_000, account), "x"), verifier(*MANY))
        assert isinstance(verdict, Unverified)
        assert verdict.fault is VerificationFault.WRONG_SIGNATURE
        tries = Counter(token for token, _ in hashed.messages)
        likely = signature.hash_token(LAST.tokens[0].encode()).inner.digest()
        # One message for each spelling of the URL.
        assert tries.pop(likely) == 2
        assert len(tries) == len(MANY) - 1
        assert set(tries.values()) == {times}
        monkeypatch.undo()


def v3(raw: RawCallback, *signatures: str) -> RawCallback:
    headers: list[Header] = [(wire.SIGNATURE_V3, ",".join(signatures)), (wire.NONCE_V3, NONCE)]
    return with_headers(raw, *headers)


LIST = [f"{number:042}A=" for number in range(SIGNATURES_MAX)]
JSON_BODY = '{"a": [' + ", ".join('"' + "x" * 500 + '"' for _ in range(500)) + "]}"
# What no token of ours signed.
WRONG = {
    "nothing but the URL": v3(raw_callback(), "x"),
    "a callback": v3(callback(1_000), "x"),
    "a long form": v3(callback(BODY_BYTES_MAX), "x"),
    "a long form that names an account": v3(callback(BODY_BYTES_MAX, LAST.auth_id), "x"),
    "a long form that names the account": v3(callback(BODY_BYTES_MAX, AUTH_ID), "x"),
    "many signatures": v3(callback(100), *LIST),
    "JSON": v3(raw_callback("a=1", JSON_BODY, content_type=JSON), "x"),
    "small JSON": v3(raw_callback("a=1", '{"a": [1, "2"]}', content_type=JSON), "x"),
    "V2": with_headers(callback(10), (wire.SIGNATURE_V2, "x"), (wire.NONCE_V2, NONCE)),
}


@pytest.mark.parametrize(
    "accounts",
    [(Account(AUTH_ID, ZONE, (TOKEN,)),), (subaccounts(200),), MANY, (subaccounts(1000),)],
    ids=["one", "200 subaccounts", "1000 accounts", "1000 subaccounts"],
)
@pytest.mark.parametrize("raw", WRONG.values(), ids=WRONG)
def test_a_bounded_number_of_bytes_is_hashed_for_any_number_of_tokens(
    monkeypatch: pytest.MonkeyPatch, raw: RawCallback, accounts: tuple[Account, ...]
) -> None:
    hashed = Hashed(monkeypatch)
    verifier_ = replace(verifier(*accounts), accept_agentstack=True)
    verdict = verdict_on(raw, verifier_)
    assert isinstance(verdict, Unverified)
    assert 0 < hashed.size <= HASHED_BYTES_MAX
    tokens = len(verifier_.keyring.list_candidates(None))
    first = hashed.messages[0][1]
    tried = {token for token, message in hashed.messages if message == first}
    is_whole = len(tried) == tokens
    assert verdict.fault is (
        VerificationFault.WRONG_SIGNATURE if is_whole else VerificationFault.NOT_ALL_TOKENS_TRIED
    )


def test_the_fault_shows_if_not_all_tokens_were_tried() -> None:
    large = signed(callback(BODY_BYTES_MAX), LAST.tokens[0])
    verdict = verdict_on(large, verifier(*MANY))
    assert isinstance(verdict, Unverified)
    assert verdict.fault is VerificationFault.NOT_ALL_TOKENS_TRIED
    small = signed(callback(1_000), "a-token-that-we-do-not-know")
    verdict = verdict_on(small, verifier(*MANY))
    assert isinstance(verdict, Unverified)
    assert verdict.fault is VerificationFault.WRONG_SIGNATURE


def test_comparing_signatures_uses_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = Hashed(monkeypatch)
    verdict_on(WRONG["many signatures"], verifier(*MANY))
    compared = len(hashed.messages) * COMPARISON_BYTES * SIGNATURES_MAX
    assert hashed.size + compared <= HASHED_BYTES_MAX


def test_the_likely_tokens_leave_budget_for_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = Hashed(monkeypatch)
    verdict_on(v3(callback(2_000), "x"), verifier(*MANY))
    assert len({token for token, _ in hashed.messages}) == len(MANY)
    likely = {token for token, _ in hashed.messages[:LIKELY_KEYS_MAX]}
    size = sum(len(text) + HMAC_BYTES for token, text in hashed.messages if token in likely)
    assert size <= LIKELY_KEYS_BYTES_MAX


def test_a_v2_signature_by_the_last_of_a_thousand_tokens_matches() -> None:
    raw = callback(1_000)
    headers = ((wire.SIGNATURE_V2, v2_of(raw, LAST.tokens[0])), (wire.NONCE_V2, NONCE))
    assert isinstance(verdict_on(with_headers(raw, *headers), verifier(*MANY)), Verified)
