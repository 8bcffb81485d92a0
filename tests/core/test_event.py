"""The event: its id, its attributes in value and headers, and the official SDK as its reader."""

from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import urlencode

import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage
from cloudevents.core.bindings.http import from_structured as from_http
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, from_structured
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core import request as wire
from bridge.core.catalogue import Catalogue, load_catalogue
from bridge.core.event import (
    compute_callback_id,
    format_source,
    to_epoch_ms,
    to_event,
    to_verification,
)
from bridge.core.parameters import Pair, collect_parameters
from bridge.core.request import RawCallback
from bridge.core.verify import Verified
from tests.support.factories import (
    AUTH_ID,
    HANGUP,
    NAMING,
    NONCE,
    PAIRS,
    RECORDED,
    SUB_ID,
    SUB_TOKEN,
    UUID,
    event_of,
    parsed,
    parser,
    raw_callback,
    samples,
    signed,
    v2_of,
    verdict_on,
    vouched,
    with_headers,
)

TYPES = load_catalogue()
FORM = urlencode(HANGUP)
# A surrogate stands for a byte that is not UTF-8.
RAW_TEXT = st.text("ab:1=&\n\udc80\udcff", max_size=4)
RAW_PAIRS = st.lists(st.tuples(RAW_TEXT, RAW_TEXT), max_size=3)


def id_of(types: Catalogue, raw: RawCallback) -> str:
    return event_of(parser(types).parse(vouched(raw), None)).id


def test_an_id_is_32_hex_digits_of_a_128_bit_digest(types: Catalogue) -> None:
    # Written down, because every consumer's memory of events hangs on it.
    assert id_of(types, raw_callback("", FORM)) == compute_callback_id(
        AUTH_ID, "com.plivo.voice.call.hangup.v1", collect_parameters((), HANGUP)
    )
    for value, nonce, identity in (
        ("2", "", "8457551f15756a476e98a906fd1d1e66"),
        ("2", "77", "8ec8dd10ca3f327dde684fe4b81aa395"),
        ("\udcff", "", "34db7ea250ad02748e9b20a40aa77e00"),
    ):
        parameters = collect_parameters((("q", "ü"),), (("b", value), ("a", "1")))
        assert compute_callback_id("MA1", "com.plivo.x.v1", parameters, nonce) == identity


@pytest.mark.parametrize(
    "again",
    [
        raw_callback("", FORM),
        raw_callback("", urlencode(HANGUP[::-1])),
        raw_callback("", FORM.replace("%2B", "%2b").replace("+", "%20")),
        raw_callback(FORM, method="GET"),
        signed(raw_callback("", FORM), nonce="1"),
        signed(raw_callback("", FORM), nonce="2"),
        with_headers(raw_callback("", FORM), ("user-agent", "x"), ("x-request-id", "1")),
        raw_callback("", FORM, path="/plivo/voice/call/hangup"),
        raw_callback("", FORM, origin="https://elsewhere.example"),
        raw_callback("", FORM)._replace(received_at=datetime(2026, 3, 8, tzinfo=UTC)),
        raw_callback("", FORM)._replace(remote_address="198.51.100.1"),
    ],
    ids=range(11),
)
def test_a_retry_and_a_replay_have_the_id_of_the_first(
    types: Catalogue, again: RawCallback
) -> None:
    assert id_of(types, again) == id_of(types, raw_callback("", FORM))


def test_a_nonce_that_no_signature_covers_makes_no_other_event(types: Catalogue) -> None:
    raw = raw_callback("", f"CallUUID={UUID}&Digits=1", path="/plivo/voice/getdigits/action")
    raw = with_headers(raw, (wire.SIGNATURE_V2, v2_of(raw)), (wire.NONCE_V2, NONCE))
    ids = [
        event_of(parser(types).parse(verdict_on(with_headers(raw, *more)), None)).id
        for more in ([], [(wire.NONCE_V3, "1")], [(wire.NONCE_V3, "2")])
    ]
    assert len(set(ids)) == 1


@settings(max_examples=200)
@given(st.lists(st.tuples(RAW_PAIRS, RAW_PAIRS), min_size=2, max_size=2), st.randoms())
def test_ids_are_the_same_exactly_when_the_parameters_are(
    drawn: list[tuple[list[Pair], list[Pair]]], random: Random
) -> None:
    one, other = (collect_parameters(tuple(query), tuple(body)) for query, body in drawn)
    pairs = [*one.query, *one.body]
    random.shuffle(pairs)
    assert compute_callback_id("MA1", "k", one) == compute_callback_id(
        "MA1", "k", collect_parameters((), tuple(pairs))
    )
    same = sorted((*one.query, *one.body)) == sorted((*other.query, *other.body))
    assert (compute_callback_id("MA1", "k", one) == compute_callback_id("MA1", "k", other)) is same


CLOSE_TEXT = st.text('a",[\\ü\udc80', max_size=3)
IDENTIFIED = st.tuples(
    st.none() | CLOSE_TEXT,
    CLOSE_TEXT,
    st.lists(st.tuples(CLOSE_TEXT, CLOSE_TEXT), max_size=2),
    CLOSE_TEXT,
)


@settings(max_examples=500)
@given(IDENTIFIED, IDENTIFIED)
def test_no_account_type_or_nonce_can_pass_as_a_parameter(
    one: tuple[str | None, str, list[Pair], str], other: tuple[str | None, str, list[Pair], str]
) -> None:
    ids = [
        compute_callback_id(account, kind, collect_parameters((), tuple(pairs)), nonce)
        for account, kind, pairs, nonce in (one, other)
    ]
    same = [(account, kind, sorted(pairs), nonce) for account, kind, pairs, nonce in (one, other)]
    assert (ids[0] == ids[1]) is (same[0] == same[1])


def test_ids_differ_by_account_type_and_every_value() -> None:
    variants = [
        compute_callback_id("MA1", "k", collect_parameters((), HANGUP)),
        compute_callback_id("MA2", "k", collect_parameters((), HANGUP)),
        compute_callback_id(None, "k", collect_parameters((), HANGUP)),
        compute_callback_id("MA1", "l", collect_parameters((), HANGUP)),
        compute_callback_id("MA1", "k", collect_parameters((), HANGUP[1:])),
        compute_callback_id("MA1", "k", collect_parameters((), (*HANGUP, HANGUP[0]))),
    ]
    for place, (name, value) in enumerate(HANGUP):
        changed = (*HANGUP[:place], (name, value + " "), *HANGUP[place + 1 :])
        variants.append(compute_callback_id("MA1", "k", collect_parameters((), changed)))
    assert len(set(variants)) == len(variants)


@pytest.mark.parametrize("policy", ["verified", "unverified"])
def test_an_event_states_its_verification(types: Catalogue, policy: str) -> None:
    raw = raw_callback("team=blue", FORM)
    verdict = verdict_on(signed(raw) if policy == "verified" else raw)
    event = orjson.loads(event_of(parser(types).parse(verdict, None)).record.value)
    assert event["source"] == f"/plivo/accounts/{AUTH_ID}"
    assert event["data"]["verification"] == to_verification(verdict)
    assert event["data"]["verification"]["verdict"] == policy
    if policy == "verified":
        assert event["data"]["verification"]["covers"] == ["url", "query", "body"]
        assert event["data"]["verification"]["fault"] is None
    else:
        assert event["data"]["verification"]["fault"] == "no_signature"


def test_the_source_is_the_account_and_subaccount() -> None:
    raw = raw_callback("", FORM)
    assert format_source(verdict_on(signed(raw))) == f"/plivo/accounts/{AUTH_ID}"
    by_sub = format_source(verdict_on(signed(raw, SUB_TOKEN)))
    assert by_sub == f"/plivo/accounts/{AUTH_ID}/subaccounts/{SUB_ID}"
    stranger = raw_callback("", "CallUUID=x&ParentAuthID=MASTRANGER")
    assert format_source(verdict_on(stranger)) == "/plivo/accounts/unknown"


def test_a_hangups_event_matches_the_contract(types: Catalogue) -> None:
    callback = parsed(types, query="team=blue")
    event = event_of(callback)
    value = orjson.loads(event.record.value)
    data = value.pop("data")
    assert value == {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/plivo/accounts/{AUTH_ID}",
        "type": "com.plivo.voice.call.hangup.v1",
        "subject": UUID,
        "time": "2026-03-07T14:14:43Z",
        "dataschema": "https://schemas.example.com/" + callback.type.schema_path,
        "partitionkey": UUID,
        "recordedtime": "2026-03-07T14:14:44.251000Z",
        "datacontenttype": "application/json",
    }
    assert data["received_at"] == "2026-03-07T14:14:44.250000Z"
    assert data["time_source"] == "ended_at"
    assert data["recognised_by"] == "parameters"
    assert data["context"] == {"team": ["blue"]}
    assert data["duration_s"] == 66
    assert data["from"]["e164"] == "+14155550100"
    assert data["stir"]["attestation"] is None
    assert "zone_mismatch" not in data
    assert event.record.topic == "test.plivo.voice.call.hangup.v1"
    assert event.record.key == UUID.encode()
    assert event.record.timestamp_ms == 1772892884250
    assert event.type is callback.type


def test_an_event_without_a_time_from_plivo_has_its_receive_time(types: Catalogue) -> None:
    event = orjson.loads(event_of(parsed(types, [("Other", "1")])).record.value)
    assert event["time"] == event["data"]["received_at"]
    assert event["data"]["time_source"] == "received"
    assert event["subject"] == event["partitionkey"] == event["id"]


def test_headers_and_structured_attributes_are_the_same(types: Catalogue) -> None:
    for kind, pairs in samples(types):
        record = event_of(parsed(types, pairs, route=kind)).record
        value = orjson.loads(record.value)
        names = [name for name, _ in record.headers]
        headers = dict(record.headers)
        assert len(names) == len(headers)
        assert headers.pop("content-type") == b"application/cloudevents+json"
        attributes = {
            f"ce_{name}": text.encode()
            for name, text in value.items()
            if name not in {"data", "datacontenttype"}
        }
        assert headers == attributes


def test_the_official_sdk_reads_every_sample_structured_and_by_its_headers(
    types: Catalogue,
) -> None:
    for kind, pairs in samples(types):
        event = event_of(parsed(types, pairs, route=kind))
        record = event.record
        message = KafkaMessage(dict(record.headers), record.key, record.value)
        structured = from_structured(message, JSONFormat())
        by_headers = from_binary(message, JSONFormat())
        texts = {name: value.decode() for name, value in record.headers}
        handed_on = from_http(HTTPMessage(texts, record.value), JSONFormat())
        assert handed_on.get_attributes() == structured.get_attributes()
        assert structured.get_id() == event.id
        assert structured.get_type() == kind.event_type
        assert structured.get_time() is not None
        assert structured.get_data() == orjson.loads(record.value)["data"]
        attributes = {**structured.get_attributes(), "datacontenttype": None}
        assert {**by_headers.get_attributes(), "datacontenttype": None} == attributes


def test_a_types_model_accepts_the_data_of_its_events(types: Catalogue) -> None:
    for kind, pairs in samples(types):
        data = orjson.loads(event_of(parsed(types, pairs, route=kind)).record.value)["data"]
        model = kind.model.model_validate(data)
        assert not model.model_extra
        dumped = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert dumped == data


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_records_timestamp_is_whole_milliseconds_rounded_down(instant: datetime) -> None:
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    assert to_epoch_ms(instant) == since // timedelta(milliseconds=1)


@given(PAIRS)
def test_any_parameters_are_an_event_that_is_the_same_every_time(pairs: list[Pair]) -> None:
    verdict = vouched(raw_callback("", urlencode([*HANGUP, *pairs])))
    assert isinstance(verdict, Verified)
    assert verdict.raw.headers.values.get(wire.SIGNATURE_V3) is None
    callback = parser(TYPES).parse(verdict, None)
    assert to_event(callback, NAMING, RECORDED) == to_event(callback, NAMING, RECORDED)
