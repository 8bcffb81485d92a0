"""Verify sessions: https://plivo.com/docs/verify/api/session/verify-status-callbacks."""

from typing import Annotated

from bridge.callbacks.model import CallbackData, CallbackType, Reply, param
from bridge.normalise.phone import PartyField
from bridge.normalise.quantity import Count, Text, Word
from bridge.normalise.zoned_time import ZonedOrUtc


class VerifySession(CallbackData):
    """An attempt of a verify session changed."""

    session_uuid: Annotated[Text | None, param("SessionUUID", meaning="Id of the session.")] = None
    session_status: Annotated[
        Word | None,
        param("SessionStatus", meaning="`in-progress`, `verified`, `expired`. Open set."),
    ] = None
    attempt_uuid: Annotated[Text | None, param("AttemptUUID", meaning="Id of the attempt.")] = None
    attempt_sequence: Annotated[
        Count | None, param("AttemptSequence", meaning="Which attempt it is, from 1.")
    ] = None
    channel: Annotated[Word | None, param("Channel", meaning="`sms` or `voice`.")] = None
    channel_status: Annotated[
        Word | None, param("ChannelStatus", meaning="State of the message or call. Open set.")
    ] = None
    channel_error_code: Annotated[
        Text | None, param("ChannelErrorCode", meaning="Plivo's code of what went wrong.")
    ] = None
    recipient: Annotated[PartyField | None, param("Recipient", meaning="Who is verified.")] = None
    requested_at: Annotated[
        ZonedOrUtc | None, param("RequestTime", meaning="When it was requested; UTC.")
    ] = None


CALLBACK = CallbackType(
    name="verify.session.status",
    model=VerifySession,
    key_fields=("session_uuid", "attempt_uuid"),
    reply=Reply.ACK,
    recognise=("AttemptUUID", "ChannelStatus"),
    match_order=2,
    samples={
        "delivered": (
            "AttemptSequence=1&AttemptUUID=2b3c4d5e-1111-4222-8333-444455556666&Channel=sms"
            "&ChannelErrorCode=&ChannelStatus=delivered&Recipient=14155550123"
            "&RequestTime=2026-03-07T14%3A13%3A29.363253Z&SessionStatus=in-progress"
            "&SessionUUID=9f8e7d6c-1111-4222-8333-444455556666"
        ),
    },
)
