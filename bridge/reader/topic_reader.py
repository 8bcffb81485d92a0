"""Read topics from their assigned partitions: no group is joined, nothing is committed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer
from aiokafka.client import ClusterMetadata
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from bridge.publish.connection import BadConnection, KafkaConnection, describe_error

_POLL_MS = 200
# An answer is at most 50 MiB, and a slow link needs its time for one.
_REQUEST_TIMEOUT_MS = 40_000


class CannotRead(Exception):
    """The topics cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record as Kafka stores it."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime
    key: bytes
    value: bytes
    headers: dict[str, bytes]


async def read_topics(
    connection: KafkaConnection,
    topics: Sequence[str],
    *,
    since: datetime | None,
    from_start: bool = False,
    follow: bool,
) -> AsyncIterator[StoredRecord]:
    """Yield records as they arrive: from ``since``, else from the start or from the end.

    With ``follow`` it never ends; otherwise it reads at least to the end offsets of the moment it
    began. The order within a partition is kept. Raises CannotRead.
    """
    try:
        options = connection.options()
    except BadConnection as error:
        raise CannotRead(str(error)) from error
    consumer = AIOKafkaConsumer(
        **options,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
    )
    try:
        await consumer.start()
        partitions = await list_partitions(consumer, topics)
        consumer.assign(partitions)
        await _seek(consumer, partitions, since=since, from_start=from_start)
        ends = await consumer.end_offsets(partitions)
        left = {one for one in partitions if await consumer.position(one) < ends[one]}
        while follow or left:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            for records in batches.values():
                for record in records:
                    yield StoredRecord(
                        topic=record.topic,
                        partition=record.partition,
                        offset=record.offset,
                        timestamp=datetime.fromtimestamp(record.timestamp / 1000, UTC),
                        key=record.key or b"",
                        value=record.value or b"",
                        headers={name: of or b"" for name, of in record.headers},
                    )
            left = {one for one in left if await consumer.position(one) < ends[one]}
    except KafkaError as error:
        message = f"{connection.bootstrap_servers}: {describe_error(error)}"
        raise CannotRead(message) from error
    finally:
        await consumer.stop()


async def list_partitions(
    consumer: AIOKafkaConsumer, topics: Sequence[str]
) -> list[TopicPartition]:
    """Return every partition of the topics; raises CannotRead if a topic is missing."""
    cluster = await _fetch_metadata(consumer)
    missing = [topic for topic in topics if cluster.partitions_for_topic(topic) is None]
    if missing:
        message = (
            f"no such topic: {', '.join(missing)} (create it with `callback-bridge topics apply`; "
            "or this login may not Describe it)"
        )
        raise CannotRead(message)
    return [
        TopicPartition(topic, partition)
        for topic in topics
        for partition in sorted(cluster.partitions_for_topic(topic) or ())
    ]


async def list_missing_topics(consumer: AIOKafkaConsumer, topics: Sequence[str]) -> list[str]:
    """Return the topics that do not exist, or that this login may not Describe."""
    cluster = await _fetch_metadata(consumer)
    return [topic for topic in topics if cluster.partitions_for_topic(topic) is None]


async def _fetch_metadata(consumer: AIOKafkaConsumer) -> ClusterMetadata:
    # The consumer's own metadata knows the topics it subscribed to, and it subscribes to none.
    return await consumer._client.fetch_all_metadata()  # noqa: SLF001 (there is no other way)


async def _seek(
    consumer: AIOKafkaConsumer,
    partitions: list[TopicPartition],
    *,
    since: datetime | None,
    from_start: bool,
) -> None:
    if since is not None:
        since_ms = int(since.timestamp() * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            start = found.get(partition)
            consumer.seek(partition, start.offset if start is not None else ends[partition])
    elif from_start:
        await consumer.seek_to_beginning(*partitions)
    else:
        await consumer.seek_to_end(*partitions)
