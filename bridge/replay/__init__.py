"""Reading the topics back, and replaying what is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka.structs import ConsumerRecord

TargetState = dict[str, Any]


class CannotWrite(Exception):
    """The target does not take the records; the text says why. What was settled before stays."""


class TargetExists(Exception):
    """What the replay would make is there already; the text names it."""


@dataclass(frozen=True, slots=True)
class CheckpointPolicy:
    """When to settle: after so many records at the latest, and after so many seconds.

    No ``seconds`` means that it can only be settled after exactly so many records, and at the end.
    """

    records: int
    interval_s: float | None


@dataclass(frozen=True, slots=True)
class ReplayRun:
    """What a replay says of itself: its id, and when it began, RFC 3339 UTC."""

    id: str
    at: str


class FileRecord(Protocol):
    """What a file has a line or a row for: a record of a topic, or one that no topic has.

    A record that no topic has is without ``partition`` and ``offset``.
    """

    @property
    def topic(self) -> str:
        """Return the topic, or the one that it would be published to."""
        ...

    @property
    def partition(self) -> int | None:
        """Return the partition."""
        ...

    @property
    def offset(self) -> int | None:
        """Return the offset."""
        ...

    @property
    def timestamp(self) -> int:
        """Return the timestamp in epoch milliseconds."""
        ...

    @property
    def key(self) -> bytes | None:
        """Return the key."""
        ...

    @property
    def value(self) -> bytes | None:
        """Return the value."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Return the headers, in their order."""
        ...


class Target(Protocol):
    """Where records are replayed to. Every method raises CannotWrite."""

    @property
    def checkpoint_policy(self) -> CheckpointPolicy:
        """Say when to settle."""
        ...

    async def write(self, records: Sequence[ConsumerRecord]) -> None:
        """Take records, in their order. They may not be durable yet."""
        ...

    async def flush(self) -> TargetState:
        """Return when all that was put is durable, with what a later run needs to go on from here."""
        ...

    async def finish(self) -> None:
        """Complete the target: everything was put and settled."""
        ...
