"""Count what is in the spool and on its way into it: limits, keys, and what is published already.

1. A callback that is queued for the disk counts from the start: for the limits, and for its key, whose
   newer callbacks have to queue behind it.
2. A key counts until its callbacks are on Kafka and deleted. Where the deletion fails, they are
   remembered as published: this process does not publish them again, and deletes them as soon as it can.
3. Numbers below ``number_min`` belong to a file that is not in use any more. They change nothing here.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.spool import SpoolFull
from bridge.spool.codec import EncodedCallback, SpoolEntry


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What a spool contains.

    ``oldest_at_ms`` is when the callback at the head of the queue was spooled. ``damaged`` is the number
    of damaged files in the directory.
    """

    callbacks: int
    records: int
    bytes: int
    oldest_at_ms: int | None
    parked: int
    damaged: int
    writable: bool


@dataclass(slots=True)
class SpoolCounts:
    """Counts of callbacks. ``keys`` has the keys whose newer callbacks have to queue."""

    callbacks: int = 0
    records: int = 0
    size_bytes: int = 0
    parked: int = 0
    keys: Counter[bytes] = field(default_factory=Counter[bytes])

    def add(self, callbacks: Sequence[EncodedCallback], *, records: int, size_bytes: int) -> None:
        """Add callbacks, which have so many records and bytes together."""
        self.callbacks += len(callbacks)
        self.records += records
        self.size_bytes += size_bytes
        for one in callbacks:
            self.keys[one.key] += 1

    def subtract(self, callbacks: int, *, records: int, size_bytes: int) -> None:
        """Subtract so many callbacks, but not their keys."""
        self.callbacks -= callbacks
        self.records -= records
        self.size_bytes -= size_bytes

    def release_key(self, key: bytes) -> None:
        """Decrement the number of a key's pending callbacks."""
        self.keys[key] -= 1
        if self.keys[key] <= 0:
            del self.keys[key]


class SpoolAccounting:
    """The counts of one spool: what is stored, what is queued for the disk, what is published."""

    def __init__(self, *, bytes_max: int, records_max: int) -> None:
        self._bytes_max = bytes_max
        self._records_max = records_max
        self._number_min = 0
        self.stored = SpoolCounts()
        self.queued = SpoolCounts()
        self.published: dict[int, SpoolEntry] = {}
        self._refused: tuple[int, int] | None = None

    @property
    def callbacks(self) -> int:
        """Return the number of callbacks, stored or queued."""
        return self.stored.callbacks + self.queued.callbacks

    @property
    def records(self) -> int:
        """Return the number of their records."""
        return self.stored.records + self.queued.records

    @property
    def size_bytes(self) -> int:
        """Return the bytes that they count for."""
        return self.stored.size_bytes + self.queued.size_bytes

    @property
    def full(self) -> bool:
        """Return True while the callbacks that were refused last would be refused again."""
        return self._refused is not None and not self._fits(*self._refused)

    @property
    def all_published(self) -> bool:
        """Return True if everything in the file is on Kafka already: rule 2."""
        return bool(self.published) and len(self.published) == self.stored.callbacks

    def reset(self, counts: SpoolCounts, number_min: int) -> None:
        """Start again with the counts of a file: rule 3."""
        self.stored = counts
        self.published.clear()
        self._number_min = number_min

    def has_pending(self, key: bytes) -> bool:
        """Return True if callbacks of ``key`` are stored or queued."""
        return key in self.stored.keys or key in self.queued.keys

    def enqueue(self, callbacks: Sequence[EncodedCallback]) -> None:
        """Count callbacks as queued; raise SpoolFull if they do not fit."""
        records, size_bytes = _measure(callbacks)
        if not self._fits(records, size_bytes):
            self._refused = records, size_bytes
            message = f"full: {self.records} records, {self.size_bytes} bytes"
            raise SpoolFull(message)
        self.queued.add(callbacks, records=records, size_bytes=size_bytes)

    def has_room(self, callbacks: Sequence[EncodedCallback]) -> bool:
        """Return True if callbacks can be adopted. Half of the room is reserved for new callbacks."""
        records, size_bytes = _measure(callbacks)
        twice = self._fits(self.records + 2 * records, self.size_bytes + 2 * size_bytes)
        return twice or (not self.callbacks and self._fits(records, size_bytes))

    def _fits(self, records: int, size_bytes: int) -> bool:
        fits = self.records + records <= self._records_max
        return fits and self.size_bytes + size_bytes <= self._bytes_max

    def finish(self, callbacks: Sequence[EncodedCallback], *, ok: bool) -> None:
        """Count queued callbacks as stored, or no longer at all."""
        records, size_bytes = _measure(callbacks)
        self.queued.subtract(len(callbacks), records=records, size_bytes=size_bytes)
        for one in callbacks:
            self.queued.release_key(one.key)
        if ok:
            self.stored.add(callbacks, records=records, size_bytes=size_bytes)

    def record_removal(self, callbacks: Sequence[SpoolEntry], *, ok: bool) -> None:
        """Count callbacks that are on Kafka as deleted, or remember them: rule 2."""
        for one in callbacks:
            if one.number < self._number_min:
                continue
            if self.published.pop(one.number, None) is None:
                self.stored.release_key(one.key)
            if ok:
                self.stored.subtract(1, records=one.records, size_bytes=one.size_bytes)
            else:
                self.published[one.number] = one

    def record_parked(self, callback: SpoolEntry) -> None:
        """Count a callback as parked: nothing queues behind it any more."""
        if callback.number >= self._number_min:
            self.stored.parked += 1
            self.stored.release_key(callback.key)


def _measure(callbacks: Sequence[EncodedCallback]) -> tuple[int, int]:
    """Return how many records and bytes callbacks have together."""
    records = size_bytes = 0
    for one in callbacks:
        records += one.records
        size_bytes += one.size_bytes
    return records, size_bytes
