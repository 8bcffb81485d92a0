"""Looking at what was rejected, beside the walk: what nearly verified, and a sample on Kafka.

1. Nobody waits for any of this. The callback is answered 403 whatever becomes of its sample.
   Looking for the URL that a signature does hold for is bounded on its own: a flood of unsigned
   requests, or a sample that is switched off, must not hide the commonest fault there is.
2. Samples on their way are few, and far smaller than any topic takes: what is too many or too large
   is left out. They never go to the spool.
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
from bridge.telemetry.metrics import Metrics

# A stranger must not make Kafka refuse a record of ours.
VALUE_BYTES_MAX: Final = 131_072
TASKS_MAX: Final = 16
# Each tries several URLs: some milliseconds at most.
DIAGNOSES_PER_MINUTE_MAX: Final = 60


class RejectionSampler:
    """Looks at what was rejected, and publishes the sample of it in the background."""

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
        """Return what differs in the URL that the signature holds for, if it was looked for and found.

        Never waits: whether the sample is published shows later, in the metrics.
        """
        near = None
        if verdict.fault is VerificationFault.WRONG_SIGNATURE and self._diagnoses.allow():
            near = find_url_mismatch(verdict.raw, verdict.parameters, self._verifier)
        if near is not None:
            self._metrics.count("url_mismatches_total", near.variant)
        if not self._samples.allow():
            return near
        record = to_rejected(verdict, near.variant if near else None, self._naming)
        small = len(record.value) <= VALUE_BYTES_MAX
        if small and self._publisher.available and len(self._tasks) < TASKS_MAX:
            task = asyncio.create_task(self._publish(record, verdict.fault), name="rejected-sample")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return near

    async def _publish(self, record: Record, fault: VerificationFault) -> None:
        try:
            await self._publisher.publish([record], probing=True)
        except (Unavailable, RecordRefused):
            return  # the metrics tell how many were kept
        self._metrics.count("rejected_samples_total", fault)
