"""One answered outbound call, as the callbacks Plivo sends for it.

Times are Plivo's mixture: ``SessionStart`` in UTC, the hangup's others in the account's zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

Parameters = dict[str, str]


@dataclass(frozen=True, slots=True)
class EmulatedCallback:
    """One callback of a call: which URL it goes to, and what it carries."""

    path: str
    parameters: Parameters

    @property
    def form(self) -> str:
        """Return the parameters as Plivo encodes them."""
        return urlencode(self.parameters)


@dataclass(frozen=True, slots=True)
class EmulatedCall:
    """A call to be: who calls whom for which account, and how long they ring and talk."""

    call_uuid: UUID
    auth_id: str
    zone: ZoneInfo
    placed_at: datetime
    caller: str = "14155550100"
    callee: str = "14155550123"
    ring_duration_s: int = 4
    talk_duration_s: int = 65


def _format_utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _format_local(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def answered_call(call: EmulatedCall) -> Iterator[EmulatedCallback]:
    """Yield ring, answer and hangup of an answered call, in the order they happen."""
    uuid = str(call.call_uuid)
    ringing = call.placed_at + timedelta(seconds=1.25)
    answered = call.placed_at + timedelta(seconds=call.ring_duration_s)
    ended = answered + timedelta(seconds=call.talk_duration_s)
    # Ring has a "+" and an empty caller name, and lacks the A leg and STIR: so captured.
    yield EmulatedCallback(
        "/plivo/voice/call/ring",
        {
            "CallStatus": "ringing",
            "CallUUID": uuid,
            "CallerName": "",
            "Direction": "outbound",
            "Event": "Ring",
            "From": "+" + call.caller,
            "ParentAuthID": call.auth_id,
            "RequestUUID": uuid,
            "SessionStart": _format_utc(ringing),
            "To": call.callee,
        },
    )
    leg = {
        "ALegRequestUUID": uuid,
        "ALegUUID": uuid,
        "BillRate": "0.005",
        "CallUUID": uuid,
        "Direction": "outbound",
        "From": call.caller,
        "ParentAuthID": call.auth_id,
        "RequestUUID": uuid,
        "STIRAttestation": "A",
        "STIRVerification": "Verified",
        "To": call.callee,
    }
    yield EmulatedCallback(
        "/plivo/voice/call/answer",
        {
            **leg,
            "CallStatus": "in-progress",
            "CountryCode": "US",
            "Event": "StartApp",
            "RouteType": "",
            "SessionStart": _format_utc(answered - timedelta(seconds=0.5)),
        },
    )
    yield EmulatedCallback(
        "/plivo/voice/call/hangup",
        {
            **leg,
            "AnswerTime": _format_local(answered, call.zone),
            "BillDuration": str(-(-call.talk_duration_s // 60) * 60),
            "CallStatus": "completed",
            "Duration": str(call.talk_duration_s),
            "EndTime": _format_local(ended, call.zone),
            "Event": "Hangup",
            "HangupCause": "NORMAL_CLEARING",
            "HangupCauseCode": "4000",
            "HangupCauseName": "Normal Hangup",
            "HangupSource": "Callee",
            "SessionStart": _format_utc(ringing),
            "StartTime": _format_local(call.placed_at, call.zone),
            "TotalCost": f"{-(-call.talk_duration_s // 60) * 0.005:.5f}",
        },
    )
