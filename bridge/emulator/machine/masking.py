"""Masking sessions: two parties who see one virtual number instead of each other's.

1. A party calls the virtual number, and Plivo calls the other one; or Plivo calls the first party, and
   then the second. Each step has a callback, in the words of the newest page.
2. The call ends when a party hangs up, or after ``call_time_limit_s``. Then each party has a callback
   with the duration, the price and the cause.
3. A recording begins when both are connected. It has a callback then, and another one at its end.
4. ``SequenceNumber`` counts the callbacks of a session, and those of its recordings, from 1.
5. A session that expires says so. Later calls to the virtual number are not connected.

Source: Plivo's pages on masking sessions. PINs are not emulated. How the callbacks are retried is not
documented: they have the defaults of voice. The legs send no callbacks of calls.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from bridge.emulator.machine import people
from bridge.emulator.machine.causes import Cause, make_cause
from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.deliveries import Callback
from bridge.emulator.machine.fields import bill_duration_s, compute_cost, format_go, in_order
from bridge.emulator.machine.leg import Account, Leg, LegOver, Parties, Recording
from bridge.emulator.machine.recordings import begin_recording, end_recording
from bridge.emulator.machine.retries import UNSETTABLE
from bridge.emulator.machine.tasks import Signal
from bridge.emulator.machine.world import World

_API_URL: Final = "https://api.plivo.com"
_TIME_LIMIT: Final = make_cause("6000", "Plivo")
_CANCELLED: Final = make_cause("1000", "Plivo")
_OTHER_LEFT: Final = make_cause("4000", "Plivo")


@dataclass(frozen=True, slots=True)
class MaskingOrder:
    """A session to begin. Numbers are without ``+``; each URL has its method beside it."""

    account: Account
    first_party: str
    second_party: str
    virtual_number: str
    url: tuple[str, str] = ("", "POST")
    recording_url: tuple[str, str] = ("", "POST")
    calls_first_party: bool = False
    records: bool = False
    file_format: str = "mp3"
    ring_timeout_s: float = 120.0
    call_time_limit_s: float = 3_600.0
    expires_after_s: float = 3_600.0


class MaskingSession:
    """A session, its numbering of callbacks (rule 4), and what its calls have cost so far."""

    def __init__(self, uuid: str, order: MaskingOrder, begun_at: datetime) -> None:
        self.uuid = uuid
        self.order = order
        self.begun_at = self.changed_at = begun_at
        self.expires_at = begun_at + timedelta(seconds=order.expires_after_s)
        self.expiry_changed: Signal[None] = Signal()
        self.numbers: Iterator[int] = count(1)
        self.recording_numbers: Iterator[int] = count(1)
        self.calls_going_on = 0
        self.calls_ended = 0
        self.billed_s = 0
        self.last_call_at: datetime | None = None

    def status_at(self, now: datetime) -> str:
        """Return ``active``, ``in-progress`` during a call, or ``expired``."""
        if now >= self.expires_at:
            return "expired"
        return "in-progress" if self.calls_going_on else "active"


@dataclass(frozen=True, slots=True)
class _Party:
    """A party: its word in the names of events, its word for ringing, and its number."""

    name: str
    ringing: str
    number: str


def begin(world: World, order: MaskingOrder) -> MaskingSession:
    """Begin a session; if the order says so, with a call to the first party."""
    session = MaskingSession(world.new_uuid(), order, world.now)
    if order.calls_first_party:
        world.scheduler.start(_connect_both(world, session))
    world.scheduler.start(_expire(world, session))
    return session


def call_virtual_number(world: World, session: MaskingSession, caller: str) -> bool:
    """Let a party call the virtual number: rule 1. Return whether it is connected."""
    first, second = _list_parties(session.order)
    if world.now >= session.expires_at or caller not in {first.number, second.number}:
        world.note(session.uuid, f"the call of {caller} to the virtual number is not connected")
        return False
    parties = (first, second) if caller == first.number else (second, first)
    world.scheduler.start(_receive(world, session, *parties))
    return True


def change(session: MaskingSession, order: MaskingOrder, now: datetime) -> None:
    """Change a session. Calls that go on keep their limits."""
    if order.expires_after_s != session.order.expires_after_s:
        expire_at(session, now + timedelta(seconds=order.expires_after_s))
    session.order, session.changed_at = order, now


def expire_at(session: MaskingSession, at: datetime) -> None:
    """Let a session expire at another time."""
    session.expires_at = at
    changed, session.expiry_changed = session.expiry_changed, Signal()
    changed.set(None)


def _list_parties(order: MaskingOrder) -> tuple[_Party, _Party]:
    return (
        _Party("FirstParty", "Ringing", order.first_party),
        _Party("SecondParty", "Ring", order.second_party),
    )


async def _expire(world: World, session: MaskingSession) -> None:
    while (left_s := (session.expires_at - world.now).total_seconds()) > 0:
        await world.scheduler.wait_first(session.expiry_changed, timeout_s=left_s)
    _report(world, session, "SessionTimeout")


async def _connect_both(world: World, session: MaskingSession) -> None:
    first, second = _list_parties(session.order)
    session.calls_going_on += 1
    leg = await _dial(world, session, first, None)
    if leg is not None:
        await _connect(world, session, (first, leg), second)
    _end_call(world, session)


async def _receive(world: World, session: MaskingSession, caller: _Party, callee: _Party) -> None:
    order = session.order
    person = world.find_person(caller.number, world.random)
    parties = Parties("inbound", caller.number, order.virtual_number)
    leg = world.add_leg(order.account, person, parties)
    leg.answered_at = world.now
    people.act(world, leg)
    session.calls_going_on += 1
    _report(world, session, "SessionVirtualNumberAnswer")
    await _connect(world, session, (caller, leg), callee)
    _end_call(world, session)


def _end_call(world: World, session: MaskingSession) -> None:
    session.calls_going_on -= 1
    session.last_call_at = world.now


async def _dial(
    world: World, session: MaskingSession, party: _Party, other: Leg | None
) -> Leg | None:
    """Call a party, as long as the other one waits. Return its leg, None if it was not answered."""
    order = session.order
    _report(world, session, f"Session{party.name}Initiated")
    person = world.find_person(party.number, world.random)
    parties = Parties("outbound", order.virtual_number, party.number)
    leg = world.add_leg(order.account, person, parties)
    leg.task = world.scheduler.start(_ring(world, session, party, leg))
    over = () if other is None else (other.ended,)
    first = await world.scheduler.wait_first(leg.task.done, *over)
    if first is not leg.task.done:
        leg.end(_CANCELLED, world.now)
    if leg.ended.is_set:
        _report_end(world, session, f"Session{party.name}Failed", leg)
        return None
    people.act(world, leg)
    _report(world, session, f"Session{party.name}Answer")
    return leg


async def _ring(world: World, session: MaskingSession, party: _Party, leg: Leg) -> None:
    with contextlib.suppress(LegOver):
        await world.scheduler.sleep(leg.person.rings_after_s)
        if people.rings(leg.person):
            leg.rang = True
            _report(world, session, f"Session{party.name}{party.ringing}")
        await people.pick_up(world, leg, session.order.ring_timeout_s)


async def _connect(
    world: World, session: MaskingSession, waiting: tuple[_Party, Leg], callee: _Party
) -> None:
    """Connect the party that waits with the other one, until one hangs up: rules 1 to 3."""
    party, leg = waiting
    other = await _dial(world, session, callee, leg)
    if other is None:
        leg.end(_OTHER_LEFT, world.now)
        _report_end(world, session, f"Session{party.name}Complete", leg)
        return
    recording = _begin_recording(world, session, leg)
    limit_s = session.order.call_time_limit_s
    first = await world.scheduler.wait_first(leg.ended, other.ended, timeout_s=limit_s)
    cause: Cause = _TIME_LIMIT if first is None else _OTHER_LEFT
    both = [(party, leg), (callee, other)]
    if first is other.ended:
        both.reverse()
    for ended_party, ended in both:
        ended.end(cause, world.now)
        _report_end(world, session, f"Session{ended_party.name}Complete", ended)
    if recording is not None:
        end_recording(recording, world.now)
        _report_recording(world, session, "SessionRecordingCompleted", recording)


def _begin_recording(world: World, session: MaskingSession, leg: Leg) -> Recording | None:
    if not session.order.records:
        return None
    recording = begin_recording(world, leg, session.order.file_format)
    _report_recording(world, session, "SessionRecordingInitiated", recording)
    return recording


def _report_end(world: World, session: MaskingSession, event: str, leg: Leg) -> None:
    """Say that a party is gone: rule 2."""
    cause, duration_s = leg.ended.value, leg.duration_s
    billed_s = bill_duration_s(duration_s, world.conditions)
    session.calls_ended += 1
    session.billed_s += billed_s
    fields = {
        "Amount": compute_cost(billed_s, world.conditions),
        "BilledDuration": str(billed_s),
        "Duration": str(duration_s),
        "PlivoHangupCause": cause.name,
        "PlivoHangupCauseCode": cause.code,
    }
    _report(world, session, event, fields)


def _report(
    world: World, session: MaskingSession, event: str, more: Parameters | None = None
) -> None:
    number = next(session.numbers)
    fields = {**_shared_fields(world, session, event, number), **(more or {})}
    _send(world, session, "masking.session.status", session.order.url, fields)


def _report_recording(
    world: World, session: MaskingSession, event: str, recording: Recording
) -> None:
    """Say that a recording began or ended: rule 3."""
    order = session.order
    account = order.account.auth_id
    fields = {
        **_shared_fields(world, session, event, next(session.recording_numbers)),
        "RecordingFormat": f".{order.file_format}",
        "RecordingResourceURL": f"{_API_URL}/v1/Account/{account}/Recording/{recording.id}/",
        "RecordingStartTime": format_go(recording.started_at),
        "RecordingURL": recording.url,
        "RecordingUUID": recording.id,
    }
    if recording.duration_ms >= 0:
        ended_at = recording.started_at + timedelta(milliseconds=recording.duration_ms)
        fields["RecordingDuration"] = str(round(recording.duration_ms / 1000))
        fields["RecordingEndTime"] = format_go(ended_at)
    _send(world, session, "masking.session.recording", order.recording_url, fields)


def _shared_fields(world: World, session: MaskingSession, event: str, number: int) -> Parameters:
    order = session.order
    return {
        "EventName": event,
        "EventTimestamp": format_go(world.now),
        "FirstParty": order.first_party,
        "SecondParty": order.second_party,
        "SequenceNumber": str(number),
        "SessionUUID": session.uuid,
        "VirtualNumber": order.virtual_number,
    }


def _send(
    world: World, session: MaskingSession, kind: str, url: tuple[str, str], fields: Parameters
) -> None:
    auth_id = session.order.account.auth_id
    world.send(Callback(kind, session.uuid, auth_id, *url, in_order(fields), UNSETTABLE))
