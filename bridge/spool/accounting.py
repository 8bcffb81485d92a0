"""What is in the spool and on its way into it: counts, bounds, and what need not be published.

1. What is queued for the disk counts from the start: for the bounds, and for its key, whose newer
   callbacks must go behind it.
2. A key counts until its callbacks are on Kafka and deleted. Where the deletion fails they are
   remembered as published, not published again by this process, and deleted as soon as that works.
3. Numbers under ``number_min`` are of a file that was set aside, and change nothing here.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.spool import SpoolFull
from bridge.spool.codec import EncodedRecord, SpooledCallback, SpoolRange


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What a spool holds, as seen from outside.

    ``oldest_at_ms`` is when the callback that is first in line was spooled, ``damaged`` the number of
    files set aside in the directory.
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
    """Counts of callbacks; ``keys`` are those that newer callbacks have to go behind."""

    callbacks: int = 0
    records: int = 0
    size_bytes: int = 0
    parked: int = 0
    keys: Counter[bytes] = field(default_factory=Counter[bytes])

    def add(self, key: bytes, *, records: int, size_bytes: int) -> None:
        """Count one callback more."""
        self.callbacks += 1
        self.records += records
        self.size_bytes += size_bytes
        self.keys[key] += 1

    def subtract(self, *, records: int, size_bytes: int) -> None:
        """Count one callback less; its key is dropped apart."""
        self.callbacks -= 1
        self.records -= records
        self.size_bytes -= size_bytes

    def release_key(self, key: bytes) -> None:
        """Have one callback of a key less to go behind."""
        self.keys[key] -= 1
        if self.keys[key] <= 0:
            del self.keys[key]


@dataclass(frozen=True, slots=True)
class QueuedCallback:
    """One callback on its way into the file."""

    key: bytes
    rows: Sequence[EncodedRecord]
    spooled_at_ms: int
    tries: int = 0

    @property
    def size_bytes(self) -> int:
        """Return the bytes it will count for."""
        return sum(row.size_bytes for row in self.rows)


class SpoolAccounting:
    """The counts of one spool."""

    def __init__(self, *, bytes_max: int, records_max: int) -> None:
        self._bytes_max = bytes_max
        self._records_max = records_max
        self._number_min = 0
        self.stored = SpoolCounts()
        self.queued = SpoolCounts()
        self.published: dict[int, SpoolRange] = {}
        self._refused: tuple[int, int] | None = None

    @property
    def callbacks(self) -> int:
        """Return how many callbacks there are, kept or queued."""
        return self.stored.callbacks + self.queued.callbacks

    @property
    def records(self) -> int:
        """Return how many records they have."""
        return self.stored.records + self.queued.records

    @property
    def size_bytes(self) -> int:
        """Return what those count for."""
        return self.stored.size_bytes + self.queued.size_bytes

    @property
    def full(self) -> bool:
        """Say whether there is no room for what there was no room for last."""
        return self._refused is not None and not self._fits(*self._refused)

    @property
    def all_published(self) -> bool:
        """Say whether everything in the file is on Kafka already: rule 2."""
        return bool(self.published) and len(self.published) == self.stored.callbacks

    def reset(self, tally: SpoolCounts, number_min: int) -> None:
        """Begin with what a file holds: rule 3."""
        self.stored = tally
        self.published.clear()
        self._number_min = number_min

    def has_pending(self, key: bytes) -> bool:
        """Say whether callbacks of ``key`` are waiting."""
        return key in self.stored.keys or key in self.queued.keys

    def enqueue(self, callbacks: Sequence[QueuedCallback]) -> None:
        """Count callbacks as queued; raises SpoolFull where they do not fit."""
        asked = sum(len(one.rows) for one in callbacks), sum(one.size_bytes for one in callbacks)
        if not self._fits(*asked):
            self._refused = asked
            message = f"full: {self.records} records, {self.size_bytes} bytes"
            raise SpoolFull(message)
        for one in callbacks:
            self.queued.add(one.key, records=len(one.rows), size_bytes=one.size_bytes)

    def has_room(self, callbacks: Sequence[SpooledCallback]) -> bool:
        """Say whether callbacks can be adopted: half of the room is for those that are coming in."""
        records = sum(len(one.records) for one in callbacks)
        size_bytes = sum(one.size_bytes for one in callbacks)
        twice = self._fits(self.records + 2 * records, self.size_bytes + 2 * size_bytes)
        return twice or (not self.callbacks and self._fits(records, size_bytes))

    def _fits(self, records: int, size_bytes: int) -> bool:
        fits = self.records + records <= self._records_max
        return fits and self.size_bytes + size_bytes <= self._bytes_max

    def finish(self, callbacks: Sequence[QueuedCallback], *, ok: bool) -> None:
        """Count queued callbacks as kept, or as not there at all."""
        for one in callbacks:
            self.queued.subtract(records=len(one.rows), size_bytes=one.size_bytes)
            self.queued.release_key(one.key)
            if ok:
                self.stored.add(one.key, records=len(one.rows), size_bytes=one.size_bytes)

    def record_removal(self, callbacks: Sequence[SpoolRange], *, ok: bool) -> None:
        """Count callbacks that are on Kafka as deleted, or remember them: rule 2."""
        for one in callbacks:
            if one.number < self._number_min:
                continue
            if self.published.pop(one.number, None) is None:
                self.stored.release_key(one.key)
            if ok:
                self.stored.subtract(records=one.records, size_bytes=one.size_bytes)
            else:
                self.published[one.number] = one

    def record_parked(self, callback: SpooledCallback) -> None:
        """Count a callback as one that nothing waits behind."""
        if callback.number >= self._number_min:
            self.stored.parked += 1
            self.stored.release_key(callback.key)
