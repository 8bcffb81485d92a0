"""Audio streams: https://plivo.com/docs/voice/xml/audio-streaming and two older pages.

Three generations name the states differently. The event has one word for each state, and Plivo's
word beside it. One generation echoes the element's attributes, in Plivo's spelling of them.
"""

from typing import Annotated

from pydantic import Field

from bridge.callbacks.model import CallbackType, Reply, param
from bridge.callbacks.voice import LegCallback
from bridge.normalise.phone import PartyField
from bridge.normalise.quantity import Count, Flag, Text, Word
from bridge.normalise.state import StreamState
from bridge.normalise.zoned_time import ZonedInstant


class StreamStatus(LegCallback):
    """A stream of a call's audio changed."""

    stream_id: Annotated[Text | None, param("StreamID", meaning="Id of the stream.")] = None
    state: Annotated[
        StreamState | None,
        param("Event", meaning="`started`, `stopped`, `dropped`, `degraded`, `failed`, `played`."),
    ] = None
    from_: Annotated[
        PartyField | None, Field(alias="from"), param("From", meaning="Who calls.")
    ] = None
    to: Annotated[PartyField | None, param("To", meaning="Who is called.")] = None
    direction: Annotated[
        Word | None, param("Direction", meaning="`inbound` or `outbound`, seen from Plivo.")
    ] = None
    stream_at: Annotated[
        ZonedInstant | None,
        param("Timestamp", meaning="When it happened; its time zone is not documented."),
    ] = None
    service_url: Annotated[Text | None, param("ServiceURL", meaning="Where the audio goes.")] = None
    status_reason: Annotated[
        Text | None, param("StatusReason", "Error", meaning="Why, in Plivo's words.")
    ] = None
    duration_s: Annotated[Count | None, param("Duration", meaning="Length, seconds.")] = None
    name: Annotated[Text | None, param("Name", meaning="The checkpoint that was played.")] = None
    bidirectional: Annotated[
        Flag | None,
        param(
            "bidirectional",
            meaning="Whether the service may send audio back.",
            case_insensitive=True,
        ),
    ] = None
    audio_track: Annotated[
        Word | None,
        param("audioTrack", meaning="`inbound`, `outbound` or `both`.", case_insensitive=True),
    ] = None
    stream_timeout_s: Annotated[
        Count | None,
        param(
            "streamTimeout",
            meaning="The longest the stream may last, seconds.",
            case_insensitive=True,
        ),
    ] = None
    content_type: Annotated[
        Text | None,
        param("contentType", meaning="Codec and sample rate of the audio.", case_insensitive=True),
    ] = None
    extra_headers: Annotated[
        Text | None,
        param(
            "extraHeaders",
            meaning="What the customer passes to the service.",
            case_insensitive=True,
        ),
    ] = None
    keep_call_alive: Annotated[
        Flag | None,
        param(
            "keepCallAlive",
            meaning="Whether the call's XML waits until the stream has ended.",
            case_insensitive=True,
        ),
    ] = None
    parent_auth_id: Annotated[
        Text | None, param("ParentAuthID", meaning="Auth id of the main account.")
    ] = None


_STREAM = (
    "CallUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&From=14155550100"
    "&StreamID=227d1f3e-5a6b-4c7d-8e9f-0a1b2c3d4e5f&To=14155550123"
)

CALLBACK = CallbackType(
    name="voice.stream.status",
    model=StreamStatus,
    key_fields=("call_uuid", "stream_id"),
    reply=Reply.ACK,
    named=(
        "Event=StartStream",
        "Event=StopStream",
        "Event=DroppedStream",
        "Event=DegradedStream",
        "Event=PlayedStream",
    ),
    recognise=("StreamID",),
    match_order=4,
    time_fields=("stream_at",),
    can_repeat=True,
    repeats_unless=("Timestamp",),
    shed_first=True,  # the service that receives the audio sees its stream begin and end
    samples={
        "older": (
            f"{_STREAM}&Event=StartStream&ServiceURL=wss%3A%2F%2Fbot.example.com%2Fws"
            "&Timestamp=2026-03-07+14%3A13%3A40"
        ),
        "newer": (
            f"{_STREAM}&Direction=outbound&Duration=31&Event=stopped&StatusReason=hangup"
            "&Timestamp=2026-03-07T14%3A14%3A40Z"
        ),
    },
)
