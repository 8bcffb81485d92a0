"""The entry of the ledger about a request that dials."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from bridge.core.record import Record
from bridge.originate.placement import Placement

PartState = Literal["accepted", "refused", "unknown", "not_sent"]
_STATES: Final[tuple[PartState, ...]] = ("accepted", "refused", "unknown", "not_sent")


class NewRequest(NamedTuple):
    """A request to be written. ``parts`` are the destinations of each request to Plivo.

    ``body`` is Plivo's JSON with all destinations. ``client`` is the program, with its version.
    """

    reference: str
    idempotency_key: str | None
    account: str
    client: str
    body: Mapping[str, object]
    parts: tuple[tuple[str, ...], ...]
    requested_at: datetime


class PartEntry(NamedTuple):
    """One request to Plivo, counted from 1.

    ``begun_at`` None: it was not sent. ``placement`` None: it has no outcome, or not yet.
    """

    part: int
    destinations: tuple[str, ...]
    begun_at: datetime | None
    placement: Placement | None

    @property
    def state(self) -> PartState:
        """Return the outcome. A part that was begun and has none counts as unknown."""
        if self.placement is not None:
            return self.placement.outcome.value
        return "not_sent" if self.begun_at is None else "unknown"


class LedgerEntry(NamedTuple):
    """A request that is in the ledger."""

    reference: str
    idempotency_key: str | None
    account: str
    client: str
    body: Mapping[str, object]
    requested_at: datetime
    parts: tuple[PartEntry, ...]

    def list_destinations(self, state: PartState) -> tuple[str, ...]:
        """Return the destinations of all parts with a state."""
        return tuple(
            destination
            for part in self.parts
            if part.state == state
            for destination in part.destinations
        )

    @property
    def summary(self) -> str:
        """Return how many destinations have which outcome, in words."""
        counted = ((state, len(self.list_destinations(state))) for state in _STATES)
        return ", ".join(
            f"{count:,} {state.replace('_', ' ')}" for state, count in counted if count
        )


class UnpublishedRecord(NamedTuple):
    """A record that Kafka has not acknowledged, with its number in the ledger."""

    number: int
    record: Record


class LedgerUnusable(Exception):
    """The ledger cannot be read or written, so nothing may be sent. The text says why."""


class AlreadyRequested(Exception):
    """The idempotency key, or the reference, belongs to an earlier request: ``entry``."""

    def __init__(self, entry: LedgerEntry) -> None:
        at = entry.requested_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        super().__init__(f"requested already at {at} as {entry.reference}: {entry.summary}")
        self.entry = entry
