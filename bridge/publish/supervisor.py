"""Supervise the aiokafka producer: start it, watch it, replace it.

1. A task starts a producer, however long that takes, and watches it.
2. A broken producer is replaced. Callers who publish meanwhile wait for the next producer, unless
   its first attempt to connect fails: then Kafka is away, and they get Unavailable at once.
3. A replaced producer gets ``request_timeout_s`` to finish its pending batches: other partitions
   may still acknowledge them.
4. No fault of ours ends the task: without it the bridge would never publish again.
"""

import asyncio
import contextlib
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from bridge.publish import PublishRules, Unavailable
from bridge.publish.connection import KafkaConnection
from bridge.publish.producer import RETRY_S, KafkaProducer, start_producer
from bridge.telemetry.logs import error_location
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

# Well below a broker's limit of 1 MiB a message. With aiokafka's 16 KiB, ten events fill a batch, and
# all further callers wait for the next one.
BATCH_BYTES_MAX: Final = 262_144


class ProducerSupervisor:
    """The producer in use, and its successor when it broke."""

    def __init__(
        self,
        connection: KafkaConnection,
        rules: PublishRules,
        *,
        metrics: Metrics | None,
    ) -> None:
        self._connection = connection
        self._idempotence = rules.idempotence
        # A batch takes its first record whatever the record's size.
        self._batch_bytes_max = 1 if rules.single_records else BATCH_BYTES_MAX
        self._request_timeout_s = rules.ack_timeout_s
        self._topics = rules.topics
        self._metrics = metrics
        self._available = False
        self._producer: KafkaProducer | None = None
        self._broken = asyncio.Event()
        self._resolved = asyncio.Event()
        """Set unless a producer is being replaced: there is one, or Kafka is away (rule 2)."""
        self._resolved.set()
        self._task: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[bool]] = set()
        self._stopping = asyncio.Event()

    @property
    def available(self) -> bool:
        """Return True if Kafka is connected, as far as we know."""
        return self._available

    @property
    def producer(self) -> KafkaProducer | None:
        """Return the producer in use, if there is one."""
        return self._producer

    async def working_producer(self) -> KafkaProducer:
        """Return a producer that works as far as we know: rule 2. Raises Unavailable."""
        await self._resolved.wait()
        if self._producer is None:
            message = "kafka is not reachable"
            raise Unavailable(message)
        return self._producer

    def replace(self, producer: KafkaProducer) -> None:
        """Replace a producer, if it is still the one in use."""
        if producer is self._producer:
            self._producer = None
            self._resolved.clear()
            self._broken.set()

    def start(self) -> None:
        """Start the task."""
        self._task = asyncio.create_task(self._run(), name="kafka-supervisor")

    async def stop(self, flush_timeout_s: float) -> None:
        """Wait for pending records, for at most ``flush_timeout_s``, and disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        producer, self._producer = self._producer, None
        self._available = False
        self._resolved.set()
        if producer is not None and not await self._stop_producer(producer, flush_timeout_s):
            log.warning("kafka_flush_timed_out", flush_timeout_s=flush_timeout_s)
        self._stopping.set()
        if self._retiring:
            await asyncio.wait(self._retiring)

    async def _run(self) -> None:
        while True:
            try:
                producer = await start_producer(
                    self._connection,
                    idempotence=self._idempotence,
                    batch_bytes_max=self._batch_bytes_max,
                    request_timeout_s=self._request_timeout_s,
                    on_failure=self._connect_failed,
                )
                await self._serve(producer)
            except Exception as error:  # noqa: BLE001 (rule 4)
                log.error(  # noqa: TRY400 (a traceback may show what must not be logged)
                    "kafka_supervisor_failed",
                    error=type(error).__name__,
                    where=error_location(error),
                )
                self._resolved.set()
                await asyncio.sleep(RETRY_S)

    async def _serve(self, producer: KafkaProducer) -> None:
        """Have callers use a producer; return when it is to be replaced."""
        try:
            await self._load_topics(producer)
            self._producer = producer
            self._broken.clear()
            self._resolved.set()
            self._set_available(value=True)
            await self._watch(producer)
        except asyncio.CancelledError:
            self._producer = producer  # stop() waits for its pending records
            raise
        except Exception:
            self._retire(producer)
            raise
        log.warning("kafka_producer_replaced")
        self._retire(producer)

    async def _watch(self, producer: KafkaProducer) -> None:
        """Return when the producer is broken; refresh its metadata while a topic is missing."""
        while not self._broken.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self._broken.wait()
            if producer.died:
                return
            if self._missing_topics(producer):
                await self._refresh_metadata(producer)

    def _connect_failed(self) -> None:
        self._set_available(value=False)
        self._resolved.set()

    def _set_available(self, *, value: bool) -> None:
        if value != self._available:
            self._available = value
            if self._metrics is not None:
                self._metrics.set(Metric.KAFKA_AVAILABLE, int(value))
            if value:
                log.info("kafka_available")
            else:
                log.warning("kafka_unavailable")

    def _retire(self, producer: KafkaProducer) -> None:
        """Stop a producer in the background: rule 3."""
        self.replace(producer)
        task = asyncio.create_task(self._stop_producer(producer, self._request_timeout_s))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _stop_producer(self, producer: KafkaProducer, timeout_s: float) -> bool:
        """Flush and abort a producer; return True if all its records were flushed."""
        flushing = asyncio.create_task(producer.flush())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait(
            [flushing, stopping], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        flushed = flushing.done()
        flushing.cancel()
        stopping.cancel()
        await producer.abort()
        return flushed

    def _missing_topics(self, producer: KafkaProducer) -> list[str]:
        """Return which of our topics are not in the producer's latest metadata."""
        return [topic for topic in self._topics if topic not in producer.partitions]

    async def _load_topics(self, producer: KafkaProducer) -> None:
        """Load our topics' metadata, so that the first record does not wait for it."""
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self._request_timeout_s):
                await producer.set_topics(self._topics)
        for topic in self._missing_topics(producer):
            log.error("topic_missing", topic=topic)

    async def _refresh_metadata(self, producer: KafkaProducer) -> None:
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self._request_timeout_s):
                await producer.refresh_metadata()
