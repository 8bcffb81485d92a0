"""Print calls and messages, each event once and each call in order: aiokafka and ``bridge.consume``.

python examples/python_consume.py localhost:9092 plivo.voice.call.answer.v1 plivo.voice.call.hangup.v1
"""

import argparse
import asyncio
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from bridge.callbacks.messaging.status import MessageStatus
from bridge.callbacks.voice.hangup import Hangup
from bridge.consume import (
    Deduplicator,
    Event,
    MalformedRecord,
    Reorder,
    Unmodelled,
    find_call,
    make_sort_key,
    parse_event,
)


def show(event: Event) -> None:
    """Print one event in a line."""
    start = f"{event.envelope.time:%H:%M:%S} {event.envelope.type}"
    match event.data:
        case Hangup() as hangup:
            cause = hangup.hangup["name"] if hangup.hangup else None
            print(f"{start} after {hangup.duration_s} s: {cause}")
        case MessageStatus() as message:
            print(f"{start} to {message.to['text'] if message.to else '-'}: {message.status}")
        case Unmodelled() as data:
            print(f"{start} is newer than this program: {data.reason}")
        case _:
            print(start)
    for unknown in event.unknown_words:
        print(f"  {unknown.location} has a new word: {unknown.word}")


class Offsets:
    """Knows what may be committed: of each partition, the offset before which every event is shown.

    An event that is held is not shown yet, and after a crash Kafka has to bring it again.
    """

    def __init__(self) -> None:
        self._next: dict[TopicPartition, int] = {}
        self._held: dict[TopicPartition, dict[int, None]] = {}  # the oldest first
        self._committed: dict[TopicPartition, int] = {}

    def read(self, partition: TopicPartition, offset: int) -> None:
        """Note that a record was read."""
        self._next[partition] = offset + 1

    def hold(self, partition: TopicPartition, offset: int) -> None:
        """Note that the event of a record is held."""
        self._held.setdefault(partition, {})[offset] = None

    def release(self, partition: TopicPartition, offset: int) -> None:
        """Note that the event of a record was shown."""
        self._held[partition].pop(offset, None)

    async def commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commit what is new, of the partitions that this consumer still has."""
        found = {
            one: next(iter(self._held.get(one, ())), self._next[one])
            for one in consumer.assignment() & self._next.keys()
        }
        new = {one: found[one] for one in found if self._committed.get(one) != found[one]}
        if new:
            await consumer.commit(new)
            self._committed |= new


async def consume(
    servers: str, topics: list[str], records_max: int | None, window_s: float
) -> None:
    """Print what comes, for ever or until ``records_max`` records were read."""
    seen = Deduplicator(ids_max=100_000, age_max_s=3600)
    held: Reorder[tuple[Event, TopicPartition, int]] = Reorder(window_s=window_s, items_max=10_000)
    offsets = Offsets()
    records = 0

    def show_all(released: list[tuple[Event, TopicPartition, int]]) -> None:
        for event, partition, offset in released:
            show(event)
            offsets.release(partition, offset)

    async with AIOKafkaConsumer(
        *topics,
        bootstrap_servers=servers,
        group_id="python-consume-example",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6_000,  # a crashed consumer's partitions go to another soon
        heartbeat_interval_ms=2_000,
    ) as consumer:
        while records_max is None or records < records_max:
            batches = await consumer.getmany(timeout_ms=200)
            now_s = time.monotonic()
            for record in [one for batch in batches.values() for one in batch]:
                records += 1
                partition = TopicPartition(record.topic, record.partition)
                offsets.read(partition, record.offset)
                try:
                    event = parse_event(record.value)
                except MalformedRecord as fault:
                    print(f"skipped {record.topic}@{record.offset}: {fault.reason}")
                    continue
                if seen.is_new(event.envelope.id, now_s=now_s):
                    offsets.hold(partition, record.offset)
                    item = (event, partition, record.offset)
                    key, place = find_call(event), make_sort_key(event)
                    show_all(held.push(item, key=key, sort_key=place, now_s=now_s))
            show_all(held.due(now_s))
            await offsets.commit(consumer)
        show_all(held.flush())
        await offsets.commit(consumer)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers")
    parser.add_argument("topics", nargs="+")
    parser.add_argument("--records", type=int, help="stop after so many; default: never")
    parser.add_argument("--window", type=float, default=1, help="seconds to wait for late events")
    asked = parser.parse_args()
    asyncio.run(consume(asked.servers, asked.topics, asked.records, asked.window))
