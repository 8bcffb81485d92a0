"""Drive a call machine on real time: timers of the event loop, and requests over HTTP.

``speed`` is how many seconds of the machine pass in one real second. Only the machine's own time is
faster: a receiver has its full connect and read timeouts in real seconds.
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
    command, for example to keep a history.
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
        return self._started_at + timedelta(seconds=elapsed_s)

    @property
    def is_idle(self) -> bool:
        """Return whether no request is on its way and no timer runs."""
        return not self._requests and not self._timers

    def do(self, act: Callable[[Machine], T]) -> T:
        """Report inputs: ``act`` makes them. Return its result, after the machine has reacted."""
        self._machine.advance(self.now)
        try:
            return act(self._machine)
        finally:
            for command in self._machine.run():
                self._perform(command)

    async def close(self) -> None:
        """Stop all timers and requests."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for request in self._requests:
            request.cancel()
        await asyncio.gather(*self._requests, return_exceptions=True)

    def _perform(self, command: Command) -> None:
        self._observe(command)
        match command:
            case Request():
                task = self._loop.create_task(self._request(command))
                self._requests.add(task)
                task.add_done_callback(self._requests.discard)
            case SetTimer():
                delay_s = command.delay_s / self._speed
                self._timers[command.id] = self._loop.call_later(delay_s, self._fire, command.id)
            case CancelTimer():
                timer = self._timers.pop(command.id, None)
                if timer is not None:
                    timer.cancel()
            case _:
                pass

    async def _request(self, request: Request) -> None:
        outcome = await self._send(request)
        self.do(lambda machine: machine.answer(request.id, outcome))

    def _fire(self, timer_id: int) -> None:
        self._timers.pop(timer_id, None)
        self.do(lambda machine: machine.fire(timer_id))
