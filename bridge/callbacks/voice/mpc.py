"""MultiPartyCall: https://plivo.com/docs/voice/api/multiparty-calls.

``statusCallbackEvents`` subscribes to groups of events. No page gives the name of the digits in a
digit callback, or the fields of the participant's call status callback. The documented list of a
participant's recording (participants page) names neither the MultiPartyCall nor the call.
"""

from typing import Annotated

from bridge.callbacks.model import CallbackType, Reply, VoiceEvent, param
from bridge.callbacks.recording import StoredRecordingFields
from bridge.callbacks.voice import CALL_KEY, VoiceCallback
from bridge.normalise.quantity import Count, Flag, Money, Text, Word
from bridge.normalise.zoned_time import ZonedInstant

_MPC = "MPCName=support-1&MPCUUID=87423f1a-2b5c-4c0e-9a34-5e7e2c0d1f00"
_AT = "EventTimestamp=2026-03-07+14%3A13%3A40%2B00%3A00"
_MEMBER = (
    "MemberID=355&ParticipantCallUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&ParticipantRole=Agent"
)


# All notifications of one MultiPartyCall stay in order, also those about different participants.
_MPC_KEY = ("mpc_uuid", "mpc_name")


class MpcCallback(VoiceEvent):
    """Something happened in a MultiPartyCall."""

    mpc_uuid: Annotated[
        Text | None,
        param("MPCUUID", meaning="Id of the MultiPartyCall. Not in Plivo's list for some events."),
    ] = None
    mpc_name: Annotated[
        Text | None,
        param("MPCName", "MPCFriendlyName", meaning="Name of the MultiPartyCall."),
    ] = None
    event_name: Annotated[
        Text | None, param("EventName", meaning="Plivo's word for what happened.")
    ] = None
    event_at: Annotated[
        ZonedInstant | None, param("EventTimestamp", meaning="When it happened.")
    ] = None
    member_id: Annotated[
        Text | None, param("MemberID", meaning="The participant's id in the MultiPartyCall.")
    ] = None
    participant_call_uuid: Annotated[
        Text | None, param("ParticipantCallUUID", meaning="Id of the participant's call leg.")
    ] = None
    participant_role: Annotated[
        Word | None, param("ParticipantRole", meaning="`agent`, `customer`, `supervisor`.")
    ] = None


class MpcStatus(MpcCallback):
    """A MultiPartyCall or a participant of it changed."""

    coach_mode: Annotated[
        Flag | None, param("ParticipantCoachMode", meaning="Whether the participant coaches.")
    ] = None
    duration_s: Annotated[
        Count | None, param("MPCDuration", meaning="Length, seconds; at its end.")
    ] = None
    bill_duration_s: Annotated[
        Count | None, param("MPCBilledDuration", meaning="Seconds billed; at its end.")
    ] = None
    billed_amount: Annotated[
        Money | None, param("MPCBilledAmount", meaning="Price, in the account's currency.")
    ] = None


class MpcRecording(MpcCallback, StoredRecordingFields):
    """A recording of a MultiPartyCall, or of a participant, changed."""

    # No page says that they are UTC. Other times of a MultiPartyCall have the account's offset.
    recording_began_at: Annotated[
        ZonedInstant | None, param("RecordingStartTime", meaning="When it started.")
    ] = None
    recording_finished_at: Annotated[
        ZonedInstant | None, param("RecordingEndTime", meaning="When it ended.")
    ] = None
    sequence: Annotated[
        Count | None,
        param(
            "SequenceNumber", meaning="Position in the order in which Plivo made these callbacks."
        ),
    ] = None


class MpcExit(MpcCallback, VoiceCallback):
    """A participant left, and Plivo requests the next XML of that call."""

    joined_at: Annotated[
        ZonedInstant | None, param("ParticipantJoinTime", meaning="When the participant joined.")
    ] = None
    left_at: Annotated[
        ZonedInstant | None, param("ParticipantEndTime", meaning="When the participant left.")
    ] = None


class MpcCallStatus(VoiceCallback):
    """The state of a participant's call changed. Plivo does not document its fields."""


CALLBACKS = (
    CallbackType(
        name="voice.mpc.status",
        model=MpcStatus,
        key_fields=(*_MPC_KEY, "participant_call_uuid", "member_id"),
        reply=Reply.ACK,
        named=(
            "EventName^=MPC & !EventName^=MPCRecording",
            "EventName^=Participant & !EventName^=ParticipantRecording",
            "EventName^=AddParticipantByAPI",
        ),
        match_order=1,
        time_fields=("event_at",),
        can_repeat=True,
        samples={
            "joined": f"EventName=ParticipantJoin&{_AT}&{_MPC}&{_MEMBER}&ParticipantCoachMode=false",
            "ended": (
                f"EventName=MPCEnd&{_AT}&{_MPC}&MPCBilledAmount=0.01200&MPCBilledDuration=120"
                "&MPCDuration=120"
            ),
        },
    ),
    CallbackType(
        name="voice.mpc.recording",
        model=MpcRecording,
        key_fields=(*_MPC_KEY, "recording_id", "member_id"),
        reply=Reply.ACK,
        named=("EventName^=MPCRecording", "EventName^=ParticipantRecording"),
        match_order=1,
        time_fields=("event_at",),
        samples={
            "completed": (
                f"EventName=MPCRecordingCompleted&{_AT}&{_MPC}&RecordingDuration=118"
                "&RecordingEndTime=2026-03-07+14%3A13%3A38%2B00%3A00&RecordingFormat=mp3"
                "&RecordingStartTime=2026-03-07+14%3A11%3A40%2B00%3A00"
                "&RecordingURL=https%3A%2F%2Fmedia.plivo.com%2Fv1%2FRecording%2F6a1b.mp3"
                "&RecordingUUID=6a1b2c3d-3c5c-11e7-b213-06bcf6c57c65&SequenceNumber=2"
            ),
            "of one participant, as documented": (
                f"EventName=ParticipantRecordingCompleted&{_AT}&MemberID=355&RecordingDuration=118"
                "&RecordingEndTime=2026-03-07+14%3A13%3A38%2B00%3A00&RecordingFormat=mp3"
                "&RecordingResourceURL=https%3A%2F%2Fapi.plivo.com%2Fv1%2FRecording%2F6a1c%2F"
                "&RecordingStartTime=2026-03-07+14%3A11%3A40%2B00%3A00"
                "&RecordingURL=https%3A%2F%2Fmedia.plivo.com%2Fv1%2FRecording%2F6a1c.mp3"
                "&RecordingUUID=6a1c2d3e-3c5c-11e7-b213-06bcf6c57c65&SequenceNumber=2"
            ),
        },
    ),
    CallbackType(
        name="voice.mpc.exit",
        model=MpcExit,
        # It asks for the next XML of one call, so it has the key of that call.
        key_fields=(*CALL_KEY, "participant_call_uuid", *_MPC_KEY),
        reply=Reply.XML,
        recognise=("MPCFriendlyName & !EventName", "ParticipantJoinTime & !EventName"),
        match_order=10,
        time_fields=("left_at",),
        samples={
            "left": (
                "MPCFriendlyName=support-1&MPCUUID=87423f1a-2b5c-4c0e-9a34-5e7e2c0d1f00"
                f"&{_MEMBER}&ParticipantEndTime=2026-03-07+14%3A13%3A38%2B00%3A00"
                "&ParticipantJoinTime=2026-03-07+14%3A11%3A40%2B00%3A00"
            ),
        },
    ),
    CallbackType(
        name="voice.mpc.call_status",
        model=MpcCallStatus,
        key_fields=CALL_KEY,
        reply=Reply.ACK,
        match_order=13,
        anonymous=True,
        can_repeat=True,
        samples={
            "as expected": (
                "CallStatus=in-progress&CallUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
                "&Direction=outbound&From=14155550100&To=14155550123"
            ),
        },
    ),
)
