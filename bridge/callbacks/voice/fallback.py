"""Fallback: https://docs.plivo.com/docs/voice/api/call/make-a-call, ``fallback_url``.

No parameter identifies it as the fallback: it has the parameters of the answer callback.
"""

from bridge.callbacks.model import CallbackType, Reply
from bridge.callbacks.voice import CALL_KEY, VoiceCallback


class Fallback(VoiceCallback):
    """The answer URL failed, and Plivo requests the XML here. Only its path differs from an answer."""


CALLBACK = CallbackType(
    name="voice.call.fallback",
    model=Fallback,
    key_fields=CALL_KEY,
    reply=Reply.XML,
    named=("Event=StartApp",),
    recognise=("CallUUID & Event=Redirect",),
    match_order=11,
    path_only=True,
    # A `<Redirect>` to this URL repeats the same parameters, any number of times.
    can_repeat=True,
    repeats_unless=("Event=StartApp",),
    samples={
        "outbound": (
            "ALegRequestUUID=7b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
            "&ALegUUID=7b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d&BillRate=0.005&CallStatus=in-progress"
            "&CallUUID=7b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d&CountryCode=US&Direction=outbound"
            "&Event=StartApp&From=14155550100&ParentAuthID=MAXXXXXXXXXXXXXXXXXX"
            "&RequestUUID=7b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d&STIRAttestation=A"
            "&STIRVerification=Verified&SessionStart=2026-03-07+14%3A13%3A37.779297&To=14155550123"
        ),
    },
)
