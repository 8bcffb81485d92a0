"""Conferences: https://docs.plivo.com/docs/voice/xml/conferencing.

``ConferenceAction`` distinguishes the callbacks; the action URL has none. Plivo's page says that
muting is reported too, without the value. Exits have little more than ids and may arrive out of
order. "Last member" means that the room was empty at that instant.
"""

from typing import Annotated

from bridge.callbacks.model import CallbackType, Reply, param
from bridge.callbacks.recording import RecordingFields
from bridge.callbacks.voice import CALL_KEY, VoiceCallback
from bridge.normalise.quantity import Flag, Text, Word

_ROOM = (
    "CallUUID=e7d6a1f0-7f3e-4a52-8f0a-90c3f0f5d002&ConferenceMemberID=8398&ConferenceName=room1"
    "&ConferenceUUID=f0a7c2d1-6b3e-4f58-9d10-3a4b5c6d7e8f"
)
_RECORDING = (
    "&RecordUrl=https%3A%2F%2Fmedia.plivo.com%2Fv1%2FRecording%2F5f1b2c3d.mp3"
    "&RecordingDuration=60&RecordingDurationMs=60000&RecordingEndMs=1772892823120"
    "&RecordingID=5f1b2c3d-3c5c-11e7-b213-06bcf6c57c65&RecordingStartMs=1772892763120"
)
# The record is sent once and the exit is an end. These report progress of a conference.
_PROGRESS = {"enter", "digits", "floor"}
_KEY = (*CALL_KEY, "conference_uuid", "conference_name")


class ConferenceCallback(VoiceCallback):
    """Something happened in a conference."""

    conference_action: Annotated[
        Word | None,
        param(
            "ConferenceAction",
            meaning="`enter`, `exit`, `digits`, `floor` or `record`. Open set.",
        ),
    ] = None
    conference_uuid: Annotated[
        Text | None, param("ConferenceUUID", meaning="Id of the conference.")
    ] = None
    conference_name: Annotated[
        Text | None, param("ConferenceName", meaning="Name of the conference.")
    ] = None
    conference_member_id: Annotated[
        Text | None, param("ConferenceMemberID", meaning="The member's id in the conference.")
    ] = None


class ConferenceEnter(ConferenceCallback):
    """A member entered a conference."""

    first_member: Annotated[
        Flag | None, param("ConferenceFirstMember", meaning="Whether the room was empty before.")
    ] = None


class ConferenceExit(ConferenceCallback):
    """A member left a conference."""

    last_member: Annotated[
        Flag | None, param("ConferenceLastMember", meaning="Whether the room is empty now.")
    ] = None


class ConferenceDigits(ConferenceCallback):
    """A member pressed digits that were requested."""

    conference_digits: Annotated[
        Text | None, param("ConferenceDigitsMatch", meaning="The digits that matched.")
    ] = None


class ConferenceFloor(ConferenceCallback):
    """A member got the floor."""


class ConferenceRecord(ConferenceCallback, RecordingFields):
    """A conference was recorded."""


class ConferenceAction(ConferenceCallback, RecordingFields):
    """A member left a conference, and Plivo requests the next XML of that call."""


class ConferenceOther(ConferenceCallback):
    """Something else happened in a conference; see `conference_action` and `event`."""


def _conference(
    action: str,
    model: type[ConferenceCallback],
    form: str,
    *,
    words: tuple[str, ...] = (),
    repeats: bool = False,
) -> CallbackType:
    return CallbackType(
        name=f"voice.conference.{action}",
        model=model,
        key_fields=_KEY,
        reply=Reply.ACK,
        named=(f"ConferenceAction={action}", *[f"Event={word}" for word in words]),
        match_order=5,
        can_repeat=repeats,
        shed_first=action in _PROGRESS,
        samples={"as captured or documented": f"ConferenceAction={action}&{_ROOM}{form}"},
    )


CALLBACKS = (
    _conference(
        "enter",
        ConferenceEnter,
        "&BillRate=0.003&CallStatus=in-progress&CallerName=&ConferenceFirstMember=true"
        "&Direction=inbound&Event=ConferenceEnter&From=14155550188&To=14155550100",
        words=("ConferenceEnter",),
    ),
    _conference(
        "exit",
        ConferenceExit,
        "&ConferenceLastMember=false&Event=ConferenceExit",
        words=("ConferenceExit",),
    ),
    _conference("digits", ConferenceDigits, "&ConferenceDigitsMatch=12", repeats=True),
    _conference("floor", ConferenceFloor, "", repeats=True),
    _conference("record", ConferenceRecord, _RECORDING),
    CallbackType(
        name="voice.conference.other",
        model=ConferenceOther,
        key_fields=_KEY,
        reply=Reply.ACK,
        named=("ConferenceAction", "Event^=Conference"),
        match_order=5,
        can_repeat=True,
        samples={"made up: muting, whose word is on no page": f"ConferenceAction=mute&{_ROOM}"},
    ),
    CallbackType(
        name="voice.conference.action",
        model=ConferenceAction,
        key_fields=_KEY,
        reply=Reply.XML,
        recognise=("ConferenceUUID & !ConferenceAction",),
        match_order=5,
        yields_to_path=True,
        samples={
            "left": (
                f"{_ROOM}&CallStatus=in-progress&Direction=inbound&From=14155550188&RecordUrl="
                "&RecordingID=&To=14155550100"
            ),
        },
    ),
)
