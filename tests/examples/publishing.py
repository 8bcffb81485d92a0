"""Events on an embedded broker for the examples to consume: the samples' records, and some oddities."""

from collections.abc import Sequence
from typing import Final

import orjson

from bridge.core.record import Record
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.sample_events import changed, sample
from tests.support.waiting import PATIENCE_S

HANGUP: Final = "voice.call.hangup"
RING: Final = "voice.call.ring"
STATUS: Final = "messaging.message.status"
TIME_LIMIT_S: Final = 3 * PATIENCE_S


def event_record(name: str, *, value: bytes | None = None) -> Record:
    """Return the record of a type's first sample, with another value if one is given."""
    record = sample(name).event.record
    return record if value is None else record._replace(value=value)


def of_one_call() -> list[Record]:
    """Return a call's hangup, its ring, which came late, and the hangup again."""
    hangup = event_record(HANGUP)
    subject = orjson.loads(hangup.value)["subject"]
    ring = changed(
        RING, lambda event: event["data"]["correlation"].update(call=subject, leg=subject)
    )
    return [hangup, event_record(RING, value=ring), hangup]


async def publish(address: str, prefix: str, records: Sequence[Record]) -> list[str]:
    """Make the records' topics below ``prefix``, publish them, and return the topics."""
    kafka = Kafka(address, idempotence=False)
    placed = [record._replace(topic=prefix + record.topic) for record in records]
    topics = sorted({record.topic for record in placed})
    await make_topics(kafka.connection, *(planned(topic) for topic in topics))
    async with running(kafka.publisher()) as publisher:
        await publisher.publish(placed)
    return topics
