"""Read a topic as a member of a consumer group, and commit offsets.

1. Kafka gives every partition to one member of the group, and gives it to another when members come
   and go. Before it does, ``on_revoked`` is awaited, so that the member can finish and commit.
2. Only the positions that the caller names are committed. Records that were read and not committed are
   read again, by this member or another: at least once.
3. Where the group has no committed position, reading begins ``BEGIN_AGO`` before now: the group is new,
   or Kafka forgot its positions, which it does after seven days without members
   (``offsets.retention.minutes``). Reading from the start would send what happened months ago again.
4. ``pause`` stops the reading and keeps the membership. A member that does not call ``fetch`` loses its
   partitions after five minutes (``max.poll.interval.ms``).
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from bridge.publish.connection import BadConnection, KafkaConnection, describe_error
from bridge.reader.topic_reader import CannotRead, StoredRecord, to_stored_record

BEGIN_AGO: Final = timedelta(days=1)

_POLL_MS: Final = 200
_REQUEST_TIMEOUT_MS: Final = 40_000
# A member that stops without leaving is replaced after this time.
_SESSION_TIMEOUT_MS: Final = 15_000
# How long Kafka waits for the members to come back from ``on_revoked``.
_REBALANCE_TIMEOUT_MS: Final = 30_000
_COMMIT_TIMEOUT_S: Final = 5.0
_LEAVE_TIMEOUT_S: Final = 2.0
# Records fetched ahead are in memory, for each partition, and each group of a bridge fetches its own.
_FETCH_BYTES_MAX: Final = 8_388_608
_PARTITION_FETCH_BYTES_MAX: Final = 524_288

OnRevoked = Callable[[Collection[int]], Awaitable[None]]
"""Awaited before these partitions may have another reader."""


class Fetched(NamedTuple):
    """Records that were read, and the offset that is read next in each of their partitions."""

    records: Sequence[StoredRecord]
    next_offsets: Mapping[int, int]


class GroupReader(Protocol):
    """A member of a consumer group, which reads one topic."""

    async def fetch(self, records_max: int) -> Fetched:
        """Return up to ``records_max`` records, after a moment at the latest. Raises CannotRead."""
        ...

    def pause(self) -> None:
        """Have ``fetch`` return nothing until ``resume``."""
        ...

    def resume(self) -> None:
        """End a pause."""
        ...

    async def commit(self, positions: Mapping[int, int]) -> bool:
        """Commit the next offset of each partition; return whether Kafka has stored them.

        Raises CannotRead.
        """
        ...

    def count_behind(self, positions: Mapping[int, int]) -> int:
        """Return the number of records from these positions to the ends, as far as is known."""
        ...


OpenGroup = Callable[[OnRevoked], contextlib.AbstractAsyncContextManager[GroupReader]]
"""Joins a group."""


@contextlib.asynccontextmanager
async def open_group(
    connection: KafkaConnection,
    topic: str,
    group: str,
    header: tuple[str, bytes],
    on_revoked: OnRevoked,
) -> AsyncGenerator[GroupReader]:
    """Join a group as a reader of the records of ``topic`` that have ``header``. Raises CannotRead."""
    try:
        options = connection.options()
    except BadConnection as error:
        raise CannotRead(str(error)) from error
    consumer = AIOKafkaConsumer(
        **options,
        group_id=group,
        enable_auto_commit=False,
        # Of a committed position whose records were deleted. Rule 3 is about partitions without one.
        auto_offset_reset="earliest",
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
        session_timeout_ms=_SESSION_TIMEOUT_MS,
        rebalance_timeout_ms=_REBALANCE_TIMEOUT_MS,
        fetch_max_bytes=_FETCH_BYTES_MAX,
        max_partition_fetch_bytes=_PARTITION_FETCH_BYTES_MAX,
    )
    try:
        await consumer.start()
        reader = _KafkaGroupReader(consumer, header)
        consumer.subscribe([topic], listener=_Rebalances(consumer, reader, on_revoked))
        yield reader
    except KafkaError as error:
        message = f"{connection.bootstrap_servers}: {describe_error(error)}"
        raise CannotRead(message) from error
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_TIMEOUT_S):
                await consumer.stop()


class _KafkaGroupReader:
    """A GroupReader on aiokafka."""

    def __init__(self, consumer: AIOKafkaConsumer, header: tuple[str, bytes]) -> None:
        self._consumer = consumer
        self._header = header
        self.partitions: set[TopicPartition] = set()
        """The partitions that this member reads now."""
        self.fault: Exception | None = None
        """Why it is unknown where to begin."""
        self._paused = False

    async def fetch(self, records_max: int) -> Fetched:
        """Return records: rule 4."""
        batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=records_max)
        if self.fault is not None:
            raise self.fault
        records: list[StoredRecord] = []
        next_offsets: dict[int, int] = {}
        for partition, batch in batches.items():
            # Partitions may have been revoked since ``getmany`` took the records.
            if partition in self.partitions:
                records += [to_stored_record(one) for one in batch if self._is_wanted(one)]
                next_offsets[partition.partition] = batch[-1].offset + 1
        return Fetched(records, next_offsets)

    def pause(self) -> None:
        """Stop the reading: rule 4."""
        self._paused = True
        self._consumer.pause(*self.partitions)

    def resume(self) -> None:
        """End a pause."""
        if self._paused:
            self._paused = False
            self._consumer.resume(*self.partitions)

    async def commit(self, positions: Mapping[int, int]) -> bool:
        """Commit positions: rule 2."""
        offsets = {
            partition: positions[partition.partition]
            for partition in self._consumer.assignment()
            if partition.partition in positions
        }
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT_S):
                await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError, TimeoutError):
            return False  # the partitions have another reader by now, or Kafka is away
        except KafkaError as error:
            if not error.retriable:
                raise
            return False
        return len(offsets) == len(positions)

    def count_behind(self, positions: Mapping[int, int]) -> int:
        """Return how many records are left."""
        ends = {one.partition: self._consumer.highwater(one) for one in self.partitions}
        return sum(
            max((ends.get(partition) or 0) - position, 0)
            for partition, position in positions.items()
        )

    def _is_wanted(self, record: ConsumerRecord) -> bool:
        return self._header in record.headers

    def begin(self, partitions: Collection[TopicPartition]) -> None:
        """Read these partitions from now on."""
        self.partitions = set(partitions)
        if self._paused:
            self._consumer.pause(*partitions)


class _Rebalances(ConsumerRebalanceListener):
    """Passes on what Kafka decides about partitions: rules 1 and 3."""

    def __init__(
        self, consumer: AIOKafkaConsumer, reader: _KafkaGroupReader, on_revoked: OnRevoked
    ) -> None:
        self._consumer = consumer
        self._reader = reader
        self._on_revoked = on_revoked

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Have the member finish."""
        self._reader.partitions = set()
        await self._on_revoked([one.partition for one in revoked])

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Find where to begin: rule 3. aiokafka would only log an exception."""
        try:
            positions = {one: await self._consumer.committed(one) for one in assigned}
            new = await self._find_beginnings([one for one in assigned if positions[one] is None])
        except Exception as error:  # noqa: BLE001 (``fetch`` raises it)
            self._reader.fault = error
            return
        # aiokafka reads already. The records of before were not returned, and are read once more.
        for one in assigned:
            committed = positions[one]
            self._consumer.seek(one, new[one] if committed is None else committed)
        self._reader.begin(assigned)
        # So that a crash before the first commit does not move the beginning.
        await self._reader.commit({one.partition: offset for one, offset in new.items()})

    async def _find_beginnings(
        self, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        begin = datetime.now(UTC) - BEGIN_AGO  # noqa: TID251 (records have the time of a clock)
        begin_ms = int(begin.timestamp() * 1000)
        found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, begin_ms))
        ends = await self._consumer.end_offsets(partitions)
        return {
            one: first.offset if (first := found.get(one)) is not None else ends[one]
            for one in partitions
        }
