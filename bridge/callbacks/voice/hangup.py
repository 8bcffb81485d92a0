"""Hangup: https://docs.plivo.com/docs/voice/api/call/make-a-call, ``hangup_url``.

Codes and names are from the hangup causes page. They are open sets: Plivo sends unlisted ones too.
"""

from typing import Annotated

from bridge.callbacks.model import CallbackType, Reply, param
from bridge.callbacks.voice import CALL_KEY, VoiceCallback
from bridge.normalise.hangup import HangupCauseField
from bridge.normalise.quantity import Count, Flag, Money
from bridge.normalise.time import LocalInstant


class Hangup(VoiceCallback):
    """One call leg ended, answered or not."""

    hangup: Annotated[
        HangupCauseField | None,
        param(
            "HangupCause",
            "HangupCauseCode",
            "HangupCauseName",
            "HangupSource",
            meaning="Why it ended, and who ended it.",
        ),
    ] = None
    duration_s: Annotated[
        Count | None, param("Duration", meaning="Answer to hangup, seconds, as Plivo counts.")
    ] = None
    bill_duration_s: Annotated[
        Count | None, param("BillDuration", meaning="Seconds billed, rounded up to the interval.")
    ] = None
    total_cost: Annotated[
        Money | None, param("TotalCost", meaning="Price of the leg, in the account's currency.")
    ] = None
    started_at: Annotated[
        LocalInstant | None, param("StartTime", meaning="When the leg was placed; local time.")
    ] = None
    answered_at: Annotated[
        LocalInstant | None,
        param("AnswerTime", meaning="When it was answered; local time. Absent if it was not."),
    ] = None
    ended_at: Annotated[
        LocalInstant | None, param("EndTime", meaning="When it ended; local time.")
    ] = None
    carrier_failover_triggered: Annotated[
        Flag | None,
        param("CarrierFailoverTriggered", meaning="A second carrier had to be used."),
    ] = None


CALLBACK = CallbackType(
    name="voice.call.hangup",
    model=Hangup,
    key_fields=CALL_KEY,
    reply=Reply.ACK,
    named=(
        "Event=Hangup",
        # Plivo's application page lists the fields of a hangup without `Event`. Beside a hangup only
        # the callbacks of a `<Dial>` have an end time.
        "HangupCause & EndTime & CallUUID & !Event & !DialAction",
    ),
    recognise=("HangupCause & CallUUID & !Event",),
    match_order=11,
    time_fields=("ended_at",),
    samples={
        "outbound answered, as captured": (
            "ALegRequestUUID=64d3290a-87a6-46b4-a6e2-20f5f4e07a02"
            "&ALegUUID=64d3290a-87a6-46b4-a6e2-20f5f4e07a02&AnswerTime=2026-03-07+09%3A13%3A38"
            "&BillDuration=120&BillRate=0.005&CallStatus=completed"
            "&CallUUID=64d3290a-87a6-46b4-a6e2-20f5f4e07a02&Direction=outbound&Duration=66"
            "&EndTime=2026-03-07+09%3A14%3A43&Event=Hangup&From=14155550100"
            "&HangupCause=NORMAL_CLEARING&HangupCauseCode=4000&HangupCauseName=Normal+Hangup"
            "&HangupSource=Callee&ParentAuthID=MAXXXXXXXXXXXXXXXXXX"
            "&RequestUUID=64d3290a-87a6-46b4-a6e2-20f5f4e07a02&STIRAttestation=Not+Applicable"
            "&STIRVerification=Not+Applicable&SessionStart=2026-03-07+14%3A13%3A30.910772"
            "&StartTime=2026-03-07+09%3A13%3A28&To=14155550123&TotalCost=0.01000"
        ),
        "outbound busy": (
            "ALegRequestUUID=0a9b8c7d-6e5f-4a3b-9c1d-0e2f3a4b5c6d"
            "&ALegUUID=0a9b8c7d-6e5f-4a3b-9c1d-0e2f3a4b5c6d&AnswerTime=&BillDuration=0"
            "&BillRate=0.005&CallStatus=busy&CallUUID=0a9b8c7d-6e5f-4a3b-9c1d-0e2f3a4b5c6d"
            "&Direction=outbound&Duration=0&EndTime=2026-03-07+09%3A13%3A41&Event=Hangup"
            "&From=14155550100&HangupCause=USER_BUSY&HangupCauseCode=3010"
            "&HangupCauseName=Busy+Line&HangupSource=Carrier&ParentAuthID=MAXXXXXXXXXXXXXXXXXX"
            "&RequestUUID=0a9b8c7d-6e5f-4a3b-9c1d-0e2f3a4b5c6d"
            "&SessionStart=2026-03-07+14%3A13%3A36.101000&StartTime=2026-03-07+09%3A13%3A35"
            "&To=14155550123&TotalCost=0.00000&stir_verification=Verified"
        ),
        "inbound, without Event": (
            "BillDuration=60&BillRate=0.003&CallStatus=completed"
            "&CallUUID=e7d6a1f0-7f3e-4a52-8f0a-90c3f0f5d002&Direction=inbound&Duration=12"
            "&AnswerTime=2026-03-07+09%3A14%3A02&EndTime=2026-03-07+09%3A14%3A14&From=14155550188"
            "&HangupCause=NORMAL_CLEARING&ParentAuthID=MAXXXXXXXXXXXXXXXXXX"
            "&StartTime=2026-03-07+09%3A14%3A02&To=14155550100&TotalCost=0.00300"
        ),
    },
)
