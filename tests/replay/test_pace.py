"""How fast a replay goes."""

from collections.abc import AsyncGenerator, Sequence

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from bridge.replay.pace import ReplayPace, apply_pace, parse_pace
from tests.support.stored_records import NOON_MS, stored


class Clock:
    """A clock that goes on only while somebody sleeps, or works."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, of_s: float) -> None:
        assert of_s > 0
        self.now_s += max(of_s, 1e-9)  # a clock goes on, however short the sleep


async def chunks_of(
    times_s: Sequence[float], size: int
) -> AsyncGenerator[Sequence[ConsumerRecord]]:
    records = [stored(n, timestamp=NOON_MS + round(s * 1000)) for n, s in enumerate(times_s)]
    for at in range(0, len(records), size):
        yield records[at : at + size]


async def sent_at(pace: ReplayPace, times_s: Sequence[float], *, size: int = 2) -> list[float]:
    """Return when each record was passed on, in seconds after the first."""
    clock = Clock()
    found: list[float] = []
    stream = apply_pace(chunks_of(times_s, size), pace, clock_s=clock, sleep=clock.sleep)
    async for chunk in stream:
        found += [clock.now_s - 100.0] * len(chunk)
    return found


@pytest.mark.parametrize(
    ("pace", "times_s", "expected"),
    [
        (ReplayPace(records_per_s=2), [0, 0, 0, 0, 0], [0, 0.5, 1, 1.5, 2]),
        (ReplayPace(speed=1), [0, 1, 3], [0, 1, 3]),
        (ReplayPace(speed=2), [0, 1, 3], [0, 0.5, 1.5]),
        (ReplayPace(speed=0.5), [0, 1, 3], [0, 2, 6]),
        (ReplayPace(speed=1), [0, 2, 1, 3], [0, 2, 2, 3]),  # one was stored late
        (ReplayPace(speed=1), [5, 6], [0, 1]),
        (ReplayPace(speed=1), [0, 0, 0], [0, 0, 0]),
    ],
)
async def test_records_are_sent_when_they_are_due(
    pace: ReplayPace, times_s: list[float], expected: list[float]
) -> None:
    assert await sent_at(pace, times_s) == pytest.approx(expected)


@given(
    times_s=st.lists(st.integers(0, 60), max_size=12),
    pace=st.sampled_from([ReplayPace(records_per_s=3), ReplayPace(speed=0.5), ReplayPace(speed=7)]),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
async def test_none_is_lost_and_when_does_not_depend_on_how_they_were_read(
    times_s: list[float], pace: ReplayPace, sizes: tuple[int, int]
) -> None:
    first, second = [await sent_at(pace, times_s, size=size) for size in sizes]
    assert len(first) == len(times_s)
    assert first == pytest.approx(second)
    assert first == sorted(first)


async def test_what_is_late_is_sent_at_once_and_together() -> None:
    clock = Clock()
    sizes: list[int] = []
    stream = apply_pace(
        chunks_of([0] * 10, 10), ReplayPace(records_per_s=2), clock_s=clock, sleep=clock.sleep
    )
    async for chunk in stream:
        sizes.append(len(chunk))
        clock.now_s += 2.0  # a slow target
    assert sizes == [1, 4, 4, 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100/s", ReplayPace(records_per_s=100)),
        ("0.5/s", ReplayPace(records_per_s=0.5)),
        ("2x", ReplayPace(speed=2)),
        ("0.25x", ReplayPace(speed=0.25)),
    ],
)
def test_a_pace_is_read(text: str, expected: ReplayPace) -> None:
    assert parse_pace(text) == expected


@pytest.mark.parametrize("text", ["", "fast", "2", "x", "0x", "0/s", "0.0x", "-1x", "1e9x", "2 x"])
def test_another_pace_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="neither records a second"):
        parse_pace(text)
