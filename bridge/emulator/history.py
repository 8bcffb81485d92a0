"""What an emulator sent, and what was answered."""

from dataclasses import dataclass
from datetime import datetime

from bridge.emulator.machine.commands import Outcome, Request


@dataclass(slots=True)
class Sent:
    """One request and its outcome; None while there is none. Times are the machine's."""

    request: Request
    sent_at: datetime
    outcome: Outcome | None = None
    answered_at: datetime | None = None


class History:
    """The requests of an emulator, oldest first."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self._by_id: dict[int, Sent] = {}

    def add_request(self, request: Request, at: datetime) -> None:
        """Record a request that goes out."""
        sent = Sent(request, at)
        self.sent.append(sent)
        self._by_id[request.id] = sent

    def add_outcome(self, request_id: int, outcome: Outcome, at: datetime) -> None:
        """Record how a request ended."""
        sent = self._by_id[request_id]
        sent.outcome, sent.answered_at = outcome, at
