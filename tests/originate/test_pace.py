"""The rate limiter of requests to Plivo's API."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.originate.pace import Pace, Pacer

STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=80)


@given(STEPS)
def test_no_window_has_more_requests_than_admitted_and_no_call_comes_early(
    steps: list[tuple[int, int]],
) -> None:
    pace, now_s = Pace(calls_per_s=2, requests_max=3, window_s=5), 0.0
    sent = list[tuple[float, int]]()
    for gap, calls in steps:
        now_s += gap / 8
        wait_s = pace.admit(now_s, calls)
        in_window = [at for at, _ in sent if at > now_s - 5]
        dialled = [(at, n) for at, n in sent if n]
        free_s = max((at + n / 2 for at, n in dialled), default=0.0)
        if wait_s:
            # It waits for a reason, and no longer than that.
            window_s = in_window[0] + 5 if len(in_window) == 3 else 0.0
            assert now_s + wait_s == pytest.approx(max(window_s, free_s if calls else 0.0))
            continue
        assert len(in_window) < 3
        assert not calls or now_s >= free_s
        sent.append((now_s, calls))
    for index, (begin_s, _) in enumerate(dialled := [one for one in sent if one[1]]):
        for end in range(index, len(dialled)):
            calls_before = sum(n for _, n in dialled[index:end])
            assert calls_before <= 2 * (dialled[end][0] - begin_s)


def test_a_rate_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Pace(calls_per_s=0)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0

    async def sleep(self, pause_s: float) -> None:
        until_s = self.now_s + pause_s
        await asyncio.sleep(0)
        self.now_s = max(self.now_s, until_s)


async def test_requests_that_dial_keep_their_order_and_others_pass_them() -> None:
    clock, done = Clock(), list[tuple[str, float]]()
    pacer = Pacer(Pace(calls_per_s=2), now_s=lambda: clock.now_s, sleep=clock.sleep)

    async def dial(name: str, calls: int) -> None:
        await pacer.wait_to_dial(calls)
        done.append((name, clock.now_s))

    async def ask() -> None:
        await pacer.wait()
        done.append(("ask", clock.now_s))

    await asyncio.gather(dial("a", 10), dial("b", 1), dial("c", 1), ask())
    assert sorted(done, key=lambda one: one[1]) == [("a", 0), ("ask", 0), ("b", 5), ("c", 5.5)]


async def test_a_cancelled_request_leaves_its_turn_to_the_next() -> None:
    clock = Clock()
    pacer = Pacer(Pace(calls_per_s=1), now_s=lambda: clock.now_s, sleep=clock.sleep)
    await pacer.wait_to_dial(3)
    waiting = asyncio.create_task(pacer.wait_to_dial(1_000))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await pacer.wait_to_dial(1)
    assert clock.now_s == 3
