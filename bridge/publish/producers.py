"""Protocols of the producers that the publication of batches depends on."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aiokafka.structs import TopicPartition

from bridge.core.record import Record


class Producer(Protocol):
    """A connected producer, which queues records and sends them in batches."""

    @property
    def died(self) -> bool:
        """Return True if it will never send again."""
        ...

    @property
    def partitions(self) -> Mapping[str, Sequence[TopicPartition]]:
        """Return the partitions of each topic in the latest metadata."""
        ...

    def append(
        self, partition: TopicPartition, records: Sequence[Record]
    ) -> "tuple[asyncio.Future[object], int]":
        """Append records to a batch, at least the first; return its future, and how many it took.

        Raises MessageSizeTooLargeError if the first is too large, and KafkaError if none is taken.
        """
        ...

    async def find_topic(self, topic: str) -> None:
        """Ask the brokers for a topic that is not in the metadata."""
        ...


class Producers(Protocol):
    """The producer in use, and its successor when it broke."""

    @property
    def producer(self) -> Producer | None:
        """Return the producer in use, if there is one."""
        ...

    async def working_producer(self) -> Producer:
        """Return the producer in use, or wait for the next one. Raises Unavailable."""
        ...

    def replace(self, producer: Any) -> None:  # noqa: ANN401 (each kind takes its own)
        """Replace a producer, if it is still the one in use."""
        ...


class SingleRecords(Protocol):
    """Sends records one by one, to find the one that a broker refuses."""

    async def publish(self, record: Record) -> None:
        """Publish a record alone in its batch. Raises RecordRefused, TopicUnavailable, KafkaError."""
        ...
