"""Read and change conferences through the API, on virtual time."""

from http import HTTPStatus
from typing import Any, cast

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.api import calls, conferences, recordings
from bridge.emulator.api.answers import Body
from bridge.emulator.api.requests import Endpoint
from bridge.emulator.machine.world import Conditions
from tests.emulator.api.plivo import PLACE, STRANGER, SUBACCOUNT, VirtualPlivo
from tests.emulator.machines import CALLEE, CALLER, HOST, url_of
from tests.emulator.recognition import check_recognised

ROOM = "<Conference callbackUrl='https://hooks.example.com/room'>room1</Conference><Wait/>"
OTHER = "14155550124"
NO_CONTENT, NOT_FOUND = HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND


@pytest.fixture
def plivo() -> VirtualPlivo:
    """A conference with two members for five seconds."""
    plivo = VirtualPlivo({"answer": ROOM}, conditions=Conditions(calls_per_s=10))
    plivo.ask(calls.place_calls, {**PLACE, "to": f"{CALLEE}<{OTHER}"})
    plivo.run(9.1)
    return plivo


def find_members(plivo: VirtualPlivo) -> list[Body]:
    shown = plivo.ask(conferences.get_conference, conference_name="room1").body
    return cast("list[Body]", shown["members"])


def act(plivo: VirtualPlivo, endpoint: Endpoint, members: str, **arguments: object) -> Body:
    answer = plivo.ask(endpoint, arguments, conference_name="room1", member_ids=members)
    assert answer.status in {HTTPStatus.ACCEPTED, NO_CONTENT}
    return answer.body


def count_ended(plivo: VirtualPlivo) -> int:
    return sum(leg.ended.is_set for leg in plivo.machine.world.legs.values())


def test_a_conference_is_listed_and_shown_with_its_members(plivo: VirtualPlivo) -> None:
    assert plivo.ask(conferences.list_conferences).body == {"conferences": ["room1"]}
    shown = plivo.ask(conferences.get_conference, conference_name="room1").body
    members = cast("list[Body]", shown.pop("members"))
    assert shown == {
        "conference_member_count": "2",
        "conference_name": "room1",
        "conference_run_time": "5",
    }
    assert members[0] == {
        "call_uuid": next(iter(plivo.machine.world.legs)),
        "caller_name": "",
        "deaf": False,
        "direction": "outbound",
        "from": CALLER,
        "join_time": "5",
        "member_id": "1",
        "muted": False,
        "to": CALLEE,
    }


def test_members_are_muted_and_deafened_one_by_one_or_all(plivo: VirtualPlivo) -> None:
    assert act(plivo, conferences.mute_members, "1") == {"message": "muted", "member_id": "1"}
    deaf = act(plivo, conferences.deafen_members, "1,2")
    assert deaf == {"message": "deaf", "member_id": ["1", "2"]}
    members = find_members(plivo)
    assert [(one["muted"], one["deaf"]) for one in members] == [(True, True), (False, True)]
    act(plivo, conferences.unmute_members, "all")
    act(plivo, conferences.undeafen_members, "2")
    members = find_members(plivo)
    assert [(one["muted"], one["deaf"]) for one in members] == [(False, True), (False, False)]


def test_a_kicked_member_leaves_and_its_call_goes_on(plivo: VirtualPlivo) -> None:
    assert act(plivo, conferences.kick_members, "1")["message"] == "kicked"
    assert [one["member_id"] for one in find_members(plivo)] == ["2"]
    assert count_ended(plivo) == 0


def test_a_member_that_is_hung_up_ends_its_call(plivo: VirtualPlivo) -> None:
    act(plivo, conferences.hang_up_members, "2")
    assert [one["member_id"] for one in find_members(plivo)] == ["1"]
    assert count_ended(plivo) == 1


@pytest.mark.parametrize(
    ("endpoint", "ids"),
    [
        (conferences.hang_up_conference, {"conference_name": "room1"}),
        (conferences.hang_up_conferences, {}),
    ],
)
def test_a_conference_that_is_hung_up_ends_its_calls(
    plivo: VirtualPlivo, endpoint: Endpoint, ids: dict[str, Any]
) -> None:
    assert plivo.ask(endpoint, **ids).status is NO_CONTENT
    assert plivo.ask(conferences.list_conferences).body == {"conferences": []}
    assert count_ended(plivo) == 2


def test_sounds_and_speech_to_members_are_noted(plivo: VirtualPlivo) -> None:
    played = act(plivo, conferences.play_to_members, "all", url=f"{HOST}/a.mp3")
    spoken = act(plivo, conferences.speak_to_members, "1", text="Hello")
    act(plivo, conferences.stop_sound, "1")
    assert played["message"] == "play queued into conference"
    assert spoken["message"] == "speak queued into conference"
    assert [one.text for one in plivo.driver.notes] == [
        f"{HOST}/a.mp3 is played",
        f"{HOST}/a.mp3 is played",
        "'Hello' is spoken",
    ]


def test_a_conference_is_recorded_until_it_is_stopped(
    plivo: VirtualPlivo, types: Catalogue
) -> None:
    arguments = {"callback_url": url_of("recorded")[0]}
    begun = plivo.ask(conferences.start_recording, arguments, conference_name="room1")
    assert begun.body["message"] == "conference recording started"
    plivo.run(20)
    stop = plivo.ask(conferences.stop_recording, conference_name="room1")
    assert stop.status is NO_CONTENT
    again = plivo.ask(conferences.stop_recording, conference_name="room1")
    assert again.status is NOT_FOUND
    plivo.run(2)
    recorded = plivo.driver.requests[-1]
    assert recorded.type == "voice.conference_recording_api.completed"
    assert recorded.parameters["recording_duration"] == "20"
    assert recorded.parameters["conference_name"] == "room1"
    listed = plivo.ask(recordings.list_recordings, {"conference_name": "room1"}).body
    (shown,) = cast("list[Body]", listed["objects"])
    assert (shown["recording_type"], shown["conference_name"]) == ("conference", "room1")
    check_recognised(types, plivo.driver)


def test_a_recording_ends_with_its_conference(plivo: VirtualPlivo) -> None:
    arguments = {"callback_url": url_of("recorded")[0], "time_limit": 3_600}
    plivo.ask(conferences.start_recording, arguments, conference_name="room1")
    plivo.run(10)
    plivo.ask(conferences.hang_up_conference, conference_name="room1")
    plivo.run(2)
    recorded = plivo.driver.requests[-1].parameters
    assert recorded["recording_duration"] == "10"


@pytest.mark.parametrize(
    ("endpoint", "ids"),
    [
        (conferences.get_conference, {"conference_name": "room2"}),
        (conferences.hang_up_conference, {"conference_name": "room2"}),
        (conferences.kick_members, {"conference_name": "room1", "member_ids": "1,9"}),
        (conferences.mute_members, {"conference_name": "room2", "member_ids": "all"}),
    ],
)
def test_a_conference_or_member_that_is_not_there_is_not_found(
    plivo: VirtualPlivo, endpoint: Endpoint, ids: dict[str, Any]
) -> None:
    assert plivo.ask(endpoint, **ids).status is NOT_FOUND


def test_another_account_does_not_see_a_conference(plivo: VirtualPlivo) -> None:
    for account in (STRANGER, SUBACCOUNT):
        listed = plivo.ask(conferences.list_conferences, account=account)
        assert listed.body == {"conferences": []}
        refused = plivo.ask(
            conferences.hang_up_conference, account=account, conference_name="room1"
        )
        assert refused.status is NOT_FOUND


@pytest.mark.parametrize(
    ("endpoint", "arguments", "error"),
    [
        (conferences.play_to_members, {}, "url parameter is missing"),
        (conferences.play_to_members, {"url": "a.mp3"}, "url parameter is invalid"),
        (conferences.speak_to_members, {}, "text parameter is missing"),
    ],
)
def test_an_action_on_members_with_a_faulty_argument_is_refused(
    plivo: VirtualPlivo, endpoint: Endpoint, arguments: dict[str, object], error: str
) -> None:
    answer = plivo.ask(endpoint, arguments, conference_name="room1", member_ids="all")
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert str(answer.body["error"]).startswith(error)
