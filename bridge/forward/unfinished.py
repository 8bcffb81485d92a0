"""Which offsets of a partition may be committed.

1. Notifications are finished in any order, and a commit is one offset: everything below it is done. So
   only what is below the lowest unfinished record is committed.
2. Records that are not to be sent are finished as soon as they are read.
"""


class UnfinishedOffsets:
    """The unfinished records of one partition that this process has read."""

    __slots__ = ("_next_offset", "_unfinished")

    def __init__(self) -> None:
        # In the order of offsets, because a partition is read in this order.
        self._unfinished: dict[int, None] = {}
        self._next_offset: int | None = None

    @property
    def position(self) -> int | None:
        """Return the offset to commit: rule 1. None if nothing was read."""
        return next(iter(self._unfinished), self._next_offset)

    def begin(self, offset: int) -> None:
        """Note a record that is to be sent."""
        self._unfinished[offset] = None

    def finish(self, offset: int) -> None:
        """Note that a record was delivered or dead-lettered."""
        del self._unfinished[offset]

    def read_up_to(self, next_offset: int) -> None:
        """Note that all records below ``next_offset`` were read: rule 2."""
        self._next_offset = next_offset
