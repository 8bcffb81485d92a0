"""Durability as a bridge without a spool has it: Kafka or nothing."""

import time

from bridge.intake.delivery import Delivery
from bridge.publish import Publisher
from bridge.publish.health import CircuitBreaker
from bridge.publish.memory import MemoryPublisher
from bridge.spool import NoSpool
from bridge.telemetry.metrics import Metrics


def without_spool(publisher: Publisher | None = None, metrics: Metrics | None = None) -> Delivery:
    """Return what keeps records on the publisher alone, by default in memory."""
    return Delivery(
        publisher or MemoryPublisher(),
        NoSpool(),
        breaker=CircuitBreaker(time.monotonic),
        metrics=metrics or Metrics("0"),
    )
