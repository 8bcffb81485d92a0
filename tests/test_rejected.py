"""What failed verification, as a record: the callback as it came, cut, and the fault."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import raw as wire
from bridge.near_miss import Variant
from bridge.raw import RawCallback
from bridge.rejected import BODY_BYTES_MAX, RejectedSample, to_rejected
from bridge.replay.journal import from_journal
from bridge.verify import Unverified
from tests.making import NAMING, NONCE, raw_callback, v3_of, verdict_on, with_headers

STRANGERS = raw_callback("team=blue", "CallUUID=x&Event=Ring")


class Clock:
    """Seconds that a test turns on."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def unverified(raw: RawCallback) -> Unverified:
    verdict = verdict_on(raw)
    assert isinstance(verdict, Unverified)
    return verdict


def test_a_rejected_record_is_the_callback_as_it_came_and_the_fault() -> None:
    record = to_rejected(unverified(STRANGERS), None, NAMING)
    assert record.topic == "test.plivo.bridge.rejected.v1"
    assert record.key == b"no_signature"
    assert record.timestamp_ms == 1772892884250
    assert record.headers == (
        ("content-type", b"application/json; charset=UTF-8"),
        ("rejected_fault", b"no_signature"),
        ("rejected_variant", b""),
        ("body_cut", b"false"),
        ("body_bytes", b"21"),
    )
    value = orjson.loads(record.value)
    assert from_journal(value) == STRANGERS
    assert value["verification"]["fault"] == "no_signature"
    assert (value["events"], value["reply"]["status"]) == ([], 403)


@pytest.mark.parametrize(
    ("length", "cut"), [(BODY_BYTES_MAX, b"false"), (BODY_BYTES_MAX + 1, b"true")]
)
def test_a_body_is_cut_and_its_length_said(length: int, cut: bytes) -> None:
    record = to_rejected(unverified(raw_callback("", b"\xff" * length)), None, NAMING)
    headers = dict(record.headers)
    assert (headers["body_cut"], headers["body_bytes"]) == (cut, b"%d" % length)
    assert from_journal(orjson.loads(record.value)).body == b"\xff" * BODY_BYTES_MAX


def test_the_key_is_none_of_a_strangers_choosing() -> None:
    keys = {
        to_rejected(unverified(raw_callback("", f"CallUUID={number}")), None, NAMING).key
        for number in range(5)
    }
    assert keys == {b"no_signature"}


def test_no_token_is_in_a_rejected_record() -> None:
    raw = with_headers(
        STRANGERS, (wire.SIGNATURE_V3, v3_of(STRANGERS, "guess")), (wire.NONCE_V3, NONCE)
    )
    record = to_rejected(unverified(raw), Variant.HOST, NAMING)
    assert b"main-token" not in record.value
    assert b"sub-token" not in record.value


def test_a_sample_of_none_admits_none() -> None:
    clock = Clock()
    sample = RejectedSample(0, clock)
    clock.now_s += 3_600
    assert not sample.admits()


def test_the_bucket_fills_again_with_time() -> None:
    clock = Clock()
    sample = RejectedSample(60, clock)
    assert [sample.admits() for _ in range(61)] == [True] * 60 + [False]
    clock.now_s += 0.5
    assert not sample.admits()
    clock.now_s += 0.5
    assert [sample.admits(), sample.admits()] == [True, False]
    clock.now_s += 3_600
    assert sum(sample.admits() for _ in range(200)) == 60


@given(
    st.integers(1, 20),
    st.lists(st.sampled_from([0.0, 0.1, 1.0]) | st.floats(0, 90), min_size=1, max_size=200),
)
def test_no_minute_has_more_than_a_full_bucket_and_a_minutes_filling(
    per_minute_max: int, pauses_s: list[float]
) -> None:
    clock = Clock()
    sample = RejectedSample(per_minute_max, clock)
    admitted: list[float] = []
    for pause_s in pauses_s:
        clock.now_s += pause_s
        if sample.admits():
            admitted.append(clock.now_s)
    for begin in admitted:
        within = [at for at in admitted if begin <= at < begin + 60]
        assert len(within) <= 2 * per_minute_max
