"""One word for each state that generations of a product name differently."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.catalogue import Catalogue
from bridge.normalise.state import parse_masking_state, parse_stream_state
from tests.support.factories import UUID, parsed


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("StartStream", "started"),
        ("StopStream", "stopped"),
        ("DroppedStream", "dropped"),
        ("DegradedStream", "degraded"),
        ("PlayedStream", "played"),
        ("startstream", "started"),
        ("started", "started"),
        ("stopped", "stopped"),
        ("failed", "failed"),
        ("Failed", "failed"),
        ("NeverHeardOf", "neverheardof"),
    ],
)
def test_a_streams_state_is_one_word_over_the_generations(text: str, state: str) -> None:
    assert parse_stream_state(text) == state


def test_the_generations_of_a_stream_have_one_shape(types: Catalogue) -> None:
    route = types.by_name["voice.stream.status"]
    pairs = [("CallUUID", UUID), ("StreamID", "s")]
    older, newer = (
        parsed(types, [*pairs, ("Event", text)], route=route).fields
        for text in ("StopStream", "stopped")
    )
    assert older.pop("event") == "StopStream"
    assert newer.pop("event") == "stopped"
    assert older == newer
    assert older["state"] == "stopped"


FIRST = [
    ("Initiated", "initiated"),
    ("Ringing", "ringing"),
    ("Ring", "ringing"),
    ("Answer", "answered"),
    ("Complete", "completed"),
    ("Hangup", "completed"),
    ("Failed", "failed"),
]


@pytest.mark.parametrize(("rest", "state"), FIRST)
@pytest.mark.parametrize(("name", "party"), [("First", "first"), ("Second", "second")])
def test_a_masking_event_has_a_party_and_its_state(
    name: str, party: str, rest: str, state: str
) -> None:
    text = f"Session{name}Party{rest}"
    assert parse_masking_state(text) == {"party": party, "state": state, "text": text}


@pytest.mark.parametrize(
    ("text", "party", "state"),
    [
        ("SessionPartiesHangup", "both", "completed"),
        ("SessionVirtualNumberAnswer", "virtual_number", "answered"),
        ("SessionVirtualNumberReplaced", "virtual_number", None),
        ("SessionFirstParty", "first", None),
        ("SessionFirstPartyNeverHeardOf", "first", None),
        ("SessionPinAuthenticationStatus", None, None),
        ("SessionTimeout", None, None),
        ("sessionfirstpartyanswer", None, None),
    ],
)
def test_an_unknown_masking_event_has_no_party_and_no_state(
    text: str, party: str | None, state: str | None
) -> None:
    assert parse_masking_state(text) == {"party": party, "state": state, "text": text}


@given(st.text())
def test_any_word_is_kept(text: str) -> None:
    assert parse_masking_state(text)["text"] == text
    assert parse_stream_state(text) == parse_stream_state(text.lower()) or not text.isascii()


def test_the_generations_of_a_masking_session_have_one_shape(types: Catalogue) -> None:
    shared = [("SessionUUID", UUID), ("VirtualNumber", "14155550100")]
    older = [
        ("EventName", "SessionSecondPartyHangup"),
        ("From", "14155550123"),
        ("To", "14155550188"),
    ]
    newer = [
        ("EventName", "SessionSecondPartyComplete"),
        ("FirstParty", "14155550123"),
        ("SecondParty", "14155550188"),
    ]
    found: list[dict[str, Any]] = [
        dict(parsed(types, [*shared, *pairs]).fields) for pairs in (older, newer)
    ]
    names = [fields.pop("event_name") for fields in found]
    states = [fields.pop("state") for fields in found]
    assert found[0] == found[1]
    assert found[0]["first_party"]["e164"] == "+14155550123"
    assert names == ["SessionSecondPartyHangup", "SessionSecondPartyComplete"]
    assert [state | {"text": ""} for state in states] == [
        {"party": "second", "state": "completed", "text": ""}
    ] * 2
    assert [state["text"] for state in states] == names
