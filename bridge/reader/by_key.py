"""Read records by key, from the partitions that those keys are in.

1. Every producer of ours uses Kafka's default partitioner: murmur2 of the key modulo the number of
   partitions. So the key determines the partition, and the other partitions are not read.
2. If partitions were added to a topic, older records of a key are in the partition that the smaller
   number gave. ``all_partitions`` reads every partition.
3. Reading starts at the lower bound that ``window`` finds by time. It ends at the end offset of the
   moment reading began, or when the caller stops.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass

from aiokafka.structs import ConsumerRecord

from bridge.publish.connection import KafkaConnection
from bridge.publish.partitioning import partition_for_key
from bridge.reader.merged_reader import OffsetRange, RecordFilter, count_offsets, read_ranges
from bridge.reader.topic_reader import open_consumer
from bridge.reader.window import Window, find_ranges

ShowProgress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Takes an activity and a number of records; inside, call the function with each number read."""
KeysByTopic = Mapping[str, Collection[bytes]]
"""The keys to look for in each topic."""


@dataclass(frozen=True, slots=True)
class KeyReader:
    """Reads records by key."""

    connection: KafkaConnection
    show_progress: ShowProgress
    all_partitions: bool = False

    async def read(
        self, activity: str, keys: KeysByTopic, within: Window
    ) -> AsyncGenerator[ConsumerRecord]:
        """Yield the records of the keys in the window, ordered by time. Raises CannotRead."""
        stream = self.scan(
            activity,
            await self.find_ranges(keys, within),
            lambda one: one.key in keys[one.topic] and within.contains(one.timestamp),
        )
        async with aclosing(stream):
            async for record in stream:
                yield record

    async def scan(
        self, activity: str, ranges: Sequence[OffsetRange], record_filter: RecordFilter
    ) -> AsyncGenerator[ConsumerRecord]:
        """Yield the selected records of the ranges, ordered by time. Raises CannotRead."""
        with self.show_progress(activity, count_offsets(ranges)) as on_read:
            stream = read_ranges(
                self.connection, ranges, record_filter=record_filter, on_read=on_read
            )
            async with aclosing(stream):
                async for chunk in stream:
                    for record in chunk:
                        yield record

    async def find_ranges(self, keys: KeysByTopic, within: Window) -> list[OffsetRange]:
        """Return the ranges that may have records of the keys: rules 1 to 3."""
        topics = list(keys)
        found = await find_ranges(self.connection, topics, within)
        if self.all_partitions:
            return found
        async with open_consumer(self.connection, topics) as (_, partitions):
            count = Counter(one.topic for one in partitions)
        key_partitions = {
            (topic, partition_for_key(key, count[topic])) for topic in topics for key in keys[topic]
        }
        return [one for one in found if (one.topic, one.partition) in key_partitions]
