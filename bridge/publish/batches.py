"""Publish callers' records in batches, one for each partition; each caller gets its own result.

1. A record is durable when every in-sync replica has it (``acks=all``).
2. The records of one turn of the event loop are sent together, after that turn: those of each
   partition in one step, in the order of the calls (``producer``). A batch may hold records of several
   turns. It has one result, that of all its records. A caller's future gets its result with the last
   of its records.
3. aiokafka retries an idempotent batch and a start without end, so the deadline is ours. After it
   the caller gets Unavailable (``publication``). What was sent may still arrive: a duplicate
   with the same id, never a loss.
4. A producer stays broken for ever if its sender died, or if the broker refuses its sequence
   numbers. It is replaced (``supervisor``). A record that was not stored is handed to the next one.
5. A broker refuses a whole batch because of one record in it. To find that record, each record of
   the batch is sent once more, alone (``publisher``). After a record that is refused or lost, its
   caller's later ones are not sent: they would overtake it.
6. With ``linger_s`` records wait that long for those of later turns, and then leave with them in one
   request. At a low rate that saves most of the requests.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Sequence
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


_Unsent = tuple[Publication, Sequence[Record]]
"""A publication, and those of its records that are to be sent: all, or some again."""

_Entry = tuple[Publication, Record]
"""A record, and the publication that it belongs to."""


@dataclass(slots=True)
class _Batch:
    """Records of one partition that leave together, and the publications that they belong to."""

    producer: Producer
    partition: TopicPartition
    entries: list[_Entry]


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
        """By aiokafka's future of their result."""
        self._unsent: list[_Unsent] = []
        """Records of this turn, in the order of the calls."""
        self._waiting: list[_Unsent] = []
        """Records that wait for the next producer, in the order of the calls."""
        self._lookups: dict[str, list[_Unsent]] = {}
        """Records whose topic the brokers are asked for, by topic, in the order of the calls."""
        self._tasks: set[asyncio.Task[None]] = set()

    def publish(
        self, records: Sequence[Record], *, deadline_s: float | None, probing: bool
    ) -> "asyncio.Future[None]":
        """Send the records after this turn; return the future of their result: rules 1 to 3."""
        timeout_s = deadline_s or self._ack_timeout_s
        deadlines = self._deadlines.get(timeout_s)
        if deadlines is None:
            deadlines = self._deadlines[timeout_s] = Deadlines(timeout_s, self._expire)
        publication = deadlines.start_publication(records, probing=probing)
        if not records:
            publication.end()
            return publication.result
        if not self._unsent:
            deadlines.loop.call_later(self._linger_s, self.send_unsent)
        self._unsent.append((publication, records))
        return publication.result

    def send_unsent(self) -> None:
        """Send the publications of this turn, or those that a linger has collected: rules 2 and 6."""
        unsent, self._unsent = self._unsent, []
        self._send(unsent)

    def _send(self, unsent: Iterable[_Unsent]) -> None:
        """Hand records to the producer, partition by partition: rule 2."""
        producer = self._producers.producer
        entries: defaultdict[TopicPartition, list[_Entry]] = defaultdict(list)
        for publication, records in unsent:
            if publication.result.done():
                continue
            if producer is None or self._waiting:
                self._wait_for_producer(publication, records)
                continue
            partitions = self._assign(producer, publication, records)
            for record, partition in zip(records, partitions, strict=False):
                entries[partition].append((publication, record))
        if producer is not None:
            for partition, of_partition in entries.items():
                self._append(producer, partition, of_partition)

    def _assign(
        self, producer: Producer, publication: Publication, records: Sequence[Record]
    ) -> Sequence[TopicPartition]:
        """Return the partitions of the records; none if they cannot be sent now."""
        partitions: list[TopicPartition] = []
        topics = producer.partitions
        for record in records:
            topic = record.topic
            fault = self._health.topic_fault(topic)
            if fault is not None:
                error = TopicUnavailable(topic, fault)
                publication.record_failure(error, records=len(records))
                return ()
            known = topics.get(topic)
            if known is None or topic in self._lookups:
                self._find_topic(producer, topic, publication, records)
                return ()
            partitions.append(known[partition_for_key(record.key, len(known))])
        if not publication.probes:
            try:
                probes = self._health.start_probes(partitions, probing=publication.probing)
            except PartitionStalled as error:
                publication.record_failure(error, records=len(records))
                return ()
            if probes:
                publication.probes = probes
                publication.result.add_done_callback(partial(_end_probes, probes))
        if not publication.partitions:
            publication.partitions = partitions
        return partitions

    def _append(self, producer: Producer, partition: TopicPartition, entries: list[_Entry]) -> None:
        """Append records to aiokafka's batches of their partition, most often to one."""
        while entries:
            try:
                result, taken = producer.append(partition, [record for _, record in entries])
            except MessageSizeTooLargeError as error:
                entries = self._refuse_too_large(entries, error)
            except KafkaError as error:
                self._handle_error(_Batch(producer, partition, entries), error)
                return
            else:
                batch = self._batches.get(result)
                if batch is None:
                    batch = self._batches[result] = _Batch(producer, partition, [])
                    result.add_done_callback(self._handle_result)
                batch.entries += entries[:taken]
                entries = entries[taken:]

    def _refuse_too_large(self, entries: list[_Entry], cause: KafkaError) -> list[_Entry]:
        """Refuse the first record; return the others, without its caller's: they would overtake it."""
        publication, record = entries[0]
        refusal = RecordTooLarge("over the limit of the producer", topic=record.topic)
        refusal.__cause__ = cause
        others = [entry for entry in entries if entry[0] is not publication]
        publication.record_failure(refusal, records=len(entries) - len(others))
        return others

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
        finally:  # while some wait, all later ones wait behind them
            waiting, self._waiting = self._waiting, []
        if unavailable is None:
            self._send(waiting)
            return
        for publication, records in waiting:
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
        if topic in producer.partitions:
            self._send(waiting)
            return
        for publication, records in waiting:
            error = TopicUnavailable(topic, "missing")
            publication.record_failure(error, records=len(records))

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        # The loop keeps only weak references to tasks, so keep one here until the task is done.
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _handle_result(self, result: "asyncio.Future[object]") -> None:
        """Give the result of a batch to the publications that have records in it: rule 2.

        Batches that a response acknowledges together have one step for all their records of a topic.
        """
        if result not in self._batches:  # acknowledged in the step of another batch
            return
        error = result.exception()
        if error is not None:
            self._handle_error(self._batches.pop(result), error)
            return
        entries: defaultdict[str, list[_Entry]] = defaultdict(list)
        for one in [one for one in self._batches if one.done() and one.exception() is None]:
            batch = self._batches.pop(one)
            self._health.record_acknowledgement(batch.partition)
            entries[batch.partition.topic] += batch.entries
        for topic, of_topic in entries.items():
            self._record_acknowledgement(topic, of_topic)

    def _record_acknowledgement(self, topic: str, entries: Sequence[_Entry]) -> None:
        """Record that records of a topic are durable."""
        self._missed_deadlines.record_acknowledgement()
        late = value_bytes = 0
        for publication, record in entries:
            value_bytes += len(record.value)
            if publication.result.done():  # no caller waits for it any more
                late += 1
            else:
                publication.record_acknowledgement(record)
        if late:
            self._health.cluster.record_success()
        if self._metrics is not None:
            self._metrics.count(Metric.RECORDS_TOTAL, topic, by=len(entries))
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
            self._send((publication, [record]) for publication, record in batch.entries)
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
            if publication.error is not None:  # its later records must not overtake what is lost
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
                self._health.record_acknowledgement(batch.partition)
                self._record_acknowledgement(record.topic, [(publication, record)])

    def _expire(self, publication: Publication) -> None:
        """End a publication at its deadline: rule 3."""
        if publication.result.done():
            return
        why = f"no acknowledgement within {publication.deadlines.timeout_s} s"
        error = Unavailable(why)
        try:
            records = [one for one in publication.records if one not in publication.acknowledged]
            partitions = [
                partition
                for record, partition in zip(
                    publication.records, publication.partitions, strict=False
                )
                if record not in publication.acknowledged
            ]
            error = self._missed_deadlines.record(
                why, records, partitions, started_at=publication.started_at
            )
        finally:  # nothing else would end the caller's wait any more
            publication.result.set_exception(error)


def _end_probes(probes: Sequence[CircuitBreaker], result: "asyncio.Future[None]") -> None:
    acknowledged = not result.cancelled() and result.exception() is None
    for probe in probes:
        probe.end_probe(acknowledged=acknowledged)
