"""Ring: https://docs.plivo.com/docs/voice/api/call/make-a-call, ``ring_url``."""

from bridge.callbacks.model import CallbackType, Reply
from bridge.callbacks.voice import CALL_KEY, VoiceCallback


class Ring(VoiceCallback):
    """An outbound call starts ringing at the far end. It may be sent more than once for one call."""


CALLBACK = CallbackType(
    name="voice.call.ring",
    model=Ring,
    key_fields=CALL_KEY,
    reply=Reply.ACK,
    named=("Event=Ring",),
    match_order=11,
    time_fields=("session_started_at",),
    shed_first=True,  # answer and hangup report the call again
    samples={
        "outbound, as captured": (
            "CallStatus=ringing&CallUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&CallerName="
            "&Direction=outbound&Event=Ring&From=%2B14155550100&ParentAuthID=MAXXXXXXXXXXXXXXXXXX"
            "&RequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
            "&SessionStart=2026-03-07+14%3A13%3A35.846244&To=14155550123"
        ),
        "outbound, as documented": (
            "ALegRequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&CallStatus=ringing"
            "&CallUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&Direction=outbound&Event=Ring"
            "&From=14155550100&RequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
            "&STIRAttestation=A&SessionStart=2026-03-07+14%3A13%3A35.84624&To=14155550123"
        ),
    },
)
