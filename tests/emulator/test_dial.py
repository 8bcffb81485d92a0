"""Dial: whom it connects, what it reports, and how it ends."""

from collections.abc import Mapping

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine import api_actions
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import Parameters, Request, Response
from bridge.emulator.machine.leg import Parties
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.person import HangUp, Input, Person, Pickup
from bridge.emulator.machine.world import World
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import ACCOUNT, BEGIN, CALLEE, CALLER, HOST, URLS, Receiver, drive
from tests.emulator.machines import types as types_of
from tests.emulator.recognition import check_recognised

ONE, TWO, THREE = "14155550001", "14155550002", "14155550003"
URLS_OF_DIAL = f"callbackUrl='{HOST}/dial' action='{HOST}/action'"
STAYS = Person(hang_up=None)
SHORT = Person(hang_up=HangUp(10.0))


def place(people: Mapping[str, Person]) -> World:
    """Return a world in which these people are called at these numbers."""
    world = World(BEGIN)
    world.people.update({CALLEE: STAYS, **people})
    return world


def dial(
    attributes: str,
    numbers: str,
    people: Mapping[str, Person],
    *,
    documents: Mapping[str, str] | None = None,
) -> VirtualDriver:
    """Place a call that dials, and run it to its end."""
    answer = f"<Dial {URLS_OF_DIAL} {attributes}>{numbers}</Dial><Speak>Bye</Speak>"
    return drive({"answer": answer, "action": "", **(documents or {})}, world=place(people))


def numbers_of(*numbers: str) -> str:
    return "".join(f"<Number>{number}</Number>" for number in numbers)


def told(driver: VirtualDriver) -> list[str]:
    """Return the callbacks of the Dial: action, and the place of the leg."""
    return [
        f"{one.parameters['DialAction']} {one.parameters.get('DialBLegPosition', '')}".strip()
        for one in driver.requests
        if "DialAction" in one.parameters
    ]


def action_of(driver: VirtualDriver) -> Parameters:
    (found,) = [one for one in driver.requests if one.type == "voice.dial.action"]
    return found.parameters


def hangups_of(driver: VirtualDriver) -> list[tuple[str, str, str]]:
    """Return place, code and source of each dialled leg's end, in order."""
    return [
        (
            one.parameters["DialBLegPosition"],
            one.parameters["DialBLegHangupCauseCode"],
            one.parameters["DialBLegHangupSource"],
        )
        for one in driver.requests
        if one.type == "voice.dial.hangup"
    ]


def test_a_leg_that_answers_is_connected_and_the_action_says_that_it_is_over(
    types: Catalogue,
) -> None:
    driver = dial("", numbers_of(ONE), {ONE: SHORT})
    assert [one.type.removeprefix("voice.") for one in driver.requests] == [
        "call.ring",
        "call.answer",
        "dial.answer",
        "dial.connected",
        "dial.hangup",
        "dial.action",
        "call.hangup",
    ]
    check_recognised(types, driver)
    a_leg, b_leg = driver.requests[0].parameters["CallUUID"], action_of(driver)["DialBLegUUID"]
    assert driver.requests[2].parameters == {
        "CallUUID": a_leg,
        "DialALegUUID": a_leg,
        "DialAction": "answer",
        "DialBLegBillRate": "0.005",
        "DialBLegFrom": "+" + CALLER,
        "DialBLegPosition": "1",
        "DialBLegStatus": "answer",
        "DialBLegTo": ONE,
        "DialBLegUUID": b_leg,
        "Event": "DialAnswer",
    }
    hangup = driver.requests[4].parameters
    assert list(hangup) == sorted(hangup)
    assert (hangup["DialBLegDuration"], hangup["DialBLegBillDuration"]) == ("10", "60")
    assert (hangup["StartTime"], hangup["AnswerTime"], hangup["EndTime"]) == (
        "2026-03-07 09:13:34",
        "2026-03-07 09:13:38",
        "2026-03-07 09:13:48",
    )
    action = action_of(driver)
    assert action["DialStatus"] == "completed"
    assert action["DialHangupCause"] == "NORMAL_CLEARING"
    assert action["DialRingStatus"] == "true"
    assert action["DialALegUUID"] == action["CallUUID"] == a_leg
    assert action["CallStatus"] == "in-progress"


@pytest.mark.parametrize(
    ("number", "person", "code", "source", "status", "cause", "rang"),
    [
        (ONE, Person(Pickup.BUSY), "3010", "Carrier", "busy", "USER_BUSY", "true"),
        (ONE, Person(Pickup.REJECTS), "3020", "Callee", "busy", "CALL_REJECTED", "true"),
        (ONE, Person(Pickup.NO_ANSWER), "3000", "Carrier", "no-answer", "NO_ANSWER", "true"),
        (ONE, Person(answers_after_s=40), "6010", "Plivo", "timeout", "NO_ANSWER", "true"),
        (ONE, Person(Pickup.UNREACHABLE), "3050", "Carrier", "failed", "UNALLOCATED_NUMBER", "false"),
        (
            "sip:alice@phone.plivo.com",
            Person(Pickup.UNREACHABLE),
            "2020",
            "Carrier",
            "failed",
            "USER_NOT_REGISTERED",
            "false",
        ),
        (
            "sip:alice@pbx.example.com",
            Person(Pickup.SIP_AUTH_FAILED),
            "4240",
            "Callee",
            "failed",
            "sip_auth_failed",
            "false",
        ),
        (
            "sip:alice@pbx.example.com",
            Person(Pickup.SIP_AUTH_TIMEOUT),
            "4250",
            "Callee",
            "timeout",
            "sip_auth_timeout",
            "false",
        ),
    ],
)  # fmt: skip
def test_a_dial_that_nobody_answers_reports_why(  # noqa: PLR0917 (the columns of a table)
    types: Catalogue,
    number: str,
    person: Person,
    code: str,
    source: str,
    status: str,
    cause: str,
    rang: str,
) -> None:
    element = "User" if number.startswith("sip:") else "Number"
    driver = dial("timeout='30'", f"<{element}>{number}</{element}>", {number: person})
    check_recognised(types, driver)
    assert told(driver) == ["hangup 1"]
    assert hangups_of(driver) == [("1", code, source)]
    action = action_of(driver)
    assert (action["DialStatus"], action["DialHangupCause"]) == (status, cause)
    assert (action["DialRingStatus"], action["DialBLegUUID"]) == (rang, "")


@pytest.mark.parametrize(
    ("timeout", "person", "rang", "ends_s"),
    [
        ("1", Person(rings_after_s=1.2), "false", 5),
        ("1", Person(rings_after_s=4, answers_after_s=4), "false", 5),
        ("3", Person(rings_after_s=1.2), "true", 7),
        ("0", Person(answers_after_s=200), "true", 124),
        ("", Person(answers_after_s=200), "true", 124),
    ],
)
def test_the_timeout_counts_from_the_dialling(
    timeout: str, person: Person, rang: str, ends_s: int
) -> None:
    driver = dial(f"timeout='{timeout}'", numbers_of(ONE), {ONE: person})
    assert hangups_of(driver) == [("1", "6010", "Plivo")]
    assert action_of(driver)["DialRingStatus"] == rang
    ended_at = driver.sent_at[types_of(driver).index("voice.dial.hangup")]
    assert round((ended_at - BEGIN).total_seconds()) == ends_s


def test_all_numbers_ring_at_once_and_the_others_lose_the_race(types: Catalogue) -> None:
    people = {
        ONE: Person(answers_after_s=9),
        TWO: SHORT,
        THREE: Person(Pickup.BUSY, answers_after_s=2),
    }
    driver = dial("", numbers_of(ONE, TWO, THREE), people)
    check_recognised(types, driver)
    assert told(driver) == ["hangup 3", "answer 2", "connected 2", "hangup 1", "hangup 2"]
    assert hangups_of(driver) == [
        ("3", "3010", "Carrier"),
        ("1", "9000", "Plivo"),
        ("2", "4000", "Callee"),
    ]
    assert [one.code for one in driver.ended] == ["3010", "9000", "4000", "4010"]


def test_dials_after_each_other_dial_one_after_the_other() -> None:
    documents = {
        "answer": f"<Dial timeout='15' callbackUrl='{HOST}/dial'>{numbers_of(ONE)}</Dial>"
        f"<Dial callbackUrl='{HOST}/dial'>{numbers_of(TWO)}</Dial>"
    }
    driver = drive(documents, world=place({ONE: Person(answers_after_s=99), TWO: SHORT}))
    dialled = [
        one.parameters["DialBLegTo"] for one in driver.requests if one.type.startswith("voice.dial")
    ]
    assert dialled == [ONE, TWO, TWO, TWO]


def test_an_action_names_the_next_document_and_is_only_told_without_redirect() -> None:
    documents = {"action": "<Hangup/>"}
    driver = dial("", numbers_of(ONE), {ONE: SHORT}, documents=documents)
    assert driver.ended[-1].code == "4000"
    driver = dial("redirect='false'", numbers_of(ONE), {ONE: SHORT}, documents=documents)
    assert driver.ended[-1].code == "4010"
    assert types_of(driver).count("voice.dial.action") == 1


CONFIRM = f"confirmSound='{HOST}/confirm' confirmKey='1' confirmTimeout='6'"
SOUND = {"confirm": "<Speak>Press one to accept.</Speak>"}


@pytest.mark.parametrize(
    ("inputs", "expected", "code", "status"),
    [
        ((Input("1"),), ["answer 1", "connected 1", "hangup 1"], "4000", "completed"),
        ((Input("791"),), ["answer 1", "connected 1", "hangup 1"], "4000", "completed"),
        ((Input("2"),), ["answer 1", "hangup 1"], "9110", "failed"),
        ((), ["answer 1", "hangup 1"], "9110", "failed"),
    ],
)
def test_a_leg_must_accept_with_the_confirm_key(
    types: Catalogue, inputs: tuple[Input, ...], expected: list[str], code: str, status: str
) -> None:
    person = Person(inputs=inputs, hang_up=HangUp(30.0))
    driver = dial(CONFIRM, numbers_of(ONE), {ONE: person}, documents=SOUND)
    check_recognised(types, driver)
    assert told(driver) == expected
    assert hangups_of(driver)[-1][1] == code
    assert action_of(driver)["DialStatus"] == status


def test_sounds_are_fetched_by_post_before_anybody_is_dialled() -> None:
    attributes = f"confirmSound='{HOST}/confirm' dialMusic='{HOST}/music'"
    driver = dial(attributes, numbers_of(ONE), {ONE: SHORT}, documents=SOUND)
    fetched = [one for one in driver.requests if one.type == "voice.dial.sound"]
    assert [(one.url, one.method) for one in fetched] == [
        (f"{HOST}/confirm", "POST"),
        (f"{HOST}/music", "POST"),
    ]
    assert types_of(driver)[2:5] == ["voice.dial.sound", "voice.dial.sound", "voice.dial.answer"]
    assert "voice.dial.sound" not in types_of(
        dial("dialMusic='real'", numbers_of(ONE), {ONE: SHORT})
    )


@pytest.mark.parametrize("sound", ["<Dial/>", ""])
def test_without_a_sound_that_can_be_played_nothing_must_be_confirmed(sound: str) -> None:
    driver = dial(CONFIRM, numbers_of(ONE), {ONE: SHORT}, documents={"confirm": sound})
    assert told(driver) == ["answer 1", "connected 1", "hangup 1"]
    outcomes = {"confirm": Response(500)}
    answer = {"answer": f"<Dial {URLS_OF_DIAL} {CONFIRM}>{numbers_of(ONE)}</Dial>"}
    driver = drive(answer, outcomes=outcomes, world=place({ONE: SHORT}))
    assert told(driver) == ["answer 1", "connected 1", "hangup 1"]


def test_digits_of_both_legs_are_reported(types: Catalogue) -> None:
    world = place(
        {
            CALLEE: Person(inputs=(Input("5123", after_s=2.0),), hang_up=None),
            ONE: Person(inputs=(Input("42", after_s=3.0),), hang_up=HangUp(10.0)),
        }
    )
    attributes = "digitsMatch='12,123,3' digitsMatchBLeg='42'"
    answer = f"<Dial {URLS_OF_DIAL} {attributes}>{numbers_of(ONE)}</Dial>"
    driver = drive({"answer": answer}, world=world)
    check_recognised(types, driver)
    digits = [
        (one.parameters["DialDigitsPressedBy"], one.parameters["DialDigitsMatch"])
        for one in driver.requests
        if one.type == "voice.dial.digits"
    ]
    assert digits == [("ALeg", "12"), ("ALeg", "3"), ("BLeg", "42")]


def test_the_caller_ends_the_dialled_leg_with_star_and_hears_the_rest_of_the_document() -> None:
    world = place({CALLEE: Person(inputs=(Input("*", after_s=5.0),), hang_up=None), ONE: STAYS})
    answer = f"<Dial hangupOnStar='true' {URLS_OF_DIAL}>{numbers_of(ONE)}</Dial>"
    driver = drive({"answer": answer, "action": "<Speak>Bye</Speak>"}, world=world)
    assert hangups_of(driver) == [("1", "4000", "Caller")]
    assert [one.code for one in driver.ended] == ["4000", "4010"]


def test_the_time_limit_ends_the_dialled_leg_on_schedule() -> None:
    driver = dial("timeLimit='20'", numbers_of(ONE), {ONE: STAYS})
    assert hangups_of(driver) == [("1", "6000", "Answer XML")]
    assert action_of(driver)["DialStatus"] == "completed"


@pytest.mark.parametrize(
    ("hangs_up_after_s", "code", "status", "cause"),
    [(2.0, "1000", "cancel", "ORIGINATOR_CANCEL"), (20.0, "4000", "completed", "NORMAL_CLEARING")],
)
def test_the_end_of_the_first_leg_ends_all_dialled_legs(
    types: Catalogue, hangs_up_after_s: float, code: str, status: str, cause: str
) -> None:
    caller = Person(hang_up=HangUp(hangs_up_after_s))
    world = place({CALLEE: caller, ONE: STAYS, TWO: Person(answers_after_s=3_000)})
    answer = f"<Dial {URLS_OF_DIAL}>{numbers_of(ONE, TWO)}</Dial>"
    driver = drive({"answer": answer}, world=world)
    check_recognised(types, driver)
    assert ("1", code, "Caller") in hangups_of(driver)
    assert len(driver.ended) == 3
    action = action_of(driver)
    assert (action["DialStatus"], action["DialHangupCause"]) == (status, cause)
    assert action["CallStatus"] == "completed"
    assert types_of(driver)[-3:] == ["voice.dial.hangup", "voice.dial.action", "voice.call.hangup"]


def transfer(*legs: str, attributes: str = "") -> VirtualDriver:
    """Dial, and transfer the first leg (a), the dialled one (b), or both, after 30 seconds."""
    documents = {
        "answer": f"<Dial {URLS_OF_DIAL} {attributes}>{numbers_of(ONE)}</Dial>",
        "action": "<Wait length='1'/>",
        "next-a": "<Wait length='2'/>",
        "next-b": "<Wait length='3'/>",
    }
    machine = Machine(place({ONE: STAYS}))
    driver = VirtualDriver(machine, Receiver(documents))
    leg = machine.place(CallOrder(ACCOUNT, CALLER, CALLEE, URLS))
    driver.run(until=BEGIN.replace(minute=14))
    assert leg.bridged is not None
    targets = {"a": leg, "b": leg.bridged}
    assert all(api_actions.can_transfer(target) for target in targets.values())
    for name in legs:
        api_actions.transfer(machine.world, targets[name], (f"{HOST}/next-{name}", "POST"))
    driver.run()
    return driver


def test_a_transfer_of_the_first_leg_ends_the_dialled_leg_without_an_action() -> None:
    driver = transfer("a")
    assert types_of(driver)[-3:] == [
        "voice.dial.hangup",
        "voice.call.transfer",
        "voice.call.hangup",
    ]
    assert hangups_of(driver) == [("1", "4000", "API Request")]
    assert [one.code for one in driver.ended] == ["4000", "4010"]


def test_a_transfer_of_the_dialled_leg_ends_the_dial_and_both_legs_go_on() -> None:
    driver = transfer("b")
    assert types_of(driver)[-4:] == [
        "voice.call.transfer",
        "voice.dial.action",
        "voice.call.hangup",
        "voice.dial.hangup",
    ]
    assert action_of(driver)["DialStatus"] == "completed"
    assert hangups_of(driver) == [("1", "4010", "Answer XML")]
    assert [one.code for one in driver.ended] == ["4010", "4010"]


def test_a_transfer_of_both_legs_lets_each_execute_its_own_document(types: Catalogue) -> None:
    driver = transfer("a", "b")
    check_recognised(types, driver)
    assert [one.url for one in driver.requests if one.type == "voice.call.transfer"] == [
        f"{HOST}/next-a",
        f"{HOST}/next-b",
    ]
    assert hangups_of(driver) == [("1", "4010", "Answer XML")]
    assert "voice.dial.action" not in types_of(driver)
    dialled = next(one for one in driver.requests if one.url.endswith("next-b")).parameters
    assert dialled["ALegUUID"] == driver.requests[0].parameters["CallUUID"] != dialled["CallUUID"]
    assert dialled["RequestUUID"] == dialled["ALegRequestUUID"] == dialled["ALegUUID"]


def test_sip_headers_and_the_name_of_the_caller_go_with_a_dialled_leg() -> None:
    attributes = "sipHeaders='Team=blue,Desk=7,broken' callerName='Ann'"
    driver = transfer("b", attributes=attributes)
    (sent,) = [one.parameters for one in driver.requests if one.type == "voice.call.transfer"]
    headers = {name: value for name, value in sent.items() if name.startswith("X-PH-")}
    assert headers == {"X-PH-Team": "blue", "X-PH-Desk": "7"}
    assert sent["CallerName"] == "Ann"


def test_a_recording_of_a_dialled_leg_begins_with_the_next_dial_that_is_answered() -> None:
    record = f"<Record startOnDialAnswer='true' callbackUrl='{HOST}/recorded'/>"
    documents = {
        "answer": f"<Dial>{numbers_of(ONE)}</Dial>{record}<Wait length='20'/>"
        f"<Dial>{numbers_of(TWO)}</Dial>"
    }
    driver = drive(documents, world=place({ONE: SHORT, TWO: SHORT}))
    (recorded,) = [one for one in driver.requests if one.type == "voice.record.completed"]
    # Two dialled legs of ten seconds, and the wait between them: only the second one is recorded.
    assert recorded.parameters["RecordingDuration"] == "10"


def test_a_leg_that_an_inbound_call_dialled_has_no_request_id() -> None:
    world = place({ONE: STAYS})
    machine = Machine(world)
    documents = {"answer": f"<Dial>{numbers_of(ONE)}</Dial>", "next": "<Wait length='2'/>"}
    driver = VirtualDriver(machine, Receiver(documents))
    leg = machine.receive(ACCOUNT, STAYS, Parties("inbound", CALLEE, CALLER), URLS)
    driver.run(until=BEGIN.replace(minute=14))
    assert leg.bridged is not None
    api_actions.transfer(world, leg.bridged, (f"{HOST}/next", "POST"))
    driver.run()
    (transfer_,) = [one for one in driver.requests if one.type == "voice.call.transfer"]
    assert transfer_.parameters["ALegUUID"] == leg.uuid
    assert "RequestUUID" not in transfer_.parameters


def test_the_caller_id_is_of_the_number_else_of_the_dial_else_of_the_call() -> None:
    numbers = f"<Number callerId='+1 415 555 0009'>{ONE}</Number><Number>+{TWO}</Number>"
    people = {ONE: Person(Pickup.BUSY), TWO: Person(Pickup.BUSY)}
    for attributes, expected in (("callerId='14155550008'", "+14155550008"), ("", "+" + CALLER)):
        driver = dial(attributes, numbers, people)
        parties = {
            one.parameters["DialBLegTo"]: one.parameters["DialBLegFrom"]
            for one in driver.requests
            if one.type == "voice.dial.hangup"
        }
        assert parties == {ONE: "+14155550009", TWO: expected}


def test_a_dial_without_a_known_target_is_skipped() -> None:
    driver = dial("", "<Endpoint>sales</Endpoint>", {})
    assert types_of(driver)[-1] == "voice.call.hangup"
    assert driver.ended[-1].code == "4010"
    assert any("no number" in note.text for note in driver.notes)


def test_the_same_seed_gives_the_same_callbacks() -> None:
    def run() -> list[Request]:
        return dial(CONFIRM, numbers_of(ONE, TWO), {ONE: SHORT}, documents=SOUND).requests

    assert run() == run()
