"""Resend records one per batch, to find the one that a broker refuses.

The producer is not idempotent: a refused batch would leave a gap in an idempotent producer's
sequence numbers. One record at a time is sent. After a failure, or after a record's caller stopped
waiting, the producer is replaced by a new one, which reads the credentials again.
"""

import asyncio

from aiokafka.errors import KafkaError

from bridge.core.record import Record
from bridge.publish.connection import KafkaConnection
from bridge.publish.kafka_errors import RECORD_ERRORS, TOPIC_ERRORS, translate
from bridge.publish.producer import KafkaProducer, start_producer


class SingleRecordPublisher:
    """Publishes records one by one, each in a batch of its own."""

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
