"""What a spool holds, counted."""

from collections import Counter
from dataclasses import dataclass, field


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
