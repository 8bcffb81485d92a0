"""Timers of clients, on a loop whose clock the test moves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.ingress.deadline import FROZEN_S, RECHECK_S, ClientTimer


@dataclass
class Handle:
    due_at_s: float
    call: Callable[..., object]
    given: tuple[object, ...]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Loop:
    """Runs what is due when the test lets time pass; ``frozen_s`` passes without anything run."""

    now_s: float = 0.0
    handles: list[Handle] = field(default_factory=list)

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, call: Callable[..., object], *given: object) -> Handle:
        self.handles.append(Handle(self.now_s + delay_s, call, given))
        return self.handles[-1]

    def freeze(self, frozen_s: float) -> None:
        self.now_s += frozen_s

    def run_due(self) -> None:
        """Run the timers that are due now, and none that they set."""
        due = [one for one in self.handles if one.due_at_s <= self.now_s and not one.cancelled]
        for one in due:
            self.handles.remove(one)
            one.call(*one.given)

    def run(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while waiting := [
            one for one in self.handles if one.due_at_s <= until_s and not one.cancelled
        ]:
            self.now_s = max(self.now_s, min(one.due_at_s for one in waiting))
            self.run_due()
        self.now_s = until_s


def deadline(loop: Any, called: list[str]) -> ClientTimer:
    return ClientTimer(loop, 10.0, called.append, "over")


def test_it_is_over_when_its_time_is() -> None:
    loop, called = Loop(), list[str]()
    deadline(loop, called)
    loop.run(9.9)
    assert called == []
    loop.run(0.1 + RECHECK_S)
    assert called == ["over"]


def test_sockets_are_read_once_more_before_it_is_over() -> None:
    loop, called = Loop(), list[str]()
    limit = deadline(loop, called)
    loop.freeze(10.0 + FROZEN_S / 2)
    loop.run_due()
    limit.cancel()  # what was missing had arrived
    loop.run(60)
    assert called == []


def test_it_begins_anew_after_the_process_was_frozen() -> None:
    loop, called = Loop(), list[str]()
    deadline(loop, called)
    loop.run(5)
    loop.freeze(60)
    loop.run(9.9)
    assert called == []
    loop.run(0.2)
    assert called == ["over"]


def test_what_is_cancelled_is_never_over() -> None:
    for passed_s in (0.0, 5.0, 9.9):
        loop, called = Loop(), list[str]()
        limit = deadline(loop, called)
        loop.run(passed_s)
        limit.cancel()
        loop.run(60)
        assert called == []
