"""Digits or speech: https://docs.plivo.com/docs/voice/xml/input, ``<GetInput>``."""

from typing import Annotated

from bridge.callbacks.model import CallbackType, Reply, param
from bridge.callbacks.voice import CALL_KEY, LegCallback, VoiceCallback
from bridge.normalise.quantity import Count, Money, Text, Word

_UUID = "CallUUID=e7d6a1f0-7f3e-4a52-8f0a-90c3f0f5d002"
_BASE = (
    f"{_UUID}&CallStatus=in-progress&Direction=inbound&From=14155550188"
    "&SessionStart=2026-03-07+14%3A13%3A37.779297&To=14155550100"
)


_FINAL = "!StableSpeech & !UnstableSpeech"


class GetInput(VoiceCallback):
    """A caller pressed digits or spoke, and Plivo requests the next XML."""

    input_type: Annotated[Word | None, param("InputType", meaning="`dtmf` or `speech`.")] = None
    digits: Annotated[Text | None, param("Digits", meaning="The digits; absent for speech.")] = None
    speech: Annotated[Text | None, param("Speech", meaning="The words; absent for digits.")] = None
    speech_confidence: Annotated[
        Money | None, param("SpeechConfidenceScore", meaning="0.0 to 1.0, as decimal text.")
    ] = None
    billed_amount: Annotated[
        Money | None, param("BilledAmount", meaning="Price, in the account's currency.")
    ] = None


class InterimSpeech(LegCallback):
    """The speech recognised so far. Order by `sequence`, not by arrival."""

    stable_speech: Annotated[
        Text | None, param("StableSpeech", meaning="Words that will not change.")
    ] = None
    unstable_speech: Annotated[
        Text | None, param("UnstableSpeech", meaning="Words that still may.")
    ] = None
    stability: Annotated[
        Money | None, param("Stability", meaning="0.0 to 1.0, as decimal text.")
    ] = None
    sequence: Annotated[
        Count | None,
        param(
            "SequenceNumber", meaning="Position in the order in which Plivo made these callbacks."
        ),
    ] = None


CALLBACKS = (
    CallbackType(
        name="voice.getinput.action",
        model=GetInput,
        key_fields=CALL_KEY,
        reply=Reply.XML,
        recognise=(f"InputType=dtmf & {_FINAL}", f"InputType=speech & {_FINAL}"),
        match_order=7,
        can_repeat=True,
        samples={
            "speech": (
                f"{_BASE}&BilledAmount=0.0050&Digits=&InputType=speech"
                "&Speech=I+have+a+billing+question&SpeechConfidenceScore=0.92"
            ),
            "digits": f"{_BASE}&Digits=42&InputType=dtmf&Speech=&SpeechConfidenceScore=",
        },
    ),
    CallbackType(
        name="voice.getinput.interim",
        model=InterimSpeech,
        key_fields=("call_uuid",),
        reply=Reply.ACK,
        recognise=("StableSpeech", "UnstableSpeech"),
        match_order=7,
        # Plivo's list of its parameters has no identifier at all (docs/decisions/0015-*). Two calls
        # can have the same words, so only the nonce separates them.
        anonymous=True,
        can_repeat=True,
        repeats_unless=("CallUUID",),
        shed_first=True,  # the final result repeats all words
        samples={
            "half a sentence": (
                f"{_UUID}&SequenceNumber=3&Stability=0.8&StableSpeech=i+want+to&UnstableSpeech=book"
            ),
        },
    ),
)
