"""A journal record gives back the callback byte for byte, and its verdict."""

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.journal import to_journal_value
from bridge.core.keyring import Account
from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.core.verify import Scheme, Unverified, VerificationFault, Verified
from bridge.reader.journal import (
    NotAJournalRecord,
    is_callback,
    parse_journal_record,
    to_raw_callback,
)
from bridge.reply.document import ACKNOWLEDGEMENT
from tests.support.factories import (
    AUTH_ID,
    HANGUP,
    SUB_ID,
    SUB_TOKEN,
    ZONE,
    raw_callback,
    signed,
    verdict_on,
    verifier,
)

RAW = raw_callback("team=blue", urlencode(HANGUP), path="/plivo/voice/call/hangup")
SIGNED = signed(RAW)


def stored(verdict: Verified | Unverified) -> bytes:
    return orjson.dumps(to_journal_value(verdict, event=None, reply=ACKNOWLEDGEMENT))


VALUE: dict[str, Any] = orjson.loads(stored(verdict_on(SIGNED)))


@pytest.mark.parametrize("raw", [SIGNED, signed(RAW, SUB_TOKEN), RAW])
def test_the_stored_verdict_is_restored_and_marked_as_restored(raw: RawCallback) -> None:
    verdict = verdict_on(raw)
    assert not verdict.restored
    again = parse_journal_record(stored(verdict)).verdict
    assert again.restored
    assert again._replace(restored=False) == verdict


def test_what_was_verified_is_so_still_when_its_token_is_gone() -> None:
    rotated = Account(AUTH_ID, ZONE, ("a-newer-token",))
    assert isinstance(verdict_on(SIGNED, verifier(rotated)), Unverified)
    again = parse_journal_record(stored(verdict_on(SIGNED))).verdict
    assert isinstance(again, Verified)
    assert (again.account, again.zone, again.scheme) == (AUTH_ID, ZONE, Scheme.V3)


def test_a_subaccounts_callback_is_its_own_again() -> None:
    again = parse_journal_record(stored(verdict_on(signed(RAW, SUB_TOKEN)))).verdict
    assert isinstance(again, Verified)
    assert (again.account, again.subaccount) == (AUTH_ID, SUB_ID)


@pytest.mark.parametrize("fault", list(VerificationFault))
@pytest.mark.parametrize("account", [AUTH_ID, None])
def test_an_unverified_callback_stays_unverified_with_the_same_fault(
    fault: VerificationFault, account: str | None
) -> None:
    unverified = verdict_on(RAW)
    assert isinstance(unverified, Unverified)
    verdict = unverified._replace(fault=fault, account=account, zone=account and ZONE)
    again = parse_journal_record(stored(verdict)).verdict
    assert again._replace(restored=False) == verdict


@given(st.binary(), st.text("ab=&%FC3", max_size=20))
def test_any_callback_comes_back_byte_for_byte(body: bytes, query: str) -> None:
    raw = signed(raw_callback(query, body))
    assert parse_journal_record(stored(verdict_on(raw))).raw == raw


def test_a_newer_record_with_more_in_it_is_read_all_the_same() -> None:
    value = {**VALUE, "since_then": {"more": True}}
    assert to_raw_callback(value) == SIGNED
    assert parse_journal_record(orjson.dumps(value)).raw == SIGNED


def without(*names: str, **changes: object) -> dict[str, object]:
    return {name: of for name, of in {**VALUE, **changes}.items() if name not in names}


NOT_READABLE: dict[str, object] = {
    "value: ": "a text",
    "path: missing": without("path"),
    "headers.0": without(headers=[["host"]]),
    "received_at: not a time": without(received_at="yesterday"),
    "received_at: without": without(received_at="2026-03-07T14:14:44"),
    "url_received: ": without(url_received="http://10.0.0.7:8080/elsewhere"),
    "body: neither text": without("body"),
    "body: neither": without("body", body_base64="!"),
    "reply.status": without(reply={"content_type": None, "body": ""}),
}


@pytest.mark.parametrize("fault", NOT_READABLE)
def test_what_is_no_journal_record_says_where_it_is_not(fault: str) -> None:
    with pytest.raises(NotAJournalRecord, match=fault):
        to_raw_callback(NOT_READABLE[fault])
    with pytest.raises(NotAJournalRecord, match=fault):
        parse_journal_record(orjson.dumps(NOT_READABLE[fault]))


def test_what_is_no_json_is_no_journal_record() -> None:
    with pytest.raises(NotAJournalRecord, match="not JSON"):
        parse_journal_record(b"CallUUID=x")


@pytest.mark.parametrize(
    "said",
    [
        {"scheme": "v4"},
        {"scheme": None},
        {"key_id": None},
        {"verdict": "unverified"},
        {"verdict": "unverified", "fault": "no such fault"},
    ],
)
def test_a_verdict_that_is_none_of_ours_is_not_recalled(said: dict[str, object]) -> None:
    value = without(verification={**VALUE["verification"], **said})
    with pytest.raises(NotAJournalRecord, match="verification"):
        parse_journal_record(orjson.dumps(value))


@pytest.mark.parametrize("source", ["", "/plivo/accounts/", "/other/accounts/MA"])
def test_a_source_that_names_no_account_is_not_one_of_ours(source: str) -> None:
    with pytest.raises(NotAJournalRecord, match="source"):
        parse_journal_record(orjson.dumps(without(source=source)))


def test_a_verified_verdict_is_not_restored_for_an_unknown_account() -> None:
    with pytest.raises(NotAJournalRecord, match="verification"):
        parse_journal_record(orjson.dumps(without(source="/plivo/accounts/unknown")))


@pytest.mark.parametrize("name", sorted(VALUE))
def test_a_record_with_one_member_spoilt_is_refused_without_quoting_it(name: str) -> None:
    spoilt = without(**{name: {"+14155550100": ["sip:agent@phone.plivo.com"]}})
    with pytest.raises(NotAJournalRecord, match=name) as refused:
        parse_journal_record(orjson.dumps(spoilt))
    assert "14155550100" not in str(refused.value)
    assert "agent" not in str(refused.value)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((), True),
        ((("content-type", b"application/json"), ("callback_type", b"voice.call.ring")), True),
        ((("content-type", b"application/json"), ("journal_kind", b"answer")), False),
        ((("journal_kind", b"request"),), False),
        ((("journal_kind", b"a kind of a later version"),), False),
    ],
)
def test_a_record_that_names_no_other_kind_is_a_callback(
    headers: tuple[tuple[str, bytes], ...], *, expected: bool
) -> None:
    assert is_callback(Record("journal", b"key", b"{}", headers, 0)) is expected
