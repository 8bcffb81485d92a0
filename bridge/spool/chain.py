"""Publish the spooled callbacks of one key, a chain, in their order.

1. A chain goes to Kafka in one publication. If a record in it is refused, its callbacks go one by
   one, and the records of each callback one by one, to find the refused one. What was acknowledged
   is not sent again.
2. A refused callback is tried again after a pause, ``tries_max`` times in all. Then a dead letter
   replaces its refused records; the others are published as they are.
3. If the dead letter is refused too, the callback is parked: it is kept for an operator to look at,
   and nothing queues behind it any more.
4. A record's time stamp that is later than now becomes now: brokers refuse records from the future.
5. Nothing waits for the deletion of what Kafka has: the next callbacks are published during its fsync.
   The writer does its jobs in order, so what is read later does not contain the deleted callbacks.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final, Protocol

import structlog

from bridge.core.dead_letter import Stage
from bridge.core.record import Record
from bridge.publish import (
    PartitionStalled,
    PartlyUnavailable,
    Publisher,
    RecordRefused,
    TopicUnavailable,
    Unavailable,
)
from bridge.publish.health import Backoff, KafkaHealth
from bridge.spool import SpoolUnwritable
from bridge.spool.codec import SpooledCallback
from bridge.spool.spool import DiskSpool
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

# Kafka did not answer for a key's partition: others may work, and its own may work again soon.
STALLED_S: Final = 5.0
REFUSED_PAUSE: Final = Backoff(first_s=0.5, max_s=30.0)


class DeadLetterMaker(Protocol):
    """Makes the record that replaces refused ones."""

    def __call__(
        self, records: Sequence[Record], refused: Sequence[Record], reason: str, *, tries: int
    ) -> Record:
        """Return the dead letter of a callback. ``refused`` are some of its ``records``."""
        ...


@dataclass(frozen=True, slots=True)
class DrainLimits:
    """How much the drain takes at a time, and how long it waits."""

    # Smaller pages cost throughput, larger ones the latency of live callbacks, whose records leave with
    # them in one request.
    page_callbacks_max: int = 40
    page_bytes_max: int = 4_194_304
    deadline_s: float = 10.0
    tries_max: int = 3
    poll_s: float = 0.1  # of the circuit breaker, while it is open
    stalled_s: float = STALLED_S
    refused: Backoff = REFUSED_PAUSE


DRAIN_LIMITS: Final = DrainLimits()


@dataclass(frozen=True, slots=True)
class _Wait:
    until_s: float
    stalled: bool = False


class KeyBackoff:
    """Which keys wait, and until when. ``clock`` returns seconds that only grow."""

    def __init__(self, clock: Callable[[], float], *, stalled_s: float, refused: Backoff) -> None:
        self._clock = clock
        self._stalled_s = stalled_s
        self._refused = refused
        self._waits: dict[bytes, _Wait] = {}

    def is_waiting(self, key: bytes) -> bool:
        """Return True if a key is paused."""
        return key in self._waits

    def stalled_until(self, key: bytes) -> float | None:
        """Return until when a key is paused because Kafka did not answer; None for other reasons."""
        wait = self._waits.get(key)
        return wait.until_s if wait is not None and wait.stalled else None

    def pause_stalled(self, key: bytes) -> None:
        """Pause a key because Kafka did not answer."""
        self._waits[key] = _Wait(self._clock() + self._stalled_s, stalled=True)

    def pause_refused(self, key: bytes, tries: int) -> None:
        """Pause a key whose oldest callback was refused so many times."""
        self.pause(key, self._refused.delay_s(tries))

    def pause(self, key: bytes, pause_s: float) -> None:
        """Pause a key."""
        self._waits[key] = _Wait(self._clock() + pause_s)

    def release_due(self, *, stalled: bool) -> bool:
        """Release the keys whose pause is over, stalled ones only if asked; True if there were any."""
        now = self._clock()
        due = [
            key
            for key, wait in self._waits.items()
            if wait.until_s <= now and wait.stalled <= stalled
        ]
        for key in due:
            del self._waits[key]
        return bool(due)

    def next_due_s(self) -> float | None:
        """Return in how many seconds the next pause is over; None if no key waits."""
        if not self._waits:
            return None
        return max(0.0, min(wait.until_s for wait in self._waits.values()) - self._clock())


@dataclass(slots=True)
class _Refusal:
    """A callback that was refused: how often, and the positions of its acknowledged records."""

    tries: int
    acknowledged: set[int] = field(default_factory=set[int])


class ChainPublisher:
    """Publishes chains. Remembers refused callbacks, and in ``backoff`` the keys that wait."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        spool: DiskSpool,
        publisher: Publisher,
        *,
        health: KafkaHealth,
        dead_letter: DeadLetterMaker,
        limits: DrainLimits,
        metrics: Metrics | None,
    ) -> None:
        self.backoff = KeyBackoff(
            time.monotonic, stalled_s=limits.stalled_s, refused=limits.refused
        )
        self._spool = spool
        self._publisher = publisher
        self._health = health
        self._dead_letter = dead_letter
        self._limits = limits
        self._metrics = metrics
        self._deletion: asyncio.Future[None] | None = None
        """The latest one."""
        self._refusals: dict[int, _Refusal] = {}
        self._logged_topics: set[str] = set()

    async def publish(self, chain: Sequence[SpooledCallback]) -> None:
        """Return when the chain is on Kafka and is being deleted, or its key waits."""
        key = chain[0].key
        while chain:
            try:
                done = await self._publish_head(chain)
            except TopicUnavailable as error:
                self._pause_for_topic(error, key)
                before = _before(error.topic, chain)
                chain = before if len(before) < len(chain) else []
            except (PartitionStalled, SpoolUnwritable):
                self.backoff.pause_stalled(key)
                return
            except Unavailable:
                self._health.cluster.record_failure()
                self.backoff.pause_stalled(key)
                return
            else:
                if not done:
                    return
                chain = chain[done:]

    async def probe(self, callback: SpooledCallback) -> bool | None:
        """Return whether Kafka acknowledges a callback; None if only a part of Kafka is away.

        A refusal means that Kafka answers: the callback is handled when the circuit is closed.
        """
        try:
            await self._publish(callback.records)
        except RecordRefused:
            return True
        except TopicUnavailable as error:
            self._pause_for_topic(error, callback.key)
            return None
        except Unavailable as error:
            self.backoff.pause_stalled(callback.key)
            return None if isinstance(error, PartlyUnavailable) else False
        self._complete([callback])
        return True

    async def _publish_head(self, chain: Sequence[SpooledCallback]) -> int:
        """Publish the head of a chain; return how many callbacks are done, 0 if the key waits."""
        together = list(takewhile(self._may_send, chain))
        if together and await self._publish_together(together):
            return len(together)
        first = chain[0]
        pause_s = self._topic_pause_s(first)
        if pause_s > 0:
            self.backoff.pause(first.key, pause_s)
            return 0
        return int(await self._publish_one_by_one(first))

    def _may_send(self, callback: SpooledCallback) -> bool:
        """Return True if a callback was never refused, and its topics are not paused."""
        return (
            not callback.tries
            and callback.number not in self._refusals
            and not self._topic_pause_s(callback)
        )

    def _topic_pause_s(self, callback: SpooledCallback) -> float:
        """Return how long the topics of a callback are still paused; 0 if they are not."""
        return max([self._health.topic_pause_s(record.topic) for record in callback.records])

    def _pause_for_topic(self, error: TopicUnavailable, key: bytes) -> None:
        """Pause the key until its topic may be tried again; log the first time."""
        self._health.record_topic_failure(error)
        self.backoff.pause(key, self._health.topic_pause_s(error.topic))
        if error.topic not in self._logged_topics:
            self._logged_topics.add(error.topic)
            log.warning("drain_waits_for_topic", topic=error.topic, cause=str(error))

    async def _publish(self, records: Sequence[Record]) -> None:
        """Return when Kafka has the records: rule 4."""
        now_ms = self._spool.now_ms()
        await self._publisher.publish(
            [
                one if one.timestamp_ms <= now_ms else one._replace(timestamp_ms=now_ms)
                for one in records
            ],
            deadline_s=self._limits.deadline_s,
            probing=True,
        )
        self._health.cluster.record_success()

    async def wait_for_deletions(self) -> None:
        """Return when the callbacks that are on Kafka are deleted, or remembered as published."""
        if self._deletion is not None:
            await self._deletion

    def _complete(self, callbacks: Sequence[SpooledCallback]) -> None:
        """Delete callbacks that are on Kafka: rule 5."""
        for one in callbacks:
            self._refusals.pop(one.number, None)
            if self._logged_topics:
                self._logged_topics.difference_update(record.topic for record in one.records)
        self._deletion = self._spool.remove(callbacks)
        if self._metrics is not None:
            self._metrics.count(Metric.DRAINED_TOTAL, by=len(callbacks))

    async def _publish_together(self, callbacks: Sequence[SpooledCallback]) -> bool:
        """Publish callbacks; return False if one was refused, and remember which were acknowledged."""
        try:
            await self._publish([record for one in callbacks for record in one.records])
        except RecordRefused as error:
            for one in callbacks:
                refusal = self._refusals.setdefault(one.number, _Refusal(one.tries))
                refusal.acknowledged.update(
                    position
                    for position, record in enumerate(one.records)
                    if record in error.acknowledged
                )
            return False
        self._complete(callbacks)
        return True

    async def _publish_one_by_one(self, callback: SpooledCallback) -> bool:
        """Publish the records of a callback one by one; return True if it is done: rules 1 and 2."""
        refusal = self._refusals.setdefault(callback.number, _Refusal(callback.tries))
        errors: dict[int, RecordRefused] = {}
        for position, record in enumerate(callback.records):
            if position not in refusal.acknowledged:
                try:
                    await self._publish([record])
                except RecordRefused as error:
                    errors[position] = error
                else:
                    refusal.acknowledged.add(position)
        if not errors:
            self._complete([callback])
            return True
        refusal.tries += 1
        if refusal.tries < self._limits.tries_max:
            self.backoff.pause_refused(callback.key, refusal.tries)
            await self._spool.record_tries(callback, refusal.tries)
            return False
        await self._dead_letter_or_park(callback, errors, refusal.tries)
        return True

    async def _dead_letter_or_park(
        self, callback: SpooledCallback, errors: dict[int, RecordRefused], tries: int
    ) -> None:
        """Publish a dead letter for a callback, or park it: rules 2 and 3."""
        refused = [callback.records[position] for position in errors]
        reason = next(iter(errors.values())).reason
        letter = self._dead_letter(callback.records, refused, reason, tries=tries)
        fields = {"topics": [one.topic for one in refused], "reason": reason, "tries": tries}
        again: RecordRefused | None = None
        try:
            await self._publish([letter])
        except RecordRefused as error:
            again = error
        if again is not None:
            await self._spool.park(callback, tries)
            self._refusals.pop(callback.number, None)
            log.error(
                "spooled_callback_parked", number=callback.number, again=again.reason, **fields
            )
            return
        log.error("spooled_callback_dead_lettered", **fields)
        if self._metrics is not None:
            self._metrics.count(Metric.DEAD_LETTERS_TOTAL, Stage.PUBLISH, reason)
        self._complete([callback])


def _before(topic: str, chain: Sequence[SpooledCallback]) -> list[SpooledCallback]:
    """Return the callbacks before the first one with a record for a topic: they need not wait."""
    return list(takewhile(lambda one: all(record.topic != topic for record in one.records), chain))
