"""Recordings by XML: https://docs.plivo.com/docs/voice/xml/record, ``<Record>``.

With ``recordSession`` or ``startOnDialAnswer`` the action is sent at once, and its durations are
-1. Plivo's list for the callback URL has no ``CallUUID``, so the recording's id is the key. Plivo's
agent SDKs expect ``recording_url`` in JSON.
"""

from typing import Annotated

from bridge.callbacks.model import CallbackType, Reply, param
from bridge.callbacks.recording import RecordingFields
from bridge.callbacks.voice import CALL_KEY, VoiceCallback
from bridge.normalise.quantity import Text, Word

_RECORDING = (
    "&RecordUrl=https%3A%2F%2Fmedia.plivo.com%2Fv1%2FAccount%2FMAXXXXXXXXXXXXXXXXXX%2FRecording"
    "%2F1ca34b00.mp3&RecordingID=1ca34b00-3c5c-11e7-b213-06bcf6c57c65"
)
_BASE = (
    "CallStatus=in-progress&CallUUID=e7d6a1f0-7f3e-4a52-8f0a-90c3f0f5d002&Direction=inbound"
    "&From=14155550188&To=14155550100"
)
_KEY = (*CALL_KEY, "recording_id")
_LENGTHS = (
    "&RecordingDuration=42&RecordingDurationMs=42120&RecordingEndMs=1772892823120"
    "&RecordingStartMs=1772892781000.00000"
)


class RecordAction(VoiceCallback, RecordingFields):
    """A `<Record>` ended or started, and Plivo requests the next XML."""

    digits: Annotated[
        Text | None, param("Digits", meaning="The key that stopped it; absent if none did.")
    ] = None
    recording_end_reason: Annotated[
        Word | None, param("RecordingEndReason", meaning="Why it ended, in Plivo's words.")
    ] = None


class RecordCompleted(VoiceCallback, RecordingFields):
    """A recording of a `<Record>` is complete."""

    recording_end_reason: Annotated[
        Word | None, param("RecordingEndReason", meaning="Why it ended, in Plivo's words.")
    ] = None


CALLBACKS = (
    CallbackType(
        name="voice.record.action",
        model=RecordAction,
        key_fields=_KEY,
        reply=Reply.XML,
        recognise=("RecordUrl & Digits?", "RecordFile & Digits?"),
        match_order=8,
        samples={
            "stopped by a key": f"{_BASE}{_RECORDING}{_LENGTHS}&Digits=%23",
            "goes on": (
                f"{_BASE}{_RECORDING}&Digits=&RecordingDuration=-1&RecordingDurationMs=-1"
                "&RecordingEndMs=-1&RecordingStartMs=1772892781000"
            ),
        },
    ),
    CallbackType(
        name="voice.record.completed",
        model=RecordCompleted,
        key_fields=_KEY,
        reply=Reply.ACK,
        recognise=("RecordUrl", "RecordFile", "RecordingURL & CallUUID & !EventName & !MPCUUID"),
        match_order=8,
        time_fields=("recording_ended_at",),
        samples={"completed": f"{_BASE}{_RECORDING}{_LENGTHS}"},
    ),
)
