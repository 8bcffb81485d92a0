"""The parameters of voice callbacks: sections 2 and 3 of what Plivo sends.

1. Captures have the keys in byte order.
2. ``SessionStart`` is UTC with microseconds; ``StartTime``, ``AnswerTime`` and ``EndTime`` are local
   times of the account, without an offset.
3. Ring has a ``+`` before the caller and an empty ``CallerName``, and has neither the ids of the first
   leg nor STIR. An inbound call has no request id and no id of a first leg.
4. A parameter for each custom SIP header (``X-PH-Name``) is in all callbacks of the call.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Final
from zoneinfo import ZoneInfo

from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.leg import Leg
from bridge.emulator.machine.world import Conditions

# In captures ``SessionStart`` changes between ring and answer, and lies a little before the answer.
_MEDIA_BEFORE_ANSWER: Final = timedelta(milliseconds=220)


def format_utc(instant: datetime) -> str:
    """Return ``2026-03-07 14:13:30.910772``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def format_iso(instant: datetime) -> str:
    """Return ``2026-03-07T14:13:30.910772Z``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def format_go(instant: datetime) -> str:
    """Return ``2026-03-07 14:13:30 +0000 UTC``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def format_local(instant: datetime, zone: ZoneInfo) -> str:
    """Return ``2026-03-07 09:13:30``, in the account's zone."""
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def format_ms(instant: datetime) -> str:
    """Return an instant as epoch milliseconds."""
    return str(int(instant.timestamp() * 1000))


def in_order(parameters: Parameters) -> Parameters:
    """Return the parameters in byte order: rule 1."""
    return dict(sorted(parameters.items()))


def bill_duration_s(duration_s: int, conditions: Conditions) -> int:
    """Return the seconds billed: the duration, rounded up to the interval."""
    interval_s = conditions.bill_interval_s
    return -(-duration_s // interval_s) * interval_s


def compute_cost(billed_s: int, conditions: Conditions) -> str:
    """Return the price of a leg with five decimals."""
    return f"{Decimal(conditions.bill_rate) * billed_s / 60:.5f}"


def compute_speech_cost(speech_s: float, conditions: Conditions) -> str:
    """Return the price of recognised speech, billed in parts of 15 seconds, with four decimals."""
    return f"{Decimal(conditions.speech_rate) * ceil(speech_s / 15):.4f}"


def compute_transcription_cost(duration_ms: int, conditions: Conditions) -> str:
    """Return the price of a transcription, billed in whole minutes, with four decimals."""
    return f"{Decimal(conditions.transcription_rate) * ceil(duration_ms / 60_000):.4f}"


def sip_header_fields(leg: Leg) -> Parameters:
    """Return a parameter for each custom SIP header: rule 4."""
    return {f"X-PH-{name}": value for name, value in leg.sip_headers.items()}


def _leg_ids(leg: Leg) -> Parameters:
    if leg.direction == "inbound":
        return {}
    first = leg.a_leg or leg
    ids = {"ALegUUID": first.uuid}
    if first.request_uuid:  # no request placed an inbound call that dials
        ids |= {"ALegRequestUUID": first.request_uuid, "RequestUUID": first.request_uuid}
    return ids


def ring_fields(leg: Leg) -> Parameters:
    """Return the parameters of a ring callback."""
    return in_order({
        "CallStatus": "ringing",
        "CallUUID": leg.uuid,
        "CallerName": leg.caller_name,
        "Direction": "outbound",
        "Event": "Ring",
        "From": leg.caller if leg.caller.startswith("sip:") else "+" + leg.caller,
        "ParentAuthID": leg.account.main_auth_id,
        "RequestUUID": leg.request_uuid,
        "SessionStart": format_utc(leg.session_at),
        "To": leg.callee,
        **sip_header_fields(leg),
    })  # fmt: skip


def base_fields(leg: Leg, conditions: Conditions, **more: str) -> Parameters:
    """Return the parameters that every request of a call has, and ``more``."""
    fields = {
        **_leg_ids(leg),
        "BillRate": conditions.bill_rate,
        "CallStatus": leg.status,
        "CallUUID": leg.uuid,
        "Direction": leg.direction,
        "From": leg.caller,
        "ParentAuthID": leg.account.main_auth_id,
        "STIRAttestation": conditions.stir_attestation,
        "STIRVerification": conditions.stir_verification,
        "SessionStart": format_utc(leg.session_at),
        "To": leg.callee,
        **sip_header_fields(leg),
    }
    if leg.direction == "inbound" or leg.caller_name:
        fields["CallerName"] = leg.caller_name
    if leg.machine_flag is not None:
        fields["Machine"] = leg.machine_flag
    return in_order({**fields, **more})


def answer_fields(leg: Leg, conditions: Conditions) -> Parameters:
    """Return the parameters of an answer callback, and of a fallback."""
    session_at = leg.session_at
    if leg.answered_at is not None:
        session_at = max(session_at, leg.answered_at - _MEDIA_BEFORE_ANSWER)
    return base_fields(
        leg,
        conditions,
        CountryCode=conditions.country_code,
        Event="StartApp",
        RouteType="",
        SessionStart=format_utc(session_at),
    )


def hangup_fields(leg: Leg, conditions: Conditions) -> Parameters:
    """Return the parameters of a hangup callback. The leg has ended."""
    cause, zone, ended_at = leg.ended.value, leg.account.zone, leg.ended_at or leg.started_at
    billed_s = bill_duration_s(leg.duration_s, conditions)
    answered = format_local(leg.answered_at, zone) if leg.answered_at else ""
    return base_fields(
        leg,
        conditions,
        AnswerTime=answered,
        BillDuration=str(billed_s),
        Duration=str(leg.duration_s),
        EndTime=format_local(ended_at, zone),
        Event="Hangup",
        HangupCause=cause.word,
        HangupCauseCode=cause.code,
        HangupCauseName=cause.name,
        HangupSource=cause.source,
        StartTime=format_local(leg.started_at, zone),
        TotalCost=compute_cost(billed_s, conditions),
    )
