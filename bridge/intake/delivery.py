"""Making a callback durable: on Kafka, else on our disk.

1. A callback's records go to Kafka, unless the breaker is open or the spool holds older ones of their
   key: those go first, and the newer ones queue behind them.
2. What Kafka has not acknowledged by the deadline is fsynced in the spool. It may still arrive, and
   is then on Kafka twice, under the same id.
3. Where the spool cannot take a callback and Kafka may, order gives way before loss: it is published
   before the older ones of its key, and counted.
4. While Kafka is known to be away and the spool cannot take anything, one callback at a time tries
   Kafka all the same: it would be lost otherwise, and somebody finds out at once when Kafka is back.
5. A topic that is missing, or a partition that is late, says nothing of the others: the breaker stays
   closed.
"""

import time
from collections.abc import Sequence
from enum import StrEnum

from bridge.core.record import Record
from bridge.publish import PartlyUnavailable, Publisher, RecordRefused, Unavailable
from bridge.publish.breaker import CircuitBreaker
from bridge.spool import NotSpooled, Spool
from bridge.telemetry.metrics import Metrics


class StoredIn(StrEnum):
    """Where a callback's records are, for certain."""

    KAFKA = "kafka"
    SPOOL = "spool"
    KAFKA_OUT_OF_ORDER = "kafka_first"
    """On Kafka, before older ones of their key: rule 3."""


class NotDurable(Exception):
    """Neither Kafka nor the disk has the records for certain; the text says why."""


class Delivery:
    """Puts records where they outlive the process."""

    def __init__(
        self, publisher: Publisher, spool: Spool, *, breaker: CircuitBreaker, metrics: Metrics
    ) -> None:
        self.publisher = publisher
        self._spool = spool
        self._breaker = breaker
        self._metrics = metrics

    @property
    def fault(self) -> str | None:
        """Return why nothing can be made durable now, or None."""
        if self._spool.writable or (self.publisher.available and self._breaker.may_send):
            return None
        return "neither kafka nor the spool can take a callback"

    async def deliver(self, records: Sequence[Record], *, deadline_s: float) -> StoredIn:
        """Return where one callback's records now are, for certain: rules 1 to 5.

        Raises RecordRefused when Kafka refuses one of them for good, and NotDurable.
        """
        why = "kafka: does not acknowledge"
        waited = False
        if self._breaker.closed:
            if self._spool.has_pending(records[0].key):
                why = "kafka: older records of its key wait"
            else:
                try:
                    return await self._publish(records, deadline_s)
                except Unavailable as error:
                    waited = not isinstance(error, PartlyUnavailable)
                    if waited:
                        self._breaker.record_failure()
                    why = f"kafka: {error}"
        try:
            return await self._append_to_spool(records, why)
        except NotDurable as error:
            if waited:
                raise
            return await self._publish_after_spool(records, deadline_s, error)

    async def spool(self, records: Sequence[Record]) -> StoredIn:
        """Put on our disk what Kafka refuses in every form; raises NotDurable."""
        return await self._append_to_spool(records, "kafka: refuses it")

    async def _publish_after_spool(
        self, records: Sequence[Record], deadline_s: float, refused: NotDurable
    ) -> StoredIn:
        """Try Kafka after the spool ``refused``: rules 3 and 4."""
        probing = not self._breaker.closed
        if probing and not self._breaker.start_probe(at_once=True):
            raise refused
        overtakes = self._spool.has_pending(records[0].key)
        acknowledged = False
        try:
            place = await self._publish(records, deadline_s, probing=True)
            acknowledged = True
        except RecordRefused:
            acknowledged = True
            raise
        except Unavailable as error:
            if not isinstance(error, PartlyUnavailable):
                self._breaker.record_failure()
            message = f"{refused}; then kafka: {error}"
            raise NotDurable(message) from error
        finally:
            if probing:
                self._breaker.end_probe(acknowledged=acknowledged)
        if overtakes:
            self._metrics.count("out_of_order_total")
            return StoredIn.KAFKA_OUT_OF_ORDER
        return place

    async def _publish(
        self, records: Sequence[Record], deadline_s: float, *, probing: bool = False
    ) -> StoredIn:
        started = time.perf_counter()
        try:
            await self.publisher.publish(records, deadline_s=deadline_s, probing=probing)
        except RecordRefused:
            self._breaker.record_success()  # Kafka is there, and said so
            raise
        self._breaker.record_success()
        self._metrics.observe_acknowledgement("kafka", time.perf_counter() - started)
        return StoredIn.KAFKA

    async def _append_to_spool(self, records: Sequence[Record], why: str) -> StoredIn:
        started = time.perf_counter()
        try:
            await self._spool.append(records)
        except NotSpooled as error:
            message = f"{why}; spool: {error}"
            raise NotDurable(message) from error
        self._metrics.observe_acknowledgement("spool", time.perf_counter() - started)
        return StoredIn.SPOOL
