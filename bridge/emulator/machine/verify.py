"""Verify sessions: a code is sent by SMS or told in a call, and its owner gives it back.

1. Each attempt has a callback for each change of its channel: an SMS is queued, sent, and then
   delivered, undelivered or failed; a call rings, is in progress, and is completed.
2. ``SessionStatus`` is that of the moment of the callback: ``in-progress``, ``verified`` once the
   right code was given, else ``expired`` after ten minutes. A session that just expires sends nothing.
3. The callbacks are retried as those of messages.

Source: Plivo's page on the callbacks of Verify. The time of expiry, the delays, the error codes, and
that a call which nobody answers is completed after it rang are inferred. So is that an attempt sends no
callbacks of messages or calls.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.deliveries import Callback
from bridge.emulator.machine.fields import format_iso, in_order
from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.person import Person, Pickup, Reception
from bridge.emulator.machine.retries import MESSAGING
from bridge.emulator.machine.world import World

_VALID: Final = timedelta(minutes=10)
_CODE_DIGITS: Final = 6
_QUEUED_AFTER_S: Final = 0.1
_SENT_AFTER_S: Final = 1.2
_REPORTED_AFTER_S: Final = 2.5
_CODE_SPOKEN_S: Final = 20.0
# How an SMS ends: the state of the channel, and Plivo's code of the error.
_ENDS: Final = {
    Reception.DELIVERED: ("delivered", ""),
    Reception.READ: ("delivered", ""),
    Reception.UNDELIVERED: ("undelivered", "80"),
    Reception.FAILED: ("failed", "300"),
    Reception.REJECTED: ("failed", "100"),
}


@dataclass(frozen=True, slots=True)
class VerifyOrder:
    """Whom to verify. ``channel`` is ``sms`` or ``voice``; the number is without ``+``."""

    account: Account
    recipient: str
    channel: str = "sms"
    url: tuple[str, str] = ("", "POST")


@dataclass(slots=True)
class VerifySession:
    """A session. ``code`` is what its owner must give; ``attempts`` counts how often it was sent."""

    uuid: str
    order: VerifyOrder
    code: str
    expires_at: datetime
    is_verified: bool = False
    attempts: int = 0

    def status_at(self, now: datetime) -> str:
        """Return ``SessionStatus``: rule 2."""
        if self.is_verified:
            return "verified"
        return "expired" if now >= self.expires_at else "in-progress"


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt to bring the code to its owner."""

    world: World
    session: VerifySession
    channel: str
    sequence: int
    uuid: str
    requested_at: datetime
    person: Person = field(repr=False)


def begin(world: World, order: VerifyOrder) -> VerifySession:
    """Begin a session with its first attempt."""
    code = str(world.random.randrange(10**_CODE_DIGITS)).zfill(_CODE_DIGITS)
    session = VerifySession(world.new_uuid(), order, code, world.now + _VALID)
    try_again(world, session, order.channel)
    return session


def try_again(world: World, session: VerifySession, channel: str) -> None:
    """Bring the code to its owner once more."""
    session.attempts += 1
    person = world.find_person(session.order.recipient, world.random)
    sequence = session.attempts
    attempt = _Attempt(world, session, channel, sequence, world.new_uuid(), world.now, person)
    world.scheduler.start(_call(attempt) if channel == "voice" else _send_sms(attempt))


def check_code(world: World, session: VerifySession, code: str) -> bool:
    """Return whether the code is right and in time; if so, the session is verified."""
    if session.status_at(world.now) == "in-progress" and code == session.code:
        session.is_verified = True
        return True
    return False


async def _send_sms(attempt: _Attempt) -> None:
    sleep = attempt.world.scheduler.sleep
    await sleep(_QUEUED_AFTER_S)
    _report(attempt, "queued")
    await sleep(_SENT_AFTER_S)
    status, error_code = _ENDS[attempt.person.receives]
    if status != "failed":
        _report(attempt, "sent")
        await sleep(_REPORTED_AFTER_S)
    _report(attempt, status, error_code)


async def _call(attempt: _Attempt) -> None:
    sleep, person = attempt.world.scheduler.sleep, attempt.person
    await sleep(person.rings_after_s)
    _report(attempt, "ringing")
    await sleep(max(0.0, person.answers_after_s - person.rings_after_s))
    if person.pickup is Pickup.ANSWERS:
        _report(attempt, "in-progress")
        await sleep(_CODE_SPOKEN_S)
    _report(attempt, "completed")


def _report(attempt: _Attempt, status: str, error_code: str = "") -> None:
    """Send a callback: rules 1 to 3."""
    order = attempt.session.order
    fields = _fields(attempt, status, error_code)
    attempt.world.send(
        Callback(
            "verify.session.status",
            attempt.session.uuid,
            order.account.auth_id,
            *order.url,
            fields,
            MESSAGING,
        )
    )


def _fields(attempt: _Attempt, status: str, error_code: str) -> Parameters:
    session = attempt.session
    return in_order({
        "AttemptSequence": str(attempt.sequence),
        "AttemptUUID": attempt.uuid,
        "Channel": attempt.channel,
        "ChannelErrorCode": error_code,
        "ChannelStatus": status,
        "Recipient": session.order.recipient,
        "RequestTime": format_iso(attempt.requested_at),
        "SessionStatus": session.status_at(attempt.world.now),
        "SessionUUID": session.uuid,
    })  # fmt: skip
