"""The spool of a bridge that is configured without one."""

from collections.abc import Sequence

from bridge.core.record import Record
from bridge.spool import SpoolUnwritable


class NoSpool:
    """Takes nothing: what Kafka does not acknowledge is refused."""

    writable = False

    def has_pending(self, key: bytes) -> bool:  # noqa: ARG002 (the doorway's)
        """Return False."""
        return False

    async def append(self, records: Sequence[Record]) -> None:  # noqa: ARG002 (the doorway's)
        """Raise SpoolUnwritable."""
        message = "there is none"
        raise SpoolUnwritable(message)
