"""The drain: from the spool to Kafka, oldest first, and in order for every key.

1. It goes through the spool page by page, with a cursor. Within a page the callbacks of one key are a
   chain, published in their order; the chains of different keys go at the same time. What is
   acknowledged is deleted.
2. A key whose chain stopped waits for a while, and the cursor passes over it. When such a wait is
   over the cursor goes back to the beginning, so the older ones of a key always come first.
3. Kafka without an answer opens the breaker, and counts against no record. While it is open the oldest
   callback that does not wait is the probe; where all wait, that of the key that was tried longest
   ago, so that one partition that stays away does not keep the others from being found back.
4. A missing topic, or a partition that is late, makes only those keys wait whose turn is at a record
   for it.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bridge.publish import Publisher
from bridge.publish.breaker import CircuitBreaker
from bridge.spool import NotSpooled
from bridge.spool.backoff import STALLED_S, Backoff, KeyBackoff
from bridge.spool.chain import TRIES_MAX, ChainPublisher, DeadLetterMaker
from bridge.spool.codec import SpooledCallback
from bridge.spool.spool import DiskSpool
from bridge.telemetry.logs import error_location

log = structlog.get_logger()

_FAULT_S: Final = 1.0
_TOPIC: Final = Backoff(first_s=1.0, max_s=30.0)
_REFUSED: Final = Backoff(first_s=0.5, max_s=30.0)


@dataclass(frozen=True, slots=True)
class DrainLimits:
    """How much at a time, and how long to wait."""

    page_callbacks_max: int = 256
    page_bytes_max: int = 4_194_304
    deadline_s: float = 10.0
    tries_max: int = TRIES_MAX
    poll_s: float = 0.1
    stalled_s: float = STALLED_S
    topic: Backoff = _TOPIC
    refused: Backoff = _REFUSED


_LIMITS: Final = DrainLimits()


class Drain:
    """The task that empties a spool."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        spool: DiskSpool,
        publisher: Publisher,
        *,
        breaker: CircuitBreaker,
        dead_letter: DeadLetterMaker,
        pace: DrainLimits = _LIMITS,
        on_drained: Callable[[int], None] = lambda _: None,
        on_dead_letter: Callable[[str], None] = lambda _: None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._spool = spool
        self._breaker = breaker
        self._pace = pace
        self._backoff = KeyBackoff(
            time.monotonic, stalled_s=pace.stalled_s, topic=pace.topic, refused=pace.refused
        )
        self._chains = ChainPublisher(
            spool,
            publisher,
            breaker=breaker,
            waits=self._backoff,
            dead_letter=dead_letter,
            deadline_s=pace.deadline_s,
            tries_max=pace.tries_max,
            now_ms=now_ms,
            on_drained=on_drained,
            on_dead_letter=on_dead_letter,
        )
        self._cursor = 0
        self._wakeup = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._spool.subscribe(self.wake)
        self._task = asyncio.create_task(self._run(), name="spool-drain")

    def wake(self) -> None:
        """Look again at once: something was spooled, or the breaker changed."""
        self._wakeup.set()

    async def stop(self, timeout_s: float) -> None:
        """Finish what is under way, or abandon it after ``timeout_s``: it is still in the spool."""
        self._stopping = True
        self.wake()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while not self._stopping:
            self._wakeup.clear()
            try:
                pause_s = await self._step()
            except NotSpooled:  # the file cannot be read now, which the spool has told
                pause_s = _FAULT_S
            except Exception as error:  # noqa: BLE001 (a fault of ours must not end the drain)
                self._log_failure(error)
                pause_s = _FAULT_S
            if pause_s != 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._wakeup.wait()

    @staticmethod
    def _log_failure(error: BaseException) -> None:
        log.error("spool_drain_failed", error=type(error).__name__, where=error_location(error))

    async def _step(self) -> float | None:
        """Do the next piece, and return how long to wait then: None for until it is woken."""
        state = self._spool.state
        if state.callbacks == state.parked:
            return None
        if self._backoff.release_due(stalled=self._breaker.closed):
            self._cursor = 0  # rule 2
        if not self._breaker.closed:
            if self._breaker.start_probe():
                await self._probe()
            return 0.0 if self._breaker.closed else self._pace.poll_s
        page = await self._page(self._cursor)
        if not page:
            return self._backoff.next_due_s()
        await self._publish(page)
        self._cursor = page[-1].number
        return 0.0

    async def _page(self, after: int) -> list[SpooledCallback]:
        return await self._spool.read_page(
            after,
            callbacks_max=self._pace.page_callbacks_max,
            bytes_max=self._pace.page_bytes_max,
        )

    async def _publish(self, page: Sequence[SpooledCallback]) -> None:
        """Publish a page, chain by chain: rule 1."""
        chains: dict[bytes, list[SpooledCallback]] = {}
        for one in page:
            if not self._backoff.is_waiting(one.key):
                chains.setdefault(one.key, []).append(one)
        ended = await asyncio.gather(
            *(self._chains.publish(chain) for chain in chains.values()), return_exceptions=True
        )
        for key, error in zip(chains, ended, strict=True):
            if error is not None:
                self._log_failure(error)
                self._backoff.pause_stalled(key)

    async def _probe(self) -> None:
        """Try with one callback whether Kafka acknowledges again: rules 3 and 4."""
        acknowledged: bool | None = None
        try:
            late: tuple[float, SpooledCallback] | None = None
            seen: set[bytes] = set()
            after = 0
            while acknowledged is None and (page := await self._page(after)):
                for one in page:
                    if acknowledged is not None or one.key in seen:
                        continue
                    seen.add(one.key)
                    if not self._backoff.is_waiting(one.key):
                        acknowledged = await self._chains.probe(one)
                    else:
                        until = self._backoff.stalled_until(one.key)
                        if until is not None and (late is None or until < late[0]):
                            late = until, one
                after = page[-1].number
            if acknowledged is None and late is not None:
                acknowledged = await self._chains.probe(late[1])
        finally:
            self._breaker.end_probe(acknowledged=bool(acknowledged))
