"""The call that a voice event belongs to: one field to collect a whole call by."""

from typing import Any

import pytest

from bridge.core.catalogue import Catalogue
from bridge.normalise.correlation import correlate
from tests.support.conformance import NAMES, SAMPLES, Sample, through
from tests.support.factories import parsed

NOTHING = dict.fromkeys(("call", "leg", "other_leg", "parent_call", "request", "conference", "mpc"))


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, {}),
        ({"call_uuid": "1"}, {"call": "1", "leg": "1"}),
        ({"call_uuid": "1", "a_leg_uuid": "1"}, {"call": "1", "leg": "1"}),
        ({"call_uuid": "2", "a_leg_uuid": "1"}, {"call": "1", "leg": "2", "parent_call": "1"}),
        (
            {"call_uuid": "1", "dial_a_leg_uuid": "1", "dial_b_leg_uuid": "2"},
            {"call": "1", "leg": "1", "other_leg": "2"},
        ),
        (
            {"call_uuid": "2", "dial_a_leg_uuid": "1", "dial_b_leg_uuid": "2"},
            {"call": "1", "leg": "1", "other_leg": "2"},
        ),
        (
            {"dial_a_leg_uuid": "1", "dial_b_leg_uuid": "2"},
            {"call": "1", "leg": "1", "other_leg": "2"},
        ),
        ({"call_uuid": "2", "dial_b_leg_uuid": "2"}, {"call": "2", "leg": "2"}),
        (
            {"call_uuid": "2", "a_leg_uuid": "3", "dial_a_leg_uuid": "1", "dial_b_leg_uuid": "2"},
            {"call": "3", "leg": "1", "other_leg": "2", "parent_call": "3"},
        ),
        (
            {"call_uuid": "1", "a_leg_uuid": "3", "dial_a_leg_uuid": "4"},
            {"call": "3", "leg": "1", "parent_call": "3"},
        ),
        ({"participant_call_uuid": "1", "mpc_uuid": "m"}, {"call": "1", "leg": "1", "mpc": "m"}),
        ({"mpc_uuid": "m"}, {"mpc": "m"}),
        ({"conference_uuid": "c", "call_uuid": "1"}, {"call": "1", "leg": "1", "conference": "c"}),
        ({"request_uuid": "r", "a_leg_request_uuid": "a"}, {"request": "r"}),
        ({"a_leg_request_uuid": "a"}, {"request": "a"}),
        ({"call_uuid": None, "a_leg_uuid": "1"}, {"call": "1", "parent_call": "1"}),
    ],
)
def test_ids_are_those_of_the_fields(fields: dict[str, object], found: dict[str, str]) -> None:
    assert correlate(fields) == NOTHING | found


def test_both_legs_of_a_dialled_call_lead_to_one_call(types: Catalogue) -> None:
    a_leg = parsed(types, [("CallUUID", "a"), ("Event", "StartApp")])
    dial = parsed(
        types,
        [
            ("CallUUID", "a"),
            ("DialAction", "hangup"),
            ("DialALegUUID", "a"),
            ("DialBLegUUID", "b"),
        ],
    )
    b_leg = parsed(types, [("CallUUID", "b"), ("ALegUUID", "a"), ("Event", "Hangup")])
    found: list[Any] = [callback.fields["correlation"] for callback in (a_leg, dial, b_leg)]
    assert [one["call"] for one in found] == ["a", "a", "a"]
    assert [one["leg"] for one in found] == ["a", "a", "b"]
    assert found[2]["parent_call"] == "a"


@pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)
def test_every_voice_event_and_no_other_has_a_correlation(sample: Sample) -> None:
    data = through(sample.sent(), sample.route).value["data"]
    assert ("correlation" in data) is sample.kind.name.startswith("voice.")
    joined = {name: of for name, of in data.get("correlation", {}).items() if of is not None}
    if "CallUUID" in dict(sample.pairs):
        assert joined["leg"] == dict(sample.pairs)["CallUUID"]
    # Plivo's lists of these may name neither a call nor a conference or MultiPartyCall.
    nameless = {
        "voice.conference_recording_api.completed",
        "voice.mpc.recording",
        "voice.transcription",
    }
    if sample.kind.name.startswith("voice.") and sample.kind.name not in nameless:
        assert joined
