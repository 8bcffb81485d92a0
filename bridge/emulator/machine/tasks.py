"""Run coroutines on virtual time, without a clock, threads or sockets.

1. A task runs until it waits for a signal. Ready tasks run in the order in which they became ready, so
   the same inputs always give the same outputs.
2. Time passes only between two runs: whoever drives the scheduler sets ``now``, and reports each timer
   that is due.
3. ``stop`` raises an error in a task, at the point where it waits. The task may clean up, and may wait
   again while it does so. Being stopped is not a failure; any other error leaves ``run``.
"""

from collections import deque
from collections.abc import Coroutine, Generator
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from bridge.emulator.machine.commands import CancelTimer, Command, SetTimer

T = TypeVar("T")
# Three years. A driver could not compute the date of any delay that a document may ask for.
_DELAY_S_MAX: Final = 100_000_000.0


class Signal(Generic[T]):
    """A value that tasks wait for. It is set once; later values are ignored."""

    __slots__ = ("_value", "_waiting", "is_set")

    def __init__(self) -> None:
        self.is_set = False
        self._value: T | None = None
        self._waiting: dict[Task[Any], None] = {}

    @property
    def value(self) -> T:
        """Return the value; None before it is set."""
        return self._value  # type: ignore[return-value]

    def set(self, value: T) -> None:
        """Set the value, and continue the tasks that wait for it."""
        if self.is_set:
            return
        self.is_set, self._value = True, value
        for task in list(self._waiting):
            task.make_ready()

    def add_waiting(self, task: "Task[Any]") -> None:
        """Continue ``task`` when the value is set."""
        self._waiting[task] = None

    def remove_waiting(self, task: "Task[Any]") -> None:
        """Forget ``task``: it no longer waits."""
        self._waiting.pop(task, None)

    def __await__(self) -> Generator["tuple[Signal[Any], ...]", None, T]:
        """Wait until the value is set; return it."""
        if not self.is_set:
            yield (self,)
        return self.value


class _First:
    """Waits for the first of several signals."""

    def __init__(self, signals: tuple[Signal[Any], ...]) -> None:
        self._signals = signals

    def __await__(self) -> Generator[tuple[Signal[Any], ...], None, Signal[Any]]:
        while True:
            for signal in self._signals:
                if signal.is_set:
                    return signal
            yield self._signals


class Queue(Generic[T]):
    """Items in the order in which they arrived."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self.arrived: Signal[None] = Signal()

    def put(self, item: T) -> None:
        """Add an item."""
        self._items.append(item)
        self.arrived.set(None)

    def take(self) -> T | None:
        """Remove and return the oldest item; None if there is none."""
        item = self._items.popleft() if self._items else None
        if not self._items:
            self.arrived = Signal()
        return item

    def clear(self) -> None:
        """Remove all items."""
        self._items.clear()
        self.arrived = Signal()


class Task(Generic[T]):
    """One running coroutine. ``done`` has its result; None if it was stopped."""

    def __init__(self, scheduler: "Scheduler", coroutine: Coroutine[Any, None, T]) -> None:
        self.done: Signal[T | None] = Signal()
        self._scheduler = scheduler
        self._coroutine = coroutine
        self._waits_for: tuple[Signal[Any], ...] = ()
        self._error: Exception | None = None
        self._is_ready = False

    def make_ready(self) -> None:
        """Let the scheduler continue the task."""
        if not self._is_ready and not self.done.is_set:
            self._is_ready = True
            self._scheduler.add_ready(self)

    def stop(self, error: Exception) -> None:
        """Raise ``error`` in the task: rule 3. A task that is done is left alone.

        If it is stopped twice before it runs, the later error counts: the end of a leg comes after a
        transfer.
        """
        if not self.done.is_set:
            self._error = error
            self.make_ready()

    def step(self) -> None:
        """Run until the task waits again or ends."""
        self._is_ready = False
        if self.done.is_set:
            return
        for signal in self._waits_for:
            signal.remove_waiting(self)
        self._waits_for = ()
        error, self._error = self._error, None
        try:
            awaited = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
        except StopIteration as end:
            self.done.set(end.value)
        except Exception as raised:
            self.done.set(None)
            if raised is not error:
                raise
        else:
            self._waits_for = awaited
            for signal in awaited:
                signal.add_waiting(self)


class Timer(Signal[None]):
    """A signal that the driver sets after a delay."""

    __slots__ = ("_scheduler", "id")

    def __init__(self, scheduler: "Scheduler", timer_id: int) -> None:
        super().__init__()
        self.id = timer_id
        self._scheduler = scheduler

    def cancel(self) -> None:
        """Cancel the timer, unless it has fired."""
        if not self.is_set:
            self._scheduler.cancel_timer(self)


class Scheduler:
    """The tasks and timers of one machine. ``commands`` are what the driver has to do."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.commands: list[Command] = []
        self._ready: deque[Task[Any]] = deque()
        self._timers: dict[int, Timer] = {}
        self._timers_started = 0

    def start(self, coroutine: Coroutine[Any, None, T]) -> Task[T]:
        """Start a task. It runs when ``run`` is called, or later in the same run."""
        task = Task(self, coroutine)
        task.make_ready()
        return task

    def start_now(self, coroutine: Coroutine[Any, None, T]) -> Task[T]:
        """Start a task, and run it at once until it waits."""
        task = Task(self, coroutine)
        task.step()
        return task

    def add_ready(self, task: Task[Any]) -> None:
        """Queue a task that can continue."""
        self._ready.append(task)

    def run(self) -> list[Command]:
        """Run until every task waits; return the commands since the last run."""
        while self._ready:
            self._ready.popleft().step()
        commands, self.commands = self.commands, []
        return commands

    def start_timer(self, delay_s: float) -> Timer:
        """Return a signal that is set after a delay, which is cut to three years."""
        self._timers_started += 1
        timer = Timer(self, self._timers_started)
        self._timers[timer.id] = timer
        self.commands.append(SetTimer(timer.id, min(max(0.0, delay_s), _DELAY_S_MAX)))
        return timer

    def cancel_timer(self, timer: Timer) -> None:
        """Forget a timer."""
        if self._timers.pop(timer.id, None) is not None:
            self.commands.append(CancelTimer(timer.id))

    def fire(self, timer_id: int) -> None:
        """Set the signal of a timer that is due. A cancelled one is ignored."""
        timer = self._timers.pop(timer_id, None)
        if timer is not None:
            timer.set(None)

    async def sleep(self, delay_s: float) -> None:
        """Wait for a time."""
        await self.wait_first(timeout_s=delay_s)

    async def wait_first(
        self, *signals: Signal[Any], timeout_s: float | None = None
    ) -> Signal[Any] | None:
        """Return the first signal that is set, None if the time is over before."""
        timer = None if timeout_s is None else self.start_timer(timeout_s)
        try:
            first = await _First(signals if timer is None else (*signals, timer))
        finally:
            if timer is not None:
                timer.cancel()
        return None if first is timer else first
