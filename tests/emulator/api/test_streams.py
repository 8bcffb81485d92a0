"""Stream the audio of a call through the API, on virtual time."""

from http import HTTPStatus
from typing import Any, cast

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.api import calls, streams
from bridge.emulator.api.answers import Body
from bridge.emulator.api.requests import Endpoint
from tests.emulator.api.plivo import PLACE, VirtualPlivo
from tests.emulator.machines import url_of
from tests.emulator.recognition import check_recognised

STREAM = {
    "service_url": "wss://bot.example.com/audio",
    "status_callback_url": url_of("stream")[0],
    "bidirectional": True,
}
NOT_FOUND = HTTPStatus.NOT_FOUND


@pytest.fixture
def plivo() -> VirtualPlivo:
    """A call that is answered."""
    plivo = VirtualPlivo()
    plivo.ask(calls.place_calls, PLACE)
    plivo.run(10)
    return plivo


def find_call(plivo: VirtualPlivo) -> str:
    return next(iter(plivo.machine.world.legs))


def start(plivo: VirtualPlivo, **more: object) -> str:
    answer = plivo.ask(streams.start_stream, {**STREAM, **more}, call_uuid=find_call(plivo))
    assert (answer.status, answer.body["message"]) == (
        HTTPStatus.ACCEPTED,
        "audio streaming started",
    )
    return cast("str", answer.body["stream_id"])


def events(plivo: VirtualPlivo) -> list[str]:
    sent = plivo.driver.requests
    return [one.parameters["Event"] for one in sent if one.type == "voice.stream.status"]


@pytest.mark.parametrize("endpoint", [streams.stop_stream, streams.stop_streams])
def test_a_stream_is_started_shown_and_stopped(
    plivo: VirtualPlivo, endpoint: Endpoint, types: Catalogue
) -> None:
    ids: dict[str, Any] = {"call_uuid": find_call(plivo), "stream_id": start(plivo)}
    shown = plivo.ask(streams.get_stream, None, **ids).body
    assert shown == {
        "call_uuid": ids["call_uuid"],
        "end_time": None,
        "service_url": STREAM["service_url"],
        "start_time": "2026-03-07 09:13:40-05:00",
        "status": "in-progress",
        "status_callback_url": STREAM["status_callback_url"],
        "stream_id": ids["stream_id"],
    }
    listed = plivo.ask(streams.list_streams, call_uuid=ids["call_uuid"]).body
    assert (cast("Body", listed["meta"])["count"], listed["objects"]) == (1, [shown])
    assert plivo.ask(endpoint, None, **ids).status is HTTPStatus.NO_CONTENT
    assert events(plivo) == ["StartStream", "StopStream"]
    assert plivo.ask(endpoint, None, **ids).status is NOT_FOUND
    plivo.run()
    check_recognised(types, plivo.driver)


def test_a_stream_ends_after_its_timeout(plivo: VirtualPlivo) -> None:
    start(plivo, stream_timeout=5)
    plivo.run(6)
    assert events(plivo) == ["StartStream", "StopStream"]


def test_a_call_has_one_stream_at_a_time(plivo: VirtualPlivo) -> None:
    start(plivo)
    answer = plivo.ask(streams.start_stream, STREAM, call_uuid=find_call(plivo))
    assert answer.status is HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"service_url": None}, "service_url parameter is missing"),
        ({"service_url": "https://bot.example.com"}, "service_url parameter is invalid"),
        ({"audio_track": "both"}, "audio_track parameter is invalid"),
        ({"stream_timeout": 0}, "stream_timeout parameter is invalid"),
        ({"status_callback_url": "x"}, "status_callback_url parameter is invalid"),
    ],
)
def test_a_stream_that_plivo_cannot_begin_is_refused(
    plivo: VirtualPlivo, arguments: dict[str, object], error: str
) -> None:
    answer = plivo.ask(streams.start_stream, {**STREAM, **arguments}, call_uuid=find_call(plivo))
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert str(answer.body["error"]).startswith(error)


def test_a_stream_of_another_id_is_not_found(plivo: VirtualPlivo) -> None:
    start(plivo)
    for endpoint in (streams.get_stream, streams.stop_stream):
        answer = plivo.ask(endpoint, None, call_uuid=find_call(plivo), stream_id="x")
        assert answer.status is NOT_FOUND
