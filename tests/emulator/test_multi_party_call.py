"""MultiPartyCall: participants, events, recordings, and how it ends."""

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine import api_actions
from bridge.emulator.machine.commands import Request
from bridge.emulator.machine.rooms import Control
from tests.emulator.machines import HOST
from tests.emulator.meetings import Meeting, guest, meet
from tests.emulator.recognition import check_recognised

STATUS, RECORDING = "voice.mpc.status", "voice.mpc.recording"
URLS = f"statusCallbackUrl='{HOST}/status' recordingCallbackUrl='{HOST}/recording' "
ALONE = "stayAlone='true'"


def join(attributes: str = "", role: str = "Customer", *, urls: str = URLS) -> str:
    return f"<MultiPartyCall role='{role}' {urls} {attributes}>support-1</MultiPartyCall>"


def events(meeting: Meeting, kind: str = STATUS) -> list[tuple[int, str]]:
    """Return the events, with the call that each is about or that caused it."""
    return [(one.member, one.what) for one in meeting.sent(kind)]


def test_a_call_of_customer_and_agent_reports_every_change(types: Catalogue) -> None:
    meeting = meet(
        (join("startMpcOnEnter='false'"), guest(4, 60)), (join(role="agent"), guest(10, 40))
    )
    meeting.run()
    check_recognised(types, meeting.driver)
    assert meeting.sent(STATUS) == [
        (0, "MPCInitialized", 4),
        (0, "ParticipantJoin", 4),
        (1, "ParticipantJoin", 10),
        (1, "MPCStart", 10),
        (1, "ParticipantExit", 40),
        (0, "ParticipantExit", 40),
        (0, "MPCEnd", 40),
    ]
    uuid = meeting.find("MPCStart")["MPCUUID"]
    assert meeting.find("MPCStart") == {
        "EventName": "MPCStart",
        "EventTimestamp": "2026-03-07 14:13:40+00:00",
        "MPCName": "support-1",
        "MPCUUID": uuid,
    }
    assert meeting.requests_of(STATUS)[2].parameters == {
        "EventName": "ParticipantJoin",
        "EventTimestamp": "2026-03-07 14:13:40+00:00",
        "MPCName": "support-1",
        "MPCUUID": uuid,
        "MemberID": "2",
        "ParticipantCallUUID": meeting.legs[1].uuid,
        "ParticipantCoachMode": "false",
        "ParticipantRole": "Agent",
    }
    end = meeting.find("MPCEnd")
    assert (end["MPCDuration"], end["MPCBilledDuration"], end["MPCBilledAmount"]) == (
        "30",
        "60",
        "0.00500",
    )
    # The agent hung up. The customer could not stay alone.
    assert [one.code for one in meeting.driver.ended] == ["4000", "4020"]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("", ["MPCInitialized", "ParticipantJoin", "MPCStart", "ParticipantExit", "MPCEnd"]),
        ("mpc-state-changes", ["MPCInitialized", "MPCStart", "MPCEnd"]),
        ("participant-state-changes", ["ParticipantJoin", "ParticipantExit"]),
        ("Participant-Speak-Events", ["ParticipantSpeakStart", "ParticipantSpeakStop"]),
        ("participant-digit-input-events", ["ParticipantDigitInput", "ParticipantDigitInput"]),
        ("add-participant-api-events", []),
    ],
)
def test_only_the_groups_of_events_that_were_asked_for_are_sent(
    types: Catalogue, groups: str, expected: list[str]
) -> None:
    attributes = f"statusCallbackEvents='{groups}' {ALONE}"
    meeting = meet((join(attributes), guest(4, 60, presses="12", after_s=2)))
    for control, after_s in ((Control.TALK, 20), (Control.TALK, 21), (Control.HUSH, 22)):
        meeting.control(0, control, after_s)
    meeting.run()
    assert [what for _, what in events(meeting)] == expected
    check_recognised(types, meeting.driver)


def test_controls_change_a_participant_once_and_only_supervisors_coach(types: Catalogue) -> None:
    attributes = "statusCallbackEvents='participant-state-changes,participant-speak-events'"
    meeting = meet(
        (join(f"{attributes} {ALONE}"), guest(4, 90)),
        (join(role="Supervisor"), guest(6, 80)),
    )
    for member, control, after_s in (
        (0, Control.MUTE, 10),
        (0, Control.MUTE, 11),
        (0, Control.TALK, 12),  # it is muted
        (0, Control.UNMUTE, 13),
        (0, Control.HOLD, 14),
        (0, Control.HOLD, 15),
        (0, Control.UNHOLD, 16),
        (0, Control.COACH, 17),  # a customer
        (1, Control.COACH, 18),  # coaches already
        (1, Control.UNCOACH, 19),
        (1, Control.COACH, 20),
    ):
        meeting.control(member, control, after_s)
    meeting.run()
    check_recognised(types, meeting.driver)
    assert events(meeting)[2:-2] == [
        (0, "ParticipantMute"),
        (0, "ParticipantUnmute"),
        (0, "ParticipantHold"),
        (0, "ParticipantUnhold"),
        (1, "ParticipantCoachModeStop"),
        (1, "ParticipantCoachModeStart"),
    ]
    coaches = [
        (one.parameters["EventName"], one.parameters["ParticipantCoachMode"])
        for one in meeting.requests_of(STATUS)
        if one.subject == meeting.legs[1].uuid
    ]
    assert coaches == [
        ("ParticipantJoin", "true"),
        ("ParticipantCoachModeStop", "false"),
        ("ParticipantCoachModeStart", "true"),
        ("ParticipantExit", "true"),
    ]


@pytest.mark.parametrize(
    ("control", "code", "source"),
    [(Control.KICK, "4030", "API Request"), (Control.END_ROOM, "4020", "Plivo")],
)
def test_who_must_leave_goes_on_at_its_exit_url_or_ends(
    types: Catalogue, control: Control, code: str, source: str
) -> None:
    exit_url = f"onExitActionUrl='{HOST}/exit'"
    documents = {"exit": "<Wait length='2'/>"}
    meeting = meet((join(f"{exit_url} {ALONE}"), guest(4)), documents=documents)
    meeting.control(0, control, 30)
    meeting.run()
    check_recognised(types, meeting.driver)
    left = meeting.find("mpc.exit")
    assert (left["ParticipantJoinTime"], left["ParticipantEndTime"]) == (
        "2026-03-07 14:13:34+00:00",
        "2026-03-07 14:14:00+00:00",
    )
    assert (left["MPCFriendlyName"], left["MemberID"]) == ("support-1", "1")
    assert (left["ParticipantRole"], left["CallStatus"]) == ("Customer", "in-progress")
    assert left["CallUUID"] == left["ParticipantCallUUID"] == meeting.legs[0].uuid
    assert [one.code for one in meeting.driver.ended] == ["4010"]

    meeting = meet((join(ALONE), guest(4)))
    meeting.control(0, control, 30)
    meeting.run()
    assert [(one.code, one.source) for one in meeting.driver.ended] == [(code, source)]


def test_the_exit_url_is_told_when_a_participant_hangs_up() -> None:
    meeting = meet((join(f"onExitActionUrl='{HOST}/exit'"), guest(4, 20)))
    meeting.run()
    assert meeting.find("mpc.exit")["CallStatus"] == "completed"
    assert [one.code for one in meeting.driver.ended] == ["4000"]


@pytest.mark.parametrize(
    ("first", "second", "exits"),
    [
        ("", "", [(1, 20), (0, 20)]),
        (ALONE, "", [(1, 20), (0, 400)]),
        (ALONE, "endMpcOnExit='true'", [(1, 20), (0, 20)]),
        (f"{ALONE} maxDuration='300'", "", [(1, 20), (0, 304)]),
        (f"{ALONE} maxDuration='30'", "", [(1, 20), (0, 400)]),
        ("startMpcOnEnter='false'", "startMpcOnEnter='false'", [(1, 20), (0, 400)]),
    ],
)
def test_a_call_ends_as_its_participants_asked(
    first: str, second: str, exits: list[tuple[int, int]]
) -> None:
    meeting = meet((join(first), guest(4, 400)), (join(second), guest(6, 20)))
    meeting.run()
    left = [one for one in meeting.sent(STATUS) if one.what == "ParticipantExit"]
    assert [(one.member, one.after_s) for one in left] == exits


def test_the_api_starts_a_call_that_waits() -> None:
    meeting = meet((join(f"startMpcOnEnter='false' record='true' {ALONE}"), guest(4, 60)))
    meeting.control(0, Control.START_ROOM, 20)
    meeting.control(0, Control.START_ROOM, 21)
    meeting.run()
    started = [one for one in meeting.sent(STATUS) if one.what == "MPCStart"]
    assert started == [(0, "MPCStart", 20)]
    assert events(meeting, RECORDING)[0] == (0, "MPCRecordingInitiated")


def test_a_full_call_is_passed_over() -> None:
    document = join(f"maxParticipants='2' {ALONE}")
    meeting = meet(*[(document, guest(joins_s, 60)) for joins_s in (4, 6, 8)])
    meeting.run()
    assert [member for member, what in events(meeting) if what == "ParticipantJoin"] == [0, 1]
    assert [one.code for one in meeting.driver.ended] == ["4010", "4000", "4000"]


def test_music_and_sounds_are_fetched_by_get_unless_a_method_is_set(types: Catalogue) -> None:
    music = (
        f"waitMusicUrl='{HOST}/wait' customerHoldMusicUrl='{HOST}/hold-customer' "
        f"agentHoldMusicUrl='{HOST}/hold-agent' agentHoldMusicMethod='POST' "
    )
    sounds = f"enterSound='{HOST}/in' exitSound='{HOST}/out' exitSoundMethod='POST'"
    meeting = meet(
        (join(f"{music} startMpcOnEnter='false' hold='true'"), guest(4, 60)),
        (join(sounds, role="Agent"), guest(6, 50)),
    )
    meeting.control(1, Control.HOLD, 20)
    meeting.run()
    check_recognised(types, meeting.driver)
    assert [f"{one.method} {one.url}" for one in meeting.requests_of("voice.mpc.sound")] == [
        f"GET {HOST}/wait",
        f"GET {HOST}/hold-customer",
        f"GET {HOST}/in",
        f"POST {HOST}/hold-agent",
        f"POST {HOST}/out",
    ]


def test_callbacks_are_sent_by_post_unless_a_method_is_set() -> None:
    record = "record='true'"
    meeting = meet((join(f"{record} statusCallbackMethod='GET'"), guest(4, 60)))
    meeting.run()
    assert {one.method for one in meeting.requests_of(STATUS)} == {"GET"}
    assert [one.method for one in meeting.requests_of(RECORDING)] == ["POST", "POST"]


def test_the_call_is_recorded_when_enough_participants_are_there(types: Catalogue) -> None:
    record = "record='true' recordMinMemberCount='2' recordFileFormat='wav'"
    meeting = meet((join(record), guest(4, 90)), (join(role="Agent"), guest(10, 60)))
    for control, after_s in (
        (Control.PAUSE_RECORDING, 20),
        (Control.PAUSE_RECORDING, 21),
        (Control.RESUME_RECORDING, 30),
        (Control.RESUME_RECORDING, 31),
    ):
        meeting.control(0, control, after_s)
    meeting.run()
    check_recognised(types, meeting.driver)
    assert meeting.sent(RECORDING) == [
        (1, "MPCRecordingInitiated", 10),
        (0, "MPCRecordingPaused", 20),
        (0, "MPCRecordingResumed", 30),
        (0, "MPCRecordingCompleted", 61),
    ]
    numbers = [one.parameters["SequenceNumber"] for one in meeting.requests_of(RECORDING)]
    assert numbers == ["1", "2", "3", "4"]
    done = meeting.find("MPCRecordingCompleted")
    assert done["RecordingURL"].endswith(f"{done['RecordingUUID']}.wav")
    assert (done["RecordingFormat"], done["RecordingDuration"]) == ("wav", "40")
    assert (done["RecordingStartTime"], done["RecordingEndTime"]) == (
        "2026-03-07 14:13:40+00:00",
        "2026-03-07 14:14:30+00:00",
    )
    assert "RecordingDuration" not in meeting.find("MPCRecordingInitiated")


def test_a_recording_that_is_paused_at_its_end_ends_without_the_pause() -> None:
    meeting = meet((join("record='true'"), guest(4, 60)))
    meeting.control(0, Control.PAUSE_RECORDING, 20)
    meeting.run()
    done = meeting.find("MPCRecordingCompleted")
    assert (done["RecordingDuration"], done["RecordingEndTime"]) == (
        "16",
        "2026-03-07 14:14:30+00:00",
    )


def test_recording_controls_of_a_call_without_a_recording_do_nothing() -> None:
    meeting = meet((join(), guest(4, 60)))
    meeting.control(0, Control.PAUSE_RECORDING, 20)
    meeting.control(0, Control.RESUME_RECORDING, 21)
    meeting.run()
    assert meeting.requests_of(RECORDING) == []


def test_a_transfer_takes_a_participant_out_without_its_exit_url() -> None:
    document = join(f"onExitActionUrl='{HOST}/exit' exitSound='{HOST}/out'")
    meeting = meet((document, guest(4)), documents={"next": "<Wait length='2'/>"})
    meeting.run(20)
    world = meeting.driver.machine.world
    api_actions.transfer(world, meeting.legs[0], (f"{HOST}/next", "POST"))
    meeting.run()
    assert [one.what for one in meeting.sent("voice")][-4:] == [
        "ParticipantExit",
        "mpc.sound",
        "MPCEnd",
        "call.transfer",
    ]
    assert [one.code for one in meeting.driver.ended] == ["4010"]


def test_a_participant_is_recorded_without_the_ids_of_the_call(types: Catalogue) -> None:
    meeting = meet(
        (join("recordParticipantTrack='true' startMpcOnEnter='false'"), guest(4, 90)),
        (join(role="Agent"), guest(10, 60)),
    )
    meeting.run()
    check_recognised(types, meeting.driver)
    assert meeting.sent(RECORDING) == [
        (0, "ParticipantRecordingInitiated", 10),
        (0, "ParticipantRecordingCompleted", 61),
    ]
    assert sorted(meeting.find("ParticipantRecordingCompleted")) == [
        "EventName",
        "EventTimestamp",
        "MemberID",
        "RecordingDuration",
        "RecordingEndTime",
        "RecordingFormat",
        "RecordingResourceURL",
        "RecordingStartTime",
        "RecordingURL",
        "RecordingUUID",
        "SequenceNumber",
    ]


def test_attributes_of_the_call_are_those_of_the_latest_document_that_has_them() -> None:
    other = f"statusCallbackUrl='{HOST}/other' statusCallbackMethod='GET'"
    meeting = meet(
        (join(), guest(4, 30)),
        (join(role="Agent", urls=other), guest(10, 20)),
        (join(urls=""), guest(12, 14)),
    )
    meeting.run()
    sent = [f"{one.method} {one.url}" for one in meeting.requests_of(STATUS)]
    assert sent == [f"POST {HOST}/status"] * 3 + [f"GET {HOST}/other"] * 6


def test_an_unknown_role_is_taken_as_a_customer() -> None:
    meeting = meet((join(role="boss"), guest(4, 30)))
    meeting.run()
    assert meeting.find("ParticipantJoin")["ParticipantRole"] == "Customer"
    assert any("no role" in note.text for note in meeting.driver.notes)


def test_the_same_seed_gives_the_same_callbacks() -> None:
    def run() -> list[Request]:
        meeting = meet((join("record='true'"), guest(4, 60)), (join(role="Agent"), guest(9, 50)))
        meeting.run()
        return meeting.driver.requests

    assert run() == run()
