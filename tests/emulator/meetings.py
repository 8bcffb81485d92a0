"""Several calls in one room."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import Outcome, Parameters, Request
from bridge.emulator.machine.leg import CallUrls, Leg
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.person import HangUp, Input, Person
from bridge.emulator.machine.rooms import Control
from bridge.emulator.machine.world import World
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import ACCOUNT, BEGIN, CALLER, Receiver, url_of


def guest(
    joins_s: float, leaves_s: float | None = None, *, presses: str = "", after_s: float = 1.0
) -> Person:
    """Return a person who answers after some seconds, and hangs up some seconds later."""
    return Person(
        rings_after_s=joins_s - 0.5,
        answers_after_s=joins_s,
        inputs=(Input(presses, after_s=after_s),) if presses else (),
        hang_up=None if leaves_s is None else HangUp(leaves_s - joins_s),
    )


class Sent(NamedTuple):
    """A callback: whose it is (0: of the first call), what it says, and after how many seconds."""

    member: int
    what: str
    after_s: int


@dataclass(slots=True)
class Meeting:
    """Calls of which each answers with its own document. All are placed at the same moment."""

    driver: VirtualDriver
    legs: list[Leg] = field(default_factory=list[Leg])

    def control(self, member: int, control: Control, after_s: float) -> None:
        """Do something to a member at a moment."""
        self.run(after_s)
        assert self.driver.machine.control(self.legs[member].uuid, control)

    def run(self, until_s: float | None = None) -> None:
        """Run until a moment, or to the end."""
        self.driver.run(None if until_s is None else BEGIN + timedelta(seconds=until_s))

    def requests_of(self, *kinds: str) -> list[Request]:
        """Return the callbacks whose types begin with one of these."""
        return [one for one in self.driver.requests if one.type.startswith(kinds)]

    def find(self, what: str) -> Parameters:
        """Return the parameters of the only callback that says this."""
        (found,) = [one for one in self.driver.requests if say(one) == what]
        return found.parameters

    def sent(self, *kinds: str) -> list[Sent]:
        """Return the callbacks of these types, in order."""
        uuids = [leg.uuid for leg in self.legs]
        return [
            Sent(uuids.index(one.subject), say(one), round((at - BEGIN).total_seconds()))
            for one, at in zip(self.driver.requests, self.driver.sent_at, strict=True)
            if one.type.startswith(kinds)
        ]


def say(request: Request) -> str:
    """Return what a callback says: the event of a multi-party call, or the end of its type."""
    return request.parameters.get("EventName") or request.type.removeprefix("voice.")


def meet(
    *attendances: tuple[str, Person],
    documents: Mapping[str, str] | None = None,
    outcomes: Mapping[str, Outcome] | None = None,
    world: World | None = None,
) -> Meeting:
    """Place a call for each attendance: its document, and who answers."""
    answers = {f"answer-{place}": document for place, (document, _) in enumerate(attendances)}
    machine = Machine(world or World(BEGIN))
    meeting = Meeting(
        VirtualDriver(machine, Receiver({**answers, **(documents or {})}, outcomes or {}))
    )
    for place, (_, person) in enumerate(attendances):
        urls = CallUrls(url_of(f"answer-{place}"))
        order = CallOrder(ACCOUNT, CALLER, f"1415555020{place}", urls, person=person)
        meeting.legs.append(machine.place(order))
    return meeting
