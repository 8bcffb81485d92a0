"""A call machine on virtual time, with a receiver of documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import Outcome, Request, Response
from bridge.emulator.machine.leg import Account, CallUrls
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.person import Person
from bridge.emulator.machine.world import World
from bridge.emulator.virtual import VirtualDriver

BEGIN: Final = datetime(2026, 3, 7, 14, 13, 30, tzinfo=UTC)
ACCOUNT: Final = Account("MAXXXXXXXXXXXXXXXXXX", ("a-token",), ZoneInfo("America/New_York"))
HOST: Final = "https://hooks.example.com"
CALLER, CALLEE = "14155550100", "14155550123"


def url_of(name: str) -> tuple[str, str]:
    """Return a URL of the receiver, and the method POST."""
    return f"{HOST}/{name}", "POST"


URLS: Final = CallUrls(url_of("answer"), url_of("ring"), url_of("hangup"))


def document(elements: str) -> Response:
    """Return the answer that has these elements."""
    return Response(200, "application/xml", f"<Response>{elements}</Response>".encode())


@dataclass(slots=True)
class Receiver:
    """Answers with documents, by the last part of a path. Everything else gets an empty 200."""

    documents: Mapping[str, str] = field(default_factory=dict[str, str])
    outcomes: Mapping[str, Outcome] = field(default_factory=dict[str, Outcome])

    def __call__(self, request: Request) -> Outcome:
        """Return the answer to a request."""
        name = request.url.partition("?")[0].rpartition("/")[2]
        if name in self.outcomes:
            return self.outcomes[name]
        return document(self.documents[name]) if name in self.documents else Response(200)


def drive(
    documents: Mapping[str, str] | None = None,
    *,
    person: Person | None = None,
    outcomes: Mapping[str, Outcome] | None = None,
    order: CallOrder | None = None,
    world: World | None = None,
    latency_s: float = 0.05,
) -> VirtualDriver:
    """Place one call, run until nothing is left to do, and return what happened."""
    machine = Machine(world or World(BEGIN))
    receiver = Receiver(documents or {}, outcomes or {})
    driver = VirtualDriver(machine, receiver, latency_s=latency_s)
    machine.place(order or CallOrder(ACCOUNT, CALLER, CALLEE, URLS, person=person))
    driver.run()
    return driver


def types(driver: VirtualDriver) -> list[str]:
    """Return the types of the callbacks, in order."""
    return [request.type for request in driver.requests]
