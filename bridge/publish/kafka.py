"""The publisher to Kafka: one producer, watched over.

1. A record is durable when every in-sync replica has it (``acks=all``).
2. aiokafka gives up neither on an idempotent batch nor on starting again, so the waiting is ours:
   after ``ack_timeout_s`` the caller is told Unavailable. What was sent may still arrive: a
   duplicate with the same id, never a loss.
3. A producer whose sender died, or whose sequence numbers the broker no longer takes, stays broken
   for ever: it is aborted and replaced.
4. While Kafka is away no caller waits to find out: ``available`` is False until a probe, a producer
   that started or an acknowledgement says otherwise.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    RecordListTooLargeError,
    UnknownProducerId,
)

from bridge.publish import RecordTooLarge, Unavailable
from bridge.publish.connection import Connection
from bridge.record import Record

log = structlog.get_logger()

# Well below a broker's 1 MiB message limit, and far above aiokafka's 16 KiB, with which ten events
# fill a batch and every further caller waits in a crowd.
BATCH_BYTES_MAX: Final = 262_144
# The brokers' default (message.max.bytes), less what a batch adds around its records.
REQUEST_BYTES_MAX: Final = 1_000_000
_RETRY_S: Final = 1.0
_ABORT_S: Final = 2.0

_FATAL: Final = (OutOfOrderSequenceNumber, ProducerFenced, UnknownProducerId)


class KafkaPublisher:
    """Publishes records and keeps a working producer for it."""

    def __init__(
        self,
        connection: Connection,
        *,
        idempotence: bool,
        ack_timeout_s: float,
        topics: Sequence[str] = (),
        on_available: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._idempotence = idempotence
        self._ack_timeout_s = ack_timeout_s
        self._topics = topics
        self._on_available = on_available
        self._available = False
        self._producer: AIOKafkaProducer | None = None
        self._broken = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def available(self) -> bool:
        """Say whether publishing can be expected to work now."""
        return self._available

    def start(self) -> None:
        """Begin to connect, and go on trying in the background."""
        self._keeper = asyncio.create_task(self._keep(), name="kafka-keeper")

    async def stop(self, flush_timeout_s: float) -> None:
        """Deliver what is under way, for at most ``flush_timeout_s``, and disconnect."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        self._available = False
        if self._producer is not None:
            producer, self._producer = self._producer, None
            try:
                async with asyncio.timeout(flush_timeout_s):
                    await producer.flush()
            except TimeoutError:
                log.warning("kafka_flush_timed_out", flush_timeout_s=flush_timeout_s)
                await abort(producer)
            else:
                await producer.stop()

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when every in-sync replica has every record: rules 1 and 2."""
        producer = self._producer
        if producer is None or not self._available:
            message = "kafka is not reachable"
            raise Unavailable(message)
        waiting: list[asyncio.Future[object]] = []
        try:
            async with asyncio.timeout(self._ack_timeout_s):
                await _send_all(producer, records, waiting)
                for future in waiting:
                    await asyncio.shield(future)
        except TimeoutError as error:
            raise self._late(producer, records) from error
        except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
            self._broken.set()  # the broker refused the batch, whose number is used up: rule 3
            message = "over the limit of the topic"
            raise RecordTooLarge(message) from error
        except KafkaError as error:
            if isinstance(error, _FATAL) or _sender_ended(producer):
                self._broken.set()
            self._set_available(value=False)
            raise Unavailable(type(error).__name__) from error
        finally:
            for future in waiting:
                future.add_done_callback(_seen)

    def _late(self, producer: AIOKafkaProducer, records: Sequence[Record]) -> Unavailable:
        """Return what to raise when no acknowledgement came in time.

        A topic that was missing at the start makes only its own records wait, and says nothing of
        Kafka.
        """
        for record in records:
            if record.topic in self._missing(producer):
                return Unavailable(f"topic {record.topic} is missing")
        self._set_available(value=False)
        return Unavailable(f"no acknowledgement within {self._ack_timeout_s} s")

    def _set_available(self, *, value: bool) -> None:
        if value != self._available:
            self._available = value
            self._on_available(value)
            if value:
                log.info("kafka_available")
            else:
                log.warning("kafka_unavailable")

    def _missing(self, producer: AIOKafkaProducer) -> list[str]:
        """Return which of the topics we know we need are not on the cluster, as last seen."""
        known = producer.client.cluster
        return [topic for topic in self._topics if known.partitions_for_topic(topic) is None]

    async def _keep(self) -> None:
        """Keep a producer: start one, watch it, replace it when it broke (rules 3 and 4)."""
        while True:
            self._producer = await self._started()
            self._broken.clear()
            self._set_available(value=True)
            while not self._broken.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_RETRY_S):
                        await self._broken.wait()
                if _sender_ended(self._producer):
                    break
                if not self._available and await self._reachable(self._producer):
                    self._set_available(value=True)
            self._set_available(value=False)
            log.warning("kafka_producer_replaced")
            await abort(self._producer)

    async def _started(self) -> AIOKafkaProducer:
        """Return a started producer, however long that takes."""
        while True:
            producer: AIOKafkaProducer | None = None
            try:
                producer = AIOKafkaProducer(
                    **self._connection.options(),
                    acks="all",
                    enable_idempotence=self._idempotence,
                    max_batch_size=BATCH_BYTES_MAX,
                    max_request_size=REQUEST_BYTES_MAX,
                    linger_ms=0,
                    compression_type=None,
                    request_timeout_ms=int(self._ack_timeout_s * 1000),
                    metadata_max_age_ms=60_000,
                )
                await producer.start()
                await producer.client.set_topics(self._topics)
                for topic in self._missing(producer):
                    log.error("topic_missing", topic=topic)
            except asyncio.CancelledError:
                if producer is not None:
                    await abort(producer)
                raise
            except Exception as error:  # noqa: BLE001 (wrong password, no route, no file: all wait)
                log.warning("kafka_not_reachable", error=type(error).__name__, cause=str(error))
                if producer is not None:
                    await abort(producer)
                await asyncio.sleep(_RETRY_S)
            else:
                return producer

    async def _reachable(self, producer: AIOKafkaProducer) -> bool:
        """Say whether a broker answers a question about metadata."""
        try:
            async with asyncio.timeout(self._ack_timeout_s):
                return bool(await producer.client.force_metadata_update())
        except Exception:  # noqa: BLE001 (whatever it was, no broker answered)
            return False


async def _send_all(
    producer: AIOKafkaProducer,
    records: Sequence[Record],
    waiting: "list[asyncio.Future[object]]",
) -> None:
    """Hand the records to the producer in their order, each one's future into ``waiting``.

    Raises RecordTooLarge of a record the producer itself refuses.
    """
    try:
        for record in records:
            future = await producer.send(
                record.topic,
                value=record.value,
                key=record.key,
                timestamp_ms=record.timestamp_ms,
                headers=list(record.headers),  # its compiled builder takes nothing else
            )
            waiting.append(future)
    except MessageSizeTooLargeError as error:
        message = "over the limit of the producer"
        raise RecordTooLarge(message) from error


def _seen(future: "asyncio.Future[Any]") -> None:
    """Take a late result nobody waits for, so that asyncio does not complain of it."""
    if not future.cancelled():
        future.exception()


def _sender_ended(producer: AIOKafkaProducer) -> bool:
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
        batch._drain_waiter.add_done_callback(_seen)  # noqa: SLF001 (nobody else asks for it)
    if sender.sender_task is not None and not sender.sender_task.done():
        sender.sender_task.cancel()
        await asyncio.wait([sender.sender_task], timeout=_ABORT_S)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ABORT_S):
            await producer.client.close()
