"""GetDigits and GetInput: what people press and say, and what Plivo sends then."""

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine.commands import Request
from bridge.emulator.machine.person import Input, Person
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import HOST, drive, types
from tests.emulator.recognition import check_recognised

DIGITS = "voice.getdigits.action"
ACTION = f"action='{HOST}/action'"
# It takes ten seconds.
PROMPT = f"<Speak>{'x' * 150}</Speak>"
TWICE_1_OR_2 = "retries='2' validDigits='12' numDigits='1'"
MENU = f"<GetDigits {ACTION} numDigits='1'>{PROMPT}</GetDigits>"


def actions(driver: VirtualDriver) -> list[Request]:
    """Return the requests between the answer and the hangup."""
    return driver.requests[2:-1]


def after_answer_s(driver: VirtualDriver, index: int) -> float:
    """Return when a request was sent, in seconds since the answer callback."""
    return (driver.sent_at[index] - driver.sent_at[1]).total_seconds()


def caller(*inputs: Input) -> Person:
    """Return a person who gives these inputs, and stays."""
    return Person(inputs=inputs, hang_up=None)


@pytest.mark.parametrize(
    ("elements", "inputs", "digits", "after_s"),
    [
        # A digit interrupts the prompt; one after it still counts.
        (MENU, [Input("1", after_s=3)], "1", 3.0),
        (MENU, [Input("1", after_s=14)], "1", 14.0),
        # Five seconds after the prompt nobody listens any more.
        (MENU, [Input("1", after_s=16)], None, 15.0),
        (MENU, [], None, 15.0),
        # The beep of 0.3 s comes before the time that counts.
        (f"<GetDigits {ACTION} playBeep='true'/>", [], None, 5.3),
        # numDigits, the finish key and the time between digits end the digits.
        (f"<GetDigits {ACTION} numDigits='3'/>", [Input("12345")], "123", 1.4),
        (f"<GetDigits {ACTION}/>", [Input("12#45")], "12", 1.4),
        (f"<GetDigits {ACTION}/>", [Input("1245")], "1245", 3.6),
        (f"<GetDigits {ACTION} digitTimeout='4'/>", [Input("1245")], "1245", 5.6),
        (f"<GetDigits {ACTION}/>", [Input("12", digit_interval_s=3)], "1", 3.0),
        (f"<GetDigits {ACTION} finishOnKey='*'/>", [Input("1#*")], "1#", 1.4),
        (f"<GetDigits {ACTION} finishOnKey='none'/>", [Input("1#")], "1#", 3.2),
        (f"<GetDigits {ACTION} finishOnKey=''/>", [Input("1#")], "1#", 3.2),
        (f"<GetDigits {ACTION} timeout='9'/>", [Input("1#", after_s=8)], "1", 8.2),
        (f"<GetDigits {ACTION} numDigits='many'/>", [Input("1#")], "1", 1.2),
        # The finish key alone is no input.
        (f"<GetDigits {ACTION}/>", [Input("#")], None, 1.0),
        # Each retry asks again.
        (f"<GetDigits {ACTION} retries='2'/>", [Input(after_s=1), Input("7#")], "7", 6.2),
        (f"<GetDigits {ACTION} retries='2'/>", [], None, 10.0),
        (f"<GetDigits {ACTION} {TWICE_1_OR_2}/>", [Input("9"), Input("2")], "2", 2.0),
        (
            f"<GetDigits {ACTION} {TWICE_1_OR_2} invalidDigitsSound='https://example.com/no.mp3'/>",
            [Input("9"), Input("2")],
            "2",
            7.0,
        ),
        (f"<GetDigits {ACTION} validDigits='12' numDigits='1'/>", [Input("9")], None, 1.0),
        # Plivo skips what it does not know.
        (f"<GetDigits {ACTION} numDigits='1'><Ring/></GetDigits>", [Input("1")], "1", 1.0),
        # Speech is no digit.
        (MENU, [Input(speech="one")], None, 15.0),
    ],
)
def test_digits_end_in_time(
    elements: str, inputs: list[Input], digits: str | None, after_s: float
) -> None:
    driver = drive({"answer": elements}, person=caller(*inputs), latency_s=0.0)
    expected = [] if digits is None else [(DIGITS, digits)]
    assert [(one.type, one.parameters["Digits"]) for one in actions(driver)] == expected
    assert after_answer_s(driver, 2) == pytest.approx(after_s, abs=0.001)


def test_the_document_of_the_action_follows_the_digits() -> None:
    documents = {"answer": f"{MENU}<Hangup/>", "action": "<Wait length='3'/>"}
    driver = drive(documents, person=caller(Input("1")))
    assert types(driver)[-2:] == [DIGITS, "voice.call.hangup"]
    assert driver.ended[0].code == "4010"


def test_without_a_redirect_the_next_element_follows_at_once() -> None:
    menu = f"<GetDigits {ACTION} numDigits='1' redirect='false'/>"
    driver = drive({"answer": f"{menu}<Hangup/>", "action": "<Wait/>"}, person=caller(Input("1")))
    assert actions(driver)[0].parameters["Digits"] == "1"
    assert driver.ended[0].code == "4000"


def test_without_an_action_the_next_element_follows() -> None:
    driver = drive({"answer": "<GetDigits numDigits='1'/><Hangup/>"}, person=caller(Input("1")))
    assert actions(driver) == []
    assert driver.ended[0].code == "4000"


def test_an_action_that_cannot_be_reached_ends_the_call() -> None:
    menu = f"<GetDigits {ACTION} numDigits='1'/>"
    driver = drive({"answer": menu}, person=caller(Input("1")))
    assert driver.ended[0].code == "8012"  # the receiver answers with an empty text


def test_an_action_has_the_fields_of_every_request_and_the_digits() -> None:
    driver = drive({"answer": MENU}, person=caller(Input("1")))
    answer, action = driver.requests[1], driver.requests[2]
    assert list(action.parameters) == sorted(action.parameters)
    only_of_answer = {"CountryCode", "Event", "RouteType"}
    assert action.parameters.keys() == (answer.parameters.keys() - only_of_answer) | {"Digits"}


INPUT = "voice.getinput.action"
INTERIM = "voice.getinput.interim"
SAYS = Input(speech="I have a billing question about March", confidence=0.875, after_s=2.0)
LISTENS = f"<GetInput {ACTION} inputType='dtmf speech'>{PROMPT}</GetInput>"


@pytest.mark.parametrize(
    ("elements", "inputs", "expected", "after_s"),
    [
        (LISTENS, [SAYS], ("speech", "", SAYS.speech), 5.4),
        (LISTENS, [Input("12#")], ("dtmf", "12", ""), 1.4),
        (LISTENS, [Input("12")], ("dtmf", "12", ""), 3.2),
        # Fifteen seconds after the prompt nobody listens any more.
        (LISTENS, [Input("1#", after_s=24.9)], ("dtmf", "1", ""), 25.1),
        (LISTENS, [Input("1#", after_s=25.1)], None, 25.0),
        (LISTENS, [], None, 25.0),
        (LISTENS, [Input("#")], None, 1.0),
        (f"<GetInput {ACTION} inputType='dtmf'/>", [SAYS], None, 15.0),
        (f"<GetInput {ACTION} inputType='speech'/>", [Input("1#")], None, 15.0),
        (f"<GetInput {ACTION}/>", [SAYS], ("speech", "", SAYS.speech), 5.4),
        (f"<GetInput {ACTION} inputType='fax'/>", [Input("1#")], ("dtmf", "1", ""), 1.2),
        (
            f"<GetInput {ACTION} inputType='speech' speechEndTimeout='4'/>",
            [SAYS],
            ("speech", "", SAYS.speech),
            8.4,
        ),
        (f"<GetInput {ACTION} digitEndTimeout='5'/>", [Input("12")], ("dtmf", "12", ""), 6.2),
        (f"<GetInput {ACTION} numDigits='2'/>", [Input("123")], ("dtmf", "12", ""), 1.2),
        (f"<GetInput {ACTION} executionTimeout='60'/>", [], None, 60.0),
    ],
)
def test_the_first_input_wins(
    elements: str, inputs: list[Input], expected: tuple[str, str, str] | None, after_s: float
) -> None:
    driver = drive({"answer": elements}, person=caller(*inputs), latency_s=0.0)
    names = ("InputType", "Digits", "Speech")
    sent = [tuple(one.parameters[name] for name in names) for one in actions(driver)]
    assert sent == ([] if expected is None else [expected])
    assert {one.type for one in actions(driver)} <= {INPUT}
    assert after_answer_s(driver, 2) == pytest.approx(after_s, abs=0.1)


def test_speech_has_its_confidence_and_its_price_and_digits_have_neither() -> None:
    (speech,) = actions(drive({"answer": LISTENS}, person=caller(SAYS)))
    (digits,) = actions(drive({"answer": LISTENS}, person=caller(Input("1#"))))
    names = ("SpeechConfidenceScore", "BilledAmount")
    assert [speech.parameters[name] for name in names] == ["0.88", "0.0050"]
    assert [digits.parameters[name] for name in names] == ["", ""]


def test_interim_results_come_in_order_while_somebody_speaks() -> None:
    listens = (
        f"<GetInput {ACTION} inputType='speech' interimSpeechResultsCallback='{HOST}/interim'"
        " interimSpeechResultsCallbackMethod='GET'/>"
    )
    *interim, action = actions(drive({"answer": listens}, person=caller(SAYS)))
    assert [one.type for one in interim] == [INTERIM] * 3
    assert {one.method for one in interim} == {"GET"}
    names = ("SequenceNumber", "StableSpeech", "UnstableSpeech")
    assert [tuple(one.parameters[name] for name in names) for one in interim] == [
        ("1", "", "I have a"),
        ("2", "I have a", "billing question about"),
        ("3", "I have a billing question about", "March"),
    ]
    assert action.type == INPUT


def test_each_retry_of_a_menu_hears_a_new_input() -> None:
    documents = {"answer": LISTENS, "action": LISTENS}
    driver = drive(documents, person=caller(Input("1#"), SAYS, Input("2#")))
    given = [one.parameters["Digits"] or one.parameters["Speech"] for one in actions(driver)]
    assert given == ["1", SAYS.speech, "2"]


def test_the_bridge_knows_every_callback_of_an_input(types: Catalogue) -> None:
    listens = f"<GetInput {ACTION} interimSpeechResultsCallback='{HOST}/interim'/>"
    driver = drive({"answer": MENU, "action": listens}, person=caller(Input("1"), SAYS))
    assert len(driver.requests) == 8
    check_recognised(types, driver)
