"""Masking sessions: which party is called when, and what Plivo sends about it."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.masking import MaskingOrder
from bridge.emulator.machine.person import HangUp, Person, Pickup
from bridge.emulator.machine.world import World
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.documents import people
from tests.emulator.machines import ACCOUNT, BEGIN, Receiver, url_of
from tests.emulator.recognition import check_recognised

FIRST, SECOND, VIRTUAL = "14155550123", "14155550124", "14155550100"
ORDER = MaskingOrder(ACCOUNT, FIRST, SECOND, VIRTUAL, url_of("masking"), url_of("recording"))
STAYS = Person(hang_up=None)
LEAVES = Person(hang_up=HangUp(30.0))
SOON = Person(hang_up=HangUp(2.0))
BUSY = Person(Pickup.BUSY)


def run(
    order: MaskingOrder, first: Person, second: Person, caller: str | None = None
) -> VirtualDriver:
    """Begin a session, let a party call, and run until nothing is left to do."""
    both = {FIRST: first, SECOND: second}
    machine = Machine(World(BEGIN, find_person=lambda number, _: both[number]))
    driver = VirtualDriver(machine, Receiver())
    session = machine.mask(order)
    if caller is not None:
        machine.call_virtual_number(session.uuid, caller)
    driver.run()
    return driver


def events(driver: VirtualDriver) -> list[str]:
    """Return the events of the session without ``Session``, in order."""
    return [one.parameters["EventName"].removeprefix("Session") for one in driver.requests]


DIALS_SECOND = ["SecondPartyInitiated", "SecondPartyRing", "SecondPartyAnswer"]
DIALS_FIRST = ["FirstPartyInitiated", "FirstPartyRinging", "FirstPartyAnswer"]


@pytest.mark.parametrize(
    ("calls_first", "caller", "parties", "expected"),
    [
        (False, None, (STAYS, STAYS), []),
        (
            False,
            FIRST,
            (STAYS, LEAVES),
            [
                "VirtualNumberAnswer",
                *DIALS_SECOND,
                "SecondPartyComplete",
                "FirstPartyComplete",
            ],
        ),
        (
            False,
            SECOND,
            (LEAVES, STAYS),
            ["VirtualNumberAnswer", *DIALS_FIRST, "FirstPartyComplete", "SecondPartyComplete"],
        ),
        (
            True,
            None,
            (LEAVES, STAYS),
            [*DIALS_FIRST, *DIALS_SECOND, "FirstPartyComplete", "SecondPartyComplete"],
        ),
        (
            True,
            None,
            (BUSY, STAYS),
            ["FirstPartyInitiated", "FirstPartyRinging", "FirstPartyFailed"],
        ),
        (
            True,
            None,
            (STAYS, BUSY),
            [*DIALS_FIRST, *DIALS_SECOND[:2], "SecondPartyFailed", "FirstPartyComplete"],
        ),
        # The caller does not wait for the answer.
        (
            False,
            FIRST,
            (SOON, STAYS),
            [
                "VirtualNumberAnswer",
                *DIALS_SECOND[:2],
                "SecondPartyFailed",
                "FirstPartyComplete",
            ],
        ),
        # Nobody knows this caller.
        (False, "14155550199", (STAYS, STAYS), []),
    ],
)
def test_each_step_of_a_session_has_an_event(
    types: Catalogue,
    parties: tuple[Person, Person],
    expected: list[str],
    caller: str | None,
    *,
    calls_first: bool,
) -> None:
    driver = run(replace(ORDER, calls_first_party=calls_first), *parties, caller)
    assert events(driver) == [*expected, "Timeout"]
    numbers = [one.parameters["SequenceNumber"] for one in driver.requests]
    assert numbers == [str(number) for number in range(1, len(expected) + 2)]
    legs = driver.machine.world.legs
    assert sorted(one.call_uuid for one in driver.ended) == sorted(legs)
    check_recognised(types, driver)


def test_the_end_of_a_call_has_its_length_its_price_and_its_cause() -> None:
    driver = run(ORDER, STAYS, LEAVES, FIRST)
    second, first = (one.parameters for one in driver.requests[-3:-1])
    names = ("Duration", "BilledDuration", "Amount", "PlivoHangupCause", "PlivoHangupCauseCode")
    assert [second[name] for name in names] == ["30", "60", "0.00500", "Normal Hangup", "4000"]
    assert first["Duration"] == "34"
    assert second["EventTimestamp"] == "2026-03-07 14:14:04 +0000 UTC"
    numbers = ("FirstParty", "SecondParty", "VirtualNumber")
    assert [second[name] for name in numbers] == [FIRST, SECOND, VIRTUAL]


def test_a_call_ends_at_its_time_limit() -> None:
    driver = run(replace(ORDER, call_time_limit_s=90), STAYS, STAYS, FIRST)
    assert {one.code for one in driver.ended} == {"6000"}
    assert driver.requests[-2].parameters["Duration"] == "90"


def test_a_recording_begins_when_both_parties_are_connected(types: Catalogue) -> None:
    driver = run(replace(ORDER, records=True), STAYS, LEAVES, FIRST)
    recordings = [
        one.parameters for one in driver.requests if one.type == "masking.session.recording"
    ]
    begun, done = recordings
    assert [begun["EventName"], done["EventName"]] == [
        "SessionRecordingInitiated",
        "SessionRecordingCompleted",
    ]
    assert [begun["SequenceNumber"], done["SequenceNumber"]] == ["1", "2"]
    assert "RecordingEndTime" not in begun
    names = ("RecordingStartTime", "RecordingEndTime", "RecordingDuration", "RecordingFormat")
    assert [done[name] for name in names] == [
        "2026-03-07 14:13:34 +0000 UTC",
        "2026-03-07 14:14:04 +0000 UTC",
        "30",
        ".mp3",
    ]
    check_recognised(types, driver)


def test_a_session_that_has_expired_connects_nobody() -> None:
    machine = Machine(World(BEGIN))
    driver = VirtualDriver(machine, Receiver())
    session = machine.mask(replace(ORDER, expires_after_s=60))
    driver.run()
    assert not machine.call_virtual_number(session.uuid, FIRST)
    driver.run()
    assert events(driver) == ["Timeout"]
    assert machine.world.legs == {}


@given(
    parties=st.tuples(people, people),
    caller=st.sampled_from([FIRST, SECOND, None]),
    calls_first=st.booleans(),
    records=st.booleans(),
)
def test_whatever_the_parties_do_every_leg_ends_once(
    parties: tuple[Person, Person], caller: str | None, *, calls_first: bool, records: bool
) -> None:
    driver = run(replace(ORDER, calls_first_party=calls_first, records=records), *parties, caller)
    legs = driver.machine.world.legs
    assert Counter(one.call_uuid for one in driver.ended) == Counter(legs.keys())
    gone = [one for one in events(driver) if one.endswith(("PartyComplete", "PartyFailed"))]
    assert len(gone) == len(legs)
    begun = [one for one in events(driver) if one == "RecordingInitiated"]
    assert len(begun) == events(driver).count("RecordingCompleted")
    assert driver.sent_at == sorted(driver.sent_at)
