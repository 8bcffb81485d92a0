"""Make a callback's records durable: on Kafka, else in the spool.

1. Records go to Kafka, unless the circuit breaker is open or the spool holds older records of their key.
   In that case the spool is next, so that the older ones are published first.
2. Records that Kafka did not acknowledge by the deadline are fsynced in the spool. Kafka may still store
   them; then they are on Kafka twice, with the same id.
3. If the spool cannot store a callback and Kafka may, order is given up rather than the callback: it is
   published before the older ones of its key, and counted as out of order.
4. While the breaker is open and the spool cannot store anything, one callback at a time is sent to Kafka
   as a probe: otherwise it would be lost, and the probe notices at once when Kafka is back.
5. A missing topic or a stalled partition does not open the breaker, because other topics and
   partitions may work.
"""

import time
from collections.abc import Sequence
from enum import StrEnum

from bridge.core.record import Record
from bridge.publish import PartlyUnavailable, Publisher, RecordRefused, Unavailable
from bridge.publish.health import CircuitBreaker
from bridge.spool import NotSpooled, Spool
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics


class StoredIn(StrEnum):
    """Where a callback's records are durable."""

    KAFKA = "kafka"
    SPOOL = "spool"
    KAFKA_OUT_OF_ORDER = "kafka_first"
    """On Kafka, before older records of their key: rule 3."""


class NotDurable(Exception):
    """The records may be neither on Kafka nor in the spool; the text says why."""


class Delivery:
    """Stores records where they survive the process: on Kafka, else in the spool."""

    def __init__(
        self, publisher: Publisher, spool: Spool, *, breaker: CircuitBreaker, metrics: Metrics
    ) -> None:
        self.publisher = publisher
        self._spool = spool
        self._breaker = breaker
        self._metrics = metrics

    @property
    def fault(self) -> str | None:
        """Return why no callback can be made durable now, or None."""
        if self._spool.writable or (self.publisher.available and self._breaker.may_send):
            return None
        return "neither kafka nor the spool can store a callback"

    async def deliver(self, records: Sequence[Record], *, deadline_s: float) -> StoredIn:
        """Make the records of one callback durable; return where they are: rules 1 to 5.

        Raises RecordRefused if Kafka refuses one of them permanently, and NotDurable.
        """
        why = "kafka: does not acknowledge"
        waited = False
        if self._breaker.closed:
            if self._spool.has_pending(records[0].key):
                why = "kafka: older records of its key are in the spool"
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
        """Spool records that Kafka refuses even as a dead letter; raises NotDurable."""
        return await self._append_to_spool(records, "kafka: refuses them")

    async def _publish_after_spool(
        self, records: Sequence[Record], deadline_s: float, refused: NotDurable
    ) -> StoredIn:
        """Send to Kafka what the spool refused: rules 3 and 4. ``refused`` says why it did."""
        probing = not self._breaker.closed
        if probing and not self._breaker.start_probe(at_once=True):
            raise refused
        overtakes = self._spool.has_pending(records[0].key)
        acknowledged = False
        try:
            stored_in = await self._publish(records, deadline_s, probing=True)
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
            self._metrics.count(Metric.OUT_OF_ORDER_TOTAL)
            return StoredIn.KAFKA_OUT_OF_ORDER
        return stored_in

    async def _publish(
        self, records: Sequence[Record], deadline_s: float, *, probing: bool = False
    ) -> StoredIn:
        started = time.perf_counter()
        try:
            await self.publisher.publish(records, deadline_s=deadline_s, probing=probing)
        except RecordRefused:
            self._breaker.record_success()  # Kafka answered, so it is available
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
