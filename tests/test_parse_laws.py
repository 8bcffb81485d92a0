"""Laws of parsing: nothing is lost on the way, and nothing breaks it."""

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.callbacks.model import CallbackType, fields_of
from bridge.catalogue import Catalogue, load
from bridge.normalise.stir import spelling
from bridge.parameters import Pair
from bridge.parse import Callback, NoEvent, Parser, printable
from tests.making import HANGUP, TEXT, UUID, event_of, parsed, raw_callback, samples, vouched

TYPES = load()
DECLARED = sorted(
    {
        name
        for kind in TYPES.all
        for _, parameter, _ in fields_of(kind.model).values()
        for name in parameter.names
    }
    | {"stir_verification", "StirAttestation", "machine", "X-PH-Campaign", "X-PH-Shift"}
)
VALUES = TEXT | st.sampled_from(
    sorted({value for _, pairs in samples(TYPES) for _, value in pairs} | {"", "-1", "2026-11-01"})
)
ARBITRARY = st.lists(st.tuples(st.sampled_from(DECLARED) | TEXT, VALUES), max_size=12)
ZONES = st.sampled_from([None, "America/New_York", "Australia/Lord_Howe", "UTC"])
ROUTES = st.sampled_from([None, *TYPES.all])


def leaves(value: Any) -> set[str]:
    """Return every text inside a field's value, in lower case."""
    if isinstance(value, dict):
        return {text for key, of in value.items() for text in leaves(of) | {key.lower()}}
    if isinstance(value, list):
        return {text for of in value for text in leaves(of)}
    return {str(value).lower()}


def field_of(callback: Callback, name: str) -> str | None:
    """Return the field that the declaration reads the parameter into."""
    for field, (_, parameter, _) in fields_of(callback.type.model).items():
        folded = {spelling(one) for one in parameter.names} if parameter.folded else set()
        prefixed = parameter.prefix and name.startswith(parameter.names)
        if name in parameter.names or prefixed or spelling(name) in folded:
            return field
    return None


def found(callback: Callback, pair: Pair) -> bool:
    """Say whether the parameter is to be found in what the callback was read as."""
    name, value = pair
    if value in callback.undeclared.get(name, []):
        return True
    if printable(value) in callback.context.get(printable(name), []):
        return True
    for one in callback.unreadable:
        if one["parameter"] == printable(name) and printable(value) in one["text"]:
            return True
    field = field_of(callback, name)
    if field is None:
        return False
    kept = leaves(callback.fields.get(field))
    flags = {"1": "true", "0": "false"}
    return not kept.isdisjoint(
        {value.lower(), value.lstrip("0") or "0", flags.get(value, value.lower())}
    )


def test_every_parameter_of_every_sample_is_found_again(types: Catalogue) -> None:
    for kind, pairs in samples(types):
        callback = parsed(types, pairs, route=kind)
        lost = [pair for pair in pairs if pair[1] and not found(callback, pair)]
        assert lost == []


@settings(max_examples=300)
@given(ARBITRARY, ROUTES, ZONES)
def test_every_parameter_is_found_again_or_there_is_no_event(
    pairs: list[Pair], route: CallbackType | None, zone: str | None
) -> None:
    try:
        callback = parsed(TYPES, [("CallUUID", UUID), *pairs], route=route, zone=zone)
    except NoEvent:
        return
    lost = [pair for pair in pairs if pair[1] and not found(callback, pair)]
    assert lost == []


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
            callback = Parser(TYPES).parse(vouched(raw_callback(query, body), zone=zone), route)
        except NoEvent:
            continue
        event = orjson.loads(event_of(callback).record.value)
        assert event["data"]["undeclared"] == callback.undeclared
        callback.type.model.model_validate(event["data"])
