"""Drive a call machine on virtual time: an hour of calls takes milliseconds.

The receiver is a function. Each answer arrives ``latency_s`` after its request.
"""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from bridge.emulator.machine.commands import (
    CancelTimer,
    Command,
    Failure,
    Fault,
    LegEnded,
    Note,
    Outcome,
    Request,
    SetTimer,
)
from bridge.emulator.machine.machine import Machine

T = TypeVar("T")
Receiver = Callable[[Request], Outcome]


class VirtualDriver:
    """Runs a machine until nothing is left to do.

    ``requests``, ``ended`` and ``notes`` are in the order in which the machine made them.
    ``sent_at`` has the time of each request.
    """

    def __init__(self, machine: Machine, receiver: Receiver, *, latency_s: float = 0.05) -> None:
        self.machine = machine
        self.requests: list[Request] = []
        self.sent_at: list[datetime] = []
        self.ended: list[LegEnded] = []
        self.notes: list[Note] = []
        self._receiver = receiver
        self._latency_s = latency_s
        self._due: list[tuple[datetime, int, int | None, tuple[int, Outcome] | None]] = []
        self._order = 0
        self._cancelled: set[int] = set()

    def do(self, act: Callable[[Machine], T]) -> T:
        """Report inputs: ``act`` makes them. Return its result, after the machine has reacted."""
        try:
            return act(self.machine)
        finally:
            self._do(self.machine.run())

    def run(self, until: datetime | None = None) -> None:
        """Run until nothing is due, or nothing before ``until``."""
        self._do(self.machine.run())
        while self._due and (until is None or self._due[0][0] <= until):
            at, _, timer_id, answer = heapq.heappop(self._due)
            if timer_id is not None and timer_id in self._cancelled:
                self._cancelled.discard(timer_id)
                continue
            self.machine.advance(at)
            if timer_id is not None:
                self.machine.fire(timer_id)
            elif answer is not None:
                self.machine.answer(*answer)
            self._do(self.machine.run())
        if until is not None:
            self.machine.advance(until)

    def _do(self, commands: list[Command]) -> None:
        now = self.machine.world.now
        for command in commands:
            match command:
                case Request():
                    self.requests.append(command)
                    self.sent_at.append(now)
                    outcome = self._receive(command)
                    delay_s = self._find_delay_s(command, outcome)
                    self._push(now + timedelta(seconds=delay_s), None, (command.id, outcome))
                case SetTimer():
                    self._push(now + timedelta(seconds=command.delay_s), command.id, None)
                case CancelTimer():
                    self._cancelled.add(command.id)
                case LegEnded():
                    self.ended.append(command)
                case Note():
                    self.notes.append(command)

    def _receive(self, request: Request) -> Outcome:
        """Return the receiver's answer. A request that is cut does not reach it."""
        if request.fault is Fault.CUT and request.method != "GET":
            return Failure("broken", "cut off")
        return self._receiver(request)

    def _find_delay_s(self, request: Request, outcome: Outcome) -> float:
        """Return when the machine learns of an outcome: a timeout takes its time."""
        kind = outcome.kind if isinstance(outcome, Failure) else ""
        waits_s = {"ct": request.connect_timeout_s, "rt": request.read_timeout_s}
        return waits_s.get(kind, self._latency_s)

    def _push(self, at: datetime, timer_id: int | None, answer: tuple[int, Outcome] | None) -> None:
        self._order += 1
        heapq.heappush(self._due, (at, self._order, timer_id, answer))
