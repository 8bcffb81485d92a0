"""Read and change multi-party calls and their participants through the API, on virtual time."""

from http import HTTPStatus
from typing import Any, cast

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.api import calls, multi_party_calls, participants
from bridge.emulator.api.answers import Body
from bridge.emulator.api.requests import Endpoint
from bridge.emulator.machine.person import Person, Pickup
from bridge.emulator.machine.world import Conditions
from tests.emulator.api.plivo import PLACE, STRANGER, VirtualPlivo
from tests.emulator.machines import CALLER, HOST, url_of
from tests.emulator.recognition import check_recognised

ROOM = (
    "<MultiPartyCall role='Agent' recordingCallbackUrl='https://hooks.example.com/mpc'"
    " recordingCallbackMethod='POST' statusCallbackUrl='https://hooks.example.com/mpc'"
    " startMpcOnEnter='false'>support</MultiPartyCall>"
)
OTHER, BUSY = "14155550124", "14155550125"
MPC: dict[str, Any] = {"mpc_id": "name_support"}
ADD = {"role": "customer", "from": CALLER, "to": OTHER}
NO_CONTENT, NOT_FOUND = HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND


def find_person(number: str, _random: object) -> Person:
    return Person(Pickup.BUSY if number == BUSY else Pickup.ANSWERS, hang_up=None)


@pytest.fixture
def plivo() -> VirtualPlivo:
    """A multi-party call whose only participant waits."""
    conditions = Conditions(calls_per_s=2)
    plivo = VirtualPlivo({"answer": ROOM}, conditions=conditions, find_person=find_person)
    plivo.ask(calls.place_calls, PLACE)
    plivo.run(10)
    return plivo


def events(plivo: VirtualPlivo) -> list[str]:
    names = [one.parameters.get("EventName", "") for one in plivo.driver.requests]
    return [name for name in names if name]


def show(plivo: VirtualPlivo) -> Body:
    answer = plivo.ask(multi_party_calls.get_call, **MPC)
    assert answer.status is HTTPStatus.OK
    return answer.body


def add(plivo: VirtualPlivo, **more: object) -> list[Body]:
    answer = plivo.ask(participants.add_participants, {**ADD, **more}, **MPC)
    assert answer.status is HTTPStatus.CREATED
    assert answer.body["message"] == "add participant action initiated"
    return cast("list[Body]", answer.body["calls"])


def list_members(plivo: VirtualPlivo) -> list[Body]:
    body = plivo.ask(participants.list_participants, **MPC).body
    return cast("list[Body]", body["objects"])


def test_a_call_is_found_by_name_and_by_id(plivo: VirtualPlivo) -> None:
    shown = show(plivo)
    uuid = shown["mpc_uuid"]
    by_id = plivo.ask(multi_party_calls.get_call, mpc_id=f"uuid_{uuid}").body
    assert by_id == shown
    assert shown["creation_time"] == "2026-03-07 14:13:34+00:00"
    assert (shown["status"], shown["start_time"]) == ("Initialized", None)
    listed = plivo.ask(multi_party_calls.list_calls, {"status": "initialized"}).body
    assert cast("Body", listed["meta"])["count"] == 1
    assert listed["objects"] == [shown]
    assert plivo.ask(multi_party_calls.list_calls, {"status": "active"}).body["objects"] == []


def test_a_call_is_started_once_and_ended(plivo: VirtualPlivo, types: Catalogue) -> None:
    assert plivo.ask(multi_party_calls.start_call, **MPC).status is NO_CONTENT
    assert show(plivo)["status"] == "Active"
    assert plivo.ask(multi_party_calls.start_call, **MPC).status is NOT_FOUND
    assert plivo.ask(multi_party_calls.end_call, **MPC).status is NO_CONTENT
    plivo.run()
    assert plivo.ask(multi_party_calls.get_call, **MPC).status is NOT_FOUND
    assert events(plivo) == [
        "MPCInitialized",
        "ParticipantJoin",
        "MPCStart",
        "ParticipantExit",
        "MPCEnd",
    ]
    check_recognised(types, plivo.driver)


def test_a_participant_is_called_and_added(plivo: VirtualPlivo) -> None:
    url = url_of("status")[0]
    (added,) = add(plivo, call_status_callback_url=url, mute=True)
    plivo.run(10)
    _, member = list_members(plivo)
    assert (member["call_uuid"], member["role"], member["mute"]) == (
        added["call_uuid"],
        "customer",
        True,
    )
    assert show(plivo)["status"] == "Active"
    plivo.ask(multi_party_calls.end_call, **MPC)
    plivo.run()
    statuses = [one for one in plivo.driver.requests if one.type == "voice.mpc.call_status"]
    assert [one.parameters["Event"] for one in statuses] == ["Ring", "StartApp", "Hangup"]
    assert statuses[-1].parameters["HangupCauseCode"] == "4020"


def test_the_first_agent_that_answers_is_added_and_the_others_lose(plivo: VirtualPlivo) -> None:
    added = add(plivo, role="agent", to=f"{BUSY}<{OTHER}<14155550126", delay_dial="0<5<7")
    plivo.run(20)
    codes = {one.call_uuid: one.code for one in plivo.driver.ended}
    assert [codes.get(str(one["call_uuid"])) for one in added] == ["3010", None, "9000"]
    assert [one["call_uuid"] for one in list_members(plivo)][1] == added[1]["call_uuid"]


def test_a_call_that_nobody_answers_is_not_added(plivo: VirtualPlivo) -> None:
    add(plivo, ring_timeout=2)
    plivo.run(20)
    assert len(list_members(plivo)) == 1
    assert [one.code for one in plivo.driver.ended] == ["6010"]


def test_a_call_that_goes_on_is_moved_into_a_new_multi_party_call(plivo: VirtualPlivo) -> None:
    (moved,) = list_members(plivo)
    arguments = {"role": "Agent", "call_uuid": moved["call_uuid"]}
    answer = plivo.ask(participants.add_participants, arguments, mpc_id="name_sales")
    assert answer.status is HTTPStatus.CREATED
    assert plivo.ask(multi_party_calls.get_call, **MPC).status is NOT_FOUND
    listed = plivo.ask(multi_party_calls.list_calls).body
    assert [one["friendly_name"] for one in cast("list[Body]", listed["objects"])] == ["sales"]


def test_a_call_that_rings_cannot_be_moved(plivo: VirtualPlivo) -> None:
    placed = plivo.ask(calls.place_calls, {**PLACE, "to": OTHER}).body
    arguments = {"role": "agent", "call_uuid": placed["request_uuid"]}
    refused = plivo.ask(participants.add_participants, arguments, **MPC)
    assert refused.status is NOT_FOUND


@pytest.mark.parametrize(
    ("arguments", "method"), [({}, "GET"), ({"wait_music_method": "POST"}, "POST")]
)
def test_the_music_of_a_participant_is_fetched_by_get_unless_a_method_is_set(
    plivo: VirtualPlivo, arguments: dict[str, object], method: str
) -> None:
    music = {"wait_music_url": f"{HOST}/wait", "start_mpc_on_enter": False}
    plivo.ask(participants.add_participants, {**ADD, **music, **arguments}, mpc_id="name_sales")
    plivo.run(60)
    sounds = [one for one in plivo.driver.requests if one.type == "voice.mpc.sound"]
    assert [(one.method, one.url) for one in sounds] == [(method, f"{HOST}/wait")]


def test_a_participant_is_added_by_the_id_of_the_call(plivo: VirtualPlivo) -> None:
    by_id = f"uuid_{show(plivo)['mpc_uuid']}"
    assert plivo.ask(participants.add_participants, ADD, mpc_id=by_id).status is HTTPStatus.CREATED
    plivo.run(10)
    assert len(list_members(plivo)) == 2


def test_participants_are_muted_held_and_kicked(plivo: VirtualPlivo) -> None:
    add(plivo)
    plivo.run(10)
    updated = plivo.ask(
        participants.update_participants, {"mute": True, "hold": "true"}, **MPC, member_id="all"
    )
    assert updated.status is HTTPStatus.ACCEPTED
    assert updated.body["message"] == {
        "hold": "MPC: support hold/unhold member(s) succeeded",
        "mute": "MPC: support mute/unmute member(s) succeeded",
    }
    assert [(one["mute"], one["hold"]) for one in list_members(plivo)] == [(True, True)] * 2
    plivo.ask(participants.update_participants, {"mute": False}, **MPC, member_id="1")
    assert [one["mute"] for one in list_members(plivo)] == [False, True]
    kicked = plivo.ask(participants.kick_participants, **MPC, member_id="2")
    assert kicked.status is NO_CONTENT
    assert "4030" in [one.code for one in plivo.driver.ended]


def test_a_call_is_recorded_with_pauses(plivo: VirtualPlivo) -> None:
    begun = plivo.ask(multi_party_calls.start_recording, **MPC).body
    assert str(begun["recording_id"]) in str(begun["recording_url"])
    assert show(plivo)["recording"] == "recording"
    again = plivo.ask(multi_party_calls.start_recording, **MPC)
    assert again.status is HTTPStatus.BAD_REQUEST
    for endpoint in (
        multi_party_calls.pause_recording,
        multi_party_calls.resume_recording,
        multi_party_calls.stop_recording,
    ):
        plivo.run(10)
        assert plivo.ask(endpoint, **MPC).status is NO_CONTENT
    plivo.run(2)
    assert [one.removeprefix("MPCRecording") for one in events(plivo)[-4:]] == [
        "Initiated",
        "Paused",
        "Resumed",
        "Completed",
    ]
    assert plivo.driver.requests[-1].parameters["RecordingDuration"] == "20"
    for endpoint in (multi_party_calls.stop_recording, multi_party_calls.pause_recording):
        assert plivo.ask(endpoint, **MPC).status is NOT_FOUND


def test_a_participant_is_recorded(plivo: VirtualPlivo) -> None:
    arguments = {"recording_callback_url": f"{HOST}/one", "file_format": "wav"}
    begun = plivo.ask(participants.record_participant, arguments, **MPC, member_id="1").body
    assert str(begun["recording_url"]).endswith(".wav")
    again = plivo.ask(participants.record_participant, **MPC, member_id="1")
    assert again.status is HTTPStatus.BAD_REQUEST
    plivo.run(10)
    stop = plivo.ask(participants.stop_recording_participant, **MPC, member_id="1")
    assert stop.status is NO_CONTENT
    plivo.run(2)
    completed = plivo.driver.requests[-1]
    assert completed.url == f"{HOST}/one"
    assert completed.parameters["EventName"] == "ParticipantRecordingCompleted"
    gone = plivo.ask(participants.stop_recording_participant, **MPC, member_id="1")
    assert gone.status is NOT_FOUND


def test_sounds_and_speech_are_noted(plivo: VirtualPlivo) -> None:
    one: dict[str, Any] = {**MPC, "member_id": "1"}
    played = plivo.ask(participants.play_to_participants, {"url": f"{HOST}/a.mp3"}, **one)
    assert played.body == {
        "message": "play queued into MPC",
        "mpcMemberId": ["1"],
        "mpcName": "support",
    }
    spoken = plivo.ask(participants.speak_to_participants, {"text": "Hello"}, **one)
    assert spoken.body["message"] == "speak queued into MPC"
    assert plivo.ask(participants.stop_sound, **one).status is NO_CONTENT
    assert len(plivo.driver.notes) == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"role": None}, "role parameter is missing"),
        ({"role": "boss"}, "role parameter is invalid"),
        ({"from": None}, "from parameter is missing"),
        ({"to": f"{OTHER}<{BUSY}"}, "to parameter is invalid. Only agents"),
        ({"ring_timeout": "soon"}, "ring_timeout parameter is invalid"),
        ({"delay_dial": "1<2"}, "delay_dial parameter is invalid"),
        ({"max_participants": 11}, "max_participants parameter is invalid"),
        ({"hold": "?"}, "hold parameter is invalid"),
        ({"status_callback_url": "x"}, "status_callback_url parameter is invalid"),
        (
            {"role": "agent", "to": "<".join(str(10_000_000 + one) for one in range(21))},
            "to parameter is invalid. It may have at most 20",
        ),
    ],
)
def test_a_participant_that_plivo_cannot_add_is_refused(
    plivo: VirtualPlivo, arguments: dict[str, object], error: str
) -> None:
    answer = plivo.ask(participants.add_participants, {**ADD, **arguments}, **MPC)
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert str(answer.body["error"]).startswith(error)


@pytest.mark.parametrize(
    ("endpoint", "arguments", "error"),
    [
        (participants.update_participants, {}, "mute parameter is missing"),
        (participants.play_to_participants, {"url": "a"}, "url parameter is invalid"),
        (participants.speak_to_participants, {}, "text parameter is missing"),
    ],
)
def test_an_action_with_a_faulty_argument_is_refused(
    plivo: VirtualPlivo, endpoint: Endpoint, arguments: dict[str, object], error: str
) -> None:
    answer = plivo.ask(endpoint, arguments, **MPC, member_id="1")
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert str(answer.body["error"]).startswith(error)


@pytest.mark.parametrize(
    ("endpoint", "arguments", "ids"),
    [
        (multi_party_calls.get_call, {}, {"mpc_id": "name_sales"}),
        (multi_party_calls.get_call, {}, {"mpc_id": "uuid_support"}),
        (participants.get_participant, {}, {**MPC, "member_id": "9"}),
        (participants.add_participants, ADD, {"mpc_id": "uuid_unknown"}),
        (participants.add_participants, {"role": "agent", "call_uuid": "x"}, MPC),
    ],
)
def test_what_is_not_there_is_not_found(
    plivo: VirtualPlivo, endpoint: Endpoint, arguments: dict[str, object], ids: dict[str, Any]
) -> None:
    assert plivo.ask(endpoint, arguments, **ids).status is NOT_FOUND


def test_another_account_does_not_see_the_call_or_its_legs(plivo: VirtualPlivo) -> None:
    assert plivo.ask(multi_party_calls.get_call, account=STRANGER, **MPC).status is NOT_FOUND
    (member,) = list_members(plivo)
    arguments = {"role": "agent", "call_uuid": member["call_uuid"]}
    stolen = plivo.ask(participants.add_participants, arguments, account=STRANGER, **MPC)
    assert stolen.status is NOT_FOUND
    assert plivo.ask(participants.get_participant, **MPC, member_id="1").body == member
