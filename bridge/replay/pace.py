"""How fast records are replayed.

1. At N per second, record number i (from 0) is due i / N after the first.
2. At k times the original speed, a record is due (T - T0) / k after the first. T0 is the timestamp of
   the first record, T the highest timestamp so far: a record that was stored late is due at once.
3. A record is never early. If the target is slow, records are late, and those that are due are sent
   at once.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from aiokafka.structs import ConsumerRecord

_PACE: Final = re.compile(r"(?P<number>[0-9]{1,9}(\.[0-9]{1,6})?)(?P<unit>x|/s)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReplayPace:
    """Either records per second, or a factor of the original speed."""

    records_per_s: float | None = None
    speed: float | None = None


def parse_pace(text: str) -> ReplayPace:
    """Return the pace of ``100/s`` or ``2x``; raises ValueError."""
    found = _PACE.fullmatch(text)
    if found is None or float(found["number"]) == 0:
        message = f"{text!r} is neither records a second, such as 100/s, nor a speed, such as 2x"
        raise ValueError(message)
    number = float(found["number"])
    return ReplayPace(speed=number) if found["unit"] == "x" else ReplayPace(records_per_s=number)


async def apply_pace(
    chunks: AsyncIterator[Sequence[ConsumerRecord]],
    pace: ReplayPace,
    *,
    clock_s: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[Sequence[ConsumerRecord]]:
    """Yield the records when they are due; records due together come in one list."""
    due_s = (
        _due_at_rate(pace.records_per_s) if pace.records_per_s else _due_at_speed(pace.speed or 1.0)
    )
    begun_s: float | None = None
    async for chunk in chunks:
        begun_s = clock_s() if begun_s is None else begun_s
        dues = due_s(chunk)
        at = 0
        while at < len(chunk):
            passed_s = clock_s() - begun_s
            end = at
            while end < len(chunk) and dues[end] <= passed_s:
                end += 1
            if end > at:
                yield chunk[at:end]
                at = end
            else:
                await sleep(dues[at] - passed_s)


_DueTimes = Callable[[Sequence[ConsumerRecord]], list[float]]


def _due_at_rate(per_s: float) -> _DueTimes:
    """Return the due times of rule 1."""
    number = 0

    def due(chunk: Sequence[ConsumerRecord]) -> list[float]:
        nonlocal number
        first, number = number, number + len(chunk)
        return [index / per_s for index in range(first, number)]

    return due


def _due_at_speed(times: float) -> _DueTimes:
    """Return the due times of rule 2."""
    first_ms: int | None = None
    highest_ms = 0

    def due(chunk: Sequence[ConsumerRecord]) -> list[float]:
        nonlocal first_ms, highest_ms
        stamps = [record.timestamp for record in chunk]
        if first_ms is None:
            first_ms = highest_ms = stamps[0]
        highest = list(accumulate(stamps, max, initial=highest_ms))[1:]
        highest_ms = highest[-1]
        return [(stamp - (first_ms or 0)) / 1000 / times for stamp in highest]

    return due
