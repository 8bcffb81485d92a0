"""A replay under way: read, put, settle, note.

1. The target settles after so many records at the latest (its cadence), never with more put.
2. The progress is written after the target settled, so a replay that is killed and run again misses
   nothing, and repeats at most the records of one cadence.
3. Who stops it lets what was put settle, if the target can settle then: nothing is repeated.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiokafka.structs import ConsumerRecord

from bridge.publish.connection import Connection
from bridge.reader.merged_reader import records
from bridge.reader.selection import wanted
from bridge.replay import Target
from bridge.replay.pace import Pace, paced
from bridge.replay.plan import bytes_of
from bridge.replay.planning import check
from bridge.replay.progress import Progress, save

Records = Sequence[ConsumerRecord]


@dataclass(frozen=True, slots=True)
class Watch:
    """What a run takes from outside: clocks, who wants to know, who wants it to stop."""

    clock_s: Callable[[], float]
    now: Callable[[], str]
    on_progress: Callable[[int], None]
    """Told how many records were put so far, in this run and those before it."""
    stopping: asyncio.Event


class _Noting:
    """What was put since the progress was written last."""

    def __init__(self, progress: Progress, file: Path, target: Target, watch: Watch) -> None:
        self.progress = progress
        self._file = file
        self._target = target
        self._watch = watch
        self._settled_s = watch.clock_s()
        self._next = {
            (one.topic, one.partition): begin
            for one, begin in zip(progress.plan.stretches, progress.next, strict=True)
        }
        self._records = 0
        self._bytes = 0

    @property
    def room(self) -> int:
        """Return how many records may be put before it must settle."""
        return self._target.cadence.records - self._records

    @property
    def is_due(self) -> bool:
        """Say whether it is time to settle."""
        seconds = self._target.cadence.seconds
        late = seconds is not None and self._watch.clock_s() - self._settled_s >= seconds
        return self.room == 0 or late

    def put(self, part: Records) -> None:
        """Note records the target took."""
        for record in part:
            self._next[record.topic, record.partition] = record.offset + 1
            self._bytes += bytes_of(record)
        self._records += len(part)
        self._watch.on_progress(self.progress.records + self._records)

    async def settle(self) -> None:
        """Settle the target, and write the progress: rule 2. Raises CannotWrite."""
        state = await self._target.settle()
        await self._write(
            replace(
                self.progress,
                next=tuple(self._next.values()),
                records=self.progress.records + self._records,
                bytes=self.progress.bytes + self._bytes,
                state=state,
            )
        )
        self._records = self._bytes = 0
        self._settled_s = self._watch.clock_s()

    async def finish(self) -> None:
        """Settle and complete the target, and say so in the progress. Raises CannotWrite."""
        await self.settle()
        await self._target.finish()
        await self._write(replace(self.progress, finished_at=self._watch.now()))

    async def _write(self, progress: Progress) -> None:
        await asyncio.to_thread(save, self._file, progress)
        self.progress = progress


async def run(  # noqa: PLR0913 (from where, to where, how)
    connection: Connection,
    progress: Progress,
    target: Target,
    *,
    file: Path,
    pace: Pace | None,
    watch: Watch,
) -> Progress:
    """Return the progress at the end: finished, or not if it was stopped.

    Raises CannotRead, RecordsMissing and CannotWrite; what had settled by then is in ``file``.
    """
    left = progress.left
    await check(connection, left)
    plan = progress.plan
    noting = _Noting(progress, file, target, watch)
    async with contextlib.AsyncExitStack() as stack:
        test = wanted(plan.query, plan.window, progress.skipped)
        stream = await stack.enter_async_context(aclosing(records(connection, left, wanted=test)))
        if pace is not None:
            when_due = paced(stream, pace, clock_s=watch.clock_s)
            stream = await stack.enter_async_context(aclosing(when_due))
        chunks = await stack.enter_async_context(aclosing(_until(stream, watch.stopping)))
        async for chunk in chunks:
            for part in _parts(chunk, noting):
                await target.put(part)
                noting.put(part)
                if noting.is_due:
                    await noting.settle()
    if not watch.stopping.is_set():
        await noting.finish()
    elif target.cadence.seconds is not None:
        await noting.settle()
    return noting.progress


def _parts(chunk: Records, noting: _Noting) -> Iterator[Records]:
    """Yield a chunk in parts that there is room for: rule 1."""
    at = 0
    while at < len(chunk):
        part = chunk[at : at + noting.room]
        at += len(part)
        yield part


async def _until(
    stream: AsyncGenerator[Records], stopping: asyncio.Event
) -> AsyncGenerator[Records]:
    """Yield what a stream has until it ends, or ``stopping`` is set, though it may be waiting then."""
    stop = asyncio.ensure_future(stopping.wait())
    under_way: set[asyncio.Future[Any]] = {stop}
    try:
        while not stopping.is_set():
            step = asyncio.ensure_future(anext(stream))
            under_way = {step, stop}
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                return
            try:
                found = step.result()
            except StopAsyncIteration:
                return
            yield found
    finally:
        for one in under_way:
            one.cancel()
        await asyncio.wait(under_way)
