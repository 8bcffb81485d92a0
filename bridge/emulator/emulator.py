"""One emulated Plivo on an event loop: its accounts, its calls, and a history of what it sent.

1. ``do`` reports every input from outside: an API request, a test, a scenario.
2. ``reset`` forgets calls and history, and begins again with the same seed. What others keep about
   calls, they forget when ``on_reset`` tells them.
3. The machine's clock begins at ``start`` and runs ``speed`` times as fast as real time. If it runs
   faster, it begins ``_HEAD_START`` earlier by default: a callback that names a time after its own
   receipt would look like one of a wrong time zone.
"""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from bridge.emulator.chaos.options import Chaos
from bridge.emulator.chaos.stage import add_chaos
from bridge.emulator.directory import Directory
from bridge.emulator.history import History
from bridge.emulator.live import LiveDriver
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import Command, Outcome, Request
from bridge.emulator.machine.leg import Account, Leg, Parties
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.message import Message, MessageOrder
from bridge.emulator.machine.person import Person
from bridge.emulator.machine.world import Conditions, FindPerson, World, answer_everybody
from bridge.emulator.sender import Sender, make_client

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

# The bridge takes a local time as confirmed if the receipt follows within twelve minutes.
_HEAD_START: Final = timedelta(minutes=10)


class NoApplication(LookupError):
    """Nobody answers a number: it is not rented, or has no application."""


class Emulator:
    """An emulated Plivo. Use it as an async context manager.

    ``start`` is an aware datetime; None: now. ``transport`` None: the network; an
    ``httpx.ASGITransport`` calls an ASGI application directly. With ``rests`` it is faster than real
    time only while there is something to do.
    """

    def __init__(  # noqa: PLR0913 (all by keyword, each with a default)
        self,
        directory: Directory,
        *,
        seed: int = 0,
        speed: float = 1.0,
        start: datetime | None = None,
        find_person: FindPerson = answer_everybody,
        conditions: Conditions | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
        chaos: Chaos | None = None,
        rests: bool = False,
    ) -> None:
        self.directory = directory
        self.history = History()
        self.seed, self.speed = seed, speed
        self._start, self._rests = start, rests
        self._find_person, self._conditions = find_person, conditions
        self._transport, self._chaos = transport, chaos
        self._changed = asyncio.Event()
        self._observers: list[Callable[[Command], None]] = []
        self._answer_observers: list[Callable[[Request, Outcome], None]] = []
        self._resets: list[Callable[[], None]] = []
        self._stack = AsyncExitStack()

    @classmethod
    def of_account(
        cls,
        account: Account,
        *,
        seed: int = 0,
        speed: float = 1.0,
        start: datetime | None = None,
        chaos: Chaos | None = None,
    ) -> Self:
        """Return an emulator of one account without applications and numbers."""
        return cls(Directory([account]), seed=seed, speed=speed, start=start, chaos=chaos)

    async def __aenter__(self) -> Self:
        client = await self._stack.enter_async_context(make_client(self._transport))
        self._sender = Sender(client, self.directory.accounts)
        self._begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._driver.close()
        await self._stack.aclose()

    @property
    def now(self) -> datetime:
        """Return the machine's time."""
        return self._driver.now

    @property
    def world(self) -> World:
        """Return the world of the calls; another one after each reset."""
        return self._machine.world

    def do(self, act: Callable[[Machine], T]) -> T:
        """Report inputs: ``act`` makes them. Return its result, after the machine has reacted."""
        return self._driver.do(act)

    def place_call(self, order: CallOrder) -> Leg:
        """Begin an outbound call."""
        return self.do(lambda machine: machine.place(order))

    def receive_call(self, caller: str, number: str, person: Person | None = None) -> Leg:
        """Begin an inbound call to a rented number. ``person`` calls; None: one of the world's.

        Raises NoApplication.
        """
        application = self.directory.find_application(number)
        if application is None:
            raise NoApplication(number)
        account = self.directory.accounts[application.auth_id]
        parties = Parties("inbound", caller.removeprefix("+"), number.removeprefix("+"))

        def receive(machine: Machine) -> Leg:
            calls = person or machine.world.find_person(parties.caller, machine.world.random)
            return machine.receive(account, calls, parties, application.urls)

        return self.do(receive)

    def receive_message(self, sender: str, number: str, text: str) -> Message:
        """Send a message to a rented number. Raises NoApplication."""
        application = self.directory.find_application(number)
        if application is None:
            raise NoApplication(number)
        order = MessageOrder(
            self.directory.accounts[application.auth_id],
            sender.removeprefix("+"),
            number.removeprefix("+"),
            text,
            url=application.message,
        )
        return self.do(lambda machine: machine.receive_message(order))

    def send_message(self, order: MessageOrder) -> Message:
        """Begin to send a message."""
        return self.do(lambda machine: machine.send_message(order))

    def set_person(self, number: str, person: Person) -> None:
        """Say who is reached at a number, until the next reset."""
        self.world.people[number.removeprefix("+")] = person

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a condition on history or calls holds; return False if time runs out before.

        ``timeout_s`` is in real seconds.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await self._changed.wait()
        return condition()

    def observe(self, observer: Callable[[Command], None]) -> None:
        """Call ``observer`` with each command of the machine, before it is performed."""
        self._observers.append(observer)

    def observe_answers(self, observer: Callable[[Request, Outcome], None]) -> None:
        """Call ``observer`` with each request and its outcome."""
        self._answer_observers.append(observer)

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is on its way and no timer runs: every call has ended."""
        return self._driver.is_idle

    async def wait_until_idle(self) -> None:
        """Return when every call has ended, and every callback is delivered or given up."""
        while not self.is_idle:
            await self._changed.wait()

    def on_reset(self, forget: Callable[[], None]) -> None:
        """Call ``forget`` at each reset."""
        self._resets.append(forget)

    async def reset(self) -> None:
        """Forget all calls and the history; stop what is on its way. Begin again, with the seed."""
        await self._driver.close()
        self.history = History()
        self._begin()
        for forget in self._resets:
            forget()
        self._wake()

    def _begin(self) -> None:
        now = datetime.now(UTC)  # noqa: TID251 (the emulator reads the clock)
        start = self._start or (now - _HEAD_START if self.speed > 1 else now)
        world = World(
            start.astimezone(UTC),
            seed=self.seed,
            find_person=self._find_person,
            conditions=self._conditions,
        )
        if self._chaos is not None:
            add_chaos(world, self._chaos, self.seed)
        self._machine = Machine(world)
        self._driver = LiveDriver(
            self._machine,
            self._send,
            speed=self.speed,
            observe=self._observe,
            on_idle=self._wake,
            rests=self._rests,
        )

    def _observe(self, command: Command) -> None:
        self.history.add(command, self.world.now)
        for observer in self._observers:
            observer(command)
        self._wake()

    async def _send(self, request: Request) -> Outcome:
        outcome = await self._sender.send(request)
        self.history.add_outcome(request.id, outcome, self.now)
        for observer in self._answer_observers:
            observer(request, outcome)
        self._wake()
        return outcome

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
