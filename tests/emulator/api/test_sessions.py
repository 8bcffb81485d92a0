"""Verify and masking sessions through the API, on virtual time."""

from http import HTTPStatus
from typing import cast

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.api import masking, verify
from bridge.emulator.api.answers import Body
from bridge.emulator.machine.commands import Note
from tests.emulator.api.plivo import STRANGER, SUBACCOUNT, VirtualPlivo
from tests.emulator.machines import ACCOUNT, CALLEE, url_of
from tests.emulator.recognition import check_recognised

OTHER, THIRD = "14155550124", "14155550125"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
VERIFY = {"recipient": f"+{CALLEE}", "url": url_of("verify")[0]}
MASK = {
    "first_party": f"+{CALLEE}",
    "second_party": OTHER,
    "callback_url": url_of("masking")[0],
    "recording_callback_url": url_of("recording")[0],
    "recording_callback_method": "GET",
}


def begin_verify(plivo: VirtualPlivo, **more: object) -> str:
    answer = plivo.ask(verify.begin_session, {**VERIFY, **more})
    assert (answer.status, answer.body["message"]) == (HTTPStatus.ACCEPTED, "Session initiated")
    return cast("str", answer.body["session_uuid"])


def begin_mask(plivo: VirtualPlivo, **more: object) -> str:
    answer = plivo.ask(masking.begin_session, {**MASK, **more})
    assert (answer.status, answer.body["message"]) == (HTTPStatus.CREATED, "Session created")
    return cast("str", answer.body["session_uuid"])


def show_mask(plivo: VirtualPlivo, uuid: str) -> Body:
    return cast("Body", plivo.ask(masking.get_session, session_uuid=uuid).body["response"])


def test_a_code_is_sent_and_validated_once(types: Catalogue) -> None:
    plivo = VirtualPlivo()
    uuid = begin_verify(plivo)
    plivo.run()
    (note,) = plivo.driver.notes
    assert note.subject == uuid
    code = note.text.rpartition(" ")[2]
    assert (len(code), code.isdigit()) == (6, True)
    wrong = plivo.ask(verify.validate_session, {"otp": "1" + code}, session_uuid=uuid)
    assert wrong.status is HTTPStatus.BAD_REQUEST
    right = plivo.ask(verify.validate_session, {"otp": code}, session_uuid=uuid)
    assert right.body["message"] == "session validated successfully."
    again = plivo.ask(verify.validate_session, {"otp": code}, session_uuid=uuid)
    assert again.status is HTTPStatus.BAD_REQUEST
    assert [one.parameters["ChannelStatus"] for one in plivo.driver.requests] == [
        "queued",
        "sent",
        "delivered",
    ]
    check_recognised(types, plivo.driver)


def test_a_verify_session_is_shown_with_its_attempts() -> None:
    plivo = VirtualPlivo()
    uuid = begin_verify(plivo, channel="voice", otp="0042", app_uuid="an-app")
    plivo.run()
    assert Note(uuid, "the code is 0042") in plivo.driver.notes
    shown = plivo.ask(verify.get_session, session_uuid=uuid).body
    (attempt,) = cast("list[Body]", shown["attempt_details"])
    assert (attempt["channel"], attempt["status"]) == ("voice", "completed")
    assert attempt["time"] == "2026-03-07T14:13:30.000000Z"
    assert {
        name: shown[name] for name in ("app_uuid", "channel", "count", "recipient", "status")
    } == {
        "app_uuid": "an-app",
        "channel": "voice",
        "count": 1,
        "recipient": CALLEE,
        "status": "in-progress",
    }
    assert shown["updated_at"] == "2026-03-07T14:13:54.000000Z"


def test_verify_sessions_are_listed_newest_first_and_filtered() -> None:
    plivo = VirtualPlivo()
    first, second = begin_verify(plivo), begin_verify(plivo, recipient=OTHER)
    plivo.machine.check_code(first, plivo.machine.verify_sessions[first].code)

    def list_uuids(**arguments: object) -> list[object]:
        answer = plivo.ask(verify.list_sessions, arguments)
        assert answer.body.keys() == {"meta", "sessions"}
        return [one["session_uuid"] for one in cast("list[Body]", answer.body["sessions"])]

    assert list_uuids() == [second, first]
    assert list_uuids(limit=1) == [second]
    assert list_uuids(recipient=f"+{OTHER}") == [second]
    assert list_uuids(status="verified") == [first]
    assert list_uuids(subaccount=SUBACCOUNT.auth_id) == []


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"recipient": ""}, "recipient"),
        ({"recipient": "nobody"}, "recipient"),
        ({"channel": "fax"}, "channel"),
        ({"url": "nowhere"}, "url"),
        ({"code_length": 3}, "code_length"),
    ],
)
def test_a_verify_session_that_plivo_cannot_begin_is_refused(
    arguments: dict[str, object], name: str
) -> None:
    answer = VirtualPlivo().ask(verify.begin_session, {**VERIFY, **arguments})
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert cast("str", answer.body["error"]).startswith(f"{name} parameter is")


def test_a_masked_call_is_counted_and_billed(types: Catalogue) -> None:
    plivo = VirtualPlivo()
    uuid = begin_mask(plivo, record=True, session_expiry=600)
    begun = show_mask(plivo, uuid)
    assert (begun["virtual_number"], begun["status"]) == ("14155550177", "active")
    assert (begun["duration"], begun["expiry_time"]) == (600, "2026-03-07 14:23:30 +0000 UTC")
    assert (begun["total_call_amount"], begun["last_interaction_time"]) == ("0.00000", "")
    plivo.driver.do(lambda machine: machine.call_virtual_number(uuid, CALLEE))
    plivo.run(30)
    assert show_mask(plivo, uuid)["status"] == "in-progress"
    plivo.run()
    ended = show_mask(plivo, uuid)
    assert ended["status"] == "expired"
    assert (ended["total_call_count"], ended["total_call_billed_duration"]) == (2, 120)
    assert ended["total_call_amount"] == "0.01000"
    assert ended["last_interaction_time"] == "2026-03-07 14:14:30 +0000 UTC"
    assert {one.method for one in plivo.driver.requests if "recording" in one.type} == {"GET"}
    check_recognised(types, plivo.driver)


def test_two_sessions_of_a_party_have_two_numbers_and_a_third_has_none() -> None:
    plivo = VirtualPlivo()
    numbers = [
        show_mask(plivo, begin_mask(plivo, second_party=party))["virtual_number"]
        for party in (OTHER, THIRD)
    ]
    assert numbers == ["14155550177", "44205550179"]
    refused = plivo.ask(masking.begin_session, {**MASK, "second_party": "14155550126"})
    assert refused.status is HTTPStatus.BAD_REQUEST
    others = {"first_party": "14155550126", "second_party": "14155550127"}
    assert show_mask(plivo, begin_mask(plivo, **others))["virtual_number"] == "14155550177"


def test_a_masking_session_is_changed_and_ended() -> None:
    plivo = VirtualPlivo()
    uuid = begin_mask(plivo, callback_method="GET")
    plivo.run(60)
    changed = plivo.ask(
        masking.change_session, {"session_expiry": 120, "record": "true"}, session_uuid=uuid
    )
    assert changed.body["message"] == "Session updated"
    shown = show_mask(plivo, uuid)
    assert shown["expiry_time"] == "2026-03-07 14:16:30 +0000 UTC"
    assert (shown["record"], shown["callback_method"]) == (True, "GET")
    plivo.run(30)
    ended = plivo.ask(masking.end_session, session_uuid=uuid)
    assert (ended.status, ended.body) == (HTTPStatus.OK, {"message": "Session Deleted"})
    plivo.run()
    events = [one.parameters["EventName"] for one in plivo.driver.requests]
    times = [one.parameters["EventTimestamp"] for one in plivo.driver.requests]
    assert (events, times) == (["SessionTimeout"], ["2026-03-07 14:15:00 +0000 UTC"])
    late = plivo.ask(masking.change_session, {"record": "false"}, session_uuid=uuid)
    assert late.status is HTTPStatus.BAD_REQUEST
    assert plivo.ask(masking.end_session, session_uuid=uuid).status is HTTPStatus.OK
    plivo.run()
    assert len(plivo.driver.requests) == 1


def test_a_masking_session_that_calls_the_first_party_is_listed_in_progress() -> None:
    plivo = VirtualPlivo()
    begin_mask(plivo)
    calling = begin_mask(plivo, second_party=THIRD, initiate_call_to_first_party=True)
    plivo.run(20)

    def list_uuids(**arguments: object) -> list[object]:
        answer = plivo.ask(masking.list_sessions, arguments)
        found = cast("Body", answer.body["response"])["objects"]
        return [one["session_uuid"] for one in cast("list[Body]", found)]

    assert list_uuids(status="in-progress") == [calling]
    assert list_uuids(second_party=THIRD) == [calling]
    assert len(list_uuids()) == 2


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"first_party": ""}, "first_party"),
        ({"second_party": "nobody"}, "second_party"),
        ({"second_party": CALLEE}, "second_party"),
        ({"callback_url": "nowhere"}, "callback_url"),
        ({"record_file_format": "ogg"}, "record_file_format"),
        ({"ring_timeout": "soon"}, "ring_timeout"),
        ({"session_expiry": 999_999_999_999}, "session_expiry"),
    ],
)
def test_a_masking_session_that_plivo_cannot_begin_is_refused(
    arguments: dict[str, object], name: str
) -> None:
    answer = VirtualPlivo().ask(masking.begin_session, {**MASK, **arguments})
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert cast("str", answer.body["error"]).startswith(f"{name} parameter is")


@pytest.mark.parametrize("account", [ACCOUNT, STRANGER])
def test_sessions_that_are_not_there_or_of_somebody_else_are_not_found(account: object) -> None:
    plivo = VirtualPlivo()
    is_own = account is ACCOUNT
    code, mask = (UNKNOWN, UNKNOWN) if is_own else (begin_verify(plivo), begin_mask(plivo))
    asked = ACCOUNT if is_own else STRANGER
    for endpoint, uuid in (
        (verify.get_session, code),
        (verify.validate_session, code),
        (masking.get_session, mask),
        (masking.change_session, mask),
        (masking.end_session, mask),
    ):
        answer = plivo.ask(endpoint, {"otp": "1"}, account=asked, session_uuid=uuid)
        assert answer.status is HTTPStatus.NOT_FOUND
