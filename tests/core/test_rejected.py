"""The record of a rejected callback: its request, cut, and the fault."""

import orjson
import pytest

from bridge.core import request as wire
from bridge.core.rejected import BODY_BYTES_MAX, to_rejected
from bridge.core.request import RawCallback
from bridge.core.url_mismatch import MismatchVariant
from bridge.core.verify import Unverified
from bridge.reader.journal import to_raw_callback
from tests.support.factories import (
    NAMING,
    NONCE,
    TOKEN,
    raw_callback,
    v3_of,
    verdict_on,
    with_headers,
)

STRANGERS = raw_callback("team=blue", "CallUUID=x&Event=Ring")


def unverified(raw: RawCallback) -> Unverified:
    verdict = verdict_on(raw)
    assert isinstance(verdict, Unverified)
    return verdict


def test_a_rejected_record_is_the_callback_as_received_and_the_fault() -> None:
    record = to_rejected(unverified(STRANGERS), None, NAMING)
    assert record.topic == "test.plivo.bridge.rejected.v1"
    assert record.key == b"no_signature"
    assert record.timestamp_ms == 1772892884250
    assert record.headers == (
        ("content-type", b"application/json"),
        ("rejected_fault", b"no_signature"),
        ("rejected_variant", b""),
        ("body_cut", b"false"),
        ("body_bytes", b"21"),
    )
    value = orjson.loads(record.value)
    assert to_raw_callback(value) == STRANGERS
    assert value["verification"]["fault"] == "no_signature"
    assert (value["events"], value["reply"]["status"]) == ([], 403)


@pytest.mark.parametrize(
    ("length", "cut"), [(BODY_BYTES_MAX, b"false"), (BODY_BYTES_MAX + 1, b"true")]
)
def test_a_body_is_cut_and_its_length_is_stated(length: int, cut: bytes) -> None:
    record = to_rejected(unverified(raw_callback("", b"\xff" * length)), None, NAMING)
    headers = dict(record.headers)
    assert (headers["body_cut"], headers["body_bytes"]) == (cut, b"%d" % length)
    assert to_raw_callback(orjson.loads(record.value)).body == b"\xff" * BODY_BYTES_MAX


def test_the_client_cannot_choose_the_key() -> None:
    keys = {
        to_rejected(unverified(raw_callback("", f"CallUUID={number}")), None, NAMING).key
        for number in range(5)
    }
    assert keys == {b"no_signature"}


def test_no_token_is_in_a_rejected_record() -> None:
    raw = with_headers(
        STRANGERS, (wire.SIGNATURE_V3, v3_of(STRANGERS, "guess")), (wire.NONCE_V3, NONCE)
    )
    record = to_rejected(unverified(raw), MismatchVariant.HOST, NAMING)
    assert TOKEN.encode() not in record.value
    assert b"sub-token" not in record.value
