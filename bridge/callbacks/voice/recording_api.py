"""Recordings by API, and transcriptions: lower-case names.

Record a call: https://docs.plivo.com/docs/voice/api/call/record-calls/start-recording-a-call, and
its conference twin; transcription: the record page, ``transcriptionUrl``.
"""

from typing import Annotated

from bridge.callbacks.model import CallbackType, Reply, VoiceEvent, param
from bridge.callbacks.recording import RecordingFields
from bridge.normalise.quantity import Count, Money, Text

_RECORDING = (
    "api_id=c7b69074-58be-11e1-86da-adf28403fe48"
    "&record_url=https%3A%2F%2Fmedia.plivo.com%2Fv1%2FRecording%2F48dfaf60.mp3"
    "&recording_duration=12&recording_duration_ms=12340&recording_end_ms=1772892823120"
    "&recording_id=48dfaf60-3b2a-11e3-9f1e-06bcf6c57c65&recording_start_ms=1772892810780"
)


class CallRecording(VoiceEvent, RecordingFields):
    """A recording of a call, started by API, is complete."""

    call_uuid: Annotated[Text | None, param("call_uuid", meaning="Id of the call leg.")] = None
    api_id: Annotated[
        Text | None, param("api_id", meaning="Id of the API request that started it.")
    ] = None


class ConferenceRecording(VoiceEvent, RecordingFields):
    """A recording of a conference, started by API, is complete."""

    conference_name: Annotated[
        Text | None, param("conference_name", meaning="The conference's name.")
    ] = None
    api_id: Annotated[
        Text | None, param("api_id", meaning="Id of the API request that started it.")
    ] = None


class Transcription(VoiceEvent):
    """A recording was transcribed, or could not be."""

    recording_id: Annotated[Text | None, param("recording_id", meaning="Id of the recording.")] = (
        None
    )
    call_uuid: Annotated[
        Text | None, param("call_uuid", meaning="Id of the recorded call leg.")
    ] = None
    transcription: Annotated[
        Text | None, param("transcription", meaning="The words; text that may be JSON.")
    ] = None
    error: Annotated[Text | None, param("error", meaning="Why there is no transcription.")] = None
    duration_s: Annotated[
        Count | None, param("duration", meaning="Length of the recording, seconds.")
    ] = None
    transcription_charge: Annotated[
        Money | None, param("transcription_charge", meaning="Price, in the account's currency.")
    ] = None
    transcription_rate: Annotated[
        Money | None, param("transcription_rate", meaning="Price a minute.")
    ] = None


CALLBACKS = (
    CallbackType(
        name="voice.recording_api.completed",
        model=CallRecording,
        key_fields=("call_uuid", "recording_id"),
        reply=Reply.ACK,
        recognise=("record_url & call_uuid",),
        match_order=9,
        time_fields=("recording_ended_at",),
        samples={
            "completed": f"{_RECORDING}&call_uuid=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01",
        },
    ),
    CallbackType(
        name="voice.conference_recording_api.completed",
        model=ConferenceRecording,
        key_fields=("conference_name", "recording_id"),
        reply=Reply.ACK,
        recognise=("record_url & conference_name",),
        match_order=9,
        time_fields=("recording_ended_at",),
        samples={"completed": f"{_RECORDING}&conference_name=room1"},
    ),
    CallbackType(
        name="voice.transcription",
        model=Transcription,
        key_fields=("call_uuid", "recording_id"),
        reply=Reply.ACK,
        recognise=(
            "transcription & recording_id",
            "transcription & call_uuid",
            "error & recording_id",
            "error & transcription? & call_uuid",
        ),
        match_order=9,
        samples={
            "without the recording's id, as receivers report": (
                "call_uuid=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&duration=42&transcription=hello"
            ),
            "transcribed": (
                "call_uuid=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&duration=42&error="
                "&recording_id=1ca34b00-3c5c-11e7-b213-06bcf6c57c65&transcription=hello+world"
                "&transcription_charge=0.0095&transcription_rate=0.0095"
            ),
            "failed": (
                "error=no+speech&recording_id=1ca34b00-3c5c-11e7-b213-06bcf6c57c65&transcription="
            ),
        },
    ),
)
