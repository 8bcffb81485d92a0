"""PreAnswer: an incoming call that is not answered yet."""

import pytest

from bridge.emulator.machine.leg import CallUrls, Parties
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.person import HangUp, Input, Person
from bridge.emulator.machine.world import World
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import (
    ACCOUNT,
    BEGIN,
    CALLEE,
    CALLER,
    HOST,
    Receiver,
    drive,
    types,
    url_of,
)

URLS = CallUrls(url_of("answer"), hangup=url_of("hangup"))
STAYS = Person(hang_up=None, inputs=(Input("1"),))
PRE_ANSWER = "<PreAnswer><Wait length='5'/></PreAnswer>"
MENU = f"<GetDigits action='{HOST}/action' numDigits='1'/>"


def receive(documents: dict[str, str], person: Person = STAYS) -> VirtualDriver:
    """Receive one call, and run until nothing is left to do."""
    machine = Machine(World(BEGIN))
    driver = VirtualDriver(machine, Receiver(documents), latency_s=0.0)
    machine.receive(ACCOUNT, person, Parties("inbound", CALLER, CALLEE), URLS)
    driver.run()
    return driver


@pytest.mark.parametrize(
    ("elements", "answered", "status", "code"),
    [
        (f"{PRE_ANSWER}<Wait length='10'/>", "2026-03-07 09:13:35", "completed", "4010"),
        (f"<Wait length='10'/>{PRE_ANSWER}", "2026-03-07 09:13:30", "completed", "4010"),
        (f"{PRE_ANSWER}<Hangup reason='busy'/>", "", "busy", "3010"),
        (f"{PRE_ANSWER}<Hangup reason='rejected'/>", "", "busy", "3020"),
    ],
)
def test_a_call_is_answered_after_the_pre_answer(
    elements: str, answered: str, status: str, code: str
) -> None:
    driver = receive({"answer": elements})
    hangup = driver.requests[-1].parameters
    names = ("AnswerTime", "CallStatus", "HangupCauseCode")
    assert tuple(hangup[name] for name in names) == (answered, status, code)


def test_a_caller_who_hangs_up_during_the_pre_answer_cancels_the_call() -> None:
    driver = receive({"answer": f"{PRE_ANSWER}<Wait/>"}, Person(hang_up=HangUp(2.0)))
    hangup = driver.requests[-1].parameters
    assert (hangup["HangupCauseCode"], hangup["CallStatus"]) == ("1000", "cancel")


def test_the_elements_that_the_sdks_nest_are_executed_before_the_answer() -> None:
    message = "<Message src='14155550100' dst='14155550124'>Hi</Message>"
    nested = f"<PreAnswer><DTMF>1</DTMF>{message}{MENU}<Wait length='30'/></PreAnswer>"
    driver = receive({"answer": nested, "action": "<Wait/>"})
    assert types(driver) == ["voice.call.answer", "voice.getdigits.action", "voice.call.hangup"]
    assert driver.requests[1].parameters["CallStatus"] == "ringing"
    assert [one.state for one in driver.machine.world.messages.values()] == ["delivered"]


def test_a_redirect_in_a_pre_answer_leads_to_another_document() -> None:
    nested = f"<PreAnswer><Redirect>{HOST}/next</Redirect></PreAnswer><Hangup reason='busy'/>"
    driver = receive({"answer": nested, "next": "<Wait length='3'/>"})
    assert types(driver)[1] == "voice.call.redirect"
    assert driver.ended[0].code == "4010"


def test_an_outbound_call_is_already_answered() -> None:
    driver = drive({"answer": f"{PRE_ANSWER}<Hangup reason='busy'/>"})
    assert driver.ended[0].code == "4000"
