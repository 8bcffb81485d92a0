"""Read the topics by librdkafka: a client that shares no code with the bridge's."""

import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

import confluent_kafka
import orjson

from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_KIND, JOURNAL_TOPIC, JournalKind
from tests.chaos.callbacks import MARKER
from tests.chaos.history import Found, Kind

Place = tuple[str, int]

_PATIENCE_S: Final = 20.0
_AT_ONCE: Final = 500
_LINGER_S: Final = 0.2  # it is waited out whenever fewer come than were asked for
_IDS: Final = ("ce_id", "event_id", "callback_id")
# Holds a sample of what did not verify, which is what it is for.
_REJECTED_TOPIC: Final = "plivo.bridge.rejected.v1"


class Incomplete(Exception):
    """The brokers do not hand out what they say they have; the text says which places."""


def _consumer(address: str) -> confluent_kafka.Consumer:
    return confluent_kafka.Consumer(
        {
            "bootstrap.servers": address,
            "group.id": uuid.uuid4().hex,  # asked for, though no group is joined
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "log_level": 0,  # that a broker was killed is no news here
        }
    )


def _ends(consumer: confluent_kafka.Consumer, prefix: str) -> dict[Place, tuple[int, int]]:
    """Return the first offset and the next one of every partition."""
    places = [
        (name, partition)
        for name, topic in consumer.list_topics(timeout=_PATIENCE_S).topics.items()
        for partition in topic.partitions
        if name.startswith(prefix) and name != prefix + _REJECTED_TOPIC
    ]
    return {
        place: consumer.get_watermark_offsets(
            confluent_kafka.TopicPartition(*place), timeout=_PATIENCE_S
        )
        for place in places
    }


def ends(address: str, prefix: str) -> dict[Place, int]:
    """Return where every partition ends now."""
    consumer = _consumer(address)
    try:
        return {place: high for place, (_, high) in _ends(consumer, prefix).items()}
    finally:
        consumer.close()


def read_since(address: str, prefix: str, starts: Mapping[Place, int]) -> list[Found]:
    """Return all records that are not before ``starts``, in order within a partition.

    Where none is given a partition is read from its beginning. Raises Incomplete.
    """
    consumer = _consumer(address)
    try:
        todo: dict[Place, int] = {}
        begin: list[confluent_kafka.TopicPartition] = []
        for place, (low, high) in _ends(consumer, prefix).items():
            first = max(low, starts.get(place, 0))
            if first < high:
                todo[place] = high
                begin.append(confluent_kafka.TopicPartition(*place, first))
        consumer.assign(begin)
        records: list[Found] = []
        patient_until_s = time.monotonic() + _PATIENCE_S
        while todo:
            messages = consumer.consume(_AT_ONCE, timeout=_LINGER_S)
            if messages:
                patient_until_s = time.monotonic() + _PATIENCE_S
            elif time.monotonic() > patient_until_s:
                raise Incomplete(", ".join(f"{topic}[{number}]" for topic, number in todo))
            for message in messages:
                if message.error() is not None:
                    raise Incomplete(str(message.error()))
                records.append(_read(message, prefix))
                place = (message.topic() or "", message.partition() or 0)
                if (message.offset() or 0) + 1 >= todo.get(place, 0):
                    todo.pop(place, None)
        return records
    finally:
        consumer.close()


def _read(message: confluent_kafka.Message, prefix: str) -> Found:
    topic = (message.topic() or "").removeprefix(prefix)
    headers = dict(message.headers() or ())
    return found(topic, message.key() or b"", message.value() or b"", headers)


def found(topic: str, key: bytes, value: bytes, headers: Mapping[str, Any]) -> Found:
    """Return what a record is, by its topic without prefix, and what it says of itself."""
    kinds: Mapping[str, Kind] = {JOURNAL_TOPIC: "journal", DEAD_LETTER_TOPIC: "dead letter"}
    document = orjson.loads(value)
    identity = next(headers[name] for name in _IDS if name in headers).decode()
    if headers.get(JOURNAL_KIND) == JournalKind.ANSWER.encode():
        # Named like a topic of its own, because it has the id of its callback.
        return Found("answer", "answers", key.decode(), identity, frozenset(), verified=True)
    said = document if topic in kinds else document["data"]
    return Found(
        kind=kinds.get(topic, "event"),
        topic=topic,
        key=key.decode(),
        identity=identity,
        markers=frozenset(marker.decode() for marker in MARKER.findall(value)),
        verified=said["verification"]["verdict"] == "verified",
        asked="reply_from" in document,
    )
