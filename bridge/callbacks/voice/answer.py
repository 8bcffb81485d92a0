"""Answer: https://docs.plivo.com/docs/voice/api/call/make-a-call, ``answer_url``."""

from bridge.callbacks.model import CallbackType, Reply
from bridge.callbacks.voice import CALL_KEY, VoiceCallback


class Answer(VoiceCallback):
    """A call was answered (outbound) or arrived (inbound), and Plivo requests its XML."""


CALLBACK = CallbackType(
    name="voice.call.answer",
    model=Answer,
    key_fields=CALL_KEY,
    reply=Reply.XML,
    named=("Event=StartApp",),
    recognise=("CallUUID & Event=Redirect",),
    match_order=11,
    # A `<Redirect>` to this URL repeats the same parameters, any number of times.
    can_repeat=True,
    repeats_unless=("Event=StartApp",),
    samples={
        "outbound, as captured": (
            "ALegRequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
            "&ALegUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&BillRate=0.005&CallStatus=in-progress"
            "&CallUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&CountryCode=US&Direction=outbound"
            "&Event=StartApp&From=14155550100&ParentAuthID=MAXXXXXXXXXXXXXXXXXX"
            "&RequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&RouteType=&STIRAttestation=A"
            "&STIRVerification=Verified&SessionStart=2026-03-07+14%3A13%3A37.779297&To=14155550123"
        ),
        "inbound": (
            "BillRate=0.003&CallStatus=ringing&CallUUID=e7d6a1f0-7f3e-4a52-8f0a-90c3f0f5d002"
            "&CallerName=%2B14155550188&CountryCode=US&Direction=inbound&Event=StartApp"
            "&From=14155550188&ParentAuthID=MAXXXXXXXXXXXXXXXXXX&RouteType="
            "&STIRAttestation=B&STIRVerification=Not+Verified"
            "&SessionStart=2026-03-07+14%3A14%3A02.120000&To=14155550100&X-PH-Campaign=spring"
        ),
    },
)
