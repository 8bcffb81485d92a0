"""Read topics from their assigned partitions: no group is joined, nothing is committed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from aiokafka import AIOKafkaConsumer
from aiokafka.client import ClusterMetadata
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord, TopicPartition

from bridge.publish.connection import BadConnection, KafkaConnection, describe_error

_POLL_MS: Final = 200
# A response has up to 50 MiB. One that takes longer than this is requested again from its start, so a
# slow link needs the time.
_REQUEST_TIMEOUT_MS: Final = 40_000
# aiokafka waits for ever for a broker that is away. A request times out after 40 s, so this leaves it
# one more attempt.
NO_ANSWER_TIMEOUT_S: Final = 100.0
# aiokafka's defaults, named because ``merged_reader`` lowers them.
_FETCH_BYTES_MAX: Final = 52_428_800
_PARTITION_FETCH_BYTES_MAX: Final = 1_048_576


class CannotRead(Exception):
    """The topics cannot be read; the text says why."""


class RecordsMissing(Exception):
    """Records of the requested offsets are not on the topic; the text says which."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record as Kafka stores it. A timestamp after the year 9999 is that year's last instant."""

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
) -> AsyncGenerator[StoredRecord]:
    """Yield records as they arrive: from ``since``, else from the start or from the end.

    With ``follow`` it never ends, and waits for a broker that is away; otherwise it reads at least to
    the end offsets of the moment it began. The order within a partition is kept. Raises CannotRead.
    """
    # A record may be deleted between seeking and reading: continue with the earliest one left.
    async with open_consumer(connection, topics, auto_offset_reset="earliest") as (
        consumer,
        partitions,
    ):
        await _seek(consumer, partitions, since=since, from_start=from_start)
        ends = await consumer.end_offsets(partitions)
        left = {one for one in partitions if await consumer.position(one) < ends[one]}
        clock_s = asyncio.get_running_loop().time
        answered_s = clock_s()
        while follow or left:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            for records in batches.values():
                for record in records:
                    yield to_stored_record(record)
            if batches:
                answered_s = clock_s()
            elif not follow and clock_s() - answered_s > NO_ANSWER_TIMEOUT_S:
                message = f"Kafka did not answer for {NO_ANSWER_TIMEOUT_S:.0f} s"
                raise CannotRead(message)
            left = {one for one in left if await consumer.position(one) < ends[one]}


@contextlib.asynccontextmanager
async def open_consumer(
    connection: KafkaConnection,
    topics: Sequence[str],
    *,
    auto_offset_reset: Literal["earliest", "none"] = "none",
    fetch_bytes_max: int = _FETCH_BYTES_MAX,
    partition_fetch_bytes_max: int = _PARTITION_FETCH_BYTES_MAX,
) -> AsyncGenerator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    """Run a consumer with all partitions of the topics assigned, and no group.

    Raises CannotRead. With ``auto_offset_reset="none"`` it raises RecordsMissing if an offset that is
    to be read was deleted.
    """
    try:
        options = connection.options()
    except BadConnection as error:
        raise CannotRead(str(error)) from error
    consumer = AIOKafkaConsumer(
        **options,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset=auto_offset_reset,
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
        fetch_max_bytes=fetch_bytes_max,
        max_partition_fetch_bytes=partition_fetch_bytes_max,
    )
    try:
        await consumer.start()
        partitions = await _list_partitions(consumer, topics)
        consumer.assign(partitions)
        yield consumer, partitions
    except OffsetOutOfRangeError as error:
        message = f"no longer on the topic, deleted since they were planned: {error}"
        raise RecordsMissing(message) from error
    except KafkaError as error:
        message = f"{connection.bootstrap_servers}: {describe_error(error)}"
        raise CannotRead(message) from error
    finally:
        await consumer.stop()


def to_stored_record(record: ConsumerRecord) -> StoredRecord:
    """Return aiokafka's record as ours: a null key, value or header value is empty bytes."""
    return StoredRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=_to_instant(record.timestamp),
        key=record.key or b"",
        value=record.value or b"",
        headers={name: value or b"" for name, value in record.headers},
    )


def _to_instant(timestamp_ms: int) -> datetime:
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (OSError, OverflowError, ValueError):
        # Kafka accepts any: a producer that writes microseconds must not end the reading of a topic.
        return datetime.max.replace(tzinfo=UTC)


async def _list_partitions(
    consumer: AIOKafkaConsumer, topics: Sequence[str]
) -> list[TopicPartition]:
    """Return every partition of the topics; raises CannotRead if a topic is missing."""
    cluster = await _fetch_metadata(consumer)
    if missing := _list_missing(cluster, topics):
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


async def find_missing_topics(connection: KafkaConnection, topics: Sequence[str]) -> list[str]:
    """Return the topics that do not exist, or that this login may not Describe; raises CannotRead."""
    async with open_consumer(connection, ()) as (consumer, _):
        return _list_missing(await _fetch_metadata(consumer), topics)


def _list_missing(cluster: ClusterMetadata, topics: Sequence[str]) -> list[str]:
    return [topic for topic in topics if cluster.partitions_for_topic(topic) is None]


async def _fetch_metadata(consumer: AIOKafkaConsumer) -> ClusterMetadata:
    # The consumer's own metadata has only topics it subscribed to, and it subscribes to none.
    return await consumer._client.fetch_all_metadata()  # noqa: SLF001 (no public method fetches it)


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
