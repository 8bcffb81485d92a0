"""Place, find, change and end calls through the API, on virtual time."""

from http import HTTPStatus
from typing import Any, cast

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.api import call_actions, calls
from bridge.emulator.api.answers import Body
from bridge.emulator.api.requests import Endpoint
from bridge.emulator.machine.person import HangUp, Person, Pickup
from bridge.emulator.machine.world import Conditions
from tests.emulator.api.plivo import PLACE, STRANGER, SUBACCOUNT, VirtualPlivo
from tests.emulator.machines import ACCOUNT, CALLEE, CALLER, HOST, url_of
from tests.emulator.recognition import check_recognised

UNKNOWN = "00000000-0000-4000-8000-000000000000"
ACCEPTED, NO_CONTENT, NOT_FOUND = (
    HTTPStatus.ACCEPTED,
    HTTPStatus.NO_CONTENT,
    HTTPStatus.NOT_FOUND,
)


def place(plivo: VirtualPlivo, **more: object) -> str:
    answer = plivo.ask(calls.place_calls, {**PLACE, **more})
    assert answer.status is HTTPStatus.CREATED
    return cast("str", answer.body["request_uuid"])


def list_uuids(plivo: VirtualPlivo, **arguments: object) -> list[str]:
    answer = plivo.ask(calls.list_calls, arguments)
    assert answer.status is HTTPStatus.OK
    return [cast("str", one["call_uuid"]) for one in cast("list[Body]", answer.body["objects"])]


def hangup_of(plivo: VirtualPlivo) -> dict[str, str]:
    (hangup,) = [one for one in plivo.driver.requests if one.type == "voice.call.hangup"]
    return hangup.parameters


def test_a_call_is_fired_and_its_request_is_its_id() -> None:
    plivo = VirtualPlivo()
    answer = plivo.ask(calls.place_calls, PLACE)
    assert answer.status is HTTPStatus.CREATED
    assert answer.body["message"] == "call fired"
    plivo.run(10)
    ring, asked = plivo.driver.requests
    assert ring.parameters["RequestUUID"] == answer.body["request_uuid"]
    assert asked.parameters["CallUUID"] == answer.body["request_uuid"]


def test_several_destinations_have_an_id_each() -> None:
    plivo = VirtualPlivo(conditions=Conditions(calls_per_s=10))
    answer = plivo.ask(calls.place_calls, {**PLACE, "to": f"{CALLEE}<14155550124"})
    uuids = cast("list[str]", answer.body["request_uuid"])
    plivo.run(10)
    rings = [one.parameters for one in plivo.driver.requests if one.type == "voice.call.ring"]
    assert [one["To"] for one in rings] == [CALLEE, "14155550124"]
    assert [one["CallUUID"] for one in rings] == uuids


def test_calls_above_the_rate_wait_for_their_second() -> None:
    plivo = VirtualPlivo(conditions=Conditions(calls_per_s=2))
    messages = [plivo.ask(calls.place_calls, PLACE).body["message"] for _ in range(6)]
    assert messages == ["call fired"] * 2 + ["call queued"] * 4
    begun = []
    for _ in range(4):
        begun.append(len(plivo.machine.world.legs))
        plivo.run(1)
    assert begun == [2, 4, 6, 6]


def test_a_rate_is_that_of_the_main_account_with_its_subaccounts() -> None:
    plivo = VirtualPlivo(conditions=Conditions(calls_per_s=1))
    assert plivo.ask(calls.place_calls, PLACE).body["message"] == "call fired"
    waits = plivo.ask(calls.place_calls, PLACE, account=SUBACCOUNT)
    other = plivo.ask(calls.place_calls, PLACE, account=STRANGER)
    assert [one.body["message"] for one in (waits, other)] == ["call queued", "call fired"]


def test_a_call_that_waits_is_listed_and_shown_as_queued_until_it_begins() -> None:
    plivo = VirtualPlivo(conditions=Conditions(calls_per_s=1))
    first, second = place(plivo), place(plivo)
    queued = {"status": "queued"}
    assert plivo.ask(calls.list_calls, queued).body == {"calls": [second]}
    shown = plivo.ask(calls.get_call, queued, call_uuid=second).body
    assert (shown["call_status"], shown["from"], shown["to"]) == ("queued", CALLER, CALLEE)
    assert plivo.ask(calls.get_call, queued, call_uuid=first).status is NOT_FOUND
    plivo.run(1)
    assert plivo.ask(calls.list_calls, queued).body == {"calls": []}


def test_a_live_call_is_shown_with_status_live_only() -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo)
    plivo.run(10)
    live = {"status": "live"}
    assert plivo.ask(calls.list_calls, live).body == {"calls": [uuid]}
    assert plivo.ask(calls.get_call, live, call_uuid=uuid).body == {
        "call_status": "in-progress",
        "call_uuid": uuid,
        "caller_name": "",
        "direction": "outbound",
        "from": CALLER,
        "request_uuid": uuid,
        "session_start": "2026-03-07 14:13:31.200000",
        "stir_attestation": "A",
        "stir_verification": "Verified",
        "to": CALLEE,
    }
    assert plivo.ask(calls.get_call, call_uuid=uuid).status is NOT_FOUND


def test_an_ended_call_is_shown_with_local_times_and_their_offset() -> None:
    plivo = VirtualPlivo({"answer": "<Speak>Hello</Speak>"})
    uuid = place(plivo)
    plivo.run()
    assert plivo.ask(calls.get_call, {"status": "live"}, call_uuid=uuid).status is NOT_FOUND
    assert plivo.ask(calls.get_call, call_uuid=uuid).body == {
        "answer_time": "2026-03-07 09:13:34-05:00",
        "bill_duration": 1,
        "billed_duration": 60,
        "call_direction": "outbound",
        "call_duration": 1,
        "call_uuid": uuid,
        "end_time": "2026-03-07 09:13:34-05:00",
        "from_number": f"+{CALLER}",
        "hangup_cause_code": 4010,
        "hangup_cause_name": "End Of XML Instructions",
        "hangup_source": "Answer XML",
        "initiation_time": "2026-03-07 09:13:30-05:00",
        "parent_call_uuid": None,
        "resource_uri": f"/v1/Account/{ACCOUNT.auth_id}/Call/{uuid}/",
        "stir_attestation": "A",
        "stir_verification": "Verified",
        "to_number": CALLEE,
        "total_amount": "0.00500",
        "total_rate": "0.00500",
    }


def test_a_call_that_nobody_answered_has_no_answer_time() -> None:
    plivo = VirtualPlivo(find_person=lambda *_: Person(Pickup.BUSY))
    uuid = place(plivo)
    plivo.run()
    shown = plivo.ask(calls.get_call, call_uuid=uuid).body
    assert (shown["answer_time"], shown["hangup_cause_code"]) == (None, 3010)


def find_person(number: str, _random: object) -> Person:
    if number == CALLEE:
        return Person(Pickup.BUSY)
    return Person(hang_up=HangUp(50.0 if number == "14155550124" else 100.0))


@pytest.mark.parametrize(
    ("arguments", "callees"),
    [
        ({}, ["442055501", "14155550124", CALLEE]),
        ({"limit": 1, "offset": 1}, ["14155550124"]),
        ({"to_number": "1415"}, ["14155550124", CALLEE]),
        ({"to_number": "+14155550124"}, ["14155550124"]),
        ({"from_number": f"+{CALLER}", "hangup_cause_code": 3010}, [CALLEE]),
        ({"hangup_source": "callee"}, ["442055501", "14155550124"]),
        ({"bill_duration__gt": 60}, ["442055501"]),
        ({"end_time__lt": "2026-03-07 14:14:00"}, [CALLEE]),
        ({"call_direction": "inbound"}, []),
        ({"subaccount": SUBACCOUNT.auth_id}, []),
        ({"parent_call_uuid": UNKNOWN}, []),
    ],
)
def test_records_are_listed_newest_first_and_by_filters(
    arguments: dict[str, object], callees: list[str]
) -> None:
    conditions = Conditions(calls_per_s=10)
    plivo = VirtualPlivo(find_person=find_person, conditions=conditions)
    place(plivo, to=f"{CALLEE}<14155550124<442055501")
    plivo.run()
    answer = plivo.ask(calls.list_calls, arguments)
    assert [one["to_number"] for one in cast("list[Body]", answer.body["objects"])] == callees


@pytest.mark.parametrize(
    "arguments", [{"call_direction": "up"}, {"status": "gone"}, {"end_time": "x"}, {"limit": 21}]
)
def test_a_filter_that_plivo_does_not_know_is_refused(arguments: dict[str, object]) -> None:
    answer = VirtualPlivo().ask(calls.list_calls, arguments)
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert str(answer.body["error"]).startswith(f"{next(iter(arguments))} parameter is invalid")


def test_an_account_sees_its_subaccounts_calls_and_no_others() -> None:
    plivo = VirtualPlivo()
    plivo.ask(calls.place_calls, PLACE, account=SUBACCOUNT)
    (uuid,) = plivo.machine.world.legs
    live = {"status": "live"}
    seen = [
        plivo.ask(calls.list_calls, live, account=account).body["calls"]
        for account in (SUBACCOUNT, ACCOUNT, STRANGER)
    ]
    assert seen == [[uuid], [uuid], []]
    refused = plivo.ask(calls.hang_up_call, account=STRANGER, call_uuid=uuid)
    assert refused.status is NOT_FOUND
    plivo.run()
    assert list_uuids(plivo, subaccount=SUBACCOUNT.auth_id) == [uuid]
    assert plivo.ask(calls.get_call, account=STRANGER, call_uuid=uuid).status is NOT_FOUND


@pytest.mark.parametrize(
    ("after_s", "code", "status"), [(2, "1000", "cancel"), (20, "4000", "completed")]
)
def test_the_api_ends_a_call(after_s: float, code: str, status: str) -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo)
    plivo.run(after_s)
    assert plivo.ask(calls.hang_up_call, call_uuid=uuid).status is NO_CONTENT
    assert plivo.ask(calls.hang_up_call, call_uuid=uuid).status is NOT_FOUND
    plivo.run()
    hangup = hangup_of(plivo)
    assert (hangup["HangupCauseCode"], hangup["CallStatus"]) == (code, status)
    assert hangup["HangupSource"] == "API Request"


def test_a_request_is_cancelled_while_it_rings_and_not_after_the_answer() -> None:
    plivo = VirtualPlivo(conditions=Conditions(calls_per_s=10))
    rings, talks = place(plivo), place(plivo)
    assert plivo.ask(calls.cancel_request, request_uuid=rings).status is NO_CONTENT
    plivo.run(10)
    assert plivo.ask(calls.cancel_request, request_uuid=talks).status is NOT_FOUND
    assert plivo.ask(calls.cancel_request, request_uuid=UNKNOWN).status is NOT_FOUND
    assert hangup_of(plivo)["CallUUID"] == rings


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [(calls.cancel_request, "request_uuid"), (calls.hang_up_call, "call_uuid")],
)
def test_a_call_that_waits_is_cancelled_without_a_callback(endpoint: Endpoint, name: str) -> None:
    plivo = VirtualPlivo(conditions=Conditions(calls_per_s=1))
    place(plivo)
    waits = place(plivo)
    ids: dict[str, Any] = {name: waits}
    assert plivo.ask(endpoint, **ids).status is NO_CONTENT
    plivo.run()
    assert waits not in plivo.machine.world.legs
    called = {one.parameters["CallUUID"] for one in plivo.driver.requests}
    assert called == {*plivo.machine.world.legs}


def test_a_parent_that_must_be_there_is_looked_for() -> None:
    plivo = VirtualPlivo(conditions=Conditions(calls_per_s=10))
    parent = place(plivo)
    child = place(plivo, parent_call_uuid=parent, error_if_parent_not_found=True)
    orphan = {**PLACE, "parent_call_uuid": UNKNOWN}
    assert plivo.ask(calls.place_calls, orphan).status is HTTPStatus.CREATED
    strict = {**orphan, "error_if_parent_not_found": "true"}
    assert plivo.ask(calls.place_calls, strict).status is NOT_FOUND
    plivo.run()
    assert list_uuids(plivo, parent_call_uuid=parent) == [child]


def test_digits_are_sent_to_the_callee_after_the_answer() -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo, send_digits="1w2")
    plivo.run(10)
    assert ("the digits 1w2 are sent to the callee") in [
        one.text for one in plivo.driver.notes if one.subject == uuid
    ]


def test_a_transferred_call_executes_the_other_document() -> None:
    plivo = VirtualPlivo({"answer": "<Wait length='600'/>", "other": "<Speak>Hello</Speak>"})
    uuid = place(plivo)
    plivo.run(10)
    arguments = {"legs": "aleg", "aleg_url": url_of("other")[0], "aleg_method": "GET"}
    answer = plivo.ask(call_actions.transfer_call, arguments, call_uuid=uuid)
    assert (answer.status, answer.body) == (ACCEPTED, {"message": "call transferred"})
    plivo.run()
    transfer = plivo.driver.requests[-2]
    assert (transfer.type, transfer.method) == ("voice.call.transfer", "GET")
    assert hangup_of(plivo)["HangupCauseCode"] == "4010"


@pytest.mark.parametrize(("document", "code"), [("<Dial/>", "8013"), (None, "8013")])
def test_a_transfer_that_plivo_cannot_execute_ends_the_call(
    document: str | None, code: str
) -> None:
    documents = {"answer": "<Wait length='600'/>"} | ({"other": document} if document else {})
    plivo = VirtualPlivo(documents)
    uuid = place(plivo)
    plivo.run(10)
    plivo.ask(call_actions.transfer_call, {"aleg_url": url_of("other")[0]}, call_uuid=uuid)
    plivo.run()
    assert hangup_of(plivo)["HangupCauseCode"] == code


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        ({}, HTTPStatus.BAD_REQUEST, "aleg_url parameter is missing"),
        ({"legs": "both", "aleg_url": f"{HOST}/a"}, HTTPStatus.BAD_REQUEST, "bleg_url parameter"),
        ({"legs": "cleg"}, HTTPStatus.BAD_REQUEST, "legs parameter is invalid"),
        ({"aleg_url": "a"}, HTTPStatus.BAD_REQUEST, "aleg_url parameter is invalid"),
        ({"legs": "bleg", "bleg_url": f"{HOST}/b"}, NOT_FOUND, "not found"),
    ],
)
def test_a_transfer_that_plivo_cannot_make_is_refused(
    arguments: dict[str, object], status: HTTPStatus, error: str
) -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo)
    plivo.run(10)
    answer = plivo.ask(call_actions.transfer_call, arguments, call_uuid=uuid)
    assert answer.status is status
    assert str(answer.body["error"]).startswith(error)


def test_a_call_that_rings_cannot_be_transferred() -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo)
    plivo.run(2)
    answer = plivo.ask(call_actions.transfer_call, {"aleg_url": url_of("other")[0]}, call_uuid=uuid)
    assert answer.status is NOT_FOUND


RECORD = {"callback_url": url_of("recorded")[0], "time_limit": 20}


def test_a_recording_ends_at_its_limit_and_tells_its_callback() -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo)
    plivo.run(10)
    answer = plivo.ask(call_actions.start_recording, RECORD, call_uuid=uuid)
    assert answer.status is ACCEPTED
    assert answer.body["message"] == "call recording started"
    plivo.run(30)
    recorded = plivo.driver.requests[-1]
    assert recorded.type == "voice.recording_api.completed"
    assert recorded.parameters == {
        "api_id": "api-2",
        "call_uuid": uuid,
        "record_url": answer.body["url"],
        "recording_duration": "20",
        "recording_duration_ms": "20000",
        "recording_end_ms": "1772892840000",
        "recording_id": answer.body["recording_id"],
        "recording_start_ms": "1772892820000",
    }


@pytest.mark.parametrize(
    ("end", "duration_ms"),
    [(call_actions.stop_recording, "5000"), (calls.hang_up_call, "5000")],
)
def test_a_recording_ends_when_it_is_stopped_or_its_call_ends(
    end: Endpoint, duration_ms: str
) -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo)
    plivo.run(10)
    plivo.ask(call_actions.start_recording, RECORD, call_uuid=uuid)
    plivo.run(5)
    assert plivo.ask(end, call_uuid=uuid).status is NO_CONTENT
    plivo.run(1)
    (recorded,) = [one for one in plivo.driver.requests if one.type.startswith("voice.recording")]
    assert recorded.parameters["recording_duration_ms"] == duration_ms


@pytest.mark.parametrize("name", ["URL", "url"])
def test_one_of_two_recordings_is_stopped_by_its_url(name: str) -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo)
    plivo.run(10)
    ids = []
    for _ in range(2):
        answer = plivo.ask(call_actions.start_recording, RECORD, call_uuid=uuid)
        ids.append(answer.body)
    stop = {name: ids[1]["url"]}
    assert plivo.ask(call_actions.stop_recording, stop, call_uuid=uuid).status is NO_CONTENT
    plivo.run(2)
    assert plivo.driver.requests[-1].parameters["recording_id"] == ids[1]["recording_id"]
    assert plivo.ask(call_actions.stop_recording, stop, call_uuid=uuid).status is NOT_FOUND


def test_a_transcription_follows_its_recording(types: Catalogue) -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo)
    plivo.run(10)
    arguments = {**RECORD, "transcription_url": url_of("transcribed")[0]}
    answer = plivo.ask(call_actions.start_recording, arguments, call_uuid=uuid)
    plivo.run(30)
    assert plivo.types()[-2:] == ["voice.recording_api.completed", "voice.transcription"]
    transcribed = plivo.driver.requests[-1].parameters
    assert transcribed["recording_id"] == answer.body["recording_id"]
    assert transcribed["duration"] == "20"
    check_recognised(types, plivo.driver)


@pytest.mark.parametrize(
    ("endpoint", "arguments", "message"),
    [
        (call_actions.start_playing, {"urls": f"{HOST}/a.mp3,{HOST}/b.mp3"}, "play started"),
        (call_actions.start_speaking, {"text": "Hello", "loop": True}, "speak started"),
        (call_actions.send_digits, {"digits": "1w2#", "leg": "aleg"}, "digits sent"),
    ],
)
def test_sounds_and_digits_are_accepted_and_noted(
    endpoint: Endpoint, arguments: dict[str, object], message: str
) -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo)
    plivo.run(10)
    notes = len(plivo.driver.notes)
    answer = plivo.ask(endpoint, arguments, call_uuid=uuid)
    assert (answer.status, answer.body) == (ACCEPTED, {"message": message})
    assert len(plivo.driver.notes) == notes + 1
    assert plivo.ask(call_actions.stop_sound, call_uuid=uuid).status is NO_CONTENT


@pytest.mark.parametrize(
    ("endpoint", "arguments", "error"),
    [
        (call_actions.start_playing, {}, "urls parameter is missing"),
        (call_actions.start_playing, {"urls": "a.mp3"}, "urls parameter is invalid"),
        (call_actions.start_playing, {"urls": f"{HOST}/a", "length": "x"}, "length parameter"),
        (call_actions.start_speaking, {}, "text parameter is missing"),
        (call_actions.start_speaking, {"text": "Hi", "mix": "?"}, "mix parameter is invalid"),
        (call_actions.send_digits, {}, "digits parameter is missing"),
        (call_actions.send_digits, {"digits": "x"}, "digits parameter is invalid"),
        (call_actions.start_recording, {"time_limit": 0}, "time_limit parameter is invalid"),
        (call_actions.start_recording, {"file_format": "ogg"}, "file_format parameter is invalid"),
    ],
)
def test_an_action_with_a_faulty_argument_is_refused(
    endpoint: Endpoint, arguments: dict[str, object], error: str
) -> None:
    plivo = VirtualPlivo()
    uuid = place(plivo)
    plivo.run(10)
    answer = plivo.ask(endpoint, arguments, call_uuid=uuid)
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert str(answer.body["error"]).startswith(error)


@pytest.mark.parametrize(
    "endpoint",
    [
        calls.hang_up_call,
        call_actions.transfer_call,
        call_actions.start_recording,
        call_actions.stop_recording,
        call_actions.start_playing,
        call_actions.start_speaking,
        call_actions.stop_sound,
        call_actions.send_digits,
    ],
)
def test_a_call_that_is_not_there_is_not_found(endpoint: Endpoint) -> None:
    assert VirtualPlivo().ask(endpoint, call_uuid=UNKNOWN).status is NOT_FOUND
