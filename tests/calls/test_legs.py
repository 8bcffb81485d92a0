"""The legs of a call, from what its callbacks say."""

import pytest

from bridge.calls.found import TimelineEntry
from bridge.calls.legs import Leg, sum_costs
from bridge.calls.legs import build_legs as legs_from
from tests.support.call_stories import (
    ANSWER,
    HANGUP,
    MESSAGE,
    RING,
    A,
    B,
    at,
    changed,
    dial,
    dialled_call,
    entries,
    entry,
    hangup_of_b,
    report,
    steps,
)
from tests.support.emulated_call import EmulatedCallback
from tests.support.stored_calls import taken

MPC = "87423f1a-2b5c-4c0e-9a34-5e7e2c0d1f00"
STRANGER = "64d3290a-87a6-46b4-a6e2-20f5f4e07a02"


def legs_of(found: list[TimelineEntry]) -> list[Leg]:
    return legs_from(found, A)


def test_an_answered_call_is_one_leg_with_all_it_says() -> None:
    (leg,) = legs_of(steps((RING, 2), (ANSWER, 5), (HANGUP, 70)))
    assert (leg.id, leg.role, len(leg.entries)) == (A, "first", 3)
    assert leg.fields["direction"] == "outbound"
    assert leg.fields["to"]["e164"] == "+14155550123"
    assert leg.fields["hangup"]["source"] == "callee"
    assert (leg.fields["duration_s"], leg.fields["total_cost"]) == (65, "0.01000")
    assert leg.fields["answered_at"]["utc"] == "2026-03-07T14:13:32Z"
    assert leg.fields["stir"]["attestation"] == "A"
    assert leg.was_answered
    assert leg.has_ended


def test_a_dialled_leg_has_fields_of_the_dial_and_of_itself() -> None:
    first, dialled = legs_of(entries(*dialled_call()))
    assert [(leg.id, leg.role) for leg in (first, dialled)] == [(A, "first"), (B, "dialled")]
    assert [entry.type for entry in dialled.entries] == [
        "voice.dial.answer",
        "voice.dial.hangup",
        "voice.call.hangup",
    ]
    assert dialled.fields["to"]["e164"] == "+14155550177"
    assert dialled.fields["hangup"]["code"] == "4000"  # its own is the later one
    assert first.fields["hangup"]["code"] == "4000"
    assert first.fields["to"]["e164"] == "+14155550123"


def test_what_a_dial_says_of_the_dialled_leg_is_not_the_first_legs() -> None:
    first, dialled = legs_of(
        steps(
            (ANSWER, 5), (dial("hangup", DialBLegDuration="11", DialBLegHangupCauseCode="3010"), 32)
        )
    )
    assert "hangup" not in first.fields
    assert not first.has_ended
    assert (dialled.fields["hangup"]["name"], dialled.fields["duration_s"]) == ("Busy Line", 11)
    assert dialled.has_ended


@pytest.mark.parametrize("identity", [A, B])
def test_the_first_leg_comes_first_whichever_leg_was_requested(identity: str) -> None:
    legs = legs_from(steps((hangup_of_b(), 33), (HANGUP, 70)), identity)
    assert [(leg.id, leg.role) for leg in legs] == [(A, "first"), (B, "other")]
    assert all(leg.is_of_call for leg in legs)


def test_legs_that_met_in_a_multi_party_call_are_other_calls_and_cost_nothing_here() -> None:
    stranger = changed(HANGUP, CallUUID=STRANGER, ALegUUID=None, TotalCost="9.00000")
    met = [(joined(A), 8), (joined(STRANGER), 9)]
    found = steps((changed(RING, CallUUID=STRANGER), 1), (RING, 2), *met, (HANGUP, 70))
    found += steps((stranger, 71))
    legs = legs_of(found)
    assert [(leg.id, leg.role, leg.is_of_call) for leg in legs] == [
        (A, "first", True),
        (STRANGER, "other", False),
    ]
    assert sum_costs(legs) == "0.01000"
    of_all = legs_from(found, MPC)
    assert {leg.id: leg.is_of_call for leg in of_all} == {A: False, STRANGER: False}
    assert sum_costs(of_all) is None


def joined(call: str) -> EmulatedCallback:
    of = {"MPCUUID": MPC, "MPCName": "support", "ParticipantCallUUID": call}
    return EmulatedCallback("/plivo/voice/mpc/status", {"EventName": "ParticipantJoin", **of})


def test_null_says_nothing_and_the_latest_is_believed() -> None:
    first, second = taken(ANSWER, at(5)), taken(HANGUP, at(70))
    (leg,) = legs_of(
        [entry(first), entry(second, 1, says={"direction": None, "bill_rate": "0.007"})]
    )
    assert (leg.fields["direction"], leg.fields["bill_rate"]) == ("outbound", "0.007")


def test_a_leg_without_an_answer_was_answered_if_its_times_say_so() -> None:
    unanswered = changed(HANGUP, AnswerTime="", Duration="0")
    assert [leg.was_answered for leg in legs_of(steps((unanswered, 70)))] == [False]
    assert [leg.was_answered for leg in legs_of(steps((HANGUP, 70)))] == [True]


def test_the_cost_is_the_sum_of_the_legs_to_the_digit() -> None:
    assert sum_costs(legs_of(entries(*dialled_call()))) == "0.01500"
    assert sum_costs(legs_of(steps((RING, 2)))) is None


def test_a_message_has_no_legs() -> None:
    found = steps((report(1, "queued"), 1))
    assert found[0].key == MESSAGE
    assert legs_of(found) == []
