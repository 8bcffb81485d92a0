"""Calls of several legs, and messages, as the bridge stores them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from bridge.calls.found import TimelineEntry
from bridge.reader.journal import parse_journal_record
from tests.support.dead_letters import letter_of
from tests.support.emulated_call import EmulatedCall, EmulatedCallback, answered_call
from tests.support.factories import AUTH_ID, ZONE
from tests.support.stored_calls import PLACED, Taken, taken

A = "a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f00"
B = "0df857fe-8d2e-4c53-9b5f-6d0f4f0a7c11"
ROOM = "f0a7c2d1-6b3e-4f58-9d10-3a4b5c6d7e8f"
MESSAGE = "7a242edc-2f57-11e7-98c9-06ab0bf64327"
CALL = EmulatedCall(UUID(A), AUTH_ID, ZoneInfo(ZONE), PLACED)
RING, ANSWER, HANGUP = answered_call(CALL)


def at(seconds: float, since: datetime = PLACED) -> datetime:
    return since + timedelta(seconds=seconds)


def changed(step: EmulatedCallback, **change: str | None) -> EmulatedCallback:
    """Return a callback with other parameters; None leaves one out."""
    parameters = {**step.parameters, **change}
    return replace(step, parameters={key: of for key, of in parameters.items() if of is not None})


def dial(action: str, **more: str) -> EmulatedCallback:
    """Return a callback of the leg that the first leg dialled."""
    legs = {"CallUUID": A, "DialALegUUID": A, "DialBLegUUID": B}
    who = {"DialBLegFrom": "14155550100", "DialBLegTo": "14155550177"}
    parameters = {"DialAction": action, **legs, **who, "DialBLegStatus": action, **more}
    return EmulatedCallback(f"/plivo/voice/dial/{action}", parameters)


def hangup_of_b(**more: str) -> EmulatedCallback:
    """Return the dialled leg's own hangup."""
    leg = {"CallUUID": B, "ALegUUID": A, "Event": "Hangup", "Direction": "outbound"}
    cause = {"HangupCauseCode": "4000", "HangupSource": "Callee", "TotalCost": "0.00500"}
    return EmulatedCallback("/plivo/voice/call/hangup", {**leg, **cause, "Duration": "11", **more})


def report(number: int, status: str) -> EmulatedCallback:
    parameters = {"MessageUUID": MESSAGE, "Status": status, "Sequence": str(number)}
    return EmulatedCallback(
        "/plivo/messaging/message/status", {**parameters, "TotalAmount": "0.0035"}
    )


def dialled_call(prefix: str = "", since: datetime = PLACED) -> list[Taken]:
    """Return a call that dialled another leg, in the order its callbacks came."""
    call = replace(CALL, placed_at=since)
    ring, answer, hangup = answered_call(call)
    steps = [
        (ring, 2),
        (answer, 5),
        (dial("answer"), 20),
        (dial("hangup", DialBLegDuration="11", DialBLegHangupCauseCode="3010"), 32),
        (hangup_of_b(), 33),
        (hangup, 70),
    ]
    return [taken(step, at(seconds, since), prefix=prefix) for step, seconds in steps]


def entry(
    one: Taken,
    offset: int = 0,
    *,
    says: Mapping[str, object] | None = None,
    event_from: Literal["published", "derived"] = "published",
) -> TimelineEntry:
    """Return a callback as it is found, its event saying something else if that is asked."""
    record = one.journal
    event: dict[str, Any] | None = orjson.loads(one.event.record.value) if one.event else None
    if event is not None:
        event["data"] |= says or {}
    return TimelineEntry(
        topic=record.topic,
        partition=0,
        offset=offset,
        timestamp_ms=record.timestamp_ms,
        key=record.key.decode(),
        callback=parse_journal_record(record.value),
        event=event,
        event_from=event_from if event else None,
        fault=None if event else "no_identity",
        header_type=dict(record.headers)["callback_type"].decode(),
        letter=letter_of(one.letter) if one.letter else None,
    )


def entries(*callbacks: Taken) -> list[TimelineEntry]:
    return [entry(one, offset) for offset, one in enumerate(callbacks)]


def steps(*parts: tuple[EmulatedCallback, float]) -> list[TimelineEntry]:
    """Return callbacks that came so many seconds after the call was placed."""
    return entries(*[taken(step, at(seconds)) for step, seconds in parts])
