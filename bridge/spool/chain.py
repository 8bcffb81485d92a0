"""Publishing one key's chain of spooled callbacks, in their order.

1. A chain goes to Kafka in one piece. If a record in it is refused, its callbacks go one by one, and
   the records of each one by one, which tells which is refused; what is known to be acknowledged is
   not sent again.
2. A refused callback is tried again after a while, ``tries_max`` times in all. Then a dead letter
   takes the place of its refused records, while the others are published as they are.
3. If the dead letter is refused too, the callback is parked: kept for a person to look at, and
   nothing waits behind it any more.
4. A record's time stamp later than now becomes now: brokers refuse records from their future.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Final, Protocol

import structlog

from bridge.core.record import Record
from bridge.publish import (
    PartitionStalled,
    PartlyUnavailable,
    Publisher,
    RecordRefused,
    TopicUnavailable,
    Unavailable,
)
from bridge.publish.breaker import CircuitBreaker
from bridge.spool import SpoolUnwritable
from bridge.spool.backoff import KeyBackoff
from bridge.spool.codec import SpooledCallback
from bridge.spool.spool import DiskSpool

log = structlog.get_logger()

TRIES_MAX: Final = 3


class DeadLetterMaker(Protocol):
    """Makes the record that takes the place of refused ones."""

    def __call__(
        self, records: Sequence[Record], refused: Sequence[Record], reason: str, *, tries: int
    ) -> Record:
        """Return the dead letter of a callback, of whose ``records`` some were refused."""
        ...


@dataclass(slots=True)
class _Refusal:
    """A callback that was refused: how often, and which of its records are on Kafka all the same."""

    tries: int
    acknowledged: set[int] = field(default_factory=set[int])


class ChainPublisher:
    """Publishes chains, and knows which callbacks are in trouble."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        spool: DiskSpool,
        publisher: Publisher,
        *,
        breaker: CircuitBreaker,
        waits: KeyBackoff,
        dead_letter: DeadLetterMaker,
        deadline_s: float,
        tries_max: int,
        now_ms: Callable[[], int],
        on_drained: Callable[[int], None],
        on_dead_letter: Callable[[str], None],
    ) -> None:
        self._spool = spool
        self._publisher = publisher
        self._breaker = breaker
        self._backoff = waits
        self._dead_letter = dead_letter
        self._deadline_s = deadline_s
        self._tries_max = tries_max
        self._now_ms = now_ms
        self._on_drained = on_drained
        self._on_dead_letter = on_dead_letter
        self._refusals: dict[int, _Refusal] = {}

    async def publish(self, chain: Sequence[SpooledCallback]) -> None:
        """Return when the chain is on Kafka and deleted, or its key waits."""
        key = chain[0].key
        while chain:
            try:
                done = await self._publish_head(chain)
            except TopicUnavailable as error:
                self._pause_for_topic(error, key)
                before = _before(error.topic, chain)
                chain = before if len(before) < len(chain) else []
            except PartitionStalled:
                self._backoff.pause_stalled(key)
                return
            except Unavailable:
                self._breaker.record_failure()
                self._backoff.pause_stalled(key)
                return
            except SpoolUnwritable:
                self._backoff.pause_stalled(key)
                return
            else:
                if not done:
                    return
                chain = chain[done:]

    async def _publish_head(self, chain: Sequence[SpooledCallback]) -> int:
        """Return how many callbacks at the head of the chain are done with; 0 if the key waits."""
        first = chain[0]
        topic = self._backoff.paused_topic(first)
        if topic is not None:
            self._backoff.pause_for_topic(topic, first.key)
            return 0
        if self._was_refused(first):
            return int(await self._publish_one_by_one(first))
        together = list(takewhile(self._may_send, chain))
        if await self._publish_together(together):
            return len(together)
        return int(await self._publish_one_by_one(first))

    async def probe(self, callback: SpooledCallback) -> bool | None:
        """Say whether Kafka acknowledges; None if only a part of it is away.

        A refusal says that Kafka is there; the callback's turn comes when the breaker is closed.
        """
        try:
            await self._send([callback])
        except RecordRefused:
            return True
        except TopicUnavailable as error:
            self._pause_for_topic(error, callback.key)
            return None
        except Unavailable as error:
            self._backoff.pause_stalled(callback.key)
            return None if isinstance(error, PartlyUnavailable) else False
        await self._complete([callback])
        return True

    def _was_refused(self, callback: SpooledCallback) -> bool:
        return callback.tries > 0 or callback.number in self._refusals

    def _may_send(self, callback: SpooledCallback) -> bool:
        return not self._was_refused(callback) and self._backoff.paused_topic(callback) is None

    def _pause_for_topic(self, error: TopicUnavailable, key: bytes) -> None:
        if self._backoff.pause_for_topic(error.topic, key):
            log.warning("drain_waits_for_topic", topic=error.topic, cause=str(error))

    async def _send(self, callbacks: Sequence[SpooledCallback]) -> None:
        await self._publish([record for one in callbacks for record in one.records])

    async def _publish(self, records: Sequence[Record]) -> None:
        """Return when Kafka has the records: rule 4."""
        now_ms = self._now_ms()
        await self._publisher.publish(
            [
                one if one.timestamp_ms <= now_ms else replace(one, timestamp_ms=now_ms)
                for one in records
            ],
            deadline_s=self._deadline_s,
            probing=True,
        )
        self._breaker.record_success()

    async def _complete(self, callbacks: Sequence[SpooledCallback]) -> None:
        for one in callbacks:
            self._refusals.pop(one.number, None)
            self._backoff.record_success(one)
        await self._spool.remove(callbacks)
        self._on_drained(len(callbacks))

    async def _publish_together(self, callbacks: Sequence[SpooledCallback]) -> bool:
        """Say whether all of the callbacks are done with; if not they are in trouble: rule 1."""
        try:
            await self._send(callbacks)
        except RecordRefused as error:
            for one in callbacks:
                trouble = self._refusals.setdefault(one.number, _Refusal(one.tries))
                trouble.acknowledged.update(
                    place
                    for place, record in enumerate(one.records)
                    if record in error.acknowledged
                )
            return False
        await self._complete(callbacks)
        return True

    async def _publish_one_by_one(self, callback: SpooledCallback) -> bool:
        """Say whether one callback, whose records go one by one, is done with: rules 1 and 2."""
        trouble = self._refusals.setdefault(callback.number, _Refusal(callback.tries))
        refusals: dict[int, RecordRefused] = {}
        for place, record in enumerate(callback.records):
            if place not in trouble.acknowledged:
                try:
                    await self._publish([record])
                except RecordRefused as error:
                    refusals[place] = error
                else:
                    trouble.acknowledged.add(place)
        if not refusals:
            await self._complete([callback])
            return True
        trouble.tries += 1
        if trouble.tries < self._tries_max:
            self._backoff.pause_refused(callback.key, trouble.tries)
            await self._spool.record_tries(callback, trouble.tries)
            return False
        return await self._dead_letter_or_park(callback, refusals, trouble)

    async def _dead_letter_or_park(
        self, callback: SpooledCallback, refusals: dict[int, RecordRefused], trouble: _Refusal
    ) -> bool:
        """Say whether a callback is done with, as a dead letter or parked: rules 2 and 3."""
        refused = [callback.records[place] for place in refusals]
        reason = next(iter(refusals.values())).reason
        letter = self._dead_letter(callback.records, refused, reason, tries=trouble.tries)
        again: RecordRefused | None = None
        try:
            await self._publish([letter])
        except RecordRefused as error:
            again = error
        about = {"topics": [one.topic for one in refused], "reason": reason, "tries": trouble.tries}
        if again is not None:
            await self._spool.park(callback, trouble.tries)
            self._refusals.pop(callback.number, None)
            log.error(
                "spooled_callback_parked", number=callback.number, again=again.reason, **about
            )
            return True
        log.error("spooled_callback_dead_lettered", **about)
        self._on_dead_letter(reason)
        await self._complete([callback])
        return True


def _before(topic: str, chain: Sequence[SpooledCallback]) -> list[SpooledCallback]:
    """Return the callbacks before the first that has a record for a topic: they need not wait."""

    def goes_elsewhere(callback: SpooledCallback) -> bool:
        return all(record.topic != topic for record in callback.records)

    return list(takewhile(goes_elsewhere, chain))
