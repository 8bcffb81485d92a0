"""Timers of clients, on a loop whose clock the test moves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

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


def started(loop: Any, called: list[str], delay_s: float = 10.0) -> ClientTimer:
    timer = ClientTimer(loop)
    timer.start(delay_s, lambda: called.append("over"))
    return timer


def test_it_is_over_when_its_time_is() -> None:
    loop, called = Loop(), list[str]()
    started(loop, called)
    loop.run(9.9)
    assert called == []
    loop.run(0.1 + RECHECK_S)
    assert called == ["over"]
    loop.run(60)
    assert called == ["over"]


@pytest.mark.parametrize("restarted", [True, False])
def test_sockets_are_read_once_more_before_it_is_over(*, restarted: bool) -> None:
    loop, called = Loop(), list[str]()
    timer = started(loop, called)
    loop.freeze(10.0 + FROZEN_S / 2)
    loop.run_due()
    # what was missing had arrived
    if restarted:
        timer.start(70, lambda: called.append("over again"))
    else:
        timer.stop()
    loop.run(60)
    assert called == []
    loop.run(10 + RECHECK_S)
    assert called == (["over again"] if restarted else [])


@pytest.mark.parametrize("restarted", [True, False])
def test_it_begins_anew_after_the_process_was_frozen(*, restarted: bool) -> None:
    loop, called = Loop(), list[str]()
    timer = started(loop, called)
    loop.run(5)
    if restarted:
        timer.start(10.0, lambda: called.append("over"))
    loop.freeze(60)
    loop.run(9.9)
    assert called == []
    loop.run(0.2)
    assert called == ["over"]


@pytest.mark.parametrize("end", [ClientTimer.stop, ClientTimer.close])
@pytest.mark.parametrize("passed_s", [0.0, 5.0, 9.9])
def test_what_is_stopped_is_never_over(end: Callable[[ClientTimer], None], passed_s: float) -> None:
    loop, called = Loop(), list[str]()
    timer = started(loop, called)
    loop.run(passed_s)
    end(timer)
    loop.run(60)
    assert called == []


def test_a_closed_timer_leaves_nothing_in_the_loop() -> None:
    loop, called = Loop(), list[str]()
    timer = started(loop, called)
    timer.close()
    assert all(one.cancelled for one in loop.handles)


def test_requests_at_short_intervals_set_no_timer_of_the_loop() -> None:
    loop, called = Loop(), list[str]()
    timer = started(loop, called)
    for _ in range(1000):
        loop.run(0.001)
        timer.stop()
        timer.start(10.0, lambda: called.append("over"))
    assert len(loop.handles) == 1


WAITS = st.lists(
    st.tuples(st.floats(0, 20), st.none() | st.sampled_from([0.5, 2.0, 10.0, 75.0])), max_size=8
)


@given(WAITS, st.floats(0, 200))
def test_only_the_last_start_counts(
    waits: list[tuple[float, float | None]], last_wait_s: float
) -> None:
    """A loop that is never late calls each start that was not replaced in time, and no other."""
    loop, called, expected = Loop(), list[int](), list[int]()
    timer = ClientTimer(loop)  # type: ignore[arg-type]
    for number, (wait_s, delay_s) in enumerate(waits):
        if delay_s is None:
            timer.stop()
        else:
            timer.start(delay_s, partial(called.append, number))
        over_after_s = None if delay_s is None else delay_s + RECHECK_S
        waited_s = last_wait_s if number == len(waits) - 1 else wait_s
        # In a hair's breadth of its time either is right.
        assume(over_after_s is None or abs(waited_s - over_after_s) > 2 * RECHECK_S)
        loop.run(waited_s)
        if over_after_s is not None and over_after_s < waited_s:
            expected.append(number)
    assert called == expected
