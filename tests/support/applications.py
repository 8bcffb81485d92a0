"""Customers' applications as intake sees them: the fake behind the doorway, and rules that ask them."""

import asyncio
from dataclasses import dataclass, field

from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import Catalogue
from bridge.core.journal import SentReply
from bridge.core.parse import Callback
from bridge.core.request import RawCallback
from bridge.core.verify import Unverified, Verified
from bridge.reply.applications import ApplicationAnswer
from bridge.reply.chosen import Ask, Given
from bridge.reply.rules import Rules

REPLY = SentReply(200, "text/xml", b"<Response><Speak>Hello</Speak></Response>")
FALLBACK = SentReply(200, "application/xml", b"<Response><Hangup/></Response>")


@dataclass
class FakeApplications:
    """Answers ``reply``, or raises ``fault``, once ``may_answer`` is set."""

    reply: SentReply = REPLY
    fault: Exception | None = None
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[str, RawCallback, CallbackType | None]] = field(default_factory=list)
    cancelled: int = 0

    async def ask(
        self, application: str, raw: RawCallback, kind: CallbackType | None
    ) -> ApplicationAnswer:
        self.asked.append((application, raw, kind))
        self.is_asked.set()
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fault is not None:
            raise self.fault
        return ApplicationAnswer(self.reply, 7)


def ready_applications(
    reply: SentReply = REPLY, fault: Exception | None = None
) -> FakeApplications:
    """Return applications that answer at once."""
    applications = FakeApplications(reply, fault)
    applications.may_answer.set()
    return applications


class AskAlways(Rules):
    """Has the application ``ivr`` asked for every callback."""

    def __init__(self, types: Catalogue, fallback: SentReply = FALLBACK) -> None:
        super().__init__((), (), types)
        self._ask = Ask("ivr", "to the ivr", fallback)

    def choose(self, callback: Callback) -> Given | Ask:
        return self._ask

    def choose_without_event(
        self, verdict: Verified | Unverified, route: CallbackType | None
    ) -> Given | Ask:
        return self._ask
