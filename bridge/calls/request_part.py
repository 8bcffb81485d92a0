"""A part of a request that dials, with its destinations: from a record, or from the local ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from bridge.calls.found import Json
from bridge.calls.match import Destination
from bridge.originate.entry import LedgerEntry, PartEntry

# Of parts without an outcome in the ledger, by whether they were begun.
_OPEN: Final = {
    False: "the program that places the calls stopped before, or has not come to it yet",
    True: "the ledger has no answer of Plivo, because the program stopped or still waits for it",
}


@dataclass(slots=True)
class RequestPart:
    """A part of a request, as a record or the ledger describes it: its destinations, by their number."""

    client: str
    parts: int
    destinations: dict[str, Destination] = field(default_factory=dict[str, Destination])

    @classmethod
    def from_record(cls, record: Json) -> "RequestPart":
        """Return the part without destinations. Raises KeyError, TypeError or ValueError."""
        return cls(str(record["client"]), int(record["parts"]))

    @classmethod
    def from_ledger(cls, entry: LedgerEntry, part: PartEntry) -> "RequestPart":
        """Return the part as the ledger has it."""
        placement = part.placement
        uuids = dict(placement.pair_destinations()) if placement else {}
        open_text = _OPEN[part.begun_at is not None]
        made = cls(entry.client, len(entry.parts))
        for number in part.destinations:
            made.destinations[number] = Destination(
                number=number,
                outcome=part.state,
                status=placement.status if placement else None,
                explanation=placement.explanation if placement else open_text,
                request_uuid=uuids.get(number),
                requested_at=part.begun_at or entry.requested_at,
                parameters=entry.body,
            )
        return made

    def add(
        self, number: object, uuid: object, record: Json, parameters: Mapping[str, Any]
    ) -> None:
        """Add a destination. Raises KeyError, TypeError or ValueError."""
        self.destinations[str(number)] = Destination(
            number=str(number),
            outcome=str(record["outcome"]),
            status=record["status"],
            explanation=str(record["explanation"]),
            request_uuid=None if uuid is None else str(uuid),
            requested_at=datetime.fromisoformat(record["requested_at"]).astimezone(UTC),
            parameters=dict(parameters),
        )


def read_account(record: Json) -> str:
    """Return the account that a record of a request names. Raises KeyError."""
    return str(record["source"]).removeprefix("/plivo/accounts/").partition("/")[0]
