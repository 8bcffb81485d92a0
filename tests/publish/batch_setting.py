"""A publisher of batches with everything around it in reach, and records for it."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from bridge.core.record import Record
from bridge.publish import PublishRules
from bridge.publish.batches import BatchPublisher
from bridge.publish.health import KafkaHealth
from bridge.publish.partitioning import partition_for_key
from bridge.telemetry.metrics import Metrics
from tests.publish.fake_producers import PARTITIONS, FakeProducers, FakeSingle

EVENTS, JOURNAL = "events", "journal"
FAR_OFF_S: Final = 3600.0
SHORT_S: Final = 0.02
# Two keys in each partition.
KEYS: Final = [
    next(
        key
        for key in (b"%d.%d" % (number, tries) for tries in range(1000))
        if partition_for_key(key, PARTITIONS) == number // 2
    )
    for number in range(2 * PARTITIONS)
]


@dataclass
class Setting:
    """A publisher with everything around it in reach."""

    producers: FakeProducers = field(default_factory=lambda: FakeProducers(EVENTS, JOURNAL))
    health: KafkaHealth = field(default_factory=KafkaHealth)
    metrics: Metrics = field(default_factory=lambda: Metrics("test"))
    linger_s: float = 0.0
    topics: tuple[str, ...] = (EVENTS, JOURNAL)

    def __post_init__(self) -> None:
        self.single = FakeSingle(self.producers.stored)
        self.publisher = BatchPublisher(
            self.producers,
            self.single,
            PublishRules(
                idempotence=True,
                ack_timeout_s=FAR_OFF_S,
                linger_s=self.linger_s,
                topics=self.topics,
            ),
            health=self.health,
            metrics=self.metrics,
        )

    def publish(
        self, *records: Record, deadline_s: float | None = None, probing: bool = False
    ) -> "asyncio.Future[None]":
        """Publish, and end the turn of the event loop unless records linger."""
        result = self.publisher.publish(records, deadline_s=deadline_s, probing=probing)
        if not self.linger_s:
            self.publisher.send_unsent()
        return result

    def batches(self) -> list[tuple[str, int, list[bytes]]]:
        return [
            (*batch.partition, [record.value for record in batch.records])
            for batch in self.producers.current.leave()
        ]

    @property
    def stored(self) -> list[bytes]:
        return [record.value for record in self.producers.stored]

    def value(self, name: str) -> float:
        return self.metrics.value(name)


def record(name: str, *, topic: str = EVENTS, key: int = 0) -> Record:
    return Record(topic, KEYS[key], name.encode(), (), 0)


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
