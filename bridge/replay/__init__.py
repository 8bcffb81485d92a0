"""Reading the topics back, and replaying what is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka.structs import ConsumerRecord

State = dict[str, Any]


class CannotWrite(Exception):
    """The target does not take the records; the text says why. What was settled before stays."""


class TargetExists(Exception):
    """What the replay would make is there already; the text names it."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """When to settle: after so many records at the latest, and after so many seconds.

    No ``seconds`` means that it can only be settled after exactly so many records, and at the end.
    """

    records: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a replay says of itself: its id, and when it began, RFC 3339 UTC."""

    id: str
    at: str


class Target(Protocol):
    """Where records are replayed to. Every method raises CannotWrite."""

    @property
    def cadence(self) -> Cadence:
        """Say when to settle."""
        ...

    async def put(self, records: Sequence[ConsumerRecord]) -> None:
        """Take records, in their order. They may not be durable yet."""
        ...

    async def settle(self) -> State:
        """Return when all that was put is durable, with what a later run needs to go on from here."""
        ...

    async def finish(self) -> None:
        """Complete the target: everything was put and settled."""
        ...
