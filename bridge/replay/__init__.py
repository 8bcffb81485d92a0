"""Sends stored records again: to new or live topics, to files, or to an HTTP server.

It holds the doorway that its targets share. It knows neither audit nor calls, nor the command line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka.structs import ConsumerRecord

TargetState = dict[str, Any]


class CannotWrite(Exception):
    """The target does not accept the records; the text says why. Flushed records stay."""


class TargetExists(Exception):
    """The output of the replay already exists; the text names it."""


@dataclass(frozen=True, slots=True)
class CheckpointPolicy:
    """When to flush the target: after ``records`` records at the latest, and after ``interval_s``.

    ``interval_s`` None means: flush after exactly ``records`` records, and at the end.
    """

    records: int
    interval_s: float | None


@dataclass(frozen=True, slots=True)
class ReplayRun:
    """Identity of a replay: its id, and its start in RFC 3339 UTC."""

    id: str
    at: str


class FileRecord(Protocol):
    """What a file gets a line or a row for: a record of a topic, or an event that was never stored.

    An event that was never stored has no ``partition`` and no ``offset``.
    """

    @property
    def topic(self) -> str:
        """Return the topic; for an event that was never stored, the topic it would be published to."""
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
        """Return when to flush."""
        ...

    async def write(self, records: Sequence[ConsumerRecord]) -> None:
        """Accept records, in their order. They need not be durable yet."""
        ...

    async def flush(self) -> TargetState:
        """Return when every written record is durable, with the state a later run needs to continue."""
        ...

    async def finish(self) -> None:
        """Complete the target, after the last flush."""
        ...
