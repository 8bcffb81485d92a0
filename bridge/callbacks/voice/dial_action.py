"""The end of a ``<Dial>``: https://docs.plivo.com/docs/voice/xml/dial, ``action``."""

from typing import Annotated

from bridge.callbacks.model import CallbackType, Reply, param
from bridge.callbacks.voice import DIAL_KEY, VoiceCallback
from bridge.normalise.quantity import Flag, Text, Word


class DialAction(VoiceCallback):
    """A `<Dial>` ended, and Plivo requests the next XML."""

    dial_status: Annotated[
        Word | None,
        param(
            "DialStatus",
            meaning="`completed`, `busy`, `failed`, `cancel`, `timeout`, `no-answer`. Open set.",
        ),
    ] = None
    dial_rang: Annotated[
        Flag | None, param("DialRingStatus", meaning="Whether the far end rang.")
    ] = None
    dial_hangup_cause: Annotated[
        Text | None, param("DialHangupCause", meaning="Cause, in telephony's words.")
    ] = None
    dial_a_leg_uuid: Annotated[
        Text | None, param("DialALegUUID", meaning="Id of the leg that dialled.")
    ] = None
    dial_b_leg_uuid: Annotated[
        Text | None,
        param("DialBLegUUID", meaning="Id of the leg that was dialled; absent if none answered."),
    ] = None


CALLBACK = CallbackType(
    name="voice.dial.action",
    model=DialAction,
    key_fields=DIAL_KEY,
    reply=Reply.XML,
    recognise=("DialStatus & !DialAction",),
    match_order=6,
    # A loop of unanswered dials repeats its parameters; an answered leg has its own id.
    can_repeat=True,
    repeats_unless=("DialBLegUUID",),
    samples={
        "completed": (
            "BillRate=0.003&CallStatus=in-progress&CallUUID=a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f00"
            "&DialALegUUID=a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f00"
            "&DialBLegUUID=0df857fe-8d2e-4c53-9b5f-6d0f4f0a7c11&DialHangupCause=NORMAL_CLEARING"
            "&DialRingStatus=true&DialStatus=completed&Direction=inbound&From=14155550188"
            "&ParentAuthID=MAXXXXXXXXXXXXXXXXXX&SessionStart=2026-03-07+14%3A13%3A37.779297"
            "&To=14155550100"
        ),
        "nobody answered": (
            "CallStatus=in-progress&CallUUID=a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f00"
            "&DialALegUUID=a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f00&DialBLegUUID="
            "&DialHangupCause=NO_ANSWER&DialRingStatus=true&DialStatus=no-answer&Direction=inbound"
            "&From=14155550188&To=14155550100"
        ),
    },
)
