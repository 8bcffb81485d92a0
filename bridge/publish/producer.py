"""An aiokafka producer: made, fed, looked at, ended.

What is private to aiokafka is used here alone, and a test holds it against the pinned version.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bridge.core.record import Record
from bridge.publish.connection import KafkaConnection, describe_error

log = structlog.get_logger()

# The brokers' default (message.max.bytes), less what a batch adds around its records.
REQUEST_BYTES_MAX: Final = 1_000_000
RETRY_S: Final = 1.0
_ABORT_S: Final = 2.0
# An outage is told once in a while, not once a second.
_LOG_INTERVAL_S: Final = 30.0


async def start_producer(
    connection: KafkaConnection,
    *,
    idempotence: bool,
    batch_bytes_max: int,
    request_timeout_s: float,
    on_failure: Callable[[], None] = lambda: None,
) -> AIOKafkaProducer:
    """Return a started producer, however long that takes; the connection is read at each attempt.

    ``on_failure`` is told of each attempt that failed.
    """
    told_at = -_LOG_INTERVAL_S
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
        except Exception as error:  # noqa: BLE001 (wrong password, no route, no file: all wait)
            if time.monotonic() - told_at >= _LOG_INTERVAL_S:
                told_at = time.monotonic()
                log.warning(
                    "kafka_not_reachable", error=type(error).__name__, cause=describe_error(error)
                )
            on_failure()
            if producer is not None:
                await abort(producer)
            await asyncio.sleep(RETRY_S)
        else:
            return producer


async def send_all(
    producer: AIOKafkaProducer,
    records: Sequence[Record],
    partitions: Sequence[tuple[str, int]],
    futures: "list[asyncio.Future[object]]",
) -> None:
    """Hand the records to the producer in their order, each one's future into ``waiting``.

    Raises KafkaError of the first that it does not take.
    """
    for record, (topic, partition) in zip(records, partitions, strict=True):
        future = await producer.send(
            topic,
            value=record.value,
            key=record.key,
            partition=partition,
            timestamp_ms=record.timestamp_ms,
            headers=list(record.headers),  # its compiled builder takes nothing else
        )
        futures.append(future)


def partition_count(producer: AIOKafkaProducer, topic: str) -> int:
    """Return how many partitions a topic had when the cluster was last looked at; 0 without one."""
    return len(producer.client.cluster.partitions_for_topic(topic) or ())


def retrieve_exception(future: "asyncio.Future[Any]") -> None:
    """Take a late result nobody waits for, so that asyncio does not complain of it."""
    if not future.cancelled():
        future.exception()


def sender_died(producer: AIOKafkaProducer) -> bool:
    """Say whether the producer's sender died: it will never send again."""
    task = producer._sender.sender_task  # noqa: SLF001 (aiokafka has no other way to ask)
    return task is not None and task.done()


async def abort(producer: AIOKafkaProducer) -> None:
    """End a producer at once, whatever it waits for; what it had pending fails.

    ``stop()`` waits for its flush, which never ends while a broker is away. This is aiokafka's
    private side: a test holds it against the pinned version.
    """
    sender = producer._sender  # noqa: SLF001 (see above)
    pending = producer._message_accumulator  # noqa: SLF001
    batches = [batch for queue in pending._batches.values() for batch in queue]  # noqa: SLF001
    batches += pending._pending_batches  # noqa: SLF001
    producer._closed = True  # noqa: SLF001
    pending.fail_all(KafkaError("producer aborted"))
    for batch in batches:
        batch._drain_waiter.add_done_callback(retrieve_exception)  # noqa: SLF001 (nobody else asks for it)
    if sender.sender_task is not None and not sender.sender_task.done():
        sender.sender_task.cancel()
        await asyncio.wait([sender.sender_task], timeout=_ABORT_S)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ABORT_S):
            await producer.client.close()
