"""Masking sessions: https://plivo.com/docs/number-masking/api/session and its callback page."""

from typing import Annotated

from bridge.callbacks.masking import MaskingCallback
from bridge.callbacks.model import CallbackType, Reply, param
from bridge.normalise.hangup import HangupCauseField
from bridge.normalise.quantity import Count, Money, Word
from bridge.normalise.state import MaskingStateField

_IDS = (
    "EventTimestamp=2026-03-07+14%3A14%3A40+%2B0000+UTC&SequenceNumber=5"
    "&SessionUUID=3c4d5e6f-1111-4222-8333-444455556666&VirtualNumber=14155550100"
)


class MaskingSession(MaskingCallback):
    """A masking session changed."""

    state: Annotated[
        MaskingStateField | None, param("EventName", meaning="Which party changed to which state.")
    ] = None
    pin_status: Annotated[
        Word | None,
        param("PinAuthenticationStatus", meaning="`success`, `failed` or `authorizedcaller`."),
    ] = None
    pin_retries: Annotated[
        Count | None, param("PinRetryCounter", meaning="How often the PIN was retried.")
    ] = None
    amount: Annotated[
        Money | None, param("Amount", meaning="Price, in the account's currency.")
    ] = None
    duration_s: Annotated[Count | None, param("Duration", meaning="Length, seconds.")] = None
    bill_duration_s: Annotated[Count | None, param("BilledDuration", meaning="Seconds billed.")] = (
        None
    )
    hangup: Annotated[
        HangupCauseField | None,
        param("PlivoHangupCause", "PlivoHangupCauseCode", meaning="Why the call ended."),
    ] = None


CALLBACK = CallbackType(
    name="masking.session.status",
    model=MaskingSession,
    key_fields=("session_uuid",),
    reply=Reply.ACK,
    named=("EventName^=Session & !EventName^=SessionRecording",),
    match_order=1,
    time_fields=("event_at",),
    samples={
        "older": (
            f"{_IDS}&Amount=0.01&BilledDuration=60&Duration=41&EventName=SessionSecondPartyHangup"
            "&From=14155550123&PlivoHangupCause=Normal+Hangup&PlivoHangupCauseCode=4000"
            "&To=14155550188"
        ),
        "newer": (
            f"{_IDS}&EventName=SessionSecondPartyComplete&FirstParty=14155550123"
            "&SecondParty=14155550188"
        ),
    },
)
