"""Diagnose rejected callbacks and publish a sample of them.

1. A rejected callback is answered 403 without waiting for its sample. The diagnosis (is the signature
   valid for another URL?) has a rate limit of its own: neither a flood of unsigned requests nor a
   disabled sample may hide a wrong public URL, which is the most common fault.
2. Few samples are in flight at once, and each is far smaller than the limit of a topic. Others are
   dropped. Samples never go to the spool.
"""

import asyncio
from typing import Final

from bridge.core.event import ContractNames
from bridge.core.record import Record
from bridge.core.rejected import to_rejected
from bridge.core.url_mismatch import UrlMismatch, find_url_mismatch
from bridge.core.verify import Unverified, VerificationFault, Verifier
from bridge.intake.rate_limit import RateLimiter
from bridge.publish import Publisher, RecordRefused, Unavailable
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

# Below the limit of any broker: an unverified client must not cause records that Kafka refuses.
VALUE_BYTES_MAX: Final = 131_072
TASKS_MAX: Final = 16
# A diagnosis computes signatures for several URLs: a few milliseconds at most.
DIAGNOSES_PER_MINUTE_MAX: Final = 60


class RejectionSampler:
    """Diagnoses rejected callbacks, and publishes a sample of them in the background."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        *,
        samples: RateLimiter,
        diagnoses: RateLimiter,
        verifier: Verifier,
        publisher: Publisher,
        naming: ContractNames,
        metrics: Metrics,
    ) -> None:
        self._samples = samples
        self._diagnoses = diagnoses
        self._verifier = verifier
        self._publisher = publisher
        self._naming = naming
        self._metrics = metrics
        self._tasks: set[asyncio.Task[None]] = set()

    def diagnose(self, verdict: Unverified) -> UrlMismatch | None:
        """Return how the URL differs from the one that was signed, if that was examined and found.

        It publishes the sample in the background; ``rejected_samples_total`` counts those that succeed.
        """
        near = None
        if verdict.fault is VerificationFault.WRONG_SIGNATURE and self._diagnoses.allow():
            near = find_url_mismatch(verdict.raw, verdict.parameters, self._verifier)
        if near is not None:
            self._metrics.count(Metric.URL_MISMATCHES_TOTAL, near.variant)
        if not self._samples.allow():
            return near
        record = to_rejected(verdict, near.variant if near else None, self._naming)
        small = len(record.value) <= VALUE_BYTES_MAX
        if small and self._publisher.available and len(self._tasks) < TASKS_MAX:
            # The loop keeps only weak references to tasks, so keep one here until the task is done.
            task = asyncio.create_task(self._publish(record, verdict.fault), name="rejected-sample")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return near

    async def _publish(self, record: Record, fault: VerificationFault) -> None:
        try:
            await self._publisher.publish([record], probing=True)
        except (Unavailable, RecordRefused):
            return  # the metric counts only published samples
        self._metrics.count(Metric.REJECTED_SAMPLES_TOTAL, fault)
