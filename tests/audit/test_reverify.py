"""A stored signature is checked with the key that its verdict names, and with no other."""

import base64
from typing import Any

import orjson
import pytest

from bridge.audit.reverify import Reverifier, ReverifyResult, ReverifyVerdict
from bridge.core import signature
from bridge.core.keyring import Account, Subaccount, compute_key_id
from bridge.reader.journal import parse_journal_record
from tests.support.emulated_call import EmulatedCallback
from tests.support.factories import ACCOUNT, AUTH_ID, HANGUP, SUB_ID, SUB_TOKEN, TOKEN, ZONE
from tests.support.stored_calls import PLACED, taken

STEP = EmulatedCallback("/plivo/voice/call/hangup", dict(HANGUP))
OLD = Account(AUTH_ID, ZONE, ("an-old-token",))
OTHER = Account("MAYYYYYYYYYYYYYYYYYY", ZONE, (TOKEN,))


def recheck(value: dict[str, Any], *accounts: Account) -> ReverifyResult:
    return Reverifier(accounts).reverify(parse_journal_record(orjson.dumps(value)))


@pytest.fixture
def value() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(taken(STEP, PLACED).journal.value)
    return found


def test_a_signature_holds_with_the_token_that_verified_it(value: dict[str, Any]) -> None:
    assert recheck(value, OLD, ACCOUNT) == ReverifyResult(
        ReverifyVerdict.HOLDS, compute_key_id(AUTH_ID, TOKEN)
    )


def test_an_old_token_is_found_by_its_id() -> None:
    value = orjson.loads(taken(STEP, PLACED, token="an-old-token").journal.value)
    old = compute_key_id(AUTH_ID, "an-old-token")
    assert recheck(value, ACCOUNT) == ReverifyResult(ReverifyVerdict.KEY_UNKNOWN, old)
    assert recheck(value, ACCOUNT, OLD) == ReverifyResult(ReverifyVerdict.HOLDS, old)


def test_the_same_token_of_another_account_is_another_key(value: dict[str, Any]) -> None:
    assert recheck(value, OTHER).verdict is ReverifyVerdict.KEY_UNKNOWN


def test_a_subaccounts_token_holds_with_its_parent() -> None:
    value = orjson.loads(taken(STEP, PLACED, token=SUB_TOKEN).journal.value)
    sub = Account(AUTH_ID, ZONE, (), (Subaccount(SUB_ID, (SUB_TOKEN,)),))
    value["source"] += f"/subaccounts/{SUB_ID}"
    value["verification"]["key_id"] = compute_key_id(SUB_ID, SUB_TOKEN)
    assert recheck(value, sub) == ReverifyResult(
        ReverifyVerdict.HOLDS, compute_key_id(SUB_ID, SUB_TOKEN)
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"body": "CallUUID=another"}, "wrong_signature"),
        ({"method": "GET"}, "wrong_signature"),
        ({"public_origin": "https://elsewhere.example.com"}, "wrong_signature"),
        ({"source": "/plivo/accounts/MAYYYYYYYYYYYYYYYYYY"}, "another_account"),
        ({"source": f"/plivo/accounts/{AUTH_ID}/subaccounts/{SUB_ID}"}, "another_account"),
        ({"headers": []}, "no_signature"),
    ],
)
def test_whatever_was_changed_in_the_journal_does_not_hold(
    value: dict[str, Any], change: dict[str, Any], fault: str
) -> None:
    expected = ReverifyResult(ReverifyVerdict.DOES_NOT_HOLD, compute_key_id(AUTH_ID, TOKEN), fault)
    assert recheck({**value, **change}, ACCOUNT) == expected


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"scheme": "v2"}, "another_scheme"),
        ({"covers": ["url"]}, "covers_something_else"),
        ({"covers": ["url", "query", "body", "soul"]}, "covers_something_else"),
    ],
)
def test_a_verdict_that_says_more_than_was_signed_does_not_hold(
    value: dict[str, Any], said: dict[str, Any], fault: str
) -> None:
    value["verification"] |= said
    assert recheck(value, ACCOUNT).fault == fault


def test_what_was_never_verified_claims_nothing() -> None:
    value = orjson.loads(taken(STEP, PLACED).journal.value)
    value["verification"] = {
        "verdict": "unverified",
        "scheme": None,
        "key_id": None,
        "covers": [],
        "fault": "wrong_signature",
    }
    assert recheck(value, ACCOUNT) == ReverifyResult(
        ReverifyVerdict.NEVER_VERIFIED, None, "wrong_signature"
    )


def test_a_body_in_base64_is_checked_as_the_bytes_it_was(value: dict[str, Any]) -> None:
    body = value.pop("body").encode()
    value["body_base64"] = base64.b64encode(body).decode()
    assert recheck(value, ACCOUNT).verdict is ReverifyVerdict.HOLDS


def test_one_v2_nonce_may_hold_for_many_because_order_is_not_checked() -> None:
    keys = Reverifier([ACCOUNT])
    for call in ("one", "two"):
        value = orjson.loads(taken(STEP, PLACED).journal.value)
        value["body"] += f"&Call={call}"
        value["headers"] = [
            ["content-type", "application/x-www-form-urlencoded"],
            *v2_headers(value["public_origin"] + value["path"]),
        ]
        value["verification"] |= {"scheme": "v2", "covers": ["url"]}
        assert (
            keys.reverify(parse_journal_record(orjson.dumps(value))).verdict
            is ReverifyVerdict.HOLDS
        )


def v2_headers(base: str) -> list[list[str]]:
    message = signature.build_v2_message(base, "12345")
    return [
        ["x-plivo-signature-v2", signature.sign(TOKEN.encode(), message)],
        ["x-plivo-signature-v2-nonce", "12345"],
    ]
