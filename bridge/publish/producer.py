"""Start, feed, inspect and abort an aiokafka producer.

This is the only module that uses private attributes of aiokafka. A test holds them against the pinned
version.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bridge.core.record import Record
from bridge.publish.connection import KafkaConnection, describe_error
from bridge.publish.health import TopicPartition

log = structlog.get_logger()

# The brokers' default (message.max.bytes), less what a batch adds around its records.
REQUEST_BYTES_MAX: Final = 1_000_000
RETRY_S: Final = 1.0
_ABORT_S: Final = 2.0
# An outage is logged once in a while, not once a second.
_LOG_INTERVAL_S: Final = 30.0


async def start_producer(
    connection: KafkaConnection,
    *,
    idempotence: bool,
    batch_bytes_max: int,
    request_timeout_s: float,
    on_failure: Callable[[], None] = lambda: None,
) -> AIOKafkaProducer:
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
            return producer


def send(
    producer: AIOKafkaProducer, record: Record, partition: int | None = None
) -> "Coroutine[Any, Any, asyncio.Future[object]]":
    """Hand a record to the producer; the coroutine returns the future of its acknowledgement.

    Without ``partition`` the producer chooses one by the key. The coroutine raises KafkaError if the
    producer does not take the record.
    """
    return producer.send(
        record.topic,
        value=record.value,
        key=record.key,
        partition=partition,
        timestamp_ms=record.timestamp_ms,
        headers=list(record.headers),  # aiokafka's compiled builder takes no other sequence
    )


async def send_all(
    producer: AIOKafkaProducer,
    records: Sequence[Record],
    partitions: Sequence[TopicPartition],
    futures: "list[asyncio.Future[object]]",
) -> None:
    """Hand the records to the producer in their order; append the future of each to ``futures``.

    Raises KafkaError for the first record that the producer does not take.
    """
    for record, (_, partition) in zip(records, partitions, strict=True):
        futures.append(await send(producer, record, partition))


def partition_count(producer: AIOKafkaProducer, topic: str) -> int:
    """Return the number of a topic's partitions in the latest metadata; 0 if it is not there."""
    return len(producer.client.cluster.partitions_for_topic(topic) or ())


def retrieve_exception(future: "asyncio.Future[Any]") -> None:
    """Retrieve the exception of a late result, so that asyncio does not log it as never retrieved."""
    if not future.cancelled():
        future.exception()


def sender_died(producer: AIOKafkaProducer) -> bool:
    """Return True if the producer's sender task ended: it will never send again."""
    task = producer._sender.sender_task  # noqa: SLF001 (aiokafka has no other way to ask)
    return task is not None and task.done()


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
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ABORT_S):
            await producer.client.close()
