"""The publisher to Kafka: a supervised producer, and batches for it."""

import asyncio
from collections.abc import Sequence

from bridge.core.record import Record
from bridge.publish.batches import BatchPublisher
from bridge.publish.connection import KafkaConnection
from bridge.publish.health import KafkaHealth
from bridge.publish.isolate import SingleRecordPublisher
from bridge.publish.supervisor import ProducerSupervisor
from bridge.telemetry.metrics import Metrics


class KafkaPublisher:
    """Publishes records. Without ``metrics`` it counts nothing, as command-line tools want it."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        connection: KafkaConnection,
        *,
        idempotence: bool,
        ack_timeout_s: float,
        linger_s: float = 0.0,
        topics: Sequence[str] = (),
        health: KafkaHealth | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._supervisor = ProducerSupervisor(
            connection,
            idempotence=idempotence,
            request_timeout_s=ack_timeout_s,
            topics=topics,
            metrics=metrics,
        )
        self._single = SingleRecordPublisher(connection, request_timeout_s=ack_timeout_s)
        self._batches = BatchPublisher(
            self._supervisor,
            self._single,
            ack_timeout_s=ack_timeout_s,
            linger_s=linger_s,
            topics=topics,
            health=health or KafkaHealth(),
            metrics=metrics,
        )

    @property
    def available(self) -> bool:
        """Return True if there is a connected producer."""
        return self._supervisor.available

    def start(self) -> None:
        """Start to connect, in the background."""
        self._supervisor.start()

    async def stop(self, flush_timeout_s: float) -> None:
        """Wait for pending records, for at most ``flush_timeout_s``, and disconnect."""
        self._batches.send_lingering()
        await self._supervisor.stop(flush_timeout_s)
        await self._single.stop()

    def publish(
        self,
        records: Sequence[Record],
        *,
        deadline_s: float | None = None,
        probing: bool = False,
    ) -> "asyncio.Future[None]":
        """Send the records; the future is done when every in-sync replica has every record."""
        return self._batches.publish(records, deadline_s=deadline_s, probing=probing)
