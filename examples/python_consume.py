"""Print calls and messages, each event once and each call in order: aiokafka and ``bridge.consume``.

python examples/python_consume.py localhost:9092 plivo.voice.call.answer.v1 plivo.voice.call.hangup.v1
"""

import argparse
import asyncio
import time

from aiokafka import AIOKafkaConsumer

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


async def consume(
    servers: str, topics: list[str], records_max: int | None, window_s: float
) -> None:
    """Print what comes, for ever or until ``records_max`` records were read."""
    seen = Deduplicator(ids_max=100_000, age_max_s=3600)
    held: Reorder[Event] = Reorder(window_s=window_s, items_max=10_000)
    records = 0
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
                try:
                    event = parse_event(record.value)
                except MalformedRecord as fault:
                    print(f"skipped {record.topic}@{record.offset}: {fault.reason}")
                    continue
                if seen.is_new(event.envelope.id, now_s=now_s):
                    key, place = find_call(event), make_sort_key(event)
                    for ready in held.push(event, key=key, sort_key=place, now_s=now_s):
                        show(ready)
            for ready in held.due(now_s):
                show(ready)
            # What is held is not done: after a crash Kafka has to bring it again.
            if not len(held):
                await consumer.commit()
        for ready in held.flush():
            show(ready)
        await consumer.commit()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers")
    parser.add_argument("topics", nargs="+")
    parser.add_argument("--records", type=int, help="stop after so many; default: never")
    parser.add_argument("--window", type=float, default=1, help="seconds to wait for late events")
    asked = parser.parse_args()
    asyncio.run(consume(asked.servers, asked.topics, asked.records, asked.window))
