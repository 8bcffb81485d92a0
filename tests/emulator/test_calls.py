"""The life of a call: which callbacks it sends, and how it ends."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.causes import DocumentSource
from bridge.emulator.machine.commands import Failure, Outcome, Response
from bridge.emulator.machine.leg import CallUrls, Parties, Step
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.machine_detection import MachineDetection
from bridge.emulator.machine.person import HangUp, Person, Phase, Pickup
from bridge.emulator.machine.world import World
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import (
    ACCOUNT,
    BEGIN,
    CALLEE,
    CALLER,
    HOST,
    URLS,
    Receiver,
    document,
    drive,
    types,
    url_of,
)

RING, ANSWER, HANGUP = "voice.call.ring", "voice.call.answer", "voice.call.hangup"
FALLBACK = url_of("fallback")
ORDER = CallOrder(ACCOUNT, CALLER, CALLEE, URLS)


def test_an_answered_call_rings_fetches_its_document_and_hangs_up() -> None:
    driver = drive({"answer": "<Speak>Hello</Speak>"})
    assert types(driver) == [RING, ANSWER, HANGUP]
    hangup = driver.requests[-1].parameters
    assert hangup["HangupCauseName"] == "End Of XML Instructions"
    assert hangup["CallStatus"] == "completed"
    assert (hangup["StartTime"], hangup["AnswerTime"]) == (
        "2026-03-07 09:13:30",
        "2026-03-07 09:13:34",
    )


@pytest.mark.parametrize(
    ("person", "expected", "code", "status"),
    [
        (Person(Pickup.BUSY), [RING, HANGUP], "3010", "busy"),
        (Person(Pickup.REJECTS), [RING, HANGUP], "3020", "busy"),
        (Person(Pickup.NO_ANSWER, answers_after_s=30), [RING, HANGUP], "3000", "no-answer"),
        (Person(answers_after_s=500), [RING, HANGUP], "6010", "timeout"),
        (Person(Pickup.UNREACHABLE), [HANGUP], "3050", "failed"),
    ],
)
def test_a_call_that_nobody_answers_ends_with_its_cause(
    person: Person, expected: list[str], code: str, status: str
) -> None:
    driver = drive(person=person)
    assert types(driver) == expected
    hangup = driver.requests[-1].parameters
    assert (hangup["HangupCauseCode"], hangup["CallStatus"]) == (code, status)
    assert (hangup["AnswerTime"], hangup["Duration"], hangup["TotalCost"]) == ("", "0", "0.00000")


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Response(500), "7011"),
        (Response(404), "7011"),
        (Failure("rt"), "7011"),
        (Failure("refused"), "7011"),
        (Response(200, "text/html", b"<html></html>"), "8011"),
        (Response(200, "text/xml", b"<Response>"), "8011"),
        (document("<Dial/>"), "8011"),
        (document("<Reject/>"), "8011"),
    ],
)
def test_an_answer_that_plivo_cannot_execute_ends_the_call(outcome: Outcome, code: str) -> None:
    driver = drive(outcomes={"answer": outcome})
    assert driver.requests[-1].parameters["HangupCauseCode"] == code


@pytest.mark.parametrize(
    "elements", ["<Say>Hello</Say>", "<speak>Hello</speak>", "<Gather><Say>1</Say></Gather>"]
)
def test_a_document_of_unknown_elements_alone_makes_a_silent_call(elements: str) -> None:
    driver = drive(
        {"answer": elements}, order=replace(ORDER, urls=replace(URLS, fallback=FALLBACK))
    )
    assert types(driver) == [RING, ANSWER, HANGUP]
    assert driver.requests[-1].parameters["HangupCauseCode"] == "4010"
    assert any(note.text.endswith("is skipped") for note in driver.notes)


def test_plivo_asks_the_fallback_url_before_it_ends_the_call() -> None:
    urls = replace(URLS, fallback=FALLBACK)
    order = replace(ORDER, urls=urls)
    driver = drive(
        {"fallback": "<Speak>Sorry</Speak>"}, outcomes={"answer": Response(500)}, order=order
    )
    assert types(driver) == [RING, ANSWER, "voice.call.fallback", HANGUP]
    assert driver.requests[-1].parameters["HangupCauseCode"] == "4010"


def test_a_timeout_is_retried_once_and_a_fragment_can_ask_for_more() -> None:
    assert types(drive(outcomes={"answer": Failure("ct")})).count(ANSWER) == 2
    urls = CallUrls((f"{URLS.answer[0]}#rp=all&rc=4", "POST"))
    driver = drive(outcomes={"answer": Response(503)}, order=replace(ORDER, urls=urls))
    assert [one.attempt for one in driver.requests] == [1, 2, 3, 4, 5]
    assert {one.url for one in driver.requests} == {URLS.answer[0]}


@pytest.mark.parametrize(
    ("plan", "cause"),
    [
        (HangUp(5.0), ("4000", "Callee")),
        (HangUp(1.0, Phase.WAIT), ("4000", "Callee")),
        (HangUp(1.0, Phase.DIAL), ("4010", "Answer XML")),
    ],
)
def test_a_person_hangs_up_after_a_time_or_in_a_phase(plan: HangUp, cause: tuple[str, str]) -> None:
    driver = drive({"answer": "<Wait length='30'/>"}, person=Person(hang_up=plan))
    hangup = driver.requests[-1].parameters
    assert (hangup["HangupCauseCode"], hangup["HangupSource"]) == cause


@pytest.mark.parametrize(
    ("limits", "duration"), [({"time_limit_s": 20}, "20"), ({"hangup_on_ring_s": 10}, "7")]
)
def test_limits_end_a_call_on_schedule(limits: dict[str, Any], duration: str) -> None:
    order = replace(ORDER, **limits)
    driver = drive({"answer": "<Wait length='500'/>"}, order=order)
    hangup = driver.requests[-1].parameters
    assert (hangup["HangupCauseCode"], hangup["Duration"]) == ("6000", duration)


@pytest.mark.parametrize(
    ("early", "note"),
    [
        (False, "the digits 1w2 are sent to the callee"),
        (True, "the digits 1w2 are sent before the answer"),
    ],
)
def test_digits_are_sent_after_the_answer_or_before_it(*, early: bool, note: str) -> None:
    order = replace(ORDER, send_digits="1w2", sends_on_preanswer=early)
    driver = drive({"answer": "<Hangup/>"}, order=order)
    assert [one.text for one in driver.notes] == [note]


@pytest.mark.parametrize(
    ("detection", "is_machine", "expected", "code"),
    [
        (MachineDetection(), True, [RING, ANSWER, HANGUP], "4010"),
        (MachineDetection(action="hangup"), True, [RING, HANGUP], "9100"),
        (MachineDetection(action="hangup"), False, [RING, ANSWER, HANGUP], "4010"),
        (
            MachineDetection(url=url_of("machine")),
            True,
            [RING, ANSWER, "voice.call.machine_detection", HANGUP],
            "4010",
        ),
        (MachineDetection(url=url_of("machine")), False, [RING, ANSWER, HANGUP], "4010"),
        (
            MachineDetection(action="hangup", url=url_of("machine")),
            True,
            [RING, ANSWER, "voice.call.machine_detection", HANGUP],
            "9100",
        ),
    ],
)
def test_machine_detection_has_three_modes(
    detection: MachineDetection, *, is_machine: bool, expected: list[str], code: str
) -> None:
    order = replace(ORDER, machine_detection=detection, person=Person(is_machine=is_machine))
    driver = drive({"answer": "<Wait length='10'/>"}, order=order)
    assert types(driver) == expected
    assert driver.requests[-1].parameters["HangupCauseCode"] == code


def test_every_leg_ends_once() -> None:
    driver = drive({"answer": "<Speak>Hello</Speak><Hangup/>"})
    assert [one.code for one in driver.ended] == ["4000"]


def test_documents_that_ask_for_each_other_end_with_an_internal_error() -> None:
    driver = drive({"answer": "<Redirect>https://hooks.example.com/answer</Redirect>"})
    assert driver.ended[0].code == "5010"
    assert [note.text for note in driver.notes] == [
        "1000 documents on one leg: do they ask for each other?"
    ]


def test_a_call_that_ends_at_the_moment_of_its_transfer_asks_for_no_more_documents() -> None:
    machine = Machine(World(BEGIN))
    driver = VirtualDriver(machine, Receiver({"answer": "<Wait length='30'/>", "next": "<Wait/>"}))
    leg = machine.place(ORDER)
    driver.run(until=BEGIN + timedelta(seconds=10))
    leg.transfer(Step("voice.call.transfer", *url_of("next"), DocumentSource.TRANSFER))
    machine.hang_up(leg.uuid)
    leg.transfer(Step("voice.call.transfer", *url_of("next"), DocumentSource.TRANSFER))
    driver.run()
    assert types(driver) == [RING, ANSWER, HANGUP]
    assert driver.ended[0].code == "4000"


def test_an_incoming_call_ends_after_a_day() -> None:
    machine = Machine(World(BEGIN))
    music = "<Play loop='0'>https://example.com/a.mp3</Play>"
    driver = VirtualDriver(machine, Receiver({"answer": music}))
    machine.receive(ACCOUNT, Person(hang_up=None), Parties("inbound", CALLER, CALLEE), URLS)
    driver.run()
    assert (driver.ended[0].code, driver.ended[0].source) == ("6000", "Plivo")
    assert driver.requests[-1].parameters["EndTime"] == "2026-03-08 10:13:30"


@pytest.mark.parametrize(
    ("url", "code"), [(("nowhere", "POST"), "7011"), ((URLS.answer[0], "PUT"), "7011")]
)
def test_an_answer_url_that_cannot_be_called_ends_the_call(url: tuple[str, str], code: str) -> None:
    driver = drive(order=replace(ORDER, urls=replace(URLS, answer=url)))
    assert types(driver) == [RING, HANGUP]
    assert driver.ended[0].code == code


@pytest.mark.parametrize(
    ("url", "code"), [(("nowhere", "POST"), "7023"), ((URLS.answer[0], "PUT"), "7033")]
)
def test_a_transfer_to_a_url_that_cannot_be_called_ends_the_call(
    url: tuple[str, str], code: str
) -> None:
    machine = Machine(World(BEGIN))
    driver = VirtualDriver(machine, Receiver({"answer": "<Wait length='30'/>"}))
    leg = machine.place(ORDER)
    driver.run(until=BEGIN + timedelta(seconds=10))
    leg.transfer(Step("voice.call.transfer", *url, DocumentSource.TRANSFER))
    driver.run()
    assert driver.ended[0].code == code


def test_a_callback_with_an_unknown_method_is_not_sent_and_noted() -> None:
    urls = replace(URLS, ring=(URLS.ring[0], "PUT"))
    driver = drive({"answer": "<Wait/>"}, order=replace(ORDER, urls=urls))
    assert types(driver) == [ANSWER, HANGUP]
    assert [one.text for one in driver.notes] == [f"{RING} is not sent: its method is 'PUT'"]


@pytest.mark.parametrize("direction", ["outbound", "inbound"])
def test_a_call_that_ends_in_the_moment_of_its_begin_reports_its_end(direction: str) -> None:
    machine = Machine(World(BEGIN))
    driver = VirtualDriver(machine, Receiver({"answer": "<Wait length='60'/>"}))
    if direction == "outbound":
        leg = machine.place(ORDER)
    else:
        parties = Parties("inbound", CALLEE, CALLER)
        leg = machine.receive(ACCOUNT, Person(), parties, URLS)
    machine.hang_up(leg.uuid, by_api=True)
    driver.run()
    assert types(driver)[-1] == HANGUP
    assert types(driver).count(HANGUP) == 1
    assert [end.call_uuid for end in driver.ended] == [leg.uuid]


def test_every_callback_about_a_leg_has_the_sip_headers_of_its_call() -> None:
    documents = {
        "answer": f"""
            <Stream statusCallbackUrl="{HOST}/stream">wss://bot.example.com/ws</Stream>
            <Dial action="{HOST}/dialled" callbackUrl="{HOST}/dial"><Number>14155550188</Number></Dial>
        """,
        "dialled": f"""
            <Conference callbackUrl="{HOST}/room" timeLimit="5">room1</Conference>
            <MultiPartyCall role="Agent" statusCallbackUrl="{HOST}/mpc"
                statusCallbackEvents="participant-state-changes">support</MultiPartyCall>
        """,
    }
    person = Person(hang_up=HangUp(after_s=90))
    order = replace(ORDER, sip_headers={"Team": "blue"}, person=person)
    driver = drive(documents, order=order)
    assert {
        "voice.stream.status",
        "voice.dial.hangup",
        "voice.conference.exit",
        "voice.mpc.status",
    } <= {*types(driver)}
    for request in driver.requests:
        assert request.parameters.get("X-PH-Team") == "blue", request.type


@pytest.mark.parametrize(("answers_after_s", "media_s"), [(4.0, 3.78), (1.2, 1.2), (0.0, 1.2)])
def test_media_begins_a_little_before_the_answer_but_never_before_the_ring(
    answers_after_s: float, media_s: float
) -> None:
    driver = drive(person=Person(rings_after_s=1.2, answers_after_s=answers_after_s))
    ring, answer = driver.requests[0].parameters, driver.requests[1].parameters
    begins = [datetime.fromisoformat(one["SessionStart"]) for one in (ring, answer)]
    begin = BEGIN.replace(tzinfo=None)
    assert [(one - begin).total_seconds() for one in begins] == [1.2, media_s]


@pytest.mark.parametrize(
    ("direction", "code", "source", "status"),
    [("outbound", "3020", "Callee", "busy"), ("inbound", "1000", "Caller", "cancel")],
)
def test_a_person_who_hangs_up_before_the_answer_rejects_or_cancels(
    direction: str, code: str, source: str, status: str
) -> None:
    machine = Machine(World(BEGIN))
    driver = VirtualDriver(
        machine, Receiver({"answer": "<PreAnswer><Wait length='60'/></PreAnswer>"})
    )
    if direction == "outbound":
        leg = machine.place(ORDER)
    else:
        parties = Parties("inbound", CALLEE, CALLER)
        leg = machine.receive(ACCOUNT, Person(), parties, URLS)
    driver.run(BEGIN + timedelta(seconds=2))
    driver.do(lambda machine: machine.hang_up(leg.uuid))
    driver.run()
    (ended,) = driver.ended
    assert (ended.code, ended.source) == (code, source)
    assert driver.requests[-1].parameters["CallStatus"] == status
