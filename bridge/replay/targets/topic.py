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

# At most so many records are sent and not yet in the progress file.
CHECKPOINT_RECORDS_MAX: Final = 10_000
_CHECKPOINT_S: Final = 1.0
_FILLED_BYTES: Final = 16_777_216
_BATCH_BYTES_MIN: Final = 16_384
_ACK_TIMEOUT_S: Final = 60.0

Header = tuple[str, bytes | None]


@dataclass(slots=True)
class _TargetPartition:
    """A target partition: the batch being filled, and the one in flight."""

    topic: str
    partition: int
    batch: BatchBuilder
    in_flight: asyncio.Future[object] | None = None
    source: tuple[int, int] = (0, 0)
    """The source offsets of what is under way, first and last."""
    filling: tuple[int, int] | None = None


@contextlib.asynccontextmanager
async def open_topics(  # noqa: PLR0913 (from where, to where, how)
    connection: KafkaConnection,
    ranges: Iterable[OffsetRange],
    names: Mapping[str, str],
    *,
    run: ReplayRun,
    idempotence: bool,
    at_once: bool,
) -> AsyncGenerator["TopicTarget"]:
    """Run a target that writes the ranges' topics to those of ``names``.

    With ``at_once`` batches are sent without waiting to be full. Raises CannotWrite.
    """
    places = [(one.topic, one.partition) for one in ranges]
    share_bytes = _FILLED_BYTES // max(1, len(places))
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
        for name in dict.fromkeys(names.values()):
            await producer.partitions_for(name)
        yield TopicTarget(producer, places, names, run=run, at_once=at_once)
    except KafkaError as error:
        message = f"{connection.bootstrap_servers}: {describe_error(error)}"
        raise CannotWrite(message) from error
    finally:
        await abort(producer)


class TopicTarget:
    """Writes records to topics: rules 1 to 4."""

    checkpoint_policy = CheckpointPolicy(CHECKPOINT_RECORDS_MAX, _CHECKPOINT_S)

    def __init__(
        self,
        producer: AIOKafkaProducer,
        places: Iterable[tuple[str, int]],
        names: Mapping[str, str],
        *,
        run: ReplayRun,
        at_once: bool,
    ) -> None:
        self._producer = producer
        self._at_once = at_once
        self._first: Header = ("replay_id", run.id.encode())
        self._last: Header = ("replay_at", run.at.encode())
        self._lanes = {
            (topic, partition): _TargetPartition(names[topic], partition, producer.create_batch())
            for topic, partition in places
        }

    async def write(self, records: Sequence[ConsumerRecord]) -> None:
        """Add the records to the batches of their partitions; send a batch when it is full."""
        for record in records:
            place = (record.topic, record.partition)
            lane = self._lanes[place]
            source = format_position(record).encode()
            # The compiled builder takes nothing but a list.
            headers = [*record.headers, self._first, ("replay_source", source), self._last]
            if not _append(lane, record, headers):
                await self._send(lane)
                # A batch takes its first record, however large; if not, it must not be passed over.
                if not _append(lane, record, headers):
                    message = f"{source.decode()} fits into no batch"
                    raise CannotWrite(message)
        if self._at_once:
            await self._send_all()

    async def flush(self) -> TargetState:
        """Return when every in-sync replica has all written records."""
        await self._send_all()
        for lane in self._lanes.values():
            await self._wait_for_ack(lane)
        return {}

    async def finish(self) -> None:
        """Do nothing: the topics are complete."""

    async def _send_all(self) -> None:
        for lane in self._lanes.values():
            if lane.filling:
                await self._send(lane)

    async def _send(self, lane: _TargetPartition) -> None:
        """Send the batch once the previous one is acknowledged, and start another."""
        await self._wait_for_ack(lane)
        batch, lane.batch = lane.batch, self._producer.create_batch()
        lane.source, lane.filling = lane.filling or (0, 0), None
        lane.in_flight = await self._producer.send_batch(
            batch, lane.topic, partition=lane.partition
        )
        lane.in_flight.add_done_callback(retrieve_exception)

    async def _wait_for_ack(self, lane: _TargetPartition) -> None:
        if lane.in_flight is None:
            return
        place = f"{lane.topic}:{lane.partition}"
        try:
            async with asyncio.timeout(_ACK_TIMEOUT_S):
                await lane.in_flight
        except TimeoutError as error:
            message = f"{place}: no acknowledgement within {_ACK_TIMEOUT_S:.0f} s"
            raise CannotWrite(message) from error
        except KafkaError as error:
            first, last = lane.source
            message = f"{place} refuses what was at offsets {first} to {last}: {error}"
            raise CannotWrite(message) from error
        lane.in_flight = None


def _append(lane: _TargetPartition, record: ConsumerRecord, headers: Sequence[Header]) -> bool:
    """Return False if the batch has no room for the record."""
    added = lane.batch.append(
        timestamp=record.timestamp, key=record.key, value=record.value, headers=headers
    )
    if added is None:
        return False
    lane.filling = (lane.filling[0] if lane.filling else record.offset, record.offset)
    return True
