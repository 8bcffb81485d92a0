"""Durability as a bridge without a spool has it: Kafka or nothing."""

import time

from bridge.intake.delivery import Durable
from bridge.publish import Publisher
from bridge.publish.breaker import Breaker
from bridge.publish.memory import MemoryPublisher
from bridge.spool.absent import NoSpool
from bridge.telemetry.metrics import Metrics


def without_spool(publisher: Publisher | None = None, metrics: Metrics | None = None) -> Durable:
    """Return what keeps records on the publisher alone, by default in memory."""
    return Durable(
        publisher or MemoryPublisher(),
        NoSpool(),
        breaker=Breaker(time.monotonic),
        metrics=metrics or Metrics("0"),
    )
