"""One leg of a call: whom it connects, what happened when, and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bridge.emulator.machine.causes import Cause, DocumentSource
from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.person import Input, Person, Phase
from bridge.emulator.machine.streams import AudioStream
from bridge.emulator.machine.tasks import Queue, Signal, Task
from bridge.reply.tree import Node


class LegOver(Exception):
    """The leg has ended; what it was executing stops."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next document to fetch and execute.

    ``type`` is that of the callback which asks for it. ``extra`` are its parameters beside those that
    every request of the call has. A ``document`` that is known already is not fetched.
    """

    type: str
    url: str
    method: str
    source: DocumentSource
    extra: Parameters = field(default_factory=Parameters)
    document: Node | None = None


class Transferred(Exception):
    """Somebody asked for another document; what the leg was executing stops."""

    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self.step = step


@dataclass(frozen=True, slots=True)
class Account:
    """A Plivo account, or a subaccount if ``parent_auth_id`` is set.

    ``zone`` is that of the console setting, in which Plivo writes local times.
    """

    auth_id: str
    auth_tokens: tuple[str, ...]
    zone: ZoneInfo
    parent_auth_id: str | None = None
    name: str = "Emulated account"

    @property
    def main_auth_id(self) -> str:
        """Return the auth id of the main account."""
        return self.parent_auth_id or self.auth_id


@dataclass(frozen=True, slots=True)
class CallUrls:
    """The URLs of a call, each with its method. An empty URL is not called.

    Without ``reports_end`` Plivo fails to send the hangup callback.
    """

    answer: tuple[str, str]
    ring: tuple[str, str] = ("", "POST")
    hangup: tuple[str, str] = ("", "POST")
    fallback: tuple[str, str] = ("", "POST")
    reports_end: bool = True


class Parties(NamedTuple):
    """The two ends of a leg. ``direction`` is ``outbound`` or ``inbound``; numbers are without ``+``."""

    direction: str
    caller: str
    callee: str


@dataclass(slots=True)
class Recording:
    """A recording of a leg, in progress (with a duration of -1) or done."""

    id: str
    url: str
    started_at: datetime
    leg: "Leg"
    file_format: str = "mp3"
    conference_name: str = ""
    duration_ms: int = -1


class ApiRecording(NamedTuple):
    """A recording that the API started, and the signal that stops it."""

    recording: Recording
    stopped: Signal[None]


class Leg:
    """One leg. ``a_leg`` is None for the first leg of a call.

    Times are instants in UTC. ``ended`` is set exactly once, by ``end``.
    """

    def __init__(
        self,
        uuid: str,
        account: Account,
        person: Person,
        parties: Parties,
        started_at: datetime,
    ) -> None:
        self.uuid = uuid
        self.account = account
        self.person = person
        self.direction, self.caller, self.callee = parties
        self.request_uuid = ""  # of the API request that placed the call
        self.parent_uuid = ""  # the call that this request named as parent
        self.a_leg: Leg | None = None
        self.bridged: Leg | None = None  # the leg that this one is connected with
        self.stream: AudioStream | None = None
        self.parted: Signal[None] = Signal()  # transferred away from the leg that dialled it
        self.caller_name = ""
        self.sip_headers: Mapping[str, str] = {}
        self.machine_flag: str | None = None  # ``Machine`` of synchronous machine detection
        self.started_at = started_at
        self.session_at = started_at  # ``SessionStart``: early media
        self.rang = False
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.ended: Signal[Cause] = Signal()
        self.phase = Phase.RINGING
        self.phase_changed: Signal[Phase] = Signal()
        self.listens = False  # waits for input of its person
        self.pressed: Queue[str] = Queue()  # digits, one by one
        self.spoken: Queue[Input] = Queue()
        self.dial_answered: Signal[None] = Signal()  # a leg that this one dialled was answered
        self.api_recordings: list[ApiRecording] = []  # in progress
        self.task: Task[Any] | None = None  # executes its documents
        self._given = 0

    @property
    def status(self) -> str:
        """Return ``CallStatus``."""
        if self.ended.is_set:
            return "completed" if self.answered_at else self.ended.value.status
        return "in-progress" if self.answered_at else "ringing"

    @property
    def duration_s(self) -> int:
        """Return the whole seconds between answer and end; 0 without an answer."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return round((self.ended_at - self.answered_at).total_seconds())

    def enter(self, phase: Phase, *, listens: bool = False) -> None:
        """Begin a phase. A leg that ``listens`` waits for input; in ``Phase.INPUT`` it always does."""
        self.phase, self.listens = phase, listens or phase is Phase.INPUT
        changed, self.phase_changed = self.phase_changed, Signal()
        changed.set(phase)

    def end(self, cause: Cause, at: datetime) -> None:
        """End the leg, and stop what it executes. A leg that has ended is left alone."""
        if self.ended.is_set:
            return
        self.ended_at = at
        self.ended.set(cause)
        if self.task is not None:
            self.task.stop(LegOver())

    def transfer(self, step: Step) -> None:
        """Stop the document that the leg executes, and execute another one, unless the leg has ended."""
        if self.task is not None and not self.ended.is_set:
            self.task.stop(Transferred(step))

    def take_input(self) -> Input | None:
        """Return what the person gives next, None if nothing is left."""
        inputs = self.person.inputs
        self._given += 1
        return inputs[self._given - 1] if self._given <= len(inputs) else None
