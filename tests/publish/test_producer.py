"""Our side of aiokafka's producer: how records are put into its batches, without a broker."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from bridge.core.record import Record
from bridge.publish.producer import REQUEST_BYTES_MAX, KafkaProducer, abort

PARTITION: Final = TopicPartition("events", 0)
BATCH_BYTES_MAX: Final = 1000


class Setting:
    """A producer of ours, and aiokafka's batches behind it. Nothing sends them."""

    def __init__(self) -> None:
        self.cluster = ClusterMetadata()
        self.accumulator: Any = MessageAccumulator(self.cluster, BATCH_BYTES_MAX, 0, 100)
        aiokafka: Any = SimpleNamespace(
            client=SimpleNamespace(cluster=self.cluster), _message_accumulator=self.accumulator
        )
        self.producer = KafkaProducer(aiokafka)

    def set_partitions(self, **counts: int) -> None:
        """Set the metadata as an answer of a broker does: in new dictionaries."""
        self.cluster._partitions = {
            topic: dict.fromkeys(range(count)) for topic, count in counts.items()
        }

    @property
    def queued(self) -> list[int]:
        """How many records each batch of the partition has."""
        return [batch.record_count for batch in self.accumulator._batches[PARTITION]]


def record(size: int) -> Record:
    return Record(PARTITION.topic, b"k", b"x" * size, (("name", b"value"),), 1_772_884_800_000)


async def test_records_go_into_one_batch_while_it_has_room_and_then_into_another() -> None:
    setting = Setting()
    first, some = setting.producer.append(PARTITION, [record(100)] * 2)
    same, more = setting.producer.append(PARTITION, [record(100)] * 20)
    other, rest = setting.producer.append(PARTITION, [record(100)] * (20 - more))
    assert same is first
    assert other is not first
    assert setting.queued == [some + more, rest]
    assert some == 2


async def test_a_batch_that_leaves_holds_its_records_in_their_order_and_takes_no_more() -> None:
    setting = Setting()
    records = [
        Record(
            PARTITION.topic, b"k%d" % number, b"v%d" % number, headers, 1_772_884_800_000 + number
        )
        for number, headers in enumerate([(), (("name", b"value"), ("other", b"")), ()])
    ]
    setting.producer.append(PARTITION, records[:1])
    setting.producer.append(PARTITION, records[1:])
    (batch,) = setting.accumulator._batches[PARTITION]
    stored = MemoryRecords(bytes(batch.get_data_buffer())).next_batch()
    assert stored is not None
    assert [
        (one.offset, one.key, one.value, tuple(one.headers), one.timestamp) for one in stored
    ] == [
        (offset, one.key, one.value, one.headers, one.timestamp_ms)
        for offset, one in enumerate(records)
    ]
    setting.producer.append(PARTITION, records)
    assert setting.queued == [3, 3]


async def test_a_batch_takes_its_first_record_whatever_its_size_up_to_that_of_a_request() -> None:
    setting = Setting()
    _, taken = setting.producer.append(PARTITION, [record(BATCH_BYTES_MAX + 1), record(1)])
    assert taken == 1
    with pytest.raises(MessageSizeTooLargeError):
        setting.producer.append(PARTITION, [record(REQUEST_BYTES_MAX + 1)])
    assert setting.queued == [1]


async def test_a_producer_that_failed_takes_nothing() -> None:
    setting = Setting()
    setting.accumulator.fail_all(KafkaError("aborted"))
    with pytest.raises(KafkaError, match="aborted"):
        setting.producer.append(PARTITION, [record(1)])
    assert setting.queued == []


async def test_the_partitions_of_a_topic_are_those_of_the_latest_metadata() -> None:
    setting = Setting()
    assert setting.producer.partitions == {}
    setting.set_partitions(events=1)
    assert setting.producer.partitions == {"events": (PARTITION,)}
    setting.set_partitions(events=2, journal=1, empty=0)
    assert setting.producer.partitions == {
        "events": (PARTITION, TopicPartition("events", 1)),
        "journal": (TopicPartition("journal", 0),),
    }
    setting.set_partitions(journal=1)
    assert setting.producer.partitions == {"journal": (TopicPartition("journal", 0),)}


class Connection:
    """A connection to a broker."""

    closed = False

    def close(self, reason: object) -> "asyncio.Future[None]":
        self.closed = True
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def test_a_producer_whose_metadata_task_failed_is_aborted_with_its_connections() -> None:
    async def fail() -> None:
        message = "label empty or too long"
        raise UnicodeError(message)

    reported: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    producer: Any = AIOKafkaProducer(bootstrap_servers="broker:9092")
    connection = producer.client._conns["bootstrap", 0] = Connection()
    producer.client._sync_task = loop.create_task(fail())
    await asyncio.wait([producer.client._sync_task])
    await abort(producer)
    assert connection.closed
    gc.collect()  # asyncio reports a task's error when it forgets the task
    assert [type(error) for error in reported] == [UnicodeError]
