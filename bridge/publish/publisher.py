"""The publisher to Kafka.

1. A record is durable when every in-sync replica has it (``acks=all``).
2. aiokafka gives up neither on an idempotent batch nor on starting again, so the waiting is ours:
   after the deadline the caller is told Unavailable. What was sent may still arrive: a duplicate
   with the same id, never a loss. What missed its deadline makes its partition late, or says that
   Kafka is away (``lateness``).
3. A producer whose sender died, or whose sequence numbers the broker no longer takes, stays broken
   for ever; one that had no acknowledgement for REPLACE_AFTER_S, or none of one partition for
   RENEW_AFTER_S, may have old credentials or addresses. Both are replaced (``keeper``). A record that
   was not stored is handed to the next one.
4. A broker refuses a whole batch for one record in it. Which one is told by sending each of a
   caller's records once more, alone in its batch (``alone``).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownProducerId,
)

from bridge.core.record import Record
from bridge.publish import (
    PartitionStalled,
    RecordRefused,
    RecordTooLarge,
    TopicUnavailable,
    Unavailable,
)
from bridge.publish.breaker import CircuitBreaker
from bridge.publish.connection import KafkaConnection
from bridge.publish.isolate import SingleRecordPublisher
from bridge.publish.kafka_errors import RECORD_ERRORS, TOPIC_ERRORS, translate
from bridge.publish.lateness import PartitionHealth, TopicPartition
from bridge.publish.partitioning import partition_for_key
from bridge.publish.producer import partition_count, send_all, sender_died
from bridge.publish.supervisor import ProducerSupervisor

log = structlog.get_logger()

REPLACE_AFTER_S: Final = 15.0
REPLACE_STALLED_AFTER_S: Final = 60.0
_CLOSED_S: Final = 10.0
# A broker that answers so has not stored the batch.
_NOT_STORED: Final = (OutOfOrderSequenceNumber, ProducerFenced, UnknownProducerId)


@dataclass(slots=True)
class _Publication:
    """A caller's records under way: what is left of them to be acknowledged, and for which places."""

    unacknowledged: list[Record]
    started_at: float
    partitions: list[TopicPartition] = field(default_factory=list[TopicPartition])
    acknowledged: list[Record] = field(default_factory=list[Record])
    probes: list[CircuitBreaker] = field(default_factory=list[CircuitBreaker])


class KafkaPublisher:
    """Publishes records."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        connection: KafkaConnection,
        *,
        idempotence: bool,
        ack_timeout_s: float,
        topics: Sequence[str] = (),
        on_available: Callable[[bool], None] = lambda _: None,
        on_acknowledged: Callable[[Record], None] = lambda _: None,
        on_late: Callable[[], None] = lambda: None,
    ) -> None:
        self._ack_timeout_s = ack_timeout_s
        self._topics = topics
        self._on_acknowledged = on_acknowledged
        self._on_late = on_late
        self._supervisor = ProducerSupervisor(
            connection,
            idempotence=idempotence,
            request_timeout_s=ack_timeout_s,
            topics=topics,
            on_available=on_available,
        )
        self._single = SingleRecordPublisher(connection, request_timeout_s=ack_timeout_s)
        self._partitions = PartitionHealth(time.monotonic)
        self._closed: dict[str, tuple[str, float]] = {}
        self._failing_since: float | None = None
        self._renewed_at = time.monotonic()

    @property
    def available(self) -> bool:
        """Say whether there is a producer that is connected."""
        return self._supervisor.available

    def start(self) -> None:
        """Begin to connect, and go on trying in the background."""
        self._supervisor.start()

    async def stop(self, flush_timeout_s: float) -> None:
        """Deliver what is under way, for at most ``flush_timeout_s``, and disconnect."""
        await self._supervisor.stop(flush_timeout_s)
        await self._single.stop()

    async def publish(
        self,
        records: Sequence[Record],
        *,
        deadline_s: float | None = None,
        probing: bool = False,
    ) -> None:
        """Return when every in-sync replica has every record: rules 1 to 4."""
        timeout_s = deadline_s or self._ack_timeout_s
        sending = _Publication(list(records), started_at=time.monotonic())
        try:
            async with asyncio.timeout(timeout_s):
                while sending.unacknowledged:
                    producer = await self._supervisor.working_producer()
                    await self._send(producer, sending, probing=probing)
        except TimeoutError as error:
            raise self._timeout_error(
                sending, f"no acknowledgement within {timeout_s} s"
            ) from error
        except RecordRefused as error:
            error.acknowledged = sending.acknowledged
            raise
        finally:
            for probe in sending.probes:
                probe.end_probe(acknowledged=not sending.unacknowledged)

    async def _send(
        self, producer: AIOKafkaProducer, sending: _Publication, *, probing: bool
    ) -> None:
        """Hand what is left to a producer, and see what becomes of it."""
        records = sending.unacknowledged
        sending.partitions = [await self._partition_of(producer, record) for record in records]
        if not sending.probes:
            sending.probes = self._partitions.start_probes(sending.partitions, probing=probing)
        waiting: list[asyncio.Future[object]] = []
        unsent: KafkaError | None = None
        try:
            try:
                await send_all(producer, records, sending.partitions, waiting)
            except KafkaError as error:
                unsent = error
            if waiting:
                await asyncio.wait(waiting)
        finally:
            self._record_results(sending, waiting)
        errors = [
            (record.topic, fault)
            for record, future in zip(records, waiting, strict=False)
            if isinstance(fault := future.exception(), KafkaError)
        ]
        if unsent is not None:
            topic = records[len(waiting)].topic
            if isinstance(unsent, MessageSizeTooLargeError):
                # The producer itself refused it, before it was part of any batch.
                message = "over the limit of the producer"
                raise RecordTooLarge(message, topic=topic) from unsent
            errors.append((topic, unsent))
        if errors:
            await self._handle_errors(producer, sending, errors)

    async def _partition_of(self, producer: AIOKafkaProducer, record: Record) -> TopicPartition:
        """Return where a record goes; raises TopicUnavailable at once where that is known to fail."""
        topic = record.topic
        if self._closed and topic in self._closed:
            fault, until = self._closed[topic]
            if until > time.monotonic():
                raise TopicUnavailable(topic, fault)
            del self._closed[topic]
        partitions = partition_count(producer, topic)
        if not partitions and topic not in self._topics:  # one we have not asked for yet
            await producer.client.add_topic(topic)
            if not partition_count(producer, topic):  # another caller just asked
                await producer.client.force_metadata_update()
            partitions = partition_count(producer, topic)
        if not partitions:
            raise TopicUnavailable(topic, "missing")
        return topic, partition_for_key(record.key, partitions)

    def _record_results(
        self, sending: _Publication, waiting: Sequence["asyncio.Future[object]"]
    ) -> None:
        """Take note of what was acknowledged; the rest is left."""
        left: list[Record] = []
        places: list[TopicPartition] = []
        for number, (record, place) in enumerate(
            zip(sending.unacknowledged, sending.partitions, strict=True)
        ):
            future = waiting[number] if number < len(waiting) else None
            if future is not None and not future.done():
                future.add_done_callback(partial(self._record_late_result, record, place))
            elif future is not None:
                error = future.exception()
                if error is None:
                    self._acknowledged(sending, record, place)
                    continue
                if isinstance(error, (*RECORD_ERRORS, *TOPIC_ERRORS)):
                    self._partitions.record_answer(place)
            left.append(record)
            places.append(place)
        sending.unacknowledged, sending.partitions = left, places

    def _acknowledged(self, sending: _Publication, record: Record, place: TopicPartition) -> None:
        sending.acknowledged.append(record)
        self._failing_since = None
        self._partitions.record_answer(place)
        self._on_acknowledged(record)

    def _record_late_result(
        self, record: Record, place: TopicPartition, future: "asyncio.Future[object]"
    ) -> None:
        """Take note of a result nobody waits for any more."""
        if not future.cancelled() and future.exception() is None:
            self._failing_since = None
            self._partitions.record_answer(place)
            self._on_acknowledged(record)
            self._on_late()

    async def _handle_errors(
        self,
        producer: AIOKafkaProducer,
        sending: _Publication,
        errors: Sequence[tuple[str, KafkaError]],
    ) -> None:
        """Do what the errors ask for; what was not stored stays left for the next producer: rule 3."""
        for topic, error in errors:
            if isinstance(error, TOPIC_ERRORS):
                self._supervisor.replace(producer)  # its sequence number is used up
                told = translate(topic, error)
                self._pause_topic(told)
                raise told from error
        topic, error = next((one for one in errors if isinstance(one[1], RECORD_ERRORS)), errors[0])
        if isinstance(error, RECORD_ERRORS):
            self._supervisor.replace(producer)  # the same
            log.warning("kafka_batch_refused", topic=topic, error=type(error).__name__)
            await self._send_one_by_one(sending)
        elif isinstance(error, _NOT_STORED) or sender_died(producer):
            self._supervisor.replace(producer)
        else:
            raise self._timeout_error(sending, type(error).__name__) from error

    async def _send_one_by_one(self, sending: _Publication) -> None:
        """Publish what is left record by record: rule 4."""

        def acknowledged(record: Record) -> None:
            self._acknowledged(sending, record, sending.partitions[0])
            del sending.unacknowledged[0], sending.partitions[0]

        try:
            await self._single.publish(tuple(sending.unacknowledged), acknowledged)
        except TopicUnavailable as error:
            self._pause_topic(error)
            raise
        except KafkaError as error:
            raise self._timeout_error(sending, type(error).__name__) from error

    def _pause_topic(self, error: Exception) -> None:
        """Go without a topic for a while that takes nothing."""
        if isinstance(error, TopicUnavailable):
            self._closed[error.topic] = error.fault, time.monotonic() + _CLOSED_S

    def _timeout_error(self, sending: _Publication, why: str) -> Unavailable:
        """Return what to raise where an acknowledgement did not come in time: rule 2."""
        producer = self._supervisor.producer
        if producer is not None:
            for record in sending.unacknowledged:
                if not partition_count(producer, record.topic):
                    return TopicUnavailable(record.topic, "missing")
            now = time.monotonic()
            if self._failing_since is None:
                self._failing_since = now
            elif now - self._failing_since > REPLACE_AFTER_S:
                self._failing_since = None
                self._supervisor.replace(producer)
        late = self._partitions.record_timeout(sending.partitions, started_at=sending.started_at)
        if late is None:
            return Unavailable(why)
        self._replace_stalled(late)
        return PartitionStalled(*late)

    def _replace_stalled(self, late: TopicPartition) -> None:
        """Have the producer replaced where a partition stays late, now and then: rule 3."""
        now, producer = time.monotonic(), self._supervisor.producer
        since = max(self._partitions.stalled_since(late), self._renewed_at)
        if producer is not None and now - since > REPLACE_STALLED_AFTER_S:
            self._renewed_at = now
            self._supervisor.replace(producer)
