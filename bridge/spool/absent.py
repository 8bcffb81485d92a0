"""No spool: what Kafka does not take is not kept."""

from collections.abc import Sequence

from bridge.core.record import Record
from bridge.spool import SpoolUnwritable


class NoSpool:
    """The spool of a bridge that was told to have none."""

    writable = False

    def has_pending(self, key: bytes) -> bool:  # noqa: ARG002 (the doorway's)
        """Return False: nothing waits."""
        return False

    async def append(self, records: Sequence[Record]) -> None:  # noqa: ARG002 (the doorway's)
        """Raise SpoolUnwritable."""
        message = "there is none"
        raise SpoolUnwritable(message)
