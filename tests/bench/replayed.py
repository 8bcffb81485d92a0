"""Whether a topic is a replay of another, by a reader that shares no code with the bridge."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import confluent_kafka
from confluent_kafka.admin import AdminClient

_POLL_S: Final = 20.0
_MANY: Final = 1_000
_STAMP: Final = 3  # headers that a replay adds


@dataclass
class Verdict:
    """What was found of a replay, in records."""

    planned: int = 0
    stored: int = 0
    gaps: int = 0
    duplicates: int = 0
    changed: int = 0
    misplaced: int = 0

    @property
    def holds(self) -> bool:
        """Say whether every record is there, as it was, in its order."""
        return not (self.gaps or self.changed or self.misplaced)


def compare(address: str, source: str, target: str) -> Verdict:
    """Compare two topics partition by partition, record by record.

    A record that is there twice counts as a duplicate, and only its first is looked at. It is
    misplaced if its first comes before that of one that lies before it in the source; partitions
    being the same, what is in order in each partition is in order for each key.
    """
    verdict = Verdict()
    for partition in range(_partitions(address, source)):
        replayed = _once(_records(address, target, partition), verdict)
        found = next(replayed, None)
        for record in _records(address, source, partition):
            verdict.planned += 1
            if found is None or _origin(found) != record.offset():
                verdict.gaps += 1
                continue
            verdict.changed += _content(found, stamped=True) != _content(record, stamped=False)
            found = next(replayed, None)
        verdict.misplaced += found is not None
    return verdict


def groups(address: str) -> dict[str, Any]:
    """Return every consumer group, with what it has committed."""
    admin = AdminClient({"bootstrap.servers": address})
    found: dict[str, Any] = {}
    for one in admin.list_consumer_groups(request_timeout=_POLL_S).result().valid:
        asked = confluent_kafka.ConsumerGroupTopicPartitions(one.group_id)
        (future,) = admin.list_consumer_group_offsets([asked]).values()
        places = future.result().topic_partitions
        found[one.group_id] = [(place.topic, place.partition, place.offset) for place in places]
    return found


def commit(address: str, group: str, topic: str) -> None:
    """Have a group stand somewhere in each partition of a topic."""
    consumer = _consumer(address, group)
    places = range(_partitions(address, topic))
    at = [confluent_kafka.TopicPartition(topic, one, one + 1) for one in places]
    consumer.commit(offsets=at, asynchronous=False)
    consumer.close()


def _once(records: Iterator[confluent_kafka.Message], verdict: Verdict) -> Iterator[Any]:
    """Yield each source record's first replay; the rest are counted."""
    seen = -1
    for record in records:
        verdict.stored += 1
        if _origin(record) <= seen:
            verdict.duplicates += 1
        else:
            seen = _origin(record)
            yield record


def _origin(record: confluent_kafka.Message) -> int:
    return int(dict(record.headers())["replay_source"].rpartition(b":")[2])  # type: ignore[arg-type,union-attr]


def _content(record: confluent_kafka.Message, *, stamped: bool) -> tuple[object, ...]:
    headers = record.headers() or []
    kept = headers[:-_STAMP] if stamped else headers  # type: ignore[index]
    return record.key(), record.value(), kept, record.timestamp()


def _records(address: str, topic: str, partition: int) -> Iterator[confluent_kafka.Message]:
    consumer = _consumer(address, uuid.uuid4().hex)
    place = confluent_kafka.TopicPartition(topic, partition, 0)
    _, end = consumer.get_watermark_offsets(place, timeout=_POLL_S)
    consumer.assign([place])
    at = 0
    while at < end:
        found = consumer.consume(min(_MANY, end - at), timeout=_POLL_S)
        assert found, f"nothing more came of {topic}:{partition} at {at} of {end}"
        for message in found:
            assert message.error() is None, message.error()
            at = message.offset() + 1  # type: ignore[operator]
            yield message
    consumer.close()


def _consumer(address: str, group: str) -> confluent_kafka.Consumer:
    settings = {"bootstrap.servers": address, "group.id": group, "enable.auto.commit": False}
    return confluent_kafka.Consumer(settings)


def _partitions(address: str, topic: str) -> int:
    admin = AdminClient({"bootstrap.servers": address})
    return len(admin.list_topics(topic, timeout=_POLL_S).topics[topic].partitions)
