"""Print verified hangups with confluent-kafka alone: chosen by headers, before anything is parsed.

python examples/python_confluent.py localhost:9092 plivo.voice.call.hangup.v1 plivo.voice.call.ring.v1
"""

import argparse
import json

from confluent_kafka import Consumer, KafkaException

WANTED = b"com.plivo.voice.call.hangup.v1"
IDS_MAX = 100_000


def show(value: bytes) -> None:
    """Print a hangup in a line, if its signature held."""
    data = json.loads(value)["data"]
    if data["verification"]["verdict"] != "verified":
        return
    # Fields that were not sent are absent; those that could not be read are null.
    number = (data.get("from") or {}).get("e164")
    print(f"{data['call_uuid']} from {number}: {data.get('duration_s')} s")


def consume(servers: str, topics: list[str], records_max: int | None) -> None:
    """Print what comes, for ever or until ``records_max`` records were read."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "python-confluent-example",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6_000,  # a crashed consumer's partitions go to another soon
        }
    )
    consumer.subscribe(topics)
    seen: dict[bytes, None] = {}  # the ids, the oldest first
    records = 0
    try:
        while records_max is None or records < records_max:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            records += 1
            headers = dict(message.headers() or ())
            event_id, value = headers.get("ce_id", b""), message.value()
            if headers.get("ce_type") == WANTED and event_id not in seen and value:
                show(value)
                seen[event_id] = None
                if len(seen) > IDS_MAX:
                    del seen[next(iter(seen))]
            consumer.commit(message=message, asynchronous=True)
    finally:
        consumer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers")
    parser.add_argument("topics", nargs="+")
    parser.add_argument("--records", type=int, help="stop after so many; default: never")
    asked = parser.parse_args()
    consume(asked.servers, asked.topics, asked.records)
