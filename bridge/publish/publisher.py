"""The publisher to Kafka: a supervised producer, batches for it, and a producer for single records."""

import asyncio
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from bridge.core.record import Record
from bridge.publish import PublishRules
from bridge.publish.batches import BatchPublisher
from bridge.publish.connection import KafkaConnection
from bridge.publish.health import KafkaHealth
from bridge.publish.kafka_errors import RECORD_ERRORS, TOPIC_ERRORS, translate
from bridge.publish.producer import KafkaProducer, start_producer
from bridge.publish.supervisor import ProducerSupervisor
from bridge.telemetry.metrics import Metrics


class KafkaPublisher:
    """Publishes records. Without ``metrics`` it counts nothing, as command-line tools want it."""

    def __init__(
        self,
        connection: KafkaConnection,
        rules: PublishRules,
        *,
        health: KafkaHealth | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._supervisor = ProducerSupervisor(connection, rules, metrics=metrics)
        self._single = SingleRecordPublisher(connection, request_timeout_s=rules.ack_timeout_s)
        self._batches = BatchPublisher(
            self._supervisor,
            self._single,
            rules,
            health=health or KafkaHealth(),
            metrics=metrics,
        )

    @property
    def available(self) -> bool:
        """Return True if there is a connected producer."""
        return self._supervisor.available

    def start(self) -> None:
        """Start to connect, in the background."""
        self._supervisor.start()

    async def stop(self, flush_timeout_s: float) -> None:
        """Wait for pending records, for at most ``flush_timeout_s``, and disconnect."""
        self._batches.send_unsent()
        await self._supervisor.stop(flush_timeout_s)
        await self._single.stop()

    def publish(
        self,
        records: Sequence[Record],
        *,
        deadline_s: float | None = None,
        probing: bool = False,
    ) -> "asyncio.Future[None]":
        """Send the records; the future is done when every in-sync replica has every record."""
        return self._batches.publish(records, deadline_s=deadline_s, probing=probing)


class SingleRecordPublisher:
    """Resends records one per batch, to find the one that a broker refuses.

    The producer is not idempotent: a refused batch would leave a gap in an idempotent producer's
    sequence numbers. One record at a time is sent. After a failure, or after a record's caller stopped
    waiting, the producer is replaced by a new one, which reads the credentials again.
    """

    def __init__(self, connection: KafkaConnection, *, request_timeout_s: float) -> None:
        self._connection = connection
        self._request_timeout_s = request_timeout_s
        self._producer: KafkaProducer | None = None
        self._lock = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def publish(self, record: Record) -> None:
        """Return when the record is acknowledged.

        Raises RecordRefused or TopicUnavailable if it is refused, and KafkaError.
        """
        async with self._lock:
            try:
                await self._publish(record)
            except (asyncio.CancelledError, KafkaError):
                self._discard_producer()
                raise

    async def stop(self) -> None:
        """Disconnect."""
        self._discard_producer()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _publish(self, record: Record) -> None:
        if self._producer is None:
            self._producer = await start_producer(
                self._connection,
                idempotence=False,
                batch_bytes_max=1,  # a batch takes its first record whatever the record's size
                request_timeout_s=self._request_timeout_s,
            )
        try:
            await self._producer.send(record)
        except (*RECORD_ERRORS, *TOPIC_ERRORS) as error:
            raise translate(record.topic, error) from error

    def _discard_producer(self) -> None:
        if self._producer is not None:
            task = asyncio.create_task(self._producer.abort())
            self._producer = None
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
