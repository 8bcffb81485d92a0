"""Plivo's side, emulated."""

import uuid
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plivo.utils import validate_signature
from plivo.utils.signature_v3 import validate_v3_signature

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.catalogue import Catalogue
from bridge.core.verify import Verified
from bridge.emulator.sign import sign_headers
from tests.support.emulated_call import EmulatedCall, answered_call
from tests.support.factories import (
    AUTH_ID,
    ORIGIN,
    PAIRS,
    SUB_TOKEN,
    TOKEN,
    UUID,
    parsed,
    raw_callback,
    verdict_on,
)

URL = f"{ORIGIN}/plivo?team=blue"
CALL = EmulatedCall(
    call_uuid=uuid.UUID(UUID),
    auth_id=AUTH_ID,
    zone=ZoneInfo("America/New_York"),
    placed_at=datetime(2026, 3, 7, 14, 13, 28, tzinfo=UTC),
)


@pytest.mark.parametrize("fragment", ["", "#rc=5&rp=all"])
@pytest.mark.parametrize(
    ("token", "main_token"),
    [(TOKEN, None), (SUB_TOKEN, TOKEN)],
)
@given(pairs=PAIRS)
def test_the_official_sdk_verifies_every_header_of_a_post(
    fragment: str,
    token: str,
    main_token: str | None,
    pairs: list[tuple[str, str]],
) -> None:
    form = httpx.QueryParams(dict(pairs))
    headers = sign_headers("POST", URL + fragment, str(form), token, main_token)
    nonce, nonce_v2 = headers[wire.NONCE_V3], headers[wire.NONCE_V2]
    for key, name in ((token, wire.SIGNATURE_V3), (main_token or token, wire.SIGNATURE_MA_V3)):
        assert validate_v3_signature("POST", URL, nonce, key, headers[name], dict(pairs))
    for key, name in ((token, wire.SIGNATURE_V2), (main_token or token, wire.SIGNATURE_MA_V2)):
        assert validate_signature(URL, nonce_v2, headers[name], key)


def test_the_official_sdk_verifies_a_get() -> None:
    url = f"{URL}&CallUUID={UUID}&From=%2B14155550100"
    headers = sign_headers("GET", url, "", TOKEN)
    nonce = headers[wire.NONCE_V3]
    assert validate_v3_signature("GET", url, nonce, TOKEN, headers[wire.SIGNATURE_V3])


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_we_verify_what_the_emulator_signs(method: str) -> None:
    for step in answered_call(CALL):
        query, form = ("", step.form) if method == "POST" else (step.form, "")
        url = f"{ORIGIN}{step.path}" + (f"?{query}" if query else "")
        headers = sign_headers(method, url, form, TOKEN)
        raw = raw_callback(query, form, method=method, path=step.path, headers=headers.items())
        assert isinstance(verdict_on(raw), Verified)


def test_the_legacy_signature_is_of_the_url_and_all_parameters() -> None:
    headers = sign_headers("POST", URL, "b=2&a=1", TOKEN)
    message = f"{ORIGIN}/plivoa1b2teamblue".encode()
    assert headers[wire.SIGNATURE_V1] == signature.sign(TOKEN.encode(), message, "sha1")


def test_nonces_are_never_the_same() -> None:
    nonces = [
        sign_headers("POST", URL, "", TOKEN)[name]
        for _ in range(50)
        for name in (wire.NONCE_V2, wire.NONCE_V3)
    ]
    assert len(set(nonces)) == 100
    assert all(nonce.isdecimal() for nonce in nonces)


def test_an_answered_call_rings_is_answered_and_hung_up_at_exact_times(types: Catalogue) -> None:
    steps = list(answered_call(CALL))
    callbacks = [parsed(types, parse_qsl(step.form, keep_blank_values=True)) for step in steps]
    assert [callback.type.path for callback in callbacks] == [step.path for step in steps]
    assert [callback.type.name for callback in callbacks] == [
        "voice.call.ring",
        "voice.call.answer",
        "voice.call.hangup",
    ]
    for callback in callbacks:
        assert callback.subject == UUID
        assert callback.undeclared == {}
        assert callback.unreadable == []
        assert callback.zone_mismatch is None
    ring, answer, hangup = (callback.fields for callback in callbacks)
    assert ring["session_started_at"] == moment("14:13:29.250000", "UTC", "14:13:29.250000")
    assert answer["session_started_at"] == moment("14:13:31.500000", "UTC", "14:13:31.500000")
    assert hangup["started_at"] == moment("09:13:28", "America/New_York", "14:13:28")
    assert hangup["answered_at"] == moment("09:13:32", "America/New_York", "14:13:32")
    assert hangup["ended_at"] == moment("09:14:37", "America/New_York", "14:14:37")
    assert (hangup["duration_s"], hangup["bill_duration_s"]) == (65, 120)
    assert hangup["total_cost"] == "0.01000"


def moment(text: str, zone: str, utc: str) -> dict[str, str]:
    return {
        "utc": f"2026-03-07T{utc}Z",
        "text": f"2026-03-07 {text}",
        "zone": zone,
        "certainty": "exact",
    }


@given(st.integers(0, 4000), st.integers(1, 60))
def test_a_bill_is_in_whole_minutes_that_cover_the_call(talks_s: int, rings_s: int) -> None:
    call = EmulatedCall(
        CALL.call_uuid,
        AUTH_ID,
        CALL.zone,
        CALL.placed_at,
        ring_duration_s=rings_s,
        talk_duration_s=talks_s,
    )
    hangup = list(answered_call(call))[-1].parameters
    billed = int(hangup["BillDuration"])
    assert billed % 60 == 0
    assert talks_s <= billed < talks_s + 60
    assert hangup["Duration"] == str(talks_s)
