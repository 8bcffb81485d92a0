"""Drive a call machine on real time: timers of the event loop, and requests over HTTP.

1. ``speed`` is how many seconds of the machine pass in one real second. Only the machine's own time is
   faster: a receiver has its full connect, read and total timeouts in real seconds.
2. A timer fires at the time when it was due, even if the loop is late; and before any input that is
   later than that. So a call that waits 20 s has waited 20.000 s, however busy the process is.
3. A cancelled timer stays in the queue until its turn, or until most of the queue is cancelled.
4. A driver that ``rests`` is fast only while there is something to do. Otherwise its time passes like
   real time, so that a server does not get days ahead over night.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from bridge.emulator.machine.commands import CancelTimer, Command, Outcome, Request, SetTimer
from bridge.emulator.machine.machine import Machine

T = TypeVar("T")
# The queue is not cleaned for less: rule 3.
_CANCELLED_MIN: Final = 256

Send = Callable[[Request], Awaitable[Outcome]]


class LiveDriver:
    """Runs a machine in an event loop.

    ``send`` sends one request and returns how it ended; it raises nothing. ``observe`` gets every
    command, for example to keep a history. Both must not report inputs themselves. ``on_idle`` is
    called when nothing is left to do. ``rests``: rule 4.
    """

    def __init__(  # noqa: PLR0913 (all by keyword, each with a default)
        self,
        machine: Machine,
        send: Send,
        *,
        speed: float = 1.0,
        observe: Callable[[Command], None] = lambda _command: None,
        on_idle: Callable[[], None] = lambda: None,
        rests: bool = False,
    ) -> None:
        self._machine = machine
        self._send = send
        self._speed = speed
        self._idle_speed = min(speed, 1.0) if rests else speed
        self._pace = self._idle_speed
        self._observe = observe
        self._on_idle = on_idle
        self._loop = asyncio.get_running_loop()
        self._started_s = self._loop.time()
        self._started_at = machine.world.now
        self._due_at: dict[int, datetime] = {}  # by the id of a timer
        self._queue: list[tuple[datetime, int]] = []
        self._wake: asyncio.TimerHandle | None = None
        self._requests: set[asyncio.Task[None]] = set()

    @property
    def now(self) -> datetime:
        """Return the machine's time."""
        elapsed_s = (self._loop.time() - self._started_s) * self._pace
        return max(self._machine.world.now, self._started_at + timedelta(seconds=elapsed_s))

    @property
    def is_idle(self) -> bool:
        """Return whether no request is on its way and no timer runs."""
        return not self._requests and not self._due_at

    def do(self, act: Callable[[Machine], T]) -> T:
        """Report inputs: ``act`` makes them. Return its result, after the machine has reacted."""
        now = self.now
        try:
            self._fire_due(now)
            return self._do_at(now, act)
        finally:
            self._go_on()

    async def close(self) -> None:
        """Stop all timers and requests."""
        if self._wake is not None:
            self._wake.cancel()
        self._due_at.clear()
        self._queue.clear()
        requests = list(self._requests)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)

    def _do_at(self, at: datetime, act: Callable[[Machine], T]) -> T:
        self._machine.advance(at)
        try:
            return act(self._machine)
        finally:
            for command in self._machine.run():
                self._perform(command)

    def _perform(self, command: Command) -> None:
        self._observe(command)
        match command:
            case Request():
                task = self._loop.create_task(self._request(command))
                self._requests.add(task)
                task.add_done_callback(self._forget_request)
            case SetTimer():
                due_at = self._machine.world.now + timedelta(seconds=command.delay_s)
                self._due_at[command.id] = due_at
                heapq.heappush(self._queue, (due_at, command.id))
            case CancelTimer():
                self._due_at.pop(command.id, None)
                self._clean_queue()
            case _:
                pass

    async def _request(self, request: Request) -> None:
        started_s = self._loop.time()
        outcome = await self._send(request)
        took_s = self._loop.time() - started_s
        self.do(lambda machine: machine.answer(request.id, outcome, took_s))

    def _forget_request(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._go_on()

    def _go_on(self) -> None:
        """Set the pace and wait for the next timer. Or say that nothing is left to do.

        The last timer or request may have had no other effect.
        """
        self._set_pace(self._idle_speed if self.is_idle else self._speed)
        self._plan_wake()
        if self.is_idle:
            self._on_idle()

    def _set_pace(self, pace: float) -> None:
        """Let time pass so many times as fast as real time from now on: rule 4."""
        if pace != self._pace:
            self._started_at, self._started_s = self.now, self._loop.time()
            self._pace = pace

    def _fire_due(self, until: datetime) -> None:
        """Fire the timers that are due, each at its time: rule 2."""
        while self._queue and self._queue[0][0] <= until:
            due_at, timer_id = heapq.heappop(self._queue)
            if self._due_at.pop(timer_id, None) is not None:
                self._do_at(due_at, partial(Machine.fire, timer_id=timer_id))

    def _clean_queue(self) -> None:
        """Remove the cancelled timers: rule 3."""
        if len(self._queue) > 2 * len(self._due_at) + _CANCELLED_MIN:
            self._queue = [one for one in self._queue if one[1] in self._due_at]
            heapq.heapify(self._queue)

    def _plan_wake(self) -> None:
        """Wake up when the next timer is due."""
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if self._queue:
            due_at = self._queue[0][0]
            due_s = self._started_s + (due_at - self._started_at).total_seconds() / self._pace
            self._wake = self._loop.call_at(due_s, self._wake_up, due_at)

    def _wake_up(self, due_at: datetime) -> None:
        # The loop may wake us a little before the time that it was asked for.
        try:
            self._fire_due(max(self.now, due_at))
        finally:
            self._go_on()
