"""The drain: publish what is spooled to Kafka, oldest first, and each key in its order.

1. A cursor goes through the spool page by page. In a page, the callbacks of one key are a chain,
   published in their order; the chains of different keys are published concurrently. What is
   acknowledged is deleted. Meanwhile the next page is read, so that Kafka does not wait for the disk.
2. A key whose chain stopped waits, and the cursor passes over its callbacks. When the wait is over,
   the cursor goes back to the beginning; so the older callbacks of a key always go first.
3. No answer from Kafka opens the cluster's circuit breaker, and does not count against any record.
   While it is open, the probe is the oldest callback whose key does not wait. If all keys wait, it
   is the callback of the key that was tried longest ago: one partition that stays away must not
   hide that the others are back.
4. A missing topic or a stalled partition makes only those keys wait that have a record for it next.
5. Nothing is published before the first connection to Kafka: keys that find none would wait.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

import structlog

from bridge.publish import Publisher
from bridge.publish.health import KafkaHealth
from bridge.spool import NotSpooled
from bridge.spool.chain import DRAIN_LIMITS, ChainPublisher, DeadLetterMaker, DrainLimits
from bridge.spool.codec import SpooledCallback
from bridge.spool.spool import DiskSpool
from bridge.telemetry.logs import error_location
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

_RETRY_S: Final = 1.0


class Drain:
    """The task that empties a spool."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        spool: DiskSpool,
        publisher: Publisher,
        *,
        health: KafkaHealth,
        dead_letter: DeadLetterMaker,
        limits: DrainLimits = DRAIN_LIMITS,
        metrics: Metrics | None = None,
    ) -> None:
        self._spool = spool
        self._publisher = publisher
        self._circuit = health.cluster
        self._limits = limits
        self._chains = ChainPublisher(
            spool,
            publisher,
            health=health,
            dead_letter=dead_letter,
            limits=limits,
            metrics=metrics,
        )
        self._backoff = self._chains.backoff
        self._cursor = 0
        self._ahead: list[SpooledCallback] = []
        """The page after the cursor, if it was read already."""
        self._wakeup = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task."""
        self._spool.subscribe(self.wake)
        self._circuit.subscribe(lambda _: self.wake())
        self._task = asyncio.create_task(self._run(), name="spool-drain")

    def wake(self) -> None:
        """Continue at once: something was spooled, or the circuit breaker changed."""
        self._wakeup.set()

    async def stop(self, timeout_s: float) -> None:
        """Finish the current step; abandon it after ``timeout_s``: its callbacks are still spooled."""
        self._stopping = True
        self.wake()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while not (self._publisher.available or self._stopping):  # noqa: ASYNC110 (once, at the start)
            await asyncio.sleep(self._limits.poll_s)  # rule 5
        while not self._stopping:
            self._wakeup.clear()
            try:
                pause_s = await self._step()
            except NotSpooled:  # the file cannot be read now; the spool has logged it
                pause_s = _RETRY_S
            except Exception as error:  # noqa: BLE001 (a fault of ours must not end the drain)
                self._log_failure(error)
                pause_s = _RETRY_S
            if pause_s != 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._wakeup.wait()
        await self._chains.wait_for_deletions()

    @staticmethod
    def _log_failure(error: BaseException) -> None:
        log.error("spool_drain_failed", error=type(error).__name__, where=error_location(error))

    async def _step(self) -> float | None:
        """Publish a page or a probe; return how long to pause then, None for until ``wake``."""
        state = self._spool.state
        if state.callbacks == state.parked:
            return None
        ahead, self._ahead = self._ahead, []
        if self._backoff.release_due(stalled=self._circuit.closed):
            self._cursor, ahead = 0, []  # rule 2
        if not self._circuit.closed:
            if self._circuit.start_probe():
                await self._probe()  # may publish what was read ahead
            return 0.0 if self._circuit.closed else self._limits.poll_s
        page = ahead or await self._read_page(self._cursor)
        if not page:
            return self._backoff.next_due_s()
        last = page[-1].number
        published, following = await asyncio.gather(
            self._publish(page), self._read_page(last), return_exceptions=True
        )
        if published is not None:
            raise published
        self._cursor = last
        if not isinstance(following, BaseException):  # else the next step reads it, and fails
            self._ahead = following
        return 0.0

    async def _read_page(self, after: int) -> list[SpooledCallback]:
        return await self._spool.read_page(
            after,
            callbacks_max=self._limits.page_callbacks_max,
            bytes_max=self._limits.page_bytes_max,
        )

    async def _publish(self, page: Sequence[SpooledCallback]) -> None:
        """Publish the chains of a page: rule 1."""
        chains: dict[bytes, list[SpooledCallback]] = {}
        for one in page:
            if not self._backoff.is_waiting(one.key):
                chains.setdefault(one.key, []).append(one)
        results = await asyncio.gather(
            *(self._chains.publish(chain) for chain in chains.values()), return_exceptions=True
        )
        for key, error in zip(chains, results, strict=True):
            if error is not None:
                self._log_failure(error)
                self._backoff.pause_stalled(key)

    async def _probe(self) -> None:
        """Try with one callback whether Kafka acknowledges again: rules 3 and 4."""
        acknowledged: bool | None = None
        try:
            stalled: tuple[float, SpooledCallback] | None = None
            seen: set[bytes] = set()
            after = 0
            while acknowledged is None and (page := await self._read_page(after)):
                for one in page:
                    if acknowledged is not None or one.key in seen:
                        continue
                    seen.add(one.key)
                    if not self._backoff.is_waiting(one.key):
                        acknowledged = await self._chains.probe(one)
                    else:
                        until = self._backoff.stalled_until(one.key)
                        if until is not None and (stalled is None or until < stalled[0]):
                            stalled = until, one
                after = page[-1].number
            if acknowledged is None and stalled is not None:
                acknowledged = await self._chains.probe(stalled[1])
        finally:
            self._circuit.end_probe(acknowledged=bool(acknowledged))
