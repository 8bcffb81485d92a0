"""Drive a call machine on real time: timers of the event loop, and requests over HTTP.

1. ``speed`` is how many seconds of the machine pass in one real second. Only the machine's own time is
   faster: a receiver has its full connect, read and total timeouts in real seconds.
2. A timer that the loop fires late counts as fired when it was due. So a call that waits 20 s has waited
   20.000 s, however busy the machine is, and durations do not depend on the load.
3. The machine's time never goes back. An input that comes before a late timer was due counts as later.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from bridge.emulator.machine.commands import CancelTimer, Command, Outcome, Request, SetTimer
from bridge.emulator.machine.machine import Machine

T = TypeVar("T")
Send = Callable[[Request], Awaitable[Outcome]]


class LiveDriver:
    """Runs a machine in an event loop.

    ``send`` sends one request and returns how it ended; it raises nothing. ``observe`` gets every
    command, for example to keep a history. Both must not report inputs themselves.
    """

    def __init__(
        self,
        machine: Machine,
        send: Send,
        *,
        speed: float = 1.0,
        observe: Callable[[Command], None] = lambda _command: None,
    ) -> None:
        self._machine = machine
        self._send = send
        self._speed = speed
        self._observe = observe
        self._loop = asyncio.get_running_loop()
        self._started_s = self._loop.time()
        self._started_at = machine.world.now
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._requests: set[asyncio.Task[None]] = set()

    @property
    def now(self) -> datetime:
        """Return the machine's time."""
        elapsed_s = (self._loop.time() - self._started_s) * self._speed
        return max(self._machine.world.now, self._started_at + timedelta(seconds=elapsed_s))

    @property
    def is_idle(self) -> bool:
        """Return whether no request is on its way and no timer runs."""
        return not self._requests and not self._timers

    def do(self, act: Callable[[Machine], T]) -> T:
        """Report inputs: ``act`` makes them. Return its result, after the machine has reacted."""
        return self._do_at(self.now, act)

    async def close(self) -> None:
        """Stop all timers and requests."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
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
                task.add_done_callback(self._requests.discard)
            case SetTimer():
                self._set_timer(command)
            case CancelTimer():
                timer = self._timers.pop(command.id, None)
                if timer is not None:
                    timer.cancel()
            case _:
                pass

    def _set_timer(self, command: SetTimer) -> None:
        due_at = self._machine.world.now + timedelta(seconds=command.delay_s)
        due_s = self._started_s + (due_at - self._started_at).total_seconds() / self._speed
        self._timers[command.id] = self._loop.call_at(due_s, self._fire, command.id, due_at)

    async def _request(self, request: Request) -> None:
        started_s = self._loop.time()
        outcome = await self._send(request)
        took_s = self._loop.time() - started_s
        self.do(lambda machine: machine.answer(request.id, outcome, took_s))

    def _fire(self, timer_id: int, due_at: datetime) -> None:
        self._timers.pop(timer_id, None)
        at = max(self._machine.world.now, due_at)
        self._do_at(at, lambda machine: machine.fire(timer_id))
