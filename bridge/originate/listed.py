"""Calls as Plivo lists them: plivo.com/docs/voice/api/call/retrieve-all-calls.

1. A call that has ended is listed with its times, in the account's zone with the offset. One that goes
   on or waits is listed apart, with fewer fields.
2. Times of filters are UTC. A list has the calls of at most 30 days.
3. A number is matched by its beginning, with or without ``+``.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

CallState = Literal["queued", "live", "ended"]


class IncompleteList(Exception):
    """Plivo has more calls than were read. ``calls`` is how many were read."""

    def __init__(self, calls: int) -> None:
        super().__init__(f"Plivo has more than {calls} calls of that time")
        self.calls = calls


class CallsWanted(NamedTuple):
    """Which ended calls are listed: rules 2 and 3. Empty and None: any."""

    from_number: str = ""
    to_number: str = ""
    direction: Literal["", "inbound", "outbound"] = ""
    ended_from: datetime | None = None
    ended_before: datetime | None = None

    def to_query(self) -> dict[str, str]:
        """Return Plivo's filters."""
        given = {
            "from_number": self.from_number.removeprefix("+"),
            "to_number": self.to_number.removeprefix("+"),
            "call_direction": self.direction,
            "end_time__gte": _format(self.ended_from),
            "end_time__lt": _format(self.ended_before),
        }
        return {name: value for name, value in given.items() if value}


class ListedCall(NamedTuple):
    """A call of Plivo's. ``body`` is Plivo's JSON. Unknown times and numbers are None or empty.

    ``began_at`` of a live call is when its media started. ``duration_s`` counts from the answer.
    """

    call_uuid: str
    state: CallState
    caller: str
    callee: str
    direction: str
    began_at: datetime | None
    ended_at: datetime | None
    duration_s: int | None
    body: Mapping[str, object]


def read_ended_call(body: Mapping[str, object]) -> ListedCall:
    """Return a call that has ended."""
    duration = body.get("call_duration")
    return ListedCall(
        call_uuid=_text(body, "call_uuid"),
        state="ended",
        caller=_text(body, "from_number"),
        callee=_text(body, "to_number"),
        direction=_text(body, "call_direction"),
        began_at=_read_time(body, "initiation_time"),
        ended_at=_read_time(body, "end_time"),
        duration_s=duration if isinstance(duration, int) else None,
        body=body,
    )


def read_ongoing_call(body: Mapping[str, object], state: Literal["live", "queued"]) -> ListedCall:
    """Return a call that goes on, or waits. Its ``session_start`` is UTC without an offset."""
    began_at = _read_time(body, "session_start")
    return ListedCall(
        call_uuid=_text(body, "call_uuid"),
        state=state,
        caller=_text(body, "from"),
        callee=_text(body, "to"),
        direction=_text(body, "direction"),
        began_at=began_at,
        ended_at=None,
        duration_s=None,
        body=body,
    )


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _read_time(body: Mapping[str, object], name: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(body, name))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _format(instant: datetime | None) -> str:
    return "" if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
