"""Keeping a producer that works.

1. One is started in the background, however long that takes, and watched over.
2. One that broke is replaced. Who wants to publish meanwhile waits for the next one, unless the first
   attempt to connect fails: then Kafka is away, and callers are told at once.
3. What a broken producer has under way on other partitions may still be acknowledged: it is left alone
   with that for a while.
4. No fault of ours ends the keeping: without it the bridge would never publish again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bridge.publish import Unavailable
from bridge.publish.connection import KafkaConnection
from bridge.publish.producer import RETRY_S, abort, partition_count, sender_died, start_producer
from bridge.telemetry.logs import error_location

log = structlog.get_logger()

# Well below a broker's 1 MiB message limit, and far above aiokafka's 16 KiB, with which ten events
# fill a batch and every further caller waits in a crowd.
BATCH_BYTES_MAX: Final = 262_144


class ProducerSupervisor:
    """The producer in use, and the next one when that broke."""

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        idempotence: bool,
        request_timeout_s: float,
        topics: Sequence[str],
        on_available: Callable[[bool], None],
    ) -> None:
        self._connection = connection
        self._idempotence = idempotence
        self._request_timeout_s = request_timeout_s
        self._topics = topics
        self._on_available = on_available
        self._available = False
        self._producer: AIOKafkaProducer | None = None
        self._broken = asyncio.Event()
        self._resolved = asyncio.Event()
        """Whether there is a producer to use, or is known to be none: rule 2."""
        self._resolved.set()
        self._task: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[bool]] = set()
        self._stopping = asyncio.Event()

    @property
    def available(self) -> bool:
        """Say whether Kafka is connected, as far as is known."""
        return self._available

    @property
    def producer(self) -> AIOKafkaProducer | None:
        """Return the producer in use, if there is one."""
        return self._producer

    async def working_producer(self) -> AIOKafkaProducer:
        """Return a producer that works as far as is known: rule 2. Raises Unavailable."""
        await self._resolved.wait()
        if self._producer is None:
            message = "kafka is not reachable"
            raise Unavailable(message)
        return self._producer

    def replace(self, producer: AIOKafkaProducer) -> None:
        """Have a producer replaced, if it is still the one in use."""
        if producer is self._producer:
            self._producer = None
            self._resolved.clear()
            self._broken.set()

    def start(self) -> None:
        """Begin to connect, and go on trying."""
        self._task = asyncio.create_task(self._run(), name="kafka-keeper")

    async def stop(self, flush_timeout_s: float) -> None:
        """Deliver what is under way, for at most ``flush_timeout_s``, and disconnect."""
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
                await self._serve()
            except Exception as error:  # noqa: BLE001 (rule 4)
                log.error(  # noqa: TRY400 (a traceback could hold what a caller sent)
                    "kafka_supervisor_failed",
                    error=type(error).__name__,
                    where=error_location(error),
                )
                self._resolved.set()
                await asyncio.sleep(RETRY_S)

    async def _serve(self) -> None:
        """Return when a producer that was started and used is to be replaced."""
        producer = await start_producer(
            self._connection,
            idempotence=self._idempotence,
            batch_bytes_max=BATCH_BYTES_MAX,
            request_timeout_s=self._request_timeout_s,
            on_failure=self._connect_failed,
        )
        try:
            await self._use(producer)
        except asyncio.CancelledError:
            self._producer = producer  # stop() has it deliver what is under way
            raise
        except Exception:
            self._retire(producer)
            raise
        log.warning("kafka_producer_replaced")
        self._retire(producer)

    async def _use(self, producer: AIOKafkaProducer) -> None:
        """Return when a producer that is used from now on is to be replaced."""
        await self._load_topics(producer)
        self._producer = producer
        self._broken.clear()
        self._resolved.set()
        self._set_available(value=True)
        await self._watch(producer)

    async def _watch(self, producer: AIOKafkaProducer) -> None:
        while not self._broken.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self._broken.wait()
            if sender_died(producer):
                return
            if self._missing_topics(producer):
                await self._refresh_metadata(producer)

    def _connect_failed(self) -> None:
        """Take note that an attempt to connect failed: rule 2."""
        self._set_available(value=False)
        self._resolved.set()

    def _set_available(self, *, value: bool) -> None:
        if value != self._available:
            self._available = value
            self._on_available(value)
            if value:
                log.info("kafka_available")
            else:
                log.warning("kafka_unavailable")

    def _retire(self, producer: AIOKafkaProducer) -> None:
        """Leave a producer alone with what it has under way: rule 3."""
        self.replace(producer)
        task = asyncio.create_task(self._stop_producer(producer, self._request_timeout_s))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _stop_producer(self, producer: AIOKafkaProducer, timeout_s: float) -> bool:
        """End a producer, and say whether all it had under way had come to an end before."""
        flushing = asyncio.create_task(producer.flush())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait(
            [flushing, stopping], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        flushed = flushing.done()
        flushing.cancel()
        stopping.cancel()
        await abort(producer)
        return flushed

    def _missing_topics(self, producer: AIOKafkaProducer) -> list[str]:
        """Return which of the topics we know we need are not on the cluster, as last seen."""
        return [topic for topic in self._topics if not partition_count(producer, topic)]

    async def _load_topics(self, producer: AIOKafkaProducer) -> None:
        """Have the producer know our topics before the first of them is asked for."""
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self._request_timeout_s):
                await producer.client.set_topics(self._topics)
        for topic in self._missing_topics(producer):
            log.error("topic_missing", topic=topic)

    async def _refresh_metadata(self, producer: AIOKafkaProducer) -> None:
        """Ask the brokers for topics that were missing; they may have been made meanwhile."""
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self._request_timeout_s):
                await producer.client.force_metadata_update()
