"""Resend records one per batch, to find the one that a broker refuses.

The producer is not idempotent: a refused batch would leave a gap in an idempotent producer's
sequence numbers. One caller at a time uses it. After a failure, or after a caller stopped waiting,
it is replaced by a new one, which reads the credentials again.
"""

import asyncio
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bridge.core.record import Record
from bridge.publish.connection import KafkaConnection
from bridge.publish.kafka_errors import RECORD_ERRORS, TOPIC_ERRORS, translate
from bridge.publish.producer import abort, retrieve_exception, send, start_producer


class SingleRecordPublisher:
    """Publishes records one by one, each in a batch of its own."""

    def __init__(self, connection: KafkaConnection, *, request_timeout_s: float) -> None:
        self._connection = connection
        self._request_timeout_s = request_timeout_s
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def publish(
        self, records: Sequence[Record], on_acknowledged: Callable[[Record], None]
    ) -> None:
        """Return when every record is acknowledged; call ``on_acknowledged`` with each in its turn.

        Raises RecordRefused or TopicUnavailable at the first record that is refused, and KafkaError.
        """
        async with self._lock:
            try:
                for record in records:
                    await self._publish(record)
                    on_acknowledged(record)
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
            future = await send(self._producer, record)
            future.add_done_callback(retrieve_exception)
            # A caller that is cancelled must not cancel the future: aiokafka's batch still holds it.
            await asyncio.shield(future)
        except (*RECORD_ERRORS, *TOPIC_ERRORS) as error:
            raise translate(record.topic, error) from error

    def _discard_producer(self) -> None:
        if self._producer is not None:
            task = asyncio.create_task(abort(self._producer))
            self._producer = None
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
