"""Messages: the delivery reports of a sent one, and the callback and reply of a received one."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine.commands import Failure, Outcome, Response
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.message import MessageOrder, count_units
from bridge.emulator.machine.person import Person, Reception
from bridge.emulator.machine.world import World
from bridge.emulator.scenarios.begin import ReceiverUrls, begin_message
from bridge.emulator.scenarios.model import MessageModel
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import ACCOUNT, BEGIN, HOST, Receiver, document, drive, types, url_of
from tests.emulator.recognition import check_recognised

REPORT, INBOUND = "messaging.message.status", "messaging.message.inbound"
ORDER = MessageOrder(ACCOUNT, "14155550100", "14155550123", "Hello", url=url_of("report"))


def run(
    order: MessageOrder, *, is_received: bool = False, outcomes: dict[str, Outcome] | None = None
) -> VirtualDriver:
    """Send or receive one message, and run until nothing is left to do."""
    machine = Machine(World(BEGIN))
    driver = VirtualDriver(machine, Receiver({}, outcomes or {}))
    (machine.receive_message if is_received else machine.send_message)(order)
    driver.run()
    return driver


def values(driver: VirtualDriver, *names: str) -> list[tuple[str, ...]]:
    """Return these parameters of all requests, in order."""
    return [tuple(one.parameters.get(name, "-") for name in names) for one in driver.requests]


@pytest.mark.parametrize(
    ("kind", "reception", "expected"),
    [
        ("sms", Reception.DELIVERED, [("queued", ""), ("sent", ""), ("delivered", "")]),
        ("sms", Reception.UNDELIVERED, [("queued", ""), ("sent", ""), ("undelivered", "80")]),
        ("sms", Reception.FAILED, [("queued", ""), ("failed", "300")]),
        ("sms", Reception.REJECTED, [("queued", ""), ("rejected", "100")]),
        ("sms", Reception.READ, [("queued", ""), ("sent", ""), ("delivered", "")]),
        (
            "whatsapp",
            Reception.READ,
            [("queued", ""), ("sent", ""), ("delivered", ""), ("read", "")],
        ),
    ],
)
def test_each_change_of_a_message_is_reported_in_sequence(
    kind: str, reception: Reception, expected: list[tuple[str, str]]
) -> None:
    driver = run(replace(ORDER, type=kind, reception=reception))
    assert set(types(driver)) == {REPORT}
    assert values(driver, "Status", "ErrorCode") == expected
    assert values(driver, "Sequence") == [(str(n),) for n in range(1, len(expected) + 1)]


def test_a_report_repeats_the_times_of_the_earlier_ones_in_utc() -> None:
    driver = run(ORDER)
    queued, sent, delivered = (
        "2026-03-07 14:13:30.013000",
        "2026-03-07 14:13:31.213000",
        "2026-03-07 14:13:33.713000",
    )
    names = ("MessageTime", "QueuedTime", "SentTime", "DeliveryReportTime")
    made = "2026-03-07 14:13:30.000000"
    assert values(driver, *names) == [
        (made, queued, "-", "-"),
        (made, queued, sent, "-"),
        (made, queued, sent, delivered),
    ]


def test_a_message_without_a_url_is_delivered_and_nothing_is_reported() -> None:
    driver = run(replace(ORDER, url=("", "POST")))
    assert driver.requests == []
    assert [one.state for one in driver.machine.world.messages.values()] == ["delivered"]


def test_the_person_at_the_number_decides_what_becomes_of_a_message() -> None:
    machine = Machine(World(BEGIN, find_person=lambda *_: Person(receives=Reception.FAILED)))
    driver = VirtualDriver(machine, Receiver())
    message = machine.send_message(ORDER)
    driver.run()
    assert (message.state, message.error_code) == ("failed", "300")


def test_a_report_is_tried_again_after_one_two_and_four_minutes() -> None:
    driver = run(replace(ORDER, reception=Reception.FAILED), outcomes={"report": Response(503)})
    first = [
        at
        for at, one in zip(driver.sent_at, driver.requests, strict=True)
        if one.parameters["Sequence"] == "1"
    ]
    waits = [later - earlier for earlier, later in pairwise(first)]
    pauses = [timedelta(seconds=seconds) for seconds in (60, 120, 240)]
    assert waits == [pause + timedelta(seconds=0.05) for pause in pauses]
    assert types(driver) == [REPORT] * 8


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_a_long_text_is_several_units(text: str, units: int) -> None:
    assert count_units(text) == units


def test_a_message_costs_its_rate_for_each_unit() -> None:
    driver = run(replace(ORDER, text="a" * 161))
    assert set(values(driver, "Units", "TotalRate", "TotalAmount")) == {("2", "0.00350", "0.00700")}


SMS = MessageOrder(ACCOUNT, "14155550123", "14155550100", "Hello", url=url_of("inbound"))
MEDIA = ("https://media.example.com/0.jpg", "https://media.example.com/1.jpg")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (SMS, {"Text": "Hello", "Type": "sms", "MessageIntent": "", "Units": "1"}),
        (replace(SMS, text=" Stop "), {"MessageIntent": "optout"}),
        (replace(SMS, text="START"), {"MessageIntent": "optin"}),
        (replace(SMS, text="help"), {"MessageIntent": "help"}),
        (
            replace(SMS, type="mms", media_urls=MEDIA),
            {"Body": "Hello", "MediaCount": "2", "Media0": MEDIA[0], "Media1": MEDIA[1]},
        ),
        (replace(SMS, type="whatsapp"), {"Body": "Hello", "ContentType": "text"}),
        (
            replace(SMS, type="whatsapp", media_urls=MEDIA[:1]),
            {"ContentType": "media", "Media0": MEDIA[0], "MimeType": "image/jpeg"},
        ),
    ],
)
def test_a_received_message_has_the_parameters_of_its_type(
    order: MessageOrder, expected: dict[str, str], types: Catalogue
) -> None:
    driver = run(order, is_received=True)
    (request,) = driver.requests
    assert request.type == INBOUND
    assert expected.items() <= request.parameters.items()
    check_recognised(types, driver)


REPLY = (
    "<Message src='14155550100' dst='+14155550123&lt;14155550124&lt;' callbackMethod='GET'"
    f" callbackUrl='{HOST}/report'>Thanks</Message>"
)


@pytest.mark.parametrize(
    ("outcome", "state", "sent_to"),
    [
        (document(REPLY), "delivered", ["14155550123", "14155550124"]),
        (document(f"<Speak>Hi</Speak>{REPLY}"), "delivered", ["14155550123", "14155550124"]),
        (document("<Message>No recipient</Message>"), "delivered", []),
        (Response(200), "delivered", []),
        (Response(200, "text/plain", b"thanks"), "delivered", []),
        (Response(404), "undelivered", []),
        (Failure("refused"), "undelivered", []),
    ],
)
def test_the_reply_to_a_received_message_is_sent(
    outcome: Outcome, state: str, sent_to: list[str]
) -> None:
    driver = run(SMS, is_received=True, outcomes={"inbound": outcome})
    received, *sent = driver.machine.world.messages.values()
    assert received.state == state
    assert [one.order.destination for one in sent] == sent_to
    assert {one.method for one in driver.requests if one.type == REPORT} <= {"GET"}


@pytest.mark.parametrize("url", [("", "POST"), (f"{HOST}/inbound", "PUT")])
def test_a_message_that_no_application_can_be_asked_about_is_kept(url: tuple[str, str]) -> None:
    driver = run(replace(SMS, url=url), is_received=True)
    assert driver.requests == []
    assert [one.state for one in driver.machine.world.messages.values()] == ["received"]


def test_a_message_of_a_call_is_sent_while_the_call_goes_on(types: Catalogue) -> None:
    documents = {"answer": f"{REPLY}<Wait length='20'/>"}
    driver = drive(documents, person=Person(hang_up=None))
    reports = [one.parameters for one in driver.requests if one.type == REPORT]
    assert [one["To"] for one in reports if one["Sequence"] == "3"] == [
        "14155550123",
        "14155550124",
    ]
    assert {(one["From"], one["Units"]) for one in reports} == {("14155550100", "1")}
    assert driver.ended[0].code == "4010"
    check_recognised(types, driver)


def test_a_message_of_a_call_without_a_sender_comes_from_the_own_number() -> None:
    drove = drive({"answer": "<Message dst='14155550124'>Hi</Message>"})
    (message,) = drove.machine.world.messages.values()
    assert message.order.source == "14155550100"


@given(st.sampled_from(["sms", "mms", "whatsapp"]), st.sampled_from(Reception), st.text())
def test_the_bridge_knows_every_report(
    types: Catalogue, kind: str, reception: Reception, text: str
) -> None:
    order = replace(ORDER, type=kind, text=text, requester_ip="192.0.2.7", reception=reception)
    check_recognised(types, run(order))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (MessageModel(), [INBOUND]),
        (MessageModel(direction="outbound", status="failed"), [REPORT] * 2),
    ],
)
def test_a_scenario_sends_and_receives_messages(model: MessageModel, expected: list[str]) -> None:
    machine = Machine(World(BEGIN))
    driver = VirtualDriver(machine, Receiver())
    urls = ReceiverUrls(
        f"{HOST}/answer", message=f"{HOST}/inbound", message_status=f"{HOST}/report"
    )
    begin_message(machine, ACCOUNT, model, urls)
    driver.run()
    assert types(driver) == expected
