"""Keeping records on our disk until Kafka takes them: fsynced, in order, bounded."""

from collections.abc import Sequence
from typing import Protocol

from bridge.core.record import Record


class NotSpooled(Exception):
    """The records are not on our disk. The text says why, in a few words without content."""


class SpoolFull(NotSpooled):
    """The spool has reached its bound of bytes or records."""


class SpoolUnwritable(NotSpooled):
    """The disk does not take them now: full, read-only, broken, or there is no spool."""


class Spool(Protocol):
    """The doorway to the disk."""

    @property
    def writable(self) -> bool:
        """Say whether an append can be expected to work now."""
        ...

    def has_pending(self, key: bytes) -> bool:
        """Say whether records of ``key`` are waiting, so that newer ones must go behind them."""
        ...

    async def append(self, records: Sequence[Record]) -> None:
        """Return when one callback's records, all of one key, are fsynced together.

        Raises SpoolFull or SpoolUnwritable, and then nothing of them is kept.
        """
        ...
