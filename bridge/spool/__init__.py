"""Store records on our disk until Kafka acknowledges them: fsynced, in the order of their key, bounded.

The room knows SQLite, and publishes through the Publisher doorway. It must not know aiokafka, HTTP, what
a callback says, or settings.
"""

from collections.abc import Sequence
from typing import Protocol

from bridge.core.record import Record


class NotSpooled(Exception):
    """The records are not on our disk. The text says why, and contains nothing of the records."""


class SpoolFull(NotSpooled):
    """The spool has reached its limit of bytes or records."""


class SpoolUnwritable(NotSpooled):
    """The disk does not take records now: full, read-only or broken; or there is no spool."""


class Spool(Protocol):
    """The doorway to the disk."""

    @property
    def writable(self) -> bool:
        """Return True if an append can be expected to work now."""
        ...

    def has_pending(self, key: bytes) -> bool:
        """Return True if records of ``key`` are spooled: newer ones have to queue behind them."""
        ...

    async def append(self, records: Sequence[Record]) -> None:
        """Return when the records of one callback, all with one key, are fsynced together.

        Raises SpoolFull or SpoolUnwritable; then none of them is stored.
        """
        ...


class NoSpool:
    """No spool is configured: takes nothing, so what Kafka does not acknowledge is refused."""

    writable = False

    def has_pending(self, key: bytes) -> bool:  # noqa: ARG002 (the doorway's)
        """Return False."""
        return False

    async def append(self, records: Sequence[Record]) -> None:  # noqa: ARG002 (the doorway's)
        """Raise SpoolUnwritable."""
        message = "there is none"
        raise SpoolUnwritable(message)
