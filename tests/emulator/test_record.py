"""Record: when a recording ends, and what Plivo sends about it."""

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine.person import HangUp, Person, Phase
from tests.emulator.machines import BEGIN, HOST, drive, types
from tests.emulator.recognition import check_recognised

ACTION, COMPLETED, HANGUP = "voice.record.action", "voice.record.completed", "voice.call.hangup"
URLS = f"action='{HOST}/action' callbackUrl='{HOST}/ready' callbackMethod='GET'"
RECORD = f"<Record {URLS}/>"
# Rings 1.2 s after the beginning, and answers 4 s after it.
TALKS = Person(hang_up=None, records_s=8.0)
PRESSES = Person(hang_up=None, records_s=8.0, records_key="#")


@pytest.mark.parametrize(
    ("element", "person", "duration_ms", "key"),
    [
        (RECORD, TALKS, "23000", ""),
        (f"<Record {URLS} timeout='3'/>", TALKS, "11000", ""),
        (f"<Record {URLS} maxLength='5'/>", TALKS, "5000", ""),
        (f"<Record {URLS} maxLength='5'/>", PRESSES, "5000", ""),
        (RECORD, PRESSES, "8000", "#"),
        (f"<Record {URLS} finishOnKey='*'/>", PRESSES, "23000", ""),
        (f"<Record {URLS} finishOnKey='123#'/>", PRESSES, "8000", "#"),
        (f"<Record {URLS} finishOnKey='none'/>", PRESSES, "23000", ""),
        (f"<Record {URLS} playBeep='false'/>", PRESSES, "8000", "#"),
    ],
)
def test_a_recording_ends_with_a_key_or_silence_or_its_greatest_length(
    element: str, person: Person, duration_ms: str, key: str
) -> None:
    driver = drive({"answer": element, "action": "<Wait length='5'/>"}, person=person)
    assert types(driver)[2:] == [ACTION, COMPLETED, HANGUP]
    action, completed = driver.requests[2:4]
    assert (action.parameters["RecordingDurationMs"], action.parameters["Digits"]) == (
        duration_ms,
        key,
    )
    assert action.parameters.items() - {("Digits", key)} == completed.parameters.items()
    assert completed.method == "GET"


def test_a_recording_begins_after_the_beep_and_says_when_in_milliseconds() -> None:
    driver = drive({"answer": RECORD, "action": "<Wait/>"}, person=PRESSES, latency_s=0.0)
    fields = driver.requests[2].parameters
    began_ms = int((BEGIN.timestamp() + 4.0 + 0.3) * 1000)
    assert fields["RecordingStartMs"] == str(began_ms)
    assert fields["RecordingEndMs"] == str(began_ms + 8000)
    assert fields["RecordingDuration"] == "8"
    assert fields["RecordUrl"].endswith(f"/Recording/{fields['RecordingID']}.mp3")


def test_a_recording_that_the_hangup_ends_is_reported_and_its_action_is_not_asked() -> None:
    person = Person(hang_up=HangUp(3.0, Phase.RECORD))
    driver = drive({"answer": RECORD}, person=person)
    assert types(driver)[2:] == [HANGUP, COMPLETED]
    completed = driver.requests[-1].parameters
    assert completed["RecordingDurationMs"] == "3000"
    assert completed["CallStatus"] == "completed"


def test_a_recording_of_the_session_asks_at_once_and_reports_at_the_end() -> None:
    session = f"<Record recordSession='true' {URLS}/>"
    driver = drive({"answer": session, "action": "<Wait length='30'/>"}, person=TALKS)
    assert types(driver)[2:] == [ACTION, HANGUP, COMPLETED]
    action, _, completed = (one.parameters for one in driver.requests[2:])
    unknown = ("RecordingDuration", "RecordingDurationMs", "RecordingEndMs")
    assert {action[name] for name in unknown} == {"-1"}
    assert completed["RecordingDuration"] == "30"
    assert action["RecordingID"] == completed["RecordingID"]


def test_a_recording_of_the_session_ends_at_its_greatest_length() -> None:
    session = f"<Record recordSession='true' maxLength='10' {URLS}/>"
    driver = drive({"answer": session, "action": "<Wait length='30'/>"}, person=TALKS)
    assert types(driver)[2:] == [ACTION, COMPLETED, HANGUP]
    assert driver.requests[3].parameters["RecordingDurationMs"] == "10000"


def test_a_recording_of_a_dialled_leg_needs_its_answer() -> None:
    record = f"<Record startOnDialAnswer='true' {URLS}/>"
    driver = drive({"answer": record, "action": "<Wait length='30'/>"}, person=TALKS)
    assert types(driver)[2:] == [ACTION, HANGUP]


def test_a_recording_of_a_dialled_leg_begins_with_its_answer() -> None:
    record = f"<Record startOnDialAnswer='true' {URLS}/>"
    dial = "<Dial><Number>14155550124</Number></Dial>"
    driver = drive({"answer": record, "action": f"<Wait length='10'/>{dial}"}, person=TALKS)
    assert types(driver)[2:] == [ACTION, HANGUP, COMPLETED]
    action, hangup, completed = (one.parameters for one in driver.requests[2:])
    # The other party answers after 4 s, and hangs up a minute later.
    assert completed["RecordingDurationMs"] == "60000"
    assert int(completed["RecordingStartMs"]) - int(action["RecordingStartMs"]) == 14_050
    assert hangup["Duration"] == "74"


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ("maxLength='60'", ("Please call me back.", "", "0.0095", "8")),
        # Nothing is shorter than a second, so only the hangup makes a shorter recording.
        ("maxLength='1'", ("Please call me back.", "", "0.0095", "1")),
    ],
)
def test_a_transcription_follows_the_file(length: str, expected: tuple[str, ...]) -> None:
    record = f"<Record {length} transcriptionType='auto' transcriptionUrl='{HOST}/words'/>"
    driver = drive({"answer": f"{record}<Wait length='20'/>"}, person=PRESSES)
    assert types(driver)[2:] == ["voice.transcription", HANGUP]
    fields = driver.requests[2].parameters
    names = ("transcription", "error", "transcription_charge", "duration")
    assert tuple(fields[name] for name in names) == expected


def test_a_recording_that_is_too_short_has_no_words() -> None:
    record = f"<Record transcriptionUrl='{HOST}/words'/>"
    driver = drive({"answer": record}, person=Person(hang_up=HangUp(0.4, Phase.RECORD)))
    fields = driver.requests[-1].parameters
    assert (fields["transcription"], fields["error"]) == ("", "the recording is too short")


def test_the_bridge_knows_every_callback_of_a_recording(types: Catalogue) -> None:
    record = f"<Record {URLS} transcriptionUrl='{HOST}/words'/>"
    driver = drive({"answer": record, "action": "<Wait length='20'/>"}, person=PRESSES)
    assert len(driver.requests) == 6
    check_recognised(types, driver)
