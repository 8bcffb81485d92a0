"""Publishing records each alone in its batch, which tells the one a broker refuses from the others.

The producer has no sequence numbers that a refusal could upset. It is used by one caller at a time, and
not again once it failed or a caller gave up waiting for it: a new one reads credentials anew.
"""

import asyncio
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bridge.core.record import Record
from bridge.publish.connection import KafkaConnection
from bridge.publish.kafka_errors import RECORD_ERRORS, TOPIC_ERRORS, translate
from bridge.publish.producer import abort, retrieve_exception, start_producer


class SingleRecordPublisher:
    """Publishes records one by one."""

    def __init__(self, connection: KafkaConnection, *, request_timeout_s: float) -> None:
        self._connection = connection
        self._request_timeout_s = request_timeout_s
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def publish(
        self, records: Sequence[Record], on_acknowledged: Callable[[Record], None]
    ) -> None:
        """Return when every record is acknowledged, and say so of each in its turn.

        Raises RecordRefused or TopicUnavailable at the first that is refused, and KafkaError.
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
                batch_bytes_max=1,
                request_timeout_s=self._request_timeout_s,
            )
        try:
            future = await self._producer.send(
                record.topic,
                value=record.value,
                key=record.key,
                timestamp_ms=record.timestamp_ms,
                headers=list(record.headers),
            )
            future.add_done_callback(retrieve_exception)
            await asyncio.shield(future)
        except (*RECORD_ERRORS, *TOPIC_ERRORS) as error:
            raise translate(record.topic, error) from error

    def _discard_producer(self) -> None:
        if self._producer is not None:
            task = asyncio.create_task(abort(self._producer))
            self._producer = None
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
