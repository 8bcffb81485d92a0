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
from bridge.publish.connection import Connection
from bridge.publish.producer import RETRY_S, abort, partitions_of, sender_ended, start_producer
from bridge.telemetry.logs import where

log = structlog.get_logger()

# Well below a broker's 1 MiB message limit, and far above aiokafka's 16 KiB, with which ten events
# fill a batch and every further caller waits in a crowd.
BATCH_BYTES_MAX: Final = 262_144


class Keeper:
    """The producer in use, and the next one when that broke."""

    def __init__(
        self,
        connection: Connection,
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
        self._decided = asyncio.Event()
        """Whether there is a producer to use, or is known to be none: rule 2."""
        self._decided.set()
        self._task: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[bool]] = set()
        self._stopping = asyncio.Event()

    @property
    def available(self) -> bool:
        """Say whether Kafka is connected, as far as is known."""
        return self._available

    @property
    def producer(self) -> AIOKafkaProducer | None:
        """Return the producer in use, if there is one."""
        return self._producer

    async def working(self) -> AIOKafkaProducer:
        """Return a producer that works as far as is known: rule 2. Raises Unavailable."""
        await self._decided.wait()
        if self._producer is None:
            message = "kafka is not reachable"
            raise Unavailable(message)
        return self._producer

    def replace(self, producer: AIOKafkaProducer) -> None:
        """Have a producer replaced, if it is still the one in use."""
        if producer is self._producer:
            self._producer = None
            self._decided.clear()
            self._broken.set()

    def start(self) -> None:
        """Begin to connect, and go on trying."""
        self._task = asyncio.create_task(self._keep(), name="kafka-keeper")

    async def stop(self, flush_timeout_s: float) -> None:
        """Deliver what is under way, for at most ``flush_timeout_s``, and disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        producer, self._producer = self._producer, None
        self._available = False
        self._decided.set()
        if producer is not None and not await self._ended(producer, flush_timeout_s):
            log.warning("kafka_flush_timed_out", flush_timeout_s=flush_timeout_s)
        self._stopping.set()
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _keep(self) -> None:
        while True:
            try:
                await self._life()
            except Exception as error:  # noqa: BLE001 (rule 4)
                log.error("kafka_keeper_failed", error=type(error).__name__, where=where(error))  # noqa: TRY400
                self._decided.set()
                await asyncio.sleep(RETRY_S)

    async def _life(self) -> None:
        """Return when a producer that was started and used is to be replaced."""
        producer = await start_producer(
            self._connection,
            idempotence=self._idempotence,
            batch_bytes_max=BATCH_BYTES_MAX,
            request_timeout_s=self._request_timeout_s,
            on_failure=self._not_reached,
        )
        try:
            await self._use(producer)
        except asyncio.CancelledError:
            self._producer = producer  # stop() has it deliver what is under way
            raise
        except Exception:
            self._leave(producer)
            raise
        log.warning("kafka_producer_replaced")
        self._leave(producer)

    async def _use(self, producer: AIOKafkaProducer) -> None:
        """Return when a producer that is used from now on is to be replaced."""
        await self._know_topics(producer)
        self._producer = producer
        self._broken.clear()
        self._decided.set()
        self._set_available(value=True)
        await self._watch(producer)

    async def _watch(self, producer: AIOKafkaProducer) -> None:
        while not self._broken.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self._broken.wait()
            if sender_ended(producer):
                return
            if self._missing(producer):
                await self._ask_again(producer)

    def _not_reached(self) -> None:
        """Take note that an attempt to connect failed: rule 2."""
        self._set_available(value=False)
        self._decided.set()

    def _set_available(self, *, value: bool) -> None:
        if value != self._available:
            self._available = value
            self._on_available(value)
            if value:
                log.info("kafka_available")
            else:
                log.warning("kafka_unavailable")

    def _leave(self, producer: AIOKafkaProducer) -> None:
        """Leave a producer alone with what it has under way: rule 3."""
        self.replace(producer)
        task = asyncio.create_task(self._ended(producer, self._request_timeout_s))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _ended(self, producer: AIOKafkaProducer, timeout_s: float) -> bool:
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

    def _missing(self, producer: AIOKafkaProducer) -> list[str]:
        """Return which of the topics we know we need are not on the cluster, as last seen."""
        return [topic for topic in self._topics if not partitions_of(producer, topic)]

    async def _know_topics(self, producer: AIOKafkaProducer) -> None:
        """Have the producer know our topics before the first of them is asked for."""
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self._request_timeout_s):
                await producer.client.set_topics(self._topics)
        for topic in self._missing(producer):
            log.error("topic_missing", topic=topic)

    async def _ask_again(self, producer: AIOKafkaProducer) -> None:
        """Ask the brokers for topics that were missing; they may have been made meanwhile."""
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self._request_timeout_s):
                await producer.client.force_metadata_update()
