"""Run a replay: read, write, and checkpoint.

1. The target is flushed after at most as many records as its checkpoint policy says; no more than
   that are ever written without a flush.
2. The progress file is written after the flush. So a replay that was killed and is run again misses
   no record, and repeats at most the records of one checkpoint.
3. When a replay is stopped, it flushes first if the target can flush at any time. Then the next run
   repeats nothing.
4. A replay that was killed may have written to its own new topics after its last checkpoint. Nobody
   else writes to them, and each partition is in the order of its source. So the ``replay_source``
   header of a partition's last record says how far the replay was, more exactly than the progress file.
5. A batch that was in flight when the replay was killed may be stored after that look: at most one
   batch per partition, which is then stored twice.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiokafka.structs import ConsumerRecord

from bridge.publish.connection import KafkaConnection
from bridge.reader.merged_reader import OffsetRange, read_ranges
from bridge.reader.selection import build_filter
from bridge.reader.window import Window, find_ranges
from bridge.replay import CannotWrite, Target
from bridge.replay.pace import ReplayPace, apply_pace
from bridge.replay.plan import check_ranges, count_bytes
from bridge.replay.progress import Progress, save_progress

Records = Sequence[ConsumerRecord]


@dataclass(frozen=True, slots=True)
class RunHooks:
    """What a run takes from outside: clocks, a progress callback, the stop event."""

    clock_s: Callable[[], float]
    now: Callable[[], str]
    on_progress: Callable[[int], None]
    """Gets the number of records written so far, in this run and earlier ones."""
    stopping: asyncio.Event


class _Checkpointer:
    """Counts what was written since the last checkpoint."""

    def __init__(self, progress: Progress, file: Path, target: Target, hooks: RunHooks) -> None:
        self.progress = progress
        self._file = file
        self._target = target
        self._hooks = hooks
        self._flushed_s = hooks.clock_s()
        self._next = {
            (one.topic, one.partition): begin
            for one, begin in zip(progress.plan.ranges, progress.next, strict=True)
        }
        self._records = 0
        self._bytes = 0

    @property
    def records_left(self) -> int:
        """Return how many records may be written before the next flush."""
        return self._target.checkpoint_policy.records - self._records

    @property
    def is_checkpoint_due(self) -> bool:
        seconds = self._target.checkpoint_policy.interval_s
        late = seconds is not None and self._hooks.clock_s() - self._flushed_s >= seconds
        return self.records_left == 0 or late

    def note_written(self, part: Records) -> None:
        """Count records that the target accepted."""
        for record in part:
            self._next[record.topic, record.partition] = record.offset + 1
            self._bytes += count_bytes(record)
        self._records += len(part)
        self._hooks.on_progress(self.progress.records + self._records)

    async def checkpoint(self) -> None:
        """Flush the target, then save the progress: rule 2. Raises CannotWrite."""
        state = await self._target.flush()
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
        self._flushed_s = self._hooks.clock_s()

    async def finish(self) -> None:
        """Flush and complete the target, and save that. Raises CannotWrite."""
        await self.checkpoint()
        await self._target.finish()
        await self._write(replace(self.progress, finished_at=self._hooks.now()))

    async def _write(self, progress: Progress) -> None:
        await asyncio.to_thread(save_progress, self._file, progress)
        self.progress = progress


async def run_replay(  # noqa: PLR0913 (source, target and how; all but three by name)
    connection: KafkaConnection,
    progress: Progress,
    target: Target,
    *,
    file: Path,
    pace: ReplayPace | None,
    hooks: RunHooks,
) -> Progress:
    """Return the progress at the end: finished, or unfinished if the run was stopped.

    Raises CannotRead, RecordsMissing and CannotWrite; ``file`` then has the last checkpoint.
    """
    ranges = progress.remaining
    await check_ranges(connection, ranges)
    plan = progress.plan
    checkpointer = _Checkpointer(progress, file, target, hooks)
    # The exit stack closes the generators from the outermost in, so that each one can still clean up.
    async with contextlib.AsyncExitStack() as stack:
        record_filter = build_filter(plan.query, plan.window, progress.skipped)
        stream = await stack.enter_async_context(
            aclosing(read_ranges(connection, ranges, record_filter=record_filter))
        )
        if pace is not None:
            paced = apply_pace(stream, pace, clock_s=hooks.clock_s)
            stream = await stack.enter_async_context(aclosing(paced))
        chunks = await stack.enter_async_context(aclosing(_stop_when(stream, hooks.stopping)))
        async for chunk in chunks:
            for part in _split_at_checkpoints(chunk, checkpointer):
                await target.write(part)
                checkpointer.note_written(part)
                if checkpointer.is_checkpoint_due:
                    await checkpointer.checkpoint()
    if not hooks.stopping.is_set():
        await checkpointer.finish()
    elif target.checkpoint_policy.interval_s is not None:  # rule 3
        await checkpointer.checkpoint()
    return checkpointer.progress


def _split_at_checkpoints(chunk: Records, checkpointer: _Checkpointer) -> Iterator[Records]:
    """Yield a chunk in parts, each small enough for the next flush: rule 1."""
    at = 0
    while at < len(chunk):
        part = chunk[at : at + checkpointer.records_left]
        at += len(part)
        yield part


async def _stop_when(
    stream: AsyncGenerator[Records], stopping: asyncio.Event
) -> AsyncGenerator[Records]:
    """Yield from a stream until it ends or ``stopping`` is set, even while the stream is waiting."""
    stop = asyncio.ensure_future(stopping.wait())
    pending: set[asyncio.Future[Any]] = {stop}
    try:
        while not stopping.is_set():
            step = asyncio.ensure_future(anext(stream))
            pending = {step, stop}
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                return
            try:
                found = step.result()
            except StopAsyncIteration:
                return
            yield found
    finally:
        for one in pending:
            one.cancel()
        # A generator cannot be closed while a step of it is still running.
        await asyncio.wait(pending)


async def recover_progress(
    connection: KafkaConnection, progress: Progress, names: Mapping[str, str]
) -> Progress:
    """Return the progress that the new topics show: rule 4.

    Raises CannotRead, and CannotWrite if another process wrote to one of them.
    """
    reached: dict[tuple[str, int], int] = {}
    for record in await _read_last_records(connection, list(names.values())):
        source, offset = _parse_replay_source(record, progress.run.id)
        reached[source] = offset + 1
    plan = progress.plan
    moved = tuple(
        max(begin, reached.get((one.topic, one.partition), begin))
        for one, begin in zip(plan.ranges, progress.next, strict=True)
    )
    between = [
        replace(one, begin=begin, end=end)
        for one, begin, end in zip(plan.ranges, progress.next, moved, strict=True)
        if begin < end
    ]
    test = build_filter(plan.query, plan.window, progress.skipped)
    written = written_bytes = 0
    async for chunk in read_ranges(connection, between, record_filter=test):
        written += len(chunk)
        written_bytes += sum(map(count_bytes, chunk))
    return replace(
        progress,
        next=moved,
        records=progress.records + written,
        bytes=progress.bytes + written_bytes,
    )


async def _read_last_records(
    connection: KafkaConnection, topics: Sequence[str]
) -> list[ConsumerRecord]:
    """Return the last record of each partition that has any."""
    ends = [
        OffsetRange(one.topic, one.partition, one.end - 1, one.end)
        for one in await find_ranges(connection, topics, Window())
    ]
    return [record async for chunk in read_ranges(connection, ends) for record in chunk]


def _parse_replay_source(record: ConsumerRecord, replay_id: str) -> tuple[tuple[str, int], int]:
    """Return the source partition of a replayed record, and its offset there."""
    headers = dict(record.headers)
    if headers.get("replay_id") != replay_id.encode():
        message = f"{record.topic}: another process has written to it"
        raise CannotWrite(message)
    topic, partition, offset = (headers.get("replay_source") or b"").decode().rsplit(":", 2)
    return (topic, int(partition)), int(offset)
