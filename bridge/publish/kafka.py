"""The publisher to Kafka: one producer, watched over.

1. A record is durable when every in-sync replica has it (``acks=all``).
2. aiokafka gives up neither on an idempotent batch nor on starting again, so the waiting is ours:
   after the deadline the caller is told Unavailable. What was sent may still arrive: a duplicate
   with the same id, never a loss.
3. A producer whose sender died, or whose sequence numbers the broker no longer takes, stays broken
   for ever: it is aborted and replaced. So is one that had no acknowledgement for REPLACE_AFTER_S,
   because a new one reads credentials and addresses anew.
4. A broker refuses a whole batch for one record in it. Which one is told by sending each of a
   caller's records once more, alone in its batch, by a producer without sequence numbers to upset.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownProducerId,
)

from bridge.publish import TopicUnavailable, Unavailable
from bridge.publish.connection import Connection
from bridge.publish.producer import RETRY_S, abort, seen, send_all, sender_ended, start_producer
from bridge.publish.refusal import REFUSALS, TOPIC_FAULTS, refused
from bridge.record import Record

log = structlog.get_logger()

# Well below a broker's 1 MiB message limit, and far above aiokafka's 16 KiB, with which ten events
# fill a batch and every further caller waits in a crowd.
BATCH_BYTES_MAX: Final = 262_144
REPLACE_AFTER_S: Final = 15.0
_CLOSED_S: Final = 10.0

_FATAL: Final = (OutOfOrderSequenceNumber, ProducerFenced, UnknownProducerId)


class KafkaPublisher:
    """Publishes records and keeps a working producer for it."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        connection: Connection,
        *,
        idempotence: bool,
        ack_timeout_s: float,
        topics: Sequence[str] = (),
        on_available: Callable[[bool], None] = lambda _: None,
        on_late: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._idempotence = idempotence
        self._ack_timeout_s = ack_timeout_s
        self._topics = topics
        self._on_available = on_available
        self._on_late = on_late
        self._available = False
        self._failing_since: float | None = None
        self._closed_until: dict[str, float] = {}
        self._producer: AIOKafkaProducer | None = None
        self._alone: AIOKafkaProducer | None = None
        self._alone_at_once = asyncio.Lock()
        self._broken = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def available(self) -> bool:
        """Say whether there is a producer that is connected."""
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
        if self._alone is not None:
            await abort(self._alone)
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

    async def publish(self, records: Sequence[Record], *, deadline_s: float | None = None) -> None:
        """Return when every in-sync replica has every record: rules 1, 2 and 4."""
        timeout_s = deadline_s or self._ack_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                await self._publish(records)
        except TimeoutError as error:
            for record in records:
                if self._producer is not None and self._gone(self._producer, record.topic):
                    raise TopicUnavailable(record.topic, "missing") from error
            self._failed()
            message = f"no acknowledgement within {timeout_s} s"
            raise Unavailable(message) from error
        self._failing_since = None

    async def _publish(self, records: Sequence[Record]) -> None:
        producer = self._producer
        if producer is None or not self._available:
            message = "kafka is not reachable"
            raise Unavailable(message)
        for record in records:
            await self._check_topic(producer, record.topic)
        waiting: list[asyncio.Future[object]] = []
        topic = ""
        try:
            await send_all(producer, records, waiting)
            for record, future in zip(records, waiting, strict=True):
                topic = record.topic
                await asyncio.shield(future)
        except REFUSALS as error:
            self._broken.set()  # the batch's sequence number is used up: rule 3
            log.warning("batch_refused", topic=topic, error=type(error).__name__)
            await self._publish_alone(records)
        except TOPIC_FAULTS as error:
            self._broken.set()  # the same
            self._closed_until[topic] = time.monotonic() + _CLOSED_S
            raise refused(topic, error) from error
        except KafkaError as error:
            if isinstance(error, _FATAL) or sender_ended(producer):
                self._broken.set()
            self._failed()
            raise Unavailable(type(error).__name__) from error
        finally:
            for future in waiting:
                future.add_done_callback(seen if future.done() else self._late)

    async def _publish_alone(self, records: Sequence[Record]) -> None:
        """Publish each record in a batch of its own, and so learn which one is refused: rule 4."""
        async with self._alone_at_once:
            if self._alone is None:
                self._alone = await self._started(idempotence=False, batch_bytes_max=1)
            for record in records:
                waiting: list[asyncio.Future[object]] = []
                try:
                    await send_all(self._alone, [record], waiting)
                    await asyncio.shield(waiting[0])
                except (*REFUSALS, *TOPIC_FAULTS) as error:
                    raise refused(record.topic, error) from error
                except KafkaError as error:
                    alone, self._alone = self._alone, None
                    await abort(alone)
                    raise Unavailable(type(error).__name__) from error
                finally:
                    for future in waiting:
                        future.add_done_callback(seen)

    async def _check_topic(self, producer: AIOKafkaProducer, topic: str) -> None:
        """Raise TopicUnavailable at once of a topic that is known to be missing or closed to us."""
        if self._closed_until and self._closed_until.get(topic, 0) > time.monotonic():
            raise TopicUnavailable(topic, "closed to us")
        if self._gone(producer, topic):
            if topic not in self._topics:  # one we have not asked for yet
                await producer.client.add_topic(topic)
            if self._gone(producer, topic):
                raise TopicUnavailable(topic, "missing")

    @staticmethod
    def _gone(producer: AIOKafkaProducer, topic: str) -> bool:
        """Say whether a topic was not on the cluster when it was last looked at."""
        return producer.client.cluster.partitions_for_topic(topic) is None

    def _late(self, future: "asyncio.Future[object]") -> None:
        """Take note of a result nobody waits for any more."""
        if not future.cancelled() and future.exception() is None:
            self._failing_since = None
            self._on_late()

    def _failed(self) -> None:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        elif now - self._failing_since > REPLACE_AFTER_S:
            self._failing_since = None
            self._broken.set()

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
        return [topic for topic in self._topics if self._gone(producer, topic)]

    async def _keep(self) -> None:
        """Keep a producer: start one, watch it, replace it when it broke (rule 3)."""
        while True:
            self._producer = await self._started(
                idempotence=self._idempotence, batch_bytes_max=BATCH_BYTES_MAX
            )
            await self._know_topics(self._producer)
            self._broken.clear()
            self._set_available(value=True)
            while not self._broken.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_S):
                        await self._broken.wait()
                if sender_ended(self._producer):
                    break
                if self._missing(self._producer):
                    await self._ask_again(self._producer)
            self._set_available(value=False)
            log.warning("kafka_producer_replaced")
            await abort(self._producer)

    async def _started(self, *, idempotence: bool, batch_bytes_max: int) -> AIOKafkaProducer:
        return await start_producer(
            self._connection,
            idempotence=idempotence,
            batch_bytes_max=batch_bytes_max,
            request_timeout_s=self._ack_timeout_s,
        )

    async def _know_topics(self, producer: AIOKafkaProducer) -> None:
        """Have the producer know our topics before the first of them is asked for."""
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self._ack_timeout_s):
                await producer.client.set_topics(self._topics)
        for topic in self._missing(producer):
            log.error("topic_missing", topic=topic)

    async def _ask_again(self, producer: AIOKafkaProducer) -> None:
        """Ask the brokers for topics that were missing; they may have been made meanwhile."""
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self._ack_timeout_s):
                await producer.client.force_metadata_update()
