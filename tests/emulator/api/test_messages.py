"""Send and find messages through the API, on virtual time."""

from http import HTTPStatus
from typing import cast

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.api import messages
from bridge.emulator.api.answers import Body
from bridge.emulator.api.messages import DESTINATIONS_MAX
from bridge.emulator.machine.message import MessageOrder
from bridge.emulator.machine.person import Person, Reception
from tests.emulator.api.plivo import STRANGER, SUBACCOUNT, VirtualPlivo
from tests.emulator.machines import ACCOUNT, CALLEE, CALLER, url_of
from tests.emulator.recognition import check_recognised

URL = url_of("status")[0]
SEND = {"src": CALLER, "dst": CALLEE, "text": "Hello", "url": URL}
OTHER = "14155550124"


def send(plivo: VirtualPlivo, **more: object) -> list[str]:
    answer = plivo.ask(messages.send_messages, {**SEND, **more})
    assert (answer.status, answer.body["message"]) == (HTTPStatus.ACCEPTED, "message(s) queued")
    return cast("list[str]", answer.body["message_uuid"])


def list_numbers(plivo: VirtualPlivo, **arguments: object) -> list[str]:
    answer = plivo.ask(messages.list_messages, arguments)
    assert answer.status is HTTPStatus.OK
    return [cast("str", one["to_number"]) for one in cast("list[Body]", answer.body["objects"])]


def test_a_message_is_sent_and_its_reports_come(types: Catalogue) -> None:
    plivo = VirtualPlivo()
    (uuid,) = send(plivo)
    plivo.run()
    reports = [one.parameters for one in plivo.driver.requests]
    assert [one["Status"] for one in reports] == ["queued", "sent", "delivered"]
    assert {one["MessageUUID"] for one in reports} == {uuid}
    check_recognised(types, plivo.driver)


def test_a_message_is_shown_with_local_times_and_their_offset() -> None:
    plivo = VirtualPlivo()
    (uuid,) = send(plivo)
    plivo.run()
    assert plivo.ask(messages.get_message, message_uuid=uuid).body == {
        "error_code": "000",
        "error_message": "",
        "from_number": CALLER,
        "message_direction": "outbound",
        "message_sent_time": "2026-03-07 09:13:31.213000-05:00",
        "message_state": "delivered",
        "message_time": "2026-03-07 09:13:30.000000-05:00",
        "message_type": "sms",
        "message_updated_time": "2026-03-07 09:13:33.713000-05:00",
        "message_uuid": uuid,
        "powerpack_id": None,
        "requester_ip": "",
        "resource_uri": f"/v1/Account/{ACCOUNT.auth_id}/Message/{uuid}/",
        "to_number": CALLEE,
        "total_amount": "0.00350",
        "total_rate": "0.00350",
        "units": 1,
    }


def test_a_message_that_was_not_sent_yet_has_neither_error_nor_time() -> None:
    plivo = VirtualPlivo()
    (uuid,) = send(plivo, type="whatsapp")
    shown = plivo.ask(messages.get_message, message_uuid=uuid).body
    assert (shown["error_code"], shown["message_sent_time"]) == (None, None)
    assert (shown["message_state"], shown["conversation_origin"]) == ("queued", "service")


def test_destinations_that_are_no_number_are_returned() -> None:
    plivo = VirtualPlivo()
    arguments = {**SEND, "dst": f"+{CALLEE}<nobody<{OTHER}<{OTHER}"}
    answer = plivo.ask(messages.send_messages, arguments)
    assert answer.body["invalid_number"] == ["nobody"]
    assert list_numbers(plivo) == [OTHER, CALLEE]


def test_a_power_pack_and_media_are_sent() -> None:
    plivo = VirtualPlivo()
    media = ["https://media.example.com/a.jpg"]
    (uuid,) = send(plivo, src=None, powerpack_uuid="pack", text=None, type="mms", media_urls=media)
    order = plivo.machine.world.messages[uuid].order
    assert (order.powerpack_uuid, order.media_urls) == ("pack", tuple(media))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"dst": None}, "dst parameter is missing"),
        ({"dst": "nobody"}, "dst parameter is invalid"),
        ({"dst": f"{OTHER}<+{CALLER}"}, "dst parameter is invalid. The source is among"),
        ({"src": None}, "src parameter is missing"),
        ({"src": "a sender with a long name"}, "src parameter is invalid"),
        ({"powerpack_uuid": "pack"}, "src parameter is invalid. It cannot be there together"),
        ({"text": ""}, "text parameter is missing"),
        ({"text": "", "type": "mms", "media_urls": []}, "text parameter is missing"),
        ({"text": "", "media_urls": ["https://media.example.com/a"]}, "text parameter is missing"),
        ({"text": "x" * 1_601}, "text parameter is invalid"),
        ({"text": "", "type": "whatsapp"}, "text parameter is missing"),
        ({"media_urls": "x"}, "media_urls parameter is invalid"),
        ({"media_urls": [1]}, "media_urls parameter is invalid"),
        ({"type": "fax"}, "type parameter is invalid"),
        ({"url": "x"}, "url parameter is invalid"),
        ({"method": "PUT"}, "method parameter is invalid"),
        (
            {"dst": "<".join(str(10_000_000 + one) for one in range(DESTINATIONS_MAX + 1))},
            "dst parameter is invalid. It may have at most 1000",
        ),
    ],
)
def test_a_message_that_plivo_cannot_send_is_refused(
    arguments: dict[str, object], error: str
) -> None:
    answer = VirtualPlivo().ask(messages.send_messages, {**SEND, **arguments})
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert str(answer.body["error"]).startswith(error)


@pytest.mark.parametrize("more", [{"template": {"name": "hello"}}, {"location": {"latitude": "1"}}])
def test_whatsapp_has_more_to_say_than_texts(more: dict[str, object]) -> None:
    assert len(send(VirtualPlivo(), text=None, type="whatsapp", **more)) == 1


def find_person(number: str, _random: object) -> Person:
    return Person(receives=Reception.FAILED if number == OTHER else Reception.DELIVERED)


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ({}, [CALLER, OTHER, CALLEE]),
        ({"limit": 1, "offset": 2}, [CALLEE]),
        ({"message_direction": "inbound"}, [CALLER]),
        ({"message_state": "failed"}, [OTHER]),
        ({"error_code": "000"}, [CALLEE]),
        ({"to_number": f"+{CALLEE}"}, [CALLEE]),
        ({"to_number": "1415"}, []),
        ({"from_number": CALLER, "message_type": "sms"}, [OTHER, CALLEE]),
        ({"message_time__gt": "2026-03-07 14:13:30"}, [CALLER]),
        ({"message_time__lte": "2026-03-07 14:13:30"}, [OTHER, CALLEE]),
        ({"subaccount": SUBACCOUNT.auth_id}, []),
    ],
)
def test_messages_are_listed_newest_first_and_by_filters(
    arguments: dict[str, object], numbers: list[str]
) -> None:
    plivo = VirtualPlivo(find_person=find_person)
    send(plivo, dst=f"{CALLEE}<{OTHER}")
    plivo.run()
    order = MessageOrder(ACCOUNT, CALLEE, CALLER, "Stop", url=url_of("inbound"))
    plivo.driver.do(lambda machine: machine.receive_message(order))
    plivo.run()
    assert list_numbers(plivo, **arguments) == numbers


def test_a_message_older_than_a_day_is_found_by_its_time_only() -> None:
    plivo = VirtualPlivo()
    send(plivo)
    plivo.run(90_000)
    assert list_numbers(plivo) == []
    assert list_numbers(plivo, message_time__gt="2026-03-07 00:00") == [CALLEE]


def test_an_account_sees_its_own_messages_and_its_subaccounts() -> None:
    plivo = VirtualPlivo()
    plivo.ask(messages.send_messages, SEND, account=SUBACCOUNT)
    (uuid,) = plivo.machine.world.messages
    statuses = [
        plivo.ask(messages.get_message, account=account, message_uuid=uuid).status
        for account in (SUBACCOUNT, ACCOUNT, STRANGER)
    ]
    assert statuses == [HTTPStatus.OK, HTTPStatus.OK, HTTPStatus.NOT_FOUND]
