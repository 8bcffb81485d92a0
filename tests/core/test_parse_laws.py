"""Laws of parsing: no parameter is lost, and no input raises an error."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.callbacks.model import CallbackType, list_fields
from bridge.core.catalogue import Catalogue, load_catalogue
from bridge.core.parameters import Pair
from bridge.core.parse import NoEvent
from tests.support.factories import (
    HANGUP,
    TEXT,
    UUID,
    event_of,
    parsed,
    parser,
    raw_callback,
    samples,
    vouched,
)
from tests.support.parameter_loss import lost

TYPES = load_catalogue()
DECLARED = sorted(
    {
        name
        for kind in TYPES.all_types
        for _, parameter, _ in list_fields(kind.model).values()
        for name in parameter.names
    }
    | {"stir_verification", "StirAttestation", "machine", "X-PH-Campaign", "X-PH-Shift"}
)
VALUES = TEXT | st.sampled_from(
    sorted({value for _, pairs in samples(TYPES) for _, value in pairs} | {"", "-1", "2026-11-01"})
)
ARBITRARY = st.lists(st.tuples(st.sampled_from(DECLARED) | TEXT, VALUES), max_size=12)
ZONES = st.sampled_from([None, "America/New_York", "Australia/Lord_Howe", "UTC"])
ROUTES = st.sampled_from([None, *TYPES.all_types])


def test_every_parameter_of_every_sample_is_found_again(types: Catalogue) -> None:
    for kind, pairs in samples(types):
        callback = parsed(types, pairs, route=kind)
        assert lost(callback) == []


@settings(max_examples=300)
@given(ARBITRARY, ROUTES, ZONES)
def test_every_parameter_is_found_again_or_there_is_no_event(
    pairs: list[Pair], route: CallbackType | None, zone: str | None
) -> None:
    try:
        callback = parsed(TYPES, [("CallUUID", UUID), *pairs], route=route, zone=zone)
    except NoEvent:
        return
    assert lost(callback) == []


@settings(max_examples=300)
@given(
    ARBITRARY,
    st.binary(max_size=30),
    st.text("ab=&%FC3A9+", max_size=20),
    st.tuples(ROUTES, ZONES),
)
def test_any_callback_is_an_event_in_json_or_none(
    pairs: list[Pair], noise: bytes, query: str, on: tuple[CallbackType | None, str | None]
) -> None:
    route, zone = on
    form = b"&".join([*(f"{key}={value}".encode() for key, value in [*HANGUP, *pairs]), noise])
    for body in (form, noise, b""):
        try:
            callback = parser(TYPES).parse(vouched(raw_callback(query, body), zone=zone), route)
        except NoEvent:
            continue
        event = orjson.loads(event_of(callback).record.value)
        assert event["data"]["undeclared"] == callback.undeclared
        callback.type.model.model_validate(event["data"])
