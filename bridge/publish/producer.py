"""Start, feed, inspect and abort an aiokafka producer.

This is the only module that uses private attributes of aiokafka. A test holds them against the pinned
version.

1. ``AIOKafkaProducer.send`` makes a coroutine and a future for every record. We append records to
   aiokafka's batches ourselves, without either: all records of a batch share the batch's future.
2. aiokafka has one request at a time in flight to each broker. Until a batch leaves with a request,
   further records of its partition join it. So records that arrive in one turn of the event loop,
   or during the previous request, leave together, and a slow broker delays only its own partitions.
3. A full batch queues in its partition, and another one behind it. aiokafka sends the batches of a
   partition one after the other, so its records keep their order.
4. Nothing else limits the queue. Batches hold only records that a caller waits for, so the limit on
   bytes in flight that ingress sets holds for them as well.
"""

import asyncio
import contextlib
import copy
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import TopicPartition

from bridge.core.record import Record
from bridge.publish.connection import KafkaConnection, describe_error

log = structlog.get_logger()

# The brokers' default (message.max.bytes), less what a batch adds around its records.
REQUEST_BYTES_MAX: Final = 1_000_000
RETRY_S: Final = 1.0
_ABORT_S: Final = 2.0
# An outage is logged once in a while, not once a second.
_LOG_INTERVAL_S: Final = 30.0


class KafkaProducer:
    """An aiokafka producer that records are handed to in batches."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._accumulator = producer._message_accumulator  # noqa: SLF001 (rule 1)
        self._cluster = producer.client.cluster
        self._metadata: object = None
        self._partitions: dict[str, tuple[TopicPartition, ...]] = {}

    @property
    def died(self) -> bool:
        """Return True if it was aborted or its sender task ended: it will never send again."""
        task = self._producer._sender.sender_task  # noqa: SLF001 (aiokafka has no other way to ask)
        return self._producer._closed or (task is not None and task.done())  # noqa: SLF001

    @property
    def partitions(self) -> Mapping[str, Sequence[TopicPartition]]:
        """Return the partitions of each topic in the latest metadata."""
        metadata = self._cluster._partitions  # noqa: SLF001 (the public way copies)
        if metadata is not self._metadata:  # each answer of a broker is a new one
            self._metadata = metadata
            self._partitions = {
                name: tuple(TopicPartition(name, number) for number in range(len(partitions)))
                for name, partitions in metadata.items()
                if partitions
            }
        return self._partitions

    def append(
        self, partition: TopicPartition, records: Sequence[Record]
    ) -> "tuple[asyncio.Future[object], int]":
        """Append records to a batch, at least the first; return its future, and how many it took.

        Rules 1 to 3. Raises MessageSizeTooLargeError if the first is too large, and KafkaError if the
        producer takes none.
        """
        pending = self._accumulator
        if pending._exception is not None:  # noqa: SLF001
            raise copy.copy(pending._exception)  # noqa: SLF001
        queued = pending._batches.get(partition)  # noqa: SLF001
        # A batch that is full, or was sent before and is sent again, takes no more records.
        if queued and (taken := _append(queued[-1]._builder, records)):  # noqa: SLF001
            return queued[-1].future, taken
        builder = pending.create_builder()
        taken = _append(builder, records)
        # A batch takes its first record whatever the record's size.
        if builder.size() > REQUEST_BYTES_MAX:
            raise MessageSizeTooLargeError
        return pending._append_batch(builder, partition).future, taken  # noqa: SLF001

    async def send(self, record: Record) -> None:
        """Return when a record is acknowledged. The producer chooses the partition by the key."""
        future = await self._producer.send(
            record.topic,
            value=record.value,
            key=record.key,
            timestamp_ms=record.timestamp_ms,
            headers=list(record.headers),
        )
        future.add_done_callback(retrieve_exception)
        # A caller that is cancelled must not cancel the future: aiokafka's batch still holds it.
        await asyncio.shield(future)

    async def find_topic(self, topic: str) -> None:
        """Ask the brokers for a topic that is not in the metadata."""
        await self._producer.client.add_topic(topic)
        if topic not in self.partitions:  # the request before ours may have been its first
            await self._producer.client.force_metadata_update()

    async def set_topics(self, topics: Sequence[str]) -> None:
        """Load the metadata of topics, and refresh it from now on."""
        await self._producer.client.set_topics(topics)

    async def refresh_metadata(self) -> None:
        """Ask the brokers for the metadata of all topics that were set or found."""
        await self._producer.client.force_metadata_update()

    async def flush(self) -> None:
        """Return when every record that was appended has a result."""
        await self._producer.flush()

    async def abort(self) -> None:
        """Stop at once, whatever the producer waits for. Its pending records fail."""
        await abort(self._producer)


def _append(builder: BatchBuilder, records: Iterable[Record]) -> int:
    """Append records to a batch until it has no room for the next; return how many it took.

    They go to aiokafka's compiled builder. The calls in between would only count them.
    """
    if builder.closed():  # a batch that was sent has no compiled builder any more
        return 0
    compiled = builder._builder  # noqa: SLF001
    first = offset = builder.record_count()
    for _, key, value, headers, timestamp_ms in records:
        # The compiled builder takes no other sequence of headers than a list.
        if compiled.append(offset, timestamp_ms, key, value, [*headers]) is None:
            builder.close()
            break
        builder._relative_offset = offset = offset + 1  # noqa: SLF001
    return offset - first


async def start_producer(
    connection: KafkaConnection,
    *,
    idempotence: bool,
    batch_bytes_max: int,
    request_timeout_s: float,
    on_failure: Callable[[], None] = lambda: None,
) -> "KafkaProducer":
    """Return a started producer, however long that takes.

    Each attempt reads the connection's secrets again, and calls ``on_failure`` if it fails.
    """
    logged_at = -_LOG_INTERVAL_S
    while True:
        producer: AIOKafkaProducer | None = None
        try:
            producer = AIOKafkaProducer(
                **connection.options(),
                acks="all",
                enable_idempotence=idempotence,
                max_batch_size=batch_bytes_max,
                max_request_size=REQUEST_BYTES_MAX,
                linger_ms=0,
                compression_type=None,
                request_timeout_ms=int(request_timeout_s * 1000),
                metadata_max_age_ms=60_000,
            )
            await producer.start()
        except asyncio.CancelledError:
            if producer is not None:
                await abort(producer)
            raise
        except Exception as error:  # noqa: BLE001 (wrong password, no route, no file: retry them all)
            if time.monotonic() - logged_at >= _LOG_INTERVAL_S:
                logged_at = time.monotonic()
                log.warning(
                    "kafka_not_reachable", error=type(error).__name__, cause=describe_error(error)
                )
            on_failure()
            if producer is not None:
                await abort(producer)
            await asyncio.sleep(RETRY_S)
        else:
            return KafkaProducer(producer)


def retrieve_exception(future: "asyncio.Future[Any]") -> None:
    """Retrieve the exception of a late result, so that asyncio does not log it as never retrieved."""
    if not future.cancelled():
        future.exception()


async def abort(producer: AIOKafkaProducer) -> None:
    """Stop a producer at once, whatever it waits for. Its pending records fail.

    ``producer.stop()`` would wait for a flush, which never ends while a broker is away.
    """
    sender = producer._sender  # noqa: SLF001 (see above)
    pending = producer._message_accumulator  # noqa: SLF001
    batches = [batch for queue in pending._batches.values() for batch in queue]  # noqa: SLF001
    batches += pending._pending_batches  # noqa: SLF001
    producer._closed = True  # noqa: SLF001
    pending.fail_all(KafkaError("producer aborted"))
    for batch in batches:
        batch._drain_waiter.add_done_callback(retrieve_exception)  # noqa: SLF001 (nobody awaits it)
    if sender.sender_task is not None and not sender.sender_task.done():
        sender.sender_task.cancel()
        await asyncio.wait([sender.sender_task], timeout=_ABORT_S)
    client = producer.client
    if client._sync_task is not None and client._sync_task.done():  # noqa: SLF001
        # The task that refreshes the metadata failed, for instance because the name of a broker is no
        # host name. ``close`` would raise its error and leave the connections open.
        client._sync_task = None  # noqa: SLF001
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ABORT_S):
            await client.close()
