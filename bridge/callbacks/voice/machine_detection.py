"""Machine detection: https://docs.plivo.com/docs/voice/api/call/machine-detection, asynchronous."""

from typing import Annotated

from bridge.callbacks.model import CallbackType, Reply, param
from bridge.callbacks.voice import CALL_KEY, VoiceCallback
from bridge.normalise.quantity import Word


class MachineDetection(VoiceCallback):
    """A machine answered. Plivo sends nothing for a human."""

    if_machine: Annotated[
        Word | None,
        param("IfMachine", meaning="What Plivo does about it: `continue` or `hangup`."),
    ] = None


CALLBACK = CallbackType(
    name="voice.call.machine_detection",
    model=MachineDetection,
    key_fields=CALL_KEY,
    reply=Reply.ACK,
    named=("Event=MachineDetection",),
    match_order=11,
    samples={
        "outbound": (
            "ALegRequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
            "&ALegUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&CallStatus=in-progress"
            "&CallUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&Direction=outbound"
            "&Event=MachineDetection&From=14155550100&IfMachine=continue&Machine=true"
            "&ParentAuthID=MAXXXXXXXXXXXXXXXXXX"
            "&RequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&To=14155550123"
        ),
    },
)
