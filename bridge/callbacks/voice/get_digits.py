"""Digits: https://docs.plivo.com/docs/voice/xml/input, ``<GetDigits action>``.

Plivo sends no callback if no digits are pressed after all retries.
"""

from typing import Annotated

from bridge.callbacks.model import CallbackType, Reply, param
from bridge.callbacks.voice import CALL_KEY, VoiceCallback
from bridge.normalise.quantity import Text


class GetDigits(VoiceCallback):
    """A caller pressed digits, and Plivo requests the next XML."""

    digits: Annotated[
        Text | None, param("Digits", meaning="The digits, without the key that finished them.")
    ] = None


CALLBACK = CallbackType(
    name="voice.getdigits.action",
    model=GetDigits,
    key_fields=CALL_KEY,
    reply=Reply.XML,
    recognise=("Digits & CallUUID & !InputType & !RecordUrl & !RecordFile",),
    match_order=12,
    yields_to_path=True,
    can_repeat=True,
    samples={
        "one digit": (
            "CallStatus=in-progress&CallUUID=e7d6a1f0-7f3e-4a52-8f0a-90c3f0f5d002&Digits=1"
            "&Direction=inbound&From=14155550188&SessionStart=2026-03-07+14%3A13%3A37.779297"
            "&To=14155550100"
        ),
    },
)
