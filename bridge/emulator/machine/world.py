"""State that all calls of a machine share: time, deliveries, random ids, rates, and the calls.

Of legs that have ended, messages, recordings and sessions only the newest are kept, ``KEPT_MAX`` of
each.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

from bridge.emulator.machine.causes import Cause
from bridge.emulator.machine.commands import LegEnded, Note, Parameters
from bridge.emulator.machine.deliveries import METHODS, Callback, Deliveries
from bridge.emulator.machine.leg import Account, Leg, Parties, Recording
from bridge.emulator.machine.message import Message
from bridge.emulator.machine.person import Person
from bridge.emulator.machine.retries import RetryPolicy
from bridge.emulator.machine.rooms import Rooms
from bridge.emulator.machine.tasks import Scheduler, Task

T = TypeVar("T")
KEPT_MAX: Final = 20_000
FindPerson = Callable[[str, Random], Person]
"""Returns who is called at a number."""


def answer_everybody(_number: str, _random: Random) -> Person:
    """Return a person who answers, listens for a minute, and hangs up."""
    return Person()


@dataclass(frozen=True, slots=True)
class Conditions:
    """Rates and durations that Plivo or its carriers decide.

    All are inferred, but for the interval and the calls per second.
    """

    bill_rate: str = "0.005"
    bill_interval_s: int = 60
    spoken_characters_per_s: float = 15.0
    played_s: float = 5.0  # the length of any sound file
    transcription_rate: str = "0.0095"  # the price of a minute of transcription
    message_rate: str = "0.00350"
    network: tuple[str, str] = ("310", "260")  # country and network code of each destination
    speech_rate: str = "0.0050"  # the price of 15 seconds of recognised speech
    country_code: str = "US"
    stir_verification: str = "Verified"
    stir_attestation: str = "A"
    calls_per_s: int = 2  # more calls of one account wait
    media_url: str = "https://media.example.com"


class World:
    """The state of one emulated Plivo."""

    def __init__(
        self,
        now: datetime,
        *,
        seed: int = 0,
        find_person: FindPerson = answer_everybody,
        conditions: Conditions | None = None,
    ) -> None:
        self.scheduler = Scheduler(now)
        self.random = Random(seed)  # noqa: S311 (repeatable on purpose)
        self.deliveries = Deliveries(self.scheduler, self.random)
        self.people: dict[str, Person] = {}  # by number, before ``find_person`` is asked
        self._find_person = find_person
        self.conditions = conditions or Conditions()
        self.legs: dict[str, Leg] = {}
        self.messages: OrderedDict[str, Message] = OrderedDict()
        self.recordings: OrderedDict[str, Recording] = OrderedDict()
        self.conferences = Rooms()
        self.multi_party_calls = Rooms()
        self._ended: deque[str] = deque()

    @property
    def now(self) -> datetime:
        """Return the machine's time."""
        return self.scheduler.now

    def find_person(self, number: str, random: Random) -> Person:
        """Return who is called at a number."""
        return self.people.get(number) or self._find_person(number, random)

    def new_uuid(self) -> str:
        """Return a random UUID; the seed decides it."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def note(self, subject: str, text: str) -> None:
        """Tell the developer something about a call."""
        self.scheduler.commands.append(Note(subject, text))

    def add_leg(
        self, account: Account, person: Person, parties: Parties, uuid: str | None = None
    ) -> Leg:
        """Begin a leg now. Its end is reported, once. ``uuid`` None: a new one."""
        leg = Leg(uuid or self.new_uuid(), account, person, parties, self.now)
        self.legs[leg.uuid] = leg
        self.scheduler.start(self._report_end(leg))
        return leg

    def add_message(self, message: Message) -> None:
        """Keep a message."""
        keep_newest(self.messages, message.uuid, message)

    def add_recording(self, recording: Recording) -> None:
        """Keep a recording."""
        keep_newest(self.recordings, recording.id, recording)

    def notify(
        self,
        leg: Leg,
        kind: str,
        url: tuple[str, str],
        parameters: Parameters,
        policy: RetryPolicy | None = None,
    ) -> Task[Any] | None:
        """Send a callback of type ``kind`` while the call goes on. ``url`` has its method beside it.

        Nothing is sent without a URL. Returns the delivery.
        """
        auth_id = leg.account.auth_id
        return self.send(Callback(kind, leg.uuid, auth_id, *url, parameters, policy))

    def send(self, callback: Callback) -> Task[Any] | None:
        """Send a callback, and do not wait for it. Without a URL that can be called, nothing is sent."""
        if not callback.url:
            return None
        if callback.method not in METHODS:
            text = f"{callback.type} is not sent: its method is {callback.method!r}"
            self.note(callback.subject, text)
            return None
        return self.deliveries.notify(callback)

    def end_later(self, leg: Leg, delay_s: float, cause: Cause) -> None:
        """End a leg on schedule, unless it ends before."""
        self.scheduler.start(self._end_later(leg, delay_s, cause))

    async def _end_later(self, leg: Leg, delay_s: float, cause: Cause) -> None:
        if await self.scheduler.wait_first(leg.ended, timeout_s=delay_s) is None:
            leg.end(cause, self.now)

    async def _report_end(self, leg: Leg) -> None:
        cause = await leg.ended
        self.scheduler.commands.append(LegEnded(leg.uuid, *cause))
        self._ended.append(leg.uuid)
        if len(self._ended) > KEPT_MAX:
            del self.legs[self._ended.popleft()]


def keep_newest(kept: OrderedDict[str, T], key: str, value: T) -> None:
    """Keep a value under its key; forget the oldest one if there are more than ``KEPT_MAX``."""
    kept[key] = value
    if len(kept) > KEPT_MAX:
        kept.popitem(last=False)
