"""Stream: what its status callbacks say, and what waits for it."""

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine import api_actions
from bridge.emulator.machine.commands import Failure, Request
from bridge.emulator.machine.streams import StreamEvent
from tests.emulator.machines import CALLER, HOST
from tests.emulator.meetings import Meeting, guest, meet
from tests.emulator.recognition import check_recognised

STATUS = "voice.stream.status"
ALONE = "bidirectional='true' keepCallAlive='true'"


def stream(attributes: str = "", after: str = "<Wait length='20'/>") -> str:
    status = f"statusCallbackUrl='{HOST}/stream'"
    return f"<Stream {status} {attributes}>wss://bot.example.com/ws</Stream>{after}"


def told(meeting: Meeting) -> list[tuple[str, int]]:
    """Return the events of streams, each with the second in which it was sent."""
    words = [one.parameters["Event"] for one in meeting.requests_of(STATUS)]
    return list(zip(words, [one.after_s for one in meeting.sent(STATUS)], strict=True))


def happen(meeting: Meeting, event: StreamEvent, after_s: float, detail: str = "") -> None:
    meeting.run(after_s)
    assert meeting.driver.machine.stream(meeting.legs[0].uuid, event, detail)


@pytest.mark.parametrize(
    ("attributes", "leaves_s", "expected", "ended_s"),
    [
        # Beside the next elements, until the leg ends.
        ("", None, [("StartStream", 4), ("StopStream", 24)], 24),
        ("", 10, [("StartStream", 4), ("StopStream", 10)], 10),
        ("streamTimeout='5'", None, [("StartStream", 4), ("StopStream", 9)], 24),
        ("keepCallAlive='true'", None, [("StartStream", 4), ("StopStream", 24)], 24),
        # Alone: the wait of 20 seconds comes after it.
        (f"{ALONE} streamTimeout='5'", None, [("StartStream", 4), ("StopStream", 9)], 29),
        (ALONE, 10, [("StartStream", 4), ("StopStream", 10)], 10),
    ],
)
def test_a_stream_goes_on_beside_the_document_or_before_it(
    types: Catalogue,
    attributes: str,
    leaves_s: float | None,
    expected: list[tuple[str, int]],
    ended_s: int,
) -> None:
    meeting = meet((stream(attributes), guest(4, leaves_s)))
    meeting.run()
    check_recognised(types, meeting.driver)
    assert told(meeting) == expected
    ended_at = meeting.legs[0].ended_at
    assert ended_at is not None
    assert round((ended_at - meeting.legs[0].started_at).total_seconds()) == ended_s


def test_a_status_has_the_ids_the_service_and_a_time_without_a_zone() -> None:
    meeting = meet((stream(), guest(4)))
    meeting.run()
    started, stopped = (one.parameters for one in meeting.requests_of(STATUS))
    assert started == {
        "CallUUID": meeting.legs[0].uuid,
        "Event": "StartStream",
        "From": CALLER,
        "ServiceURL": "wss://bot.example.com/ws",
        "StreamID": stopped["StreamID"],
        "Timestamp": "2026-03-07 14:13:34",
        "To": "14155550200",
    }


def test_the_service_plays_degrades_and_drops_the_stream(types: Catalogue) -> None:
    meeting = meet((stream(ALONE, "<Wait length='3'/>"), guest(4)))
    happen(meeting, StreamEvent.PLAYED, 10, "greeting")
    happen(meeting, StreamEvent.DEGRADED, 11)
    happen(meeting, StreamEvent.DROPPED, 12, "connection reset")
    meeting.run()
    check_recognised(types, meeting.driver)
    assert told(meeting) == [
        ("StartStream", 4),
        ("PlayedStream", 10),
        ("DegradedStream", 11),
        ("DroppedStream", 12),
    ]
    _, played, degraded, dropped = (one.parameters for one in meeting.requests_of(STATUS))
    assert played["Name"] == "greeting"
    assert dropped["Error"] == "connection reset"
    assert not {"Name", "Error"} & degraded.keys()
    assert not meeting.driver.machine.stream(meeting.legs[0].uuid, StreamEvent.STOPPED)
    assert [one.code for one in meeting.driver.ended] == ["4010"]


def test_a_transfer_waits_until_the_stream_is_over() -> None:
    documents = {"next": "<Speak>Hello</Speak>", "later": "<Speak>Bye</Speak>"}
    meeting = meet((stream(ALONE), guest(4)), documents=documents)
    for name, after_s in (("next", 10), ("later", 11)):
        meeting.run(after_s)
        world = meeting.driver.machine.world
        api_actions.transfer(world, meeting.legs[0], (f"{HOST}/{name}", "POST"))
    happen(meeting, StreamEvent.STOPPED, 15)
    meeting.run()
    transfers = meeting.requests_of("voice.call.transfer")
    assert [(one.url, one.type) for one in transfers] == [(f"{HOST}/later", "voice.call.transfer")]
    assert [one.after_s for one in meeting.sent("voice.call.transfer")] == [15]


def test_a_call_has_one_stream_at_a_time() -> None:
    meeting = meet((stream(after="") + stream(after="<Wait length='5'/>"), guest(4)))
    meeting.run()
    assert told(meeting) == [("StartStream", 4), ("StopStream", 9)]
    assert any("stream already" in note.text for note in meeting.driver.notes)
    meeting = meet((stream(f"{ALONE} streamTimeout='2'", "") * 2, guest(4)))
    meeting.run()
    assert told(meeting) == [
        ("StartStream", 4), ("StopStream", 6), ("StartStream", 6), ("StopStream", 8),
    ]  # fmt: skip


def test_the_status_url_has_no_retry_settings() -> None:
    status = f"statusCallbackUrl='{HOST}/stream#rc=4&amp;rp=all'"
    document = f"<Stream {status}>wss://bot.example.com/ws</Stream><Wait length='1'/>"
    meeting = meet((document, guest(4)), outcomes={"stream": Failure("ct")})
    meeting.run()
    assert [one.attempt for one in meeting.requests_of(STATUS)] == [1, 1, 2, 2]


def test_the_same_seed_gives_the_same_callbacks() -> None:
    def run() -> list[Request]:
        meeting = meet((stream(), guest(4, 30)))
        meeting.run()
        return meeting.driver.requests

    assert run() == run()
