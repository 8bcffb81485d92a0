"""Publish callers' records in batches, one for each partition; each caller gets its own result.

1. A record is durable when every in-sync replica has it (``acks=all``).
2. ``publish`` appends each record to the open batch of its partition at once (``producer``), so the
   records of a key are sent in the order of the calls. A batch has one future. Its result is that of
   all its records, and a caller's future gets its result with the last of its records.
3. aiokafka retries an idempotent batch and a start without end, so the deadline is ours. After it
   the caller gets Unavailable (``publication``). What was sent may still arrive: a duplicate
   with the same id, never a loss.
4. A producer stays broken for ever if its sender died, or if the broker refuses its sequence
   numbers. It is replaced (``supervisor``). A record that was not stored is handed to the next one.
5. A broker refuses a whole batch because of one record in it. To find that record, each record of
   the batch is sent once more, alone (``publisher``).
6. With ``linger_s`` records wait that long for others before they are sent, and then leave with them
   in one request. At a low rate that saves most of the requests.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownProducerId,
)
from aiokafka.structs import TopicPartition

from bridge.core.record import Record
from bridge.publish import (
    PartitionStalled,
    PublishRules,
    RecordRefused,
    RecordTooLarge,
    TopicUnavailable,
    Unavailable,
)
from bridge.publish.health import CircuitBreaker, KafkaHealth
from bridge.publish.kafka_errors import RECORD_ERRORS, TOPIC_ERRORS, translate
from bridge.publish.partitioning import partition_for_key
from bridge.publish.producers import Producer, Producers, SingleRecords
from bridge.publish.publication import Deadlines, MissedDeadlines, Publication
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

# A broker that answers so has not stored the batch.
_NOT_STORED: Final = (OutOfOrderSequenceNumber, ProducerFenced, UnknownProducerId)


@dataclass(slots=True)
class _Batch:
    """Records of one partition that leave together, and the publications that they belong to."""

    producer: Producer
    partition: TopicPartition
    entries: list[tuple[Publication, Record]]


class BatchPublisher:
    """Publishes records: rules 1 to 6. Without ``metrics`` it counts nothing."""

    def __init__(
        self,
        producers: Producers,
        single: SingleRecords,
        rules: PublishRules,
        *,
        health: KafkaHealth,
        metrics: Metrics | None,
    ) -> None:
        self._producers = producers
        self._single = single
        self._ack_timeout_s = rules.ack_timeout_s
        self._linger_s = rules.linger_s
        self._topics = rules.topics
        self._health = health
        self._metrics = metrics
        self._missed_deadlines = MissedDeadlines(producers, health)
        self._deadlines: dict[float, Deadlines] = {}
        """By their length, of which callers use only a few."""
        self._batches: dict[asyncio.Future[object], _Batch] = {}
        self._lingering: list[Publication] = []
        self._waiting: list[tuple[Publication, Sequence[Record]]] = []
        """Records that wait for the next producer, in the order of the calls."""
        self._lookups: dict[str, list[tuple[Publication, Sequence[Record]]]] = {}
        """Records whose topic the brokers are asked for, by topic, in the order of the calls."""
        self._tasks: set[asyncio.Task[None]] = set()

    def publish(
        self, records: Sequence[Record], *, deadline_s: float | None, probing: bool
    ) -> "asyncio.Future[None]":
        """Send the records; return the future of their result: rules 1 to 3."""
        timeout_s = deadline_s or self._ack_timeout_s
        deadlines = self._deadlines.get(timeout_s)
        if deadlines is None:
            deadlines = self._deadlines[timeout_s] = Deadlines(timeout_s, self._expire)
        publication = deadlines.start_publication(records, probing=probing)
        if not records:
            publication.end()
        elif not self._linger_s:
            self._send(publication, records)
        else:
            self._lingering.append(publication)
            if len(self._lingering) == 1:
                deadlines.loop.call_later(self._linger_s, self.send_lingering)
        return publication.result

    def send_lingering(self) -> None:
        """Send the publications that wait for others: rule 6."""
        lingering, self._lingering = self._lingering, []
        for publication in lingering:
            self._send(publication, publication.records)

    def _send(self, publication: Publication, records: Sequence[Record]) -> None:
        """Append records of a publication to batches: all that it has, or those to be sent again."""
        if publication.result.done():
            return
        producer = self._producers.producer
        if producer is None or self._waiting:
            self._wait_for_producer(publication, records)
            return
        partitions: list[TopicPartition] = []
        for record in records:
            topic = record.topic
            fault = self._health.topic_fault(topic)
            if fault is not None:
                error = TopicUnavailable(topic, fault)
                publication.record_failure(error, records=len(records))
                return
            known = producer.partitions(topic)
            if not known or topic in self._lookups:
                self._find_topic(producer, topic, publication, records)
                return
            partitions.append(known[partition_for_key(record.key, len(known))])
        if not publication.probes:
            try:
                probes = self._health.start_probes(partitions, probing=publication.probing)
            except PartitionStalled as error:
                publication.record_failure(error, records=len(records))
                return
            if probes:
                publication.probes = probes
                publication.result.add_done_callback(partial(_end_probes, probes))
        if not publication.partitions:
            publication.partitions = partitions
        self._append(producer, publication, records, partitions)

    def _append(
        self,
        producer: Producer,
        publication: Publication,
        records: Sequence[Record],
        partitions: Sequence[TopicPartition],
    ) -> None:
        for number, (record, partition) in enumerate(zip(records, partitions, strict=True)):
            try:
                acknowledgement = producer.append(partition, record)
            except MessageSizeTooLargeError as error:
                # The producer itself refused the record, before it was part of any batch.
                message = "over the limit of the producer"
                refusal = RecordTooLarge(message, topic=record.topic)
                refusal.__cause__ = error
                publication.record_failure(refusal, records=len(records) - number)
                return
            except KafkaError as error:
                self._handle_error(_Batch(producer, partition, [(publication, record)]), error)
                continue
            batch = self._batches.get(acknowledgement)
            if batch is None:
                batch = self._batches[acknowledgement] = _Batch(producer, partition, [])
                acknowledgement.add_done_callback(self._handle_result)
            batch.entries.append((publication, record))

    def _wait_for_producer(self, publication: Publication, records: Sequence[Record]) -> None:
        self._waiting.append((publication, records))
        if len(self._waiting) == 1:
            self._run(self._hand_over())

    async def _hand_over(self) -> None:
        """Send the records that wait for the next producer, once there is one: rule 4."""
        unavailable: Unavailable | None = None
        try:
            await self._producers.working_producer()
        except Unavailable as error:
            unavailable = error
        waiting, self._waiting = self._waiting, []
        for publication, records in waiting:
            if unavailable is None:
                self._send(publication, records)
            else:
                publication.record_failure(Unavailable(str(unavailable)), records=len(records))

    def _find_topic(
        self, producer: Producer, topic: str, publication: Publication, records: Sequence[Record]
    ) -> None:
        """Send the records when the producer knows their topic, if it is to be found at all."""
        if topic in self._topics:  # the supervisor asks for it, again and again
            error = TopicUnavailable(topic, "missing")
            publication.record_failure(error, records=len(records))
        elif topic in self._lookups:
            self._lookups[topic].append((publication, records))
        else:
            self._lookups[topic] = [(publication, records)]
            self._run(self._look_up(producer, topic))

    async def _look_up(self, producer: Producer, topic: str) -> None:
        try:
            async with asyncio.timeout(self._ack_timeout_s):
                await producer.find_topic(topic)
        except TimeoutError:
            pass
        finally:
            waiting = self._lookups.pop(topic)
        for publication, records in waiting:
            if producer.partitions(topic):
                self._send(publication, records)
            else:
                error = TopicUnavailable(topic, "missing")
                publication.record_failure(error, records=len(records))

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        # The loop keeps only weak references to tasks, so keep one here until the task is done.
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _handle_result(self, acknowledgement: "asyncio.Future[object]") -> None:
        """Give the result of a batch to the publications that have records in it: rule 2."""
        batch = self._batches.pop(acknowledgement)
        error = acknowledgement.exception()
        if error is None:
            self._record_acknowledgement(batch)
        else:
            self._handle_error(batch, error)

    def _record_acknowledgement(self, batch: _Batch) -> None:
        self._missed_deadlines.record_acknowledgement()
        self._health.record_acknowledgement(batch.partition)
        late = value_bytes = 0
        for publication, record in batch.entries:
            value_bytes += len(record.value)
            if publication.result.done():  # no caller waits for it any more
                late += 1
            else:
                publication.record_acknowledgement(record)
        if late:
            self._health.cluster.record_success()
        if self._metrics is not None:
            topic = batch.partition.topic
            self._metrics.count(Metric.RECORDS_TOTAL, topic, by=len(batch.entries))
            self._metrics.count(Metric.RECORD_BYTES_TOTAL, topic, by=value_bytes)
            if late:
                self._metrics.count(Metric.LATE_ACKNOWLEDGEMENTS_TOTAL, by=late)

    def _handle_error(self, batch: _Batch, error: BaseException) -> None:
        """Fail the records of a batch, send them again, or look for the one that is refused."""
        topic = batch.partition.topic
        if isinstance(error, (*TOPIC_ERRORS, *RECORD_ERRORS)):
            self._health.record_answer(batch.partition)
            self._producers.replace(batch.producer)  # the batch's sequence number is used up
        if isinstance(error, TOPIC_ERRORS):
            for publication, _ in batch.entries:
                self._record_refusal(publication, translate(topic, error), error)
        elif isinstance(error, RECORD_ERRORS):
            log.warning("kafka_batch_refused", topic=topic, error=type(error).__name__)
            self._run(self._send_one_by_one(batch))
        elif isinstance(error, _NOT_STORED) or batch.producer.died:
            self._producers.replace(batch.producer)
            for publication, record in batch.entries:
                self._send(publication, [record])
        else:
            for publication, record in batch.entries:
                self._record_loss(publication, record, batch.partition, error)

    def _record_refusal(
        self,
        publication: Publication,
        refusal: TopicUnavailable | RecordRefused,
        cause: BaseException | None,
    ) -> None:
        if isinstance(refusal, TopicUnavailable):
            self._health.record_topic_failure(refusal)
        refusal.__cause__ = cause
        publication.record_failure(refusal)

    def _record_loss(
        self,
        publication: Publication,
        record: Record,
        partition: TopicPartition,
        cause: BaseException,
    ) -> None:
        """Record that the batch of a record failed, so it is unknown whether the record is stored."""
        if not publication.result.done():
            error = self._missed_deadlines.record(
                type(cause).__name__, [record], [partition], started_at=publication.started_at
            )
            error.__cause__ = cause
            publication.record_failure(error)

    async def _send_one_by_one(self, batch: _Batch) -> None:
        """Send each record of a refused batch alone: rule 5."""
        for publication, record in batch.entries:
            if publication.result.done():
                continue
            if isinstance(publication.error, RecordRefused):  # one is enough for its caller
                publication.record_failure(publication.error)
                continue
            try:
                async with asyncio.timeout(publication.seconds_left):
                    await self._single.publish(record)
            except TimeoutError:
                continue  # its deadline ends the publication
            except (RecordRefused, TopicUnavailable) as refusal:
                self._record_refusal(publication, refusal, refusal.__cause__)
            except KafkaError as error:
                self._record_loss(publication, record, batch.partition, error)
            else:
                alone = _Batch(batch.producer, batch.partition, [(publication, record)])
                self._record_acknowledgement(alone)

    def _expire(self, publication: Publication) -> None:
        """End a publication at its deadline: rule 3."""
        if publication.result.done():
            return
        records = [one for one in publication.records if one not in publication.acknowledged]
        partitions = [
            partition
            for record, partition in zip(publication.records, publication.partitions, strict=False)
            if record not in publication.acknowledged
        ]
        why = f"no acknowledgement within {publication.deadlines.timeout_s} s"
        error = self._missed_deadlines.record(
            why, records, partitions, started_at=publication.started_at
        )
        publication.result.set_exception(error)


def _end_probes(probes: Sequence[CircuitBreaker], result: "asyncio.Future[None]") -> None:
    acknowledged = not result.cancelled() and result.exception() is None
    for probe in probes:
        probe.end_probe(acknowledged=acknowledged)
