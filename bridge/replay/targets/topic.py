"""Replay into topics: the original records, with headers that say where they are from.

1. Key, value, headers, timestamp and partition are the source's, byte for byte. Three headers are
   added: ``replay_id``, ``replay_source`` (topic:partition:offset) and ``replay_at``.
2. Each source partition has one target partition. Per partition, one batch is in flight while the
   next one is filled. So records keep their order, whatever is retried.
3. The batches of all partitions together are limited: a produce request takes one of each.
4. aiokafka never gives up an idempotent batch, so the acknowledgement timeout is ours.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import ConsumerRecord

from bridge.publish.connection import BadConnection, KafkaConnection, describe_error
from bridge.publish.producer import REQUEST_BYTES_MAX, abort, retrieve_exception
from bridge.publish.supervisor import BATCH_BYTES_MAX
from bridge.reader.merged_reader import OffsetRange
from bridge.reader.selection import format_position
from bridge.replay import CannotWrite, CheckpointPolicy, ReplayRun, TargetState

# At most this many records are sent but not yet in the progress file: a crash repeats them.
CHECKPOINT_RECORDS_MAX: Final = 10_000
_CHECKPOINT_S: Final = 1.0
# Limit of rule 3 for all partitions together.
_FILLED_BYTES: Final = 16_777_216
_BATCH_BYTES_MIN: Final = 16_384
_ACK_TIMEOUT_S: Final = 60.0

_Header = tuple[str, bytes | None]
Routes = Mapping[tuple[str, int], str]
"""The target topic of each source partition."""


@dataclass(slots=True)
class _TargetPartition:
    """A target partition: the batch being filled, and the one in flight."""

    topic: str
    partition: int
    batch: BatchBuilder
    in_flight: asyncio.Future[object] | None = None
    source: tuple[int, int] = (0, 0)
    """The first and last source offset of the batch in flight."""
    filling: tuple[int, int] | None = None
    """The same of the batch being filled."""


def route(ranges: Iterable[OffsetRange], names: Mapping[str, str]) -> Routes:
    """Return the target topic of each source partition; ``names`` has that of each topic."""
    return {(one.topic, one.partition): names[one.topic] for one in ranges}


@contextlib.asynccontextmanager
async def open_topics(
    connection: KafkaConnection,
    routes: Routes,
    *,
    run: ReplayRun,
    idempotence: bool,
    at_once: bool,
) -> AsyncGenerator["TopicTarget"]:
    """Run a target that writes each source partition to its target topic.

    With ``at_once`` batches are sent without waiting to be full. Raises CannotWrite.
    """
    share_bytes = _FILLED_BYTES // max(1, len(routes))
    try:
        options = connection.options()
    except BadConnection as error:
        raise CannotWrite(str(error)) from error
    producer = AIOKafkaProducer(
        **options,
        acks="all",
        enable_idempotence=idempotence,
        max_batch_size=max(_BATCH_BYTES_MIN, min(BATCH_BYTES_MAX, share_bytes)),
        max_request_size=REQUEST_BYTES_MAX,
        linger_ms=0,
        compression_type=None,
        request_timeout_ms=10_000,
    )
    try:
        await producer.start()
        for name in dict.fromkeys(routes.values()):
            await producer.partitions_for(name)
        yield TopicTarget(producer, routes, run=run, at_once=at_once)
    except KafkaError as error:
        message = f"{connection.bootstrap_servers}: {describe_error(error)}"
        raise CannotWrite(message) from error
    finally:
        await abort(producer)


class TopicTarget:
    """Writes records to topics: rules 1 to 4."""

    checkpoint_policy = CheckpointPolicy(CHECKPOINT_RECORDS_MAX, _CHECKPOINT_S)

    def __init__(
        self, producer: AIOKafkaProducer, routes: Routes, *, run: ReplayRun, at_once: bool
    ) -> None:
        self._producer = producer
        self._at_once = at_once
        self._first: _Header = ("replay_id", run.id.encode())
        self._last: _Header = ("replay_at", run.at.encode())
        self._partitions = {
            (topic, partition): _TargetPartition(name, partition, producer.create_batch())
            for (topic, partition), name in routes.items()
        }

    async def write(self, records: Sequence[ConsumerRecord]) -> None:
        """Add the records to the batches of their partitions; send a batch when it is full."""
        for record in records:
            target = self._partitions[record.topic, record.partition]
            source = format_position(record).encode()
            # A list, because aiokafka's compiled batch builder accepts nothing else.
            headers = [*record.headers, self._first, ("replay_source", source), self._last]
            if not _append(target, record, headers):
                await self._send(target)
                # An empty batch takes a record of any size. If it does not, do not lose the record.
                if not _append(target, record, headers):
                    message = f"{source.decode()} does not fit into a batch"
                    raise CannotWrite(message)
        if self._at_once:
            await self._send_all()

    async def flush(self) -> TargetState:
        """Return when every in-sync replica has all written records."""
        await self._send_all()
        for target in self._partitions.values():
            await self._wait_for_ack(target)
        return {}

    async def finish(self) -> None:
        """Do nothing: the topics are complete."""

    async def _send_all(self) -> None:
        for target in self._partitions.values():
            if target.filling:
                await self._send(target)

    async def _send(self, target: _TargetPartition) -> None:
        """Send the batch once the previous one is acknowledged, and start another."""
        await self._wait_for_ack(target)
        batch, target.batch = target.batch, self._producer.create_batch()
        target.source, target.filling = target.filling or (0, 0), None
        target.in_flight = await self._producer.send_batch(
            batch, target.topic, partition=target.partition
        )
        # Or asyncio logs an exception that nobody retrieves when the replay stops early.
        target.in_flight.add_done_callback(retrieve_exception)

    async def _wait_for_ack(self, target: _TargetPartition) -> None:
        if target.in_flight is None:
            return
        name = f"{target.topic}:{target.partition}"
        try:
            async with asyncio.timeout(_ACK_TIMEOUT_S):
                await target.in_flight
        except TimeoutError as error:
            message = f"{name}: no acknowledgement within {_ACK_TIMEOUT_S:.0f} s"
            raise CannotWrite(message) from error
        except KafkaError as error:
            first, last = target.source
            message = f"{name} refuses the records of offsets {first} to {last}: {error}"
            raise CannotWrite(message) from error
        target.in_flight = None


def _append(target: _TargetPartition, record: ConsumerRecord, headers: Sequence[_Header]) -> bool:
    """Return False if the batch has no room for the record."""
    added = target.batch.append(
        timestamp=record.timestamp, key=record.key, value=record.value, headers=headers
    )
    if added is None:
        return False
    target.filling = (target.filling[0] if target.filling else record.offset, record.offset)
    return True
