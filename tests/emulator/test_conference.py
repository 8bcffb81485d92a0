"""Conference: who is in the room, and what it reports."""

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine import api_actions
from bridge.emulator.machine.commands import Request
from bridge.emulator.machine.rooms import Control
from tests.emulator.machines import CALLER, HOST
from tests.emulator.meetings import Meeting, guest, meet
from tests.emulator.recognition import check_recognised

CALLBACKS = f"callbackUrl='{HOST}/events' action='{HOST}/action'"
ROOM = "voice.conference"


def enter(attributes: str = "", name: str = "room1", after: str = "") -> str:
    return f"<Conference {CALLBACKS} {attributes}>{name}</Conference>{after}"


def test_a_member_enters_leaves_and_asks_for_its_action(types: Catalogue) -> None:
    meeting = meet((enter(), guest(4, 30)))
    meeting.run()
    assert meeting.sent(ROOM) == [
        (0, "conference.enter", 4),
        (0, "conference.exit", 30),
        (0, "conference.action", 30),
    ]
    check_recognised(types, meeting.driver)
    ids = {
        "CallUUID": meeting.legs[0].uuid,
        "ConferenceMemberID": "1",
        "ConferenceName": "room1",
        "ConferenceUUID": meeting.find("conference.enter")["ConferenceUUID"],
    }
    assert meeting.find("conference.enter") == {
        **ids,
        "BillRate": "0.005",
        "CallStatus": "in-progress",
        "CallerName": "",
        "ConferenceAction": "enter",
        "ConferenceFirstMember": "true",
        "Direction": "outbound",
        "Event": "ConferenceEnter",
        "From": CALLER,
        "To": "14155550200",
    }
    assert meeting.find("conference.exit") == {
        **ids,
        "ConferenceAction": "exit",
        "ConferenceLastMember": "true",
        "Event": "ConferenceExit",
    }
    action = meeting.find("conference.action")
    assert ids.items() <= action.items()
    assert (action["RecordUrl"], action["RecordingID"]) == ("", "")
    assert action["CallStatus"] == "completed"


def test_calls_at_the_same_time_share_a_room_by_its_name() -> None:
    meeting = meet(
        (enter(), guest(4, 30)),
        (enter(), guest(6, 20)),
        (enter(name="room2"), guest(8, 20)),
        (enter(), guest(40, 50)),
    )
    meeting.run()
    entered = [one.parameters for one in meeting.requests_of(f"{ROOM}.enter")]
    assert [one["ConferenceFirstMember"] for one in entered] == ["true", "false", "true", "true"]
    assert [one["ConferenceMemberID"] for one in entered] == ["1", "2", "3", "4"]
    first, second, other, later = (one["ConferenceUUID"] for one in entered)
    assert first == second
    assert len({first, other, later}) == 3
    left = [one.parameters["ConferenceLastMember"] for one in meeting.requests_of(f"{ROOM}.exit")]
    assert left == ["false", "true", "true", "true"]


@pytest.mark.parametrize(
    ("attributes", "control", "leaves_s"),
    [
        ("hangupOnStar='true'", None, 7),
        ("timeLimit='20'", None, 24),
        ("", Control.KICK, 10),
        ("", Control.END_ROOM, 10),
    ],
)
def test_a_member_leaves_and_its_call_goes_on(
    attributes: str, control: Control | None, leaves_s: int
) -> None:
    person = guest(4, presses="*", after_s=3.0)
    meeting = meet((enter(attributes), person), documents={"action": "<Wait length='2'/>"})
    if control is not None:
        meeting.control(0, control, 10)
    meeting.run()
    assert meeting.sent(ROOM)[1:] == [
        (0, "conference.exit", leaves_s),
        (0, "conference.action", leaves_s),
    ]
    assert meeting.find("conference.action")["CallStatus"] == "in-progress"
    assert [one.code for one in meeting.driver.ended] == ["4010"]


@pytest.mark.parametrize(
    ("first", "second", "exits"),
    [
        ("", "endConferenceOnExit='true'", [(1, 20), (0, 20)]),
        ("endConferenceOnExit='true'", "", [(1, 20), (0, 60)]),
        ("stayAlone='false'", "", [(1, 20), (0, 20)]),
        ("stayAlone='true'", "stayAlone='false'", [(1, 20), (0, 60)]),
    ],
)
def test_a_conference_ends_with_a_moderator_or_when_nobody_stays_alone(
    first: str, second: str, exits: list[tuple[int, int]]
) -> None:
    meeting = meet((enter(first), guest(4, 60)), (enter(second), guest(6, 20)))
    meeting.run()
    assert [(one.member, one.after_s) for one in meeting.sent(f"{ROOM}.exit")] == exits


def test_a_later_member_moves_the_end_of_the_conference() -> None:
    meeting = meet((enter("timeLimit='20'"), guest(4)), (enter("timeLimit='30'"), guest(14)))
    meeting.run()
    assert [(one.member, one.after_s) for one in meeting.sent(f"{ROOM}.exit")] == [
        (0, 44),
        (1, 44),
    ]


def test_a_full_conference_is_passed_over() -> None:
    document = enter("maxMembers='1'", after="<Hangup/>")
    meeting = meet((document, guest(4, 60)), (document, guest(6, 60)))
    meeting.run()
    assert [one.member for one in meeting.sent(f"{ROOM}.enter")] == [0]
    assert meeting.driver.ended[0].call_uuid == meeting.legs[1].uuid
    assert any("full" in note.text for note in meeting.driver.notes)


def test_sounds_are_fetched_before_at_and_after_the_stay(types: Catalogue) -> None:
    sounds = f"waitSound='{HOST}/wait' enterSound='{HOST}/in' exitSound='{HOST}/out'"
    waits = "startConferenceOnEnter='false'"
    meeting = meet((enter(f"{sounds} {waits}"), guest(4, 30)))
    meeting.run()
    check_recognised(types, meeting.driver)
    assert [f"{one.method} {one.url}" for one in meeting.requests_of(ROOM)] == [
        f"POST {HOST}/wait",
        f"POST {HOST}/events",
        f"POST {HOST}/in",
        f"POST {HOST}/events",
        f"POST {HOST}/out",
        f"POST {HOST}/action",
    ]
    meeting = meet((enter("enterSound='beep:1' exitSound='beep:2'"), guest(4, 30)))
    meeting.run()
    assert meeting.requests_of(f"{ROOM}.sound") == []


def test_a_conference_starts_with_the_first_member_that_may_start_it() -> None:
    meeting = meet(
        (enter("startConferenceOnEnter='false'"), guest(4, 60)), (enter(), guest(20, 60))
    )
    meeting.run(10)
    (room,) = meeting.driver.machine.world.conferences
    assert room.started_at is None
    meeting.run(30)
    assert room.started_at is not None
    meeting.run()
    assert list(meeting.driver.machine.world.conferences) == []


def test_digits_of_a_member_are_reported(types: Catalogue) -> None:
    person = guest(4, 30, presses="12*", after_s=3.0)
    meeting = meet((enter("digitsMatch='12,*'"), person))
    meeting.run()
    check_recognised(types, meeting.driver)
    digits = [
        one.parameters["ConferenceDigitsMatch"] for one in meeting.requests_of(f"{ROOM}.digits")
    ]
    assert digits == ["12", "*"]


def test_the_floor_goes_to_the_first_member_and_then_to_who_talks(types: Catalogue) -> None:
    document = enter("floorEvent='true'")
    meeting = meet((document, guest(4, 60)), (document, guest(6, 60)), (enter(), guest(8, 60)))
    for member, control, after_s in (
        (1, Control.TALK, 20),
        (1, Control.TALK, 21),
        (2, Control.TALK, 22),  # asked for no floor events
        (0, Control.MUTE, 23),
        (0, Control.TALK, 24),
        (0, Control.UNMUTE, 25),
        (0, Control.TALK, 26),
        (0, Control.MUTE, 27),  # it loses the floor
        (0, Control.UNMUTE, 28),
        (0, Control.TALK, 29),
        (0, Control.HOLD, 30),  # of multi-party calls only
    ):
        meeting.control(member, control, after_s)
    meeting.run()
    check_recognised(types, meeting.driver)
    assert [(one.member, one.after_s) for one in meeting.sent(f"{ROOM}.floor")] == [
        (0, 4),
        (1, 20),
        (0, 26),
        (0, 29),
    ]


def test_a_transfer_takes_a_member_out_without_its_action() -> None:
    meeting = meet((enter(), guest(4)), documents={"next": "<Wait length='2'/>"})
    meeting.run(20)
    world = meeting.driver.machine.world
    api_actions.transfer(world, meeting.legs[0], (f"{HOST}/next", "POST"))
    meeting.run()
    assert [one.what for one in meeting.sent("voice")][-2:] == ["conference.exit", "call.transfer"]
    assert [one.code for one in meeting.driver.ended] == ["4010"]


def test_a_muted_first_member_has_no_floor() -> None:
    meeting = meet((enter("floorEvent='true' muted='true'"), guest(4, 60)))
    meeting.run()
    assert meeting.requests_of(f"{ROOM}.floor") == []


def test_a_recording_is_reported_when_the_conference_is_over(types: Catalogue) -> None:
    recorded = enter(f"record='true' recordFileFormat='wav' transcriptionUrl='{HOST}/words'")
    meeting = meet((recorded, guest(4, 20)), (recorded, guest(6, 50)))
    meeting.run()
    check_recognised(types, meeting.driver)
    record = meeting.find("conference.record")
    assert record["CallUUID"] == meeting.legs[0].uuid
    assert (record["RecordingDuration"], record["RecordingDurationMs"]) == ("46", "45950")
    assert record["RecordUrl"].endswith(f"{record['RecordingID']}.wav")
    assert [one.after_s for one in meeting.sent(f"{ROOM}.record")] == [51]
    assert [one.after_s for one in meeting.sent("voice.transcription")] == [56]
    actions = [one.parameters["RecordUrl"] for one in meeting.requests_of(f"{ROOM}.action")]
    assert actions == [record["RecordUrl"]] * 2


def test_controls_of_a_call_in_no_conference_are_refused() -> None:
    meeting = meet(("<Wait length='20'/>", guest(4)))
    meeting.run(10)
    assert not meeting.driver.machine.control(meeting.legs[0].uuid, Control.KICK)


def test_the_same_seed_gives_the_same_callbacks() -> None:
    def run() -> list[Request]:
        meeting: Meeting = meet((enter(), guest(4, 30)), (enter("record='true'"), guest(6, 20)))
        meeting.run()
        return meeting.driver.requests

    assert run() == run()
