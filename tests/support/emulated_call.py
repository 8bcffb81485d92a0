"""The callbacks of one answered outbound call, always the same ones: for tests that need no machine.

Times are mixed as Plivo mixes them: ``SessionStart`` is UTC, the hangup's other times are in the
account's zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from bridge.emulator.machine.fields import format_local, format_utc

Parameters = dict[str, str]


@dataclass(frozen=True, slots=True)
class EmulatedCallback:
    """One callback of a call: the path of its URL, and its parameters."""

    path: str
    parameters: Parameters

    @property
    def form(self) -> str:
        """Return the parameters form-encoded, as Plivo does."""
        return urlencode(self.parameters)


@dataclass(frozen=True, slots=True)
class EmulatedCall:
    """A call to emulate: account, numbers, and how long it rings and lasts."""

    call_uuid: UUID
    auth_id: str
    zone: ZoneInfo
    placed_at: datetime
    caller: str = "14155550100"
    callee: str = "14155550123"
    ring_duration_s: int = 4
    talk_duration_s: int = 65


def answered_call(call: EmulatedCall) -> Iterator[EmulatedCallback]:
    """Yield ring, answer and hangup of a call, in order."""
    uuid = str(call.call_uuid)
    ringing = call.placed_at + timedelta(seconds=1.25)
    answered = call.placed_at + timedelta(seconds=call.ring_duration_s)
    ended = answered + timedelta(seconds=call.talk_duration_s)
    # In captures, ring has a "+" and an empty caller name, and has neither A leg nor STIR.
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
            "SessionStart": format_utc(ringing),
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
            "SessionStart": format_utc(answered - timedelta(seconds=0.5)),
        },
    )
    yield EmulatedCallback(
        "/plivo/voice/call/hangup",
        {
            **leg,
            "AnswerTime": format_local(answered, call.zone),
            "BillDuration": str(-(-call.talk_duration_s // 60) * 60),
            "CallStatus": "completed",
            "Duration": str(call.talk_duration_s),
            "EndTime": format_local(ended, call.zone),
            "Event": "Hangup",
            "HangupCause": "NORMAL_CLEARING",
            "HangupCauseCode": "4000",
            "HangupCauseName": "Normal Hangup",
            "HangupSource": "Callee",
            "SessionStart": format_utc(ringing),
            "StartTime": format_local(call.placed_at, call.zone),
            "TotalCost": f"{-(-call.talk_duration_s // 60) * 0.005:.5f}",
        },
    )
