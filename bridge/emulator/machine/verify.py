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
from typing import Final, NamedTuple

from bridge.emulator.machine.deliveries import Callback
from bridge.emulator.machine.fields import format_iso, in_order
from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.person import Person, Pickup, Reception
from bridge.emulator.machine.retries import MESSAGING
from bridge.emulator.machine.world import World

_VALID: Final = timedelta(minutes=10)
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
    """Whom to verify. ``channel`` is ``sms`` or ``voice``; the number is without ``+``.

    ``code`` is the customer's own; empty: a random one of ``code_digits`` digits.
    """

    account: Account
    recipient: str
    channel: str = "sms"
    url: tuple[str, str] = ("", "POST")
    code: str = ""
    code_digits: int = 6
    app_uuid: str = ""


@dataclass(slots=True)
class VerifyAttempt:
    """One attempt to bring a code to its owner. ``status`` is that of its channel."""

    uuid: str
    channel: str
    sequence: int
    requested_at: datetime
    status: str = ""


@dataclass(slots=True)
class VerifySession:
    """A session. ``code`` is what its owner must give."""

    uuid: str
    order: VerifyOrder
    code: str
    begun_at: datetime
    changed_at: datetime
    is_verified: bool = False
    attempts: list[VerifyAttempt] = field(default_factory=list[VerifyAttempt])

    def status_at(self, now: datetime) -> str:
        """Return ``SessionStatus``: rule 2."""
        if self.is_verified:
            return "verified"
        return "expired" if now >= self.begun_at + _VALID else "in-progress"


def begin(world: World, order: VerifyOrder) -> VerifySession:
    """Begin a session with its first attempt. Its code is noted, for whoever has to give it."""
    digits = order.code_digits
    code = order.code or str(world.random.randrange(10**digits)).zfill(digits)
    session = VerifySession(world.new_uuid(), order, code, world.now, world.now)
    world.note(session.uuid, f"the code is {code}")
    try_again(world, session, order.channel)
    return session


def try_again(world: World, session: VerifySession, channel: str) -> None:
    """Bring the code to its owner once more."""
    sequence = len(session.attempts) + 1
    attempt = VerifyAttempt(world.new_uuid(), channel, sequence, world.now)
    session.attempts.append(attempt)
    person = world.find_person(session.order.recipient, world.random)
    bring = _call if channel == "voice" else _send_sms
    world.scheduler.start(bring(_Delivery(world, session, attempt), person))


def check_code(world: World, session: VerifySession, code: str) -> bool:
    """Return whether the code is right and in time; if so, the session is verified."""
    if session.status_at(world.now) == "in-progress" and code == session.code:
        session.is_verified, session.changed_at = True, world.now
        return True
    return False


class _Delivery(NamedTuple):
    """The session of an attempt."""

    world: World
    session: VerifySession
    attempt: VerifyAttempt


async def _send_sms(delivery: _Delivery, person: Person) -> None:
    sleep = delivery.world.scheduler.sleep
    await sleep(_QUEUED_AFTER_S)
    _report(delivery, "queued")
    await sleep(_SENT_AFTER_S)
    status, error_code = _ENDS[person.receives]
    if status != "failed":
        _report(delivery, "sent")
        await sleep(_REPORTED_AFTER_S)
    _report(delivery, status, error_code)


async def _call(delivery: _Delivery, person: Person) -> None:
    sleep = delivery.world.scheduler.sleep
    await sleep(person.rings_after_s)
    _report(delivery, "ringing")
    await sleep(max(0.0, person.answers_after_s - person.rings_after_s))
    if person.pickup is Pickup.ANSWERS:
        _report(delivery, "in-progress")
        await sleep(_CODE_SPOKEN_S)
    _report(delivery, "completed")


def _report(delivery: _Delivery, status: str, error_code: str = "") -> None:
    """Send a callback: rules 1 to 3."""
    world, session, attempt = delivery
    attempt.status, session.changed_at = status, world.now
    fields = in_order({
        "AttemptSequence": str(attempt.sequence),
        "AttemptUUID": attempt.uuid,
        "Channel": attempt.channel,
        "ChannelErrorCode": error_code,
        "ChannelStatus": status,
        "Recipient": session.order.recipient,
        "RequestTime": format_iso(attempt.requested_at),
        "SessionStatus": session.status_at(world.now),
        "SessionUUID": session.uuid,
    })  # fmt: skip
    auth_id = session.order.account.auth_id
    url = session.order.url
    world.send(Callback("verify.session.status", session.uuid, auth_id, *url, fields, MESSAGING))
