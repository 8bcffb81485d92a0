"""Events of a dialled leg: https://docs.plivo.com/docs/voice/xml/dial, ``callbackUrl``.

``DialAction`` distinguishes them. A captured one has no ``From``, ``To`` or ``Direction``; a third
party's validation adds the times and ``CallStatus``. Plivo's own list has no ``CallUUID``, and
receivers report that it can be the dialled leg's id.
"""

from typing import Annotated

from bridge.callbacks.model import CallbackType, Reply, param
from bridge.callbacks.voice import DIAL_KEY, VoiceCallback
from bridge.normalise.hangup import HangupCauseField
from bridge.normalise.phone import PartyField
from bridge.normalise.quantity import Count, Leg, Money, Text, Word
from bridge.normalise.time import LocalInstant

_A, _B = "a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f00", "0df857fe-8d2e-4c53-9b5f-6d0f4f0a7c11"
_LEGS = f"CallUUID={_A}&DialALegUUID={_A}&DialBLegUUID={_B}"
_PARTIES = "&DialBLegFrom=%2B14155550100&DialBLegPosition=1&DialBLegTo=14155550123"
# Values of ``Event`` for the same actions: the first is captured, the others are from a platform with
# the same wire format.
_WORDS = {
    "answer": "DialAnswer",
    "connected": "DialConnected",
    "digits": "DialDigitsMatch",
    "hangup": "DialHangup",
}
# The result of the dial is in its hangup and its action. These report progress.
_PROGRESS = {"answer", "connected", "digits"}


class Dial(VoiceCallback):
    """Something happened to a leg that a `<Dial>` dialled."""

    dial_action: Annotated[
        Word | None,
        param("DialAction", meaning="`answer`, `connected`, `digits`, `hangup`. Open set."),
    ] = None
    dial_a_leg_uuid: Annotated[
        Text | None, param("DialALegUUID", meaning="Id of the leg that dialled.")
    ] = None
    dial_b_leg_uuid: Annotated[
        Text | None, param("DialBLegUUID", meaning="Id of the leg that was dialled.")
    ] = None
    dial_b_leg_status: Annotated[
        Word | None, param("DialBLegStatus", meaning="State of the dialled leg.")
    ] = None
    dial_b_leg_from: Annotated[
        PartyField | None, param("DialBLegFrom", meaning="Caller id the dialled leg was shown.")
    ] = None
    dial_b_leg_to: Annotated[PartyField | None, param("DialBLegTo", meaning="Who was dialled.")] = (
        None
    )
    dial_b_leg_position: Annotated[
        Count | None,
        param("DialBLegPosition", meaning="Its place among the numbers dialled, from 1."),
    ] = None
    dial_b_leg_bill_rate: Annotated[
        Money | None, param("DialBLegBillRate", meaning="Its price a minute.")
    ] = None
    started_at: Annotated[
        LocalInstant | None, param("StartTime", meaning="When the leg was placed; local time.")
    ] = None
    answered_at: Annotated[
        LocalInstant | None, param("AnswerTime", meaning="When it was answered; local time.")
    ] = None
    ended_at: Annotated[
        LocalInstant | None, param("EndTime", meaning="When it ended; local time.")
    ] = None


class DialAnswer(Dial):
    """A dialled leg answered."""


class DialConnected(Dial):
    """A dialled leg was connected to the one that dialled."""


class DialDigits(Dial):
    """Requested digits were pressed on either leg."""

    dial_digits: Annotated[
        Text | None, param("DialDigitsMatch", meaning="The digits that matched.")
    ] = None
    dial_digits_pressed_by: Annotated[
        Leg | None, param("DialDigitsPressedBy", meaning="`a_leg` or `b_leg`.")
    ] = None


class DialHangup(Dial):
    """A dialled leg ended. Those that lost a parallel dial end with code 9000."""

    dial_b_leg_duration_s: Annotated[
        Count | None, param("DialBLegDuration", meaning="Seconds, as Plivo counts.")
    ] = None
    dial_b_leg_bill_duration_s: Annotated[
        Count | None, param("DialBLegBillDuration", meaning="Seconds billed.")
    ] = None
    hangup: Annotated[
        HangupCauseField | None,
        param(
            "DialBLegHangupCause",
            "DialBLegHangupCauseCode",
            "DialBLegHangupCauseName",
            "DialBLegHangupSource",
            meaning="Why the dialled leg ended, and who ended it.",
        ),
    ] = None


class DialOther(Dial):
    """Something else happened to a dialled leg; see `dial_action` and `event`."""


def _dial(
    action: str,
    model: type[Dial],
    form: str,
    *,
    happened: tuple[str, ...] = (),
    repeats: bool = False,
) -> CallbackType:
    return CallbackType(
        name=f"voice.dial.{action}",
        model=model,
        key_fields=DIAL_KEY,
        reply=Reply.ACK,
        named=(f"DialAction={action}", f"Event={_WORDS[action]}"),
        match_order=6,
        time_fields=happened,
        can_repeat=repeats,
        shed_first=action in _PROGRESS,
        samples={"captured or as documented": f"DialAction={action}&{_LEGS}{form}"},
    )


CALLBACKS = (
    _dial(
        "answer",
        DialAnswer,
        f"&DialBLegBillRate=0.01781&DialBLegStatus=answer&Event=DialAnswer{_PARTIES}",
    ),
    _dial(
        "connected",
        DialConnected,
        f"&DialBLegStatus=connected&Event=DialConnected{_PARTIES}",
    ),
    _dial(
        "digits",
        DialDigits,
        "&DialDigitsMatch=123&DialDigitsPressedBy=ALeg&Event=DialDigitsMatch",
        repeats=True,
    ),
    _dial(
        "hangup",
        DialHangup,
        "&AnswerTime=2026-03-07+09%3A14%3A21&BillRate=0.0178&DialBLegBillDuration=60"
        "&DialBLegDuration=11&DialBLegHangupCause=NORMAL_CLEARING&DialBLegHangupCauseCode=4000"
        "&DialBLegHangupCauseName=Normal+Hangup&DialBLegHangupSource=Callee"
        "&DialBLegStatus=hangup&EndTime=2026-03-07+09%3A14%3A32&Event=DialHangup"
        f"&StartTime=2026-03-07+09%3A14%3A15&STIRVerification=Verified{_PARTIES}",
        happened=("ended_at",),
    ),
    CallbackType(
        name="voice.dial.other",
        model=DialOther,
        key_fields=DIAL_KEY,
        reply=Reply.ACK,
        named=("DialAction", "Event^=Dial"),
        match_order=6,
        can_repeat=True,
        samples={"made up: a word of no page": f"DialAction=early_media&{_LEGS}{_PARTIES}"},
    ),
)
