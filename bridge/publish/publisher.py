"""The publisher to Kafka.

1. A record is durable when every in-sync replica has it (``acks=all``).
2. aiokafka retries an idempotent batch and a start without end, so the deadline is ours. After it
   the caller gets Unavailable. What was sent may still arrive: a duplicate with the same id, never
   a loss. What missed its deadline stalls its partition, or means that Kafka as a whole is away
   (``health``).
3. A producer stays broken for ever if its sender died, or if the broker refuses its sequence
   numbers. One without any acknowledgement for REPLACE_AFTER_S, or without one from a stalled
   partition for REPLACE_STALLED_AFTER_S, may hold old credentials or addresses. All of them are
   replaced (``supervisor``). A record that was not stored is handed to the next producer.
4. A broker refuses a whole batch because of one record in it. To find that record, each of a
   caller's records is sent once more, alone in its batch (``isolate``).
"""

import asyncio
import time
from collections.abc import Sequence
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
from bridge.publish.connection import KafkaConnection
from bridge.publish.health import CircuitBreaker, KafkaHealth, TopicPartition
from bridge.publish.isolate import SingleRecordPublisher
from bridge.publish.kafka_errors import RECORD_ERRORS, TOPIC_ERRORS, translate
from bridge.publish.partitioning import partition_for_key
from bridge.publish.producer import partition_count, send_all, sender_died
from bridge.publish.supervisor import ProducerSupervisor
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

REPLACE_AFTER_S: Final = 15.0
REPLACE_STALLED_AFTER_S: Final = 60.0
# A broker that answers so has not stored the batch.
_NOT_STORED: Final = (OutOfOrderSequenceNumber, ProducerFenced, UnknownProducerId)


@dataclass(slots=True)
class _Publication:
    """One caller's records. ``partitions`` are those of the unacknowledged ones, in their order."""

    unacknowledged: list[Record]
    started_at: float
    partitions: list[TopicPartition] = field(default_factory=list[TopicPartition])
    acknowledged: list[Record] = field(default_factory=list[Record])
    probes: list[CircuitBreaker] = field(default_factory=list[CircuitBreaker])


class KafkaPublisher:
    """Publishes records. Without ``metrics`` it counts nothing, as command-line tools want it."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        connection: KafkaConnection,
        *,
        idempotence: bool,
        ack_timeout_s: float,
        topics: Sequence[str] = (),
        health: KafkaHealth | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._ack_timeout_s = ack_timeout_s
        self._topics = topics
        self._health = health or KafkaHealth()
        self._metrics = metrics
        self._supervisor = ProducerSupervisor(
            connection,
            idempotence=idempotence,
            request_timeout_s=ack_timeout_s,
            topics=topics,
            metrics=metrics,
        )
        self._single = SingleRecordPublisher(connection, request_timeout_s=ack_timeout_s)
        self._failing_since: float | None = None
        self._replaced_at = time.monotonic()

    @property
    def available(self) -> bool:
        """Return True if there is a connected producer."""
        return self._supervisor.available

    def start(self) -> None:
        """Start to connect, in the background."""
        self._supervisor.start()

    async def stop(self, flush_timeout_s: float) -> None:
        """Wait for pending records, for at most ``flush_timeout_s``, and disconnect."""
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
        publication = _Publication(list(records), started_at=time.monotonic())
        try:
            async with asyncio.timeout(timeout_s):
                while publication.unacknowledged:
                    producer = await self._supervisor.working_producer()
                    await self._send(producer, publication, probing=probing)
        except TimeoutError as error:
            message = f"no acknowledgement within {timeout_s} s"
            raise self._timeout_error(publication, message) from error
        except RecordRefused as error:
            error.acknowledged = publication.acknowledged
            raise
        finally:
            for probe in publication.probes:
                probe.end_probe(acknowledged=not publication.unacknowledged)

    async def _send(
        self, producer: AIOKafkaProducer, publication: _Publication, *, probing: bool
    ) -> None:
        """Hand the unacknowledged records to a producer, wait for it, and handle the results."""
        records = publication.unacknowledged
        publication.partitions = [await self._find_partition(producer, one) for one in records]
        if not publication.probes:
            publication.probes = self._health.start_probes(publication.partitions, probing=probing)
        futures: list[asyncio.Future[object]] = []
        unsent: KafkaError | None = None
        try:
            try:
                await send_all(producer, records, publication.partitions, futures)
            except KafkaError as error:
                unsent = error
            if futures:
                await asyncio.wait(futures)
        finally:
            # Also at the deadline: some of the records may be acknowledged.
            self._record_results(publication, futures)
        errors = [
            (record.topic, fault)
            for record, future in zip(records, futures, strict=False)
            if isinstance(fault := future.exception(), KafkaError)
        ]
        if unsent is not None:
            topic = records[len(futures)].topic
            if isinstance(unsent, MessageSizeTooLargeError):
                # The producer itself refused the record, before it was part of any batch.
                message = "over the limit of the producer"
                raise RecordTooLarge(message, topic=topic) from unsent
            errors.append((topic, unsent))
        if errors:
            await self._handle_errors(producer, publication, errors)

    async def _find_partition(self, producer: AIOKafkaProducer, record: Record) -> TopicPartition:
        """Return the partition of a record; raise TopicUnavailable if its topic takes nothing now."""
        topic = record.topic
        fault = self._health.topic_fault(topic)
        if fault is not None:
            raise TopicUnavailable(topic, fault)
        partitions = partition_count(producer, topic)
        if not partitions and topic not in self._topics:  # the producer does not know it yet
            await producer.client.add_topic(topic)
            if not partition_count(
                producer, topic
            ):  # the request before ours may have been its first
                await producer.client.force_metadata_update()
            partitions = partition_count(producer, topic)
        if not partitions:
            raise TopicUnavailable(topic, "missing")
        return topic, partition_for_key(record.key, partitions)

    def _record_results(
        self, publication: _Publication, futures: Sequence["asyncio.Future[object]"]
    ) -> None:
        """Record which records are acknowledged, and leave the others in the publication."""
        records: list[Record] = []
        partitions: list[TopicPartition] = []
        for number, (record, partition) in enumerate(
            zip(publication.unacknowledged, publication.partitions, strict=True)
        ):
            future = futures[number] if number < len(futures) else None
            if future is not None and not future.done():
                future.add_done_callback(partial(self._record_late_result, record, partition))
            elif future is not None:
                error = future.exception()
                if error is None:
                    publication.acknowledged.append(record)
                    self._record_acknowledgement(record, partition)
                    continue
                if isinstance(error, (*RECORD_ERRORS, *TOPIC_ERRORS)):
                    self._health.record_answer(partition)
            records.append(record)
            partitions.append(partition)
        publication.unacknowledged, publication.partitions = records, partitions

    def _record_acknowledgement(self, record: Record, partition: TopicPartition) -> None:
        self._failing_since = None
        self._health.record_acknowledgement(partition)
        if self._metrics is not None:
            self._metrics.count(Metric.RECORDS_TOTAL, record.topic)
            self._metrics.count(Metric.RECORD_BYTES_TOTAL, record.topic, by=len(record.value))

    def _record_late_result(
        self, record: Record, partition: TopicPartition, future: "asyncio.Future[object]"
    ) -> None:
        """Record a result that no caller waits for any more."""
        if not future.cancelled() and future.exception() is None:
            self._record_acknowledgement(record, partition)
            if self._metrics is not None:
                self._metrics.count(Metric.LATE_ACKNOWLEDGEMENTS_TOTAL)
            self._health.cluster.record_success()

    async def _handle_errors(
        self,
        producer: AIOKafkaProducer,
        publication: _Publication,
        errors: Sequence[tuple[str, KafkaError]],
    ) -> None:
        """Raise, or return if the next producer is to send what is unacknowledged: rule 3."""
        for topic, error in errors:
            if isinstance(error, TOPIC_ERRORS):
                self._supervisor.replace(producer)  # the batch's sequence number is used up
                refusal = translate(topic, error)
                if isinstance(refusal, TopicUnavailable):
                    self._health.record_topic_failure(refusal)
                raise refusal from error
        topic, error = next((one for one in errors if isinstance(one[1], RECORD_ERRORS)), errors[0])
        if isinstance(error, RECORD_ERRORS):
            self._supervisor.replace(producer)  # the same
            log.warning("kafka_batch_refused", topic=topic, error=type(error).__name__)
            await self._send_one_by_one(publication)
        elif isinstance(error, _NOT_STORED) or sender_died(producer):
            self._supervisor.replace(producer)
        else:
            raise self._timeout_error(publication, type(error).__name__) from error

    async def _send_one_by_one(self, publication: _Publication) -> None:
        """Publish the unacknowledged records one by one: rule 4."""

        def on_acknowledged(record: Record) -> None:
            publication.acknowledged.append(record)
            self._record_acknowledgement(record, publication.partitions[0])
            del publication.unacknowledged[0], publication.partitions[0]

        try:
            await self._single.publish(tuple(publication.unacknowledged), on_acknowledged)
        except TopicUnavailable as error:
            self._health.record_topic_failure(error)
            raise
        except KafkaError as error:
            raise self._timeout_error(publication, type(error).__name__) from error

    def _timeout_error(self, publication: _Publication, why: str) -> Unavailable:
        """Return what to raise if records were not acknowledged in time: rule 2."""
        producer = self._supervisor.producer
        if producer is not None:
            for record in publication.unacknowledged:
                if not partition_count(producer, record.topic):
                    return TopicUnavailable(record.topic, "missing")
            now = time.monotonic()
            if self._failing_since is None:
                self._failing_since = now
            elif now - self._failing_since > REPLACE_AFTER_S:
                self._failing_since = None
                self._supervisor.replace(producer)
        stalled = self._health.record_timeout(
            publication.partitions, started_at=publication.started_at
        )
        if stalled is None:
            return Unavailable(why)
        self._replace_for_stalled(stalled)
        return PartitionStalled(*stalled)

    def _replace_for_stalled(self, stalled: TopicPartition) -> None:
        """Replace the producer now and then while a partition is stalled: rule 3."""
        now, producer = time.monotonic(), self._supervisor.producer
        since = max(self._health.stalled_since(stalled), self._replaced_at)
        if producer is not None and now - since > REPLACE_STALLED_AFTER_S:
            self._replaced_at = now
            self._supervisor.replace(producer)
