"""The drain before a broker that refuses a record: what no fake of Kafka can show."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.core.record import Record
from bridge.publish.health import KafkaHealth
from tests.support.kafka import Kafka, make_topics, planned, read_back, running
from tests.support.spool import (
    DEAD,
    EVENTS,
    JOURNAL,
    callback,
    drain_of,
    ever_later,
    name_of,
    opened,
)
from tests.support.spool import dead_letter as letter_of
from tests.support.waiting import until

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = pytest.mark.kafka


@pytest.fixture
async def kafka(apache_kafka: str, prefix: str) -> Kafka:
    """A cluster whose event topic takes records of 2,000 bytes at most."""
    kafka = Kafka(apache_kafka, idempotence=True)
    await make_topics(
        kafka.connection,
        planned(prefix + EVENTS, max_message_bytes="2000"),
        planned(prefix + JOURNAL),
        planned(prefix + DEAD),
    )
    return kafka


async def test_a_poison_record_is_buried_at_its_last_try_and_what_waits_behind_it_follows(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    def on_cluster(records: Sequence[Record]) -> list[Record]:
        return [one._replace(topic=prefix + one.topic) for one in records]

    def dead_letter(
        records: Sequence[Record], refused: Sequence[Record], reason: str, *, tries: int
    ) -> Record:
        letter = letter_of(records, refused, reason, tries=tries)
        return letter._replace(topic=prefix + letter.topic)

    opened_or_closed: list[bool] = []
    health = KafkaHealth(ever_later())
    health.cluster.subscribe(opened_or_closed.append)
    async with opened(tmp_path) as spool, running(kafka.publisher()) as publisher:
        for name, padding in (("first", 0), ("poison", 5000), ("last", 0)):
            await spool.append(on_cluster(callback(name, padding=padding)))
        drain = drain_of(
            spool,
            publisher,
            health=health,
            dead_letter=dead_letter,
        )
        drain.start()
        await until(lambda: spool.state.callbacks == 0)
        await drain.stop(1)
    assert opened_or_closed == []

    def found(topic: str) -> list[str]:
        return [name_of(one) for one in read_back(kafka.address, [prefix + topic])]

    assert found(EVENTS) == ["first", "last"]
    assert list(dict.fromkeys(found(JOURNAL))) == ["first", "poison", "last"]
    assert found(DEAD) == ["poison"]
    (letter,) = read_back(kafka.address, [prefix + DEAD])
    assert dict(letter.headers) == {
        "reason": b"record_too_large",
        "tries": b"3",
        "topics": (prefix + EVENTS).encode(),
    }
