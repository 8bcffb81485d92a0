"""Stream the audio of a call: Plivo's pages on audio streams by the API.

1. A call has one stream at a time, as in a document; another one is refused. That is inferred.
2. Streams that are over are not found: an emulator does not keep them.
"""

from http import HTTPStatus
from typing import Final

from bridge.emulator.api.answers import Answer, Body, refuse_argument, refuse_unknown
from bridge.emulator.api.pages import answer_page
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.api.times import format_offset
from bridge.emulator.machine.elements.stream import begin_stream
from bridge.emulator.machine.leg import Leg
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.streams import AudioStream, StreamEvent, StreamInput
from bridge.reply.tree import Node
from bridge.reply.urls import is_websocket

_DONE: Final = Answer(HTTPStatus.NO_CONTENT, {})
_TRACKS: Final = ("inbound", "outbound", "both")


def start_stream(machine: Machine, request: ApiRequest) -> Answer:
    """Stream the audio of a call to a service: rule 1."""
    leg = request.find_live_leg(machine)
    element = _read_element(request)
    if leg.stream is not None:
        raise refuse_argument("service_url", "The call has a stream already.")
    audio = begin_stream(machine.world, leg, element)
    body: Body = {"message": "audio streaming started", "stream_id": audio.id}
    return Answer(HTTPStatus.ACCEPTED, body)


def list_streams(machine: Machine, request: ApiRequest) -> Answer:
    """List the streams of a call: rule 2."""
    leg = request.find_live_leg(machine)
    return answer_page(
        [] if leg.stream is None else [leg.stream],
        lambda audio: _show(audio, leg),
        request.arguments,
        path=f"{request.path}Call/{leg.uuid}/Stream/",
        total_name="count",
    )


def get_stream(machine: Machine, request: ApiRequest) -> Answer:
    """Return one stream of a call: rule 2."""
    leg = request.find_live_leg(machine)
    return Answer(HTTPStatus.OK, _show(_find(leg, request.ids["stream_id"]), leg))


def stop_stream(machine: Machine, request: ApiRequest) -> Answer:
    """Stop one stream of a call."""
    leg = request.find_live_leg(machine)
    _find(leg, request.ids["stream_id"]).inputs.put(StreamInput(StreamEvent.STOPPED))
    return _DONE


def stop_streams(machine: Machine, request: ApiRequest) -> Answer:
    """Stop all streams of a call."""
    leg = request.find_live_leg(machine)
    if leg.stream is None:
        raise refuse_unknown()
    leg.stream.inputs.put(StreamInput(StreamEvent.STOPPED))
    return _DONE


def _read_element(request: ApiRequest) -> Node:
    """Return the ``<Stream>`` that does what the arguments say."""
    arguments = request.arguments
    service = arguments.require_text("service_url")
    if not is_websocket(service):
        raise refuse_argument("service_url", "It must be a ws or wss URL.")
    is_bidirectional = arguments.read_flag("bidirectional")
    track = arguments.read_choice("audio_track", _TRACKS, "inbound")
    if is_bidirectional and track != "inbound":
        raise refuse_argument("audio_track", "A bidirectional stream has the inbound track.")
    url, method = arguments.read_url("status_callback_url", "status_callback_method")
    timeout_s = arguments.read_integer("stream_timeout", 86_400, least=1)
    attributes = {
        "statusCallbackMethod": method,
        "statusCallbackUrl": url,
        "streamTimeout": str(timeout_s),
    }
    return Node("Stream", 1, attributes, text=service)


def _find(leg: Leg, stream_id: str) -> AudioStream:
    if leg.stream is None or leg.stream.id != stream_id:
        raise refuse_unknown()
    return leg.stream


def _show(audio: AudioStream, leg: Leg) -> Body:
    return {
        "call_uuid": leg.uuid,
        "end_time": None,
        "service_url": audio.service_url,
        "start_time": format_offset(audio.started_at, leg.account.zone),
        "status": "in-progress",
        "status_callback_url": audio.status_url,
        "stream_id": audio.id,
    }
