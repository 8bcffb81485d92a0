"""The subject of a callback, and the time of its event."""

from dataclasses import replace
from typing import Annotated

import orjson
import pytest

from bridge.callbacks.model import CallbackData, param
from bridge.core.catalogue import Catalogue
from bridge.core.parse import Parser
from bridge.normalise.time import LocalInstant
from tests.support.factories import UUID, event_of, parsed, raw_callback, vouched


def test_a_hangup_happened_when_the_call_ended(types: Catalogue) -> None:
    callback = parsed(types)
    assert callback.happened_at == "2026-03-07T14:14:43Z"
    assert callback.happened_source == "ended_at"


@pytest.mark.parametrize(
    ("end", "zone"),
    [
        ("2026-03-07 09:14:43", None),  # in no zone we know
        ("2026-03-08 02:30:00", "America/New_York"),  # in the gap
        ("2026-03-07 14:14:43", "America/New_York"),  # in another zone
        ("soon", "America/New_York"),
        ("", "America/New_York"),
    ],
)
def test_an_uncertain_end_is_not_the_time_of_the_event(
    types: Catalogue, end: str, zone: str | None
) -> None:
    pairs = [("CallUUID", UUID), ("Event", "Hangup"), ("EndTime", end)]
    callback = parsed(types, pairs, zone=zone)
    assert callback.happened_at is None
    assert callback.happened_source is None


def test_a_mismatch_of_zones_is_reported(types: Catalogue) -> None:
    callback = parsed(types, zone="Asia/Kolkata")
    assert callback.zone_mismatch == {
        "configured_offset_s": 19800,
        "observed_offset_s": -18000,
    }
    assert orjson.loads(event_of(callback).record.value)["data"]["zone_mismatch"] == {
        "configured_offset_s": 19800,
        "observed_offset_s": -18000,
    }


def test_the_time_of_an_answer_is_its_receive_time(types: Catalogue) -> None:
    callback = parsed(types, [("CallUUID", UUID), ("Event", "StartApp")])
    assert (callback.happened_at, callback.happened_source) == (None, None)


@pytest.mark.parametrize("name", ["CallUUID", "MessageUUID", "ConferenceUUID", "SessionUUID"])
def test_the_subject_of_a_callback_of_unknown_fields_is_an_identifier_in_it(
    types: Catalogue, name: str
) -> None:
    # Most of these make a type of it; a type only its path tells has no fields to be about.
    route = types.by_name["numbers.cnam"]
    assert parsed(types, [("Other", "1"), (name, UUID)], route=route).subject == UUID


def test_an_unrecognised_callback_may_name_a_session(types: Catalogue) -> None:
    callback = parsed(types, [("Other", "1"), ("SessionUUID", UUID)])
    assert callback.type is types.unrecognised
    assert callback.subject == UUID


def test_an_unrecognised_callback_may_be_about_nothing(types: Catalogue) -> None:
    assert parsed(types, [("Other", "1")]).subject is None
    assert parsed(types, [("CallUUID", "")]).subject in {None, ""}


def test_a_blank_identifier_does_not_hide_another_one(types: Catalogue) -> None:
    assert parsed(types, [("CallUUID", ""), ("SessionUUID", UUID)]).subject == UUID


A_LEG, B_LEG = UUID, "0df857fe-8d2e-4c53-9b5f-6d0f4f0a7c11"
# What came, and what the event is keyed by.
KEYED = [
    (f"Event=StartApp&CallUUID={A_LEG}", A_LEG),
    (f"Event=Hangup&CallUUID={A_LEG}&ALegUUID={A_LEG}", A_LEG),
    (f"Event=Hangup&CallUUID={B_LEG}&ALegUUID={A_LEG}", A_LEG),
    (f"Event=Hangup&ALegUUID={A_LEG}", A_LEG),
    (f"DialAction=answer&DialALegUUID={A_LEG}&DialBLegUUID={B_LEG}", A_LEG),
    (f"DialAction=hangup&DialALegUUID={A_LEG}&DialBLegUUID={B_LEG}&CallUUID={A_LEG}", A_LEG),
    (f"DialAction=hangup&DialALegUUID={A_LEG}&DialBLegUUID={B_LEG}&CallUUID={B_LEG}", A_LEG),
    (f"DialAction=answer&DialBLegUUID={B_LEG}", B_LEG),
    (f"DialStatus=completed&DialALegUUID={A_LEG}&DialBLegUUID=", A_LEG),
    (f"RecordUrl=u&RecordingID={A_LEG}", A_LEG),
    (f"RecordUrl=u&RecordingID={B_LEG}&CallUUID={A_LEG}", A_LEG),
    (f"ConferenceAction=exit&ConferenceUUID={B_LEG}&CallUUID={A_LEG}", A_LEG),
    (f"ConferenceAction=exit&ConferenceUUID={B_LEG}", B_LEG),
    (f"EventName=ParticipantJoin&MPCUUID={B_LEG}&ParticipantCallUUID={A_LEG}", B_LEG),
    (f"EventName=ParticipantJoin&ParticipantCallUUID={A_LEG}", A_LEG),
    (f"EventName=ParticipantRecordingPaused&RecordingUUID={A_LEG}&MemberID=3", A_LEG),
    ("EventName=ParticipantRecordingFailed&MemberID=355", "355"),
    (f"MPCFriendlyName=room&MPCUUID={B_LEG}&CallUUID={A_LEG}", A_LEG),
    (f"MPCFriendlyName=room&MPCUUID={B_LEG}&ParticipantCallUUID={A_LEG}", A_LEG),
    (f"transcription=hello&call_uuid={A_LEG}", A_LEG),
    (f"transcription=hello&recording_id={A_LEG}", A_LEG),
    (f"StreamID={B_LEG}&Event=StartStream&CallUUID={A_LEG}", A_LEG),
    (f"StreamID={B_LEG}&Event=StartStream", B_LEG),
    (f"AttemptUUID={A_LEG}&ChannelStatus=sent", A_LEG),
    (f"Event=CallQueued&CallUUID={A_LEG}", A_LEG),
    ("StableSpeech=one+two&SequenceNumber=3", None),
    (f"StableSpeech=one+two&SequenceNumber=3&CallUUID={A_LEG}", A_LEG),
]


@pytest.mark.parametrize(("form", "key"), KEYED)
def test_what_plivo_documents_for_a_type_is_enough_for_an_event_with_a_key(
    types: Catalogue, form: str, key: str | None
) -> None:
    callback = Parser(types).parse(vouched(raw_callback("", form)), None)
    event = event_of(callback)
    assert event.record.key == (key or event.id).encode()
    assert callback.subject == key


def test_equal_words_of_two_calls_without_an_identifier_are_two_events(types: Catalogue) -> None:
    form = "StableSpeech=one+two&SequenceNumber=3"
    nonces = [("x-plivo-signature-v3-nonce", nonce) for nonce in ("1", "2")]
    ids = {
        event_of(Parser(types).parse(vouched(raw_callback("", form, headers=[nonce])), None)).id
        for nonce in nonces
    }
    assert len(ids) == 2


class _TwoNames(CallbackData):
    """A time that has two names."""

    ended_at: Annotated[LocalInstant | None, param("EndTime", "StopTime", meaning="The end.")] = (
        None
    )


def test_two_names_of_a_time_that_disagree_leave_it_null(types: Catalogue) -> None:
    unrecognised = replace(types.unrecognised, model=_TwoNames)
    parser = Parser(Catalogue((), unrecognised))
    form = "EndTime=2026-03-07+09:14:43&StopTime=2026-03-07+09:14:44"
    callback = parser.parse(vouched(raw_callback("", form)), None)
    assert callback.fields == {"ended_at": None}
    assert [one["reason"] for one in callback.unreadable] == ["spellings_disagree"] * 2
